"""Change of the share of texts with a trace of a wrong encoding."""

from __future__ import annotations

from math import pi, sqrt
from typing import ClassVar

from watchkeeper.compare.cells import effective_size, lacking
from watchkeeper.core.evidence import Change, Evidence, Quantity, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.intervals import newcombe, wilson
from watchkeeper.stats.text_characters import TextCharactersPart

__all__ = ["EncodingDamage"]


class EncodingDamage:
    """Share of texts with a trace of a wrong encoding now, minus the same share in the reference.

    Traces are U+FFFD, the control codes 0x80 to 0x9F, and two neighbours such as Ã© that UTF-8 read as Latin-1 or
    Windows-1252 leaves behind. Text without a letter or sign beyond ASCII shows none. The interval is Newcombe's.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "encoding_damage"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Columns of free text."""
        return column.kind is Kind.TEXT

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the change, positive when more is damaged."""
        a = reference.part("text_characters", TextCharactersPart)
        b = current.part("text_characters", TextCharactersPart)
        missing = lacking(self.name, current, a.texts, b.texts)
        if missing:
            return missing
        p, q = a.damaged / a.texts, b.damaged / b.texts
        pooled, size = (a.damaged + b.damaged) / (a.texts + b.texts), effective_size(a.texts, b.texts)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, q - p, b.texts,
            error=sqrt(p * (1 - p) / a.texts + q * (1 - q) / b.texts),
            floor=sqrt(2 / pi * pooled * (1 - pooled) / size),
            interval=newcombe(a.damaged, a.texts, b.damaged, b.texts),
            evidence=Evidence(
                Change(Quantity.SHARE, p, q, wilson(a.damaged, a.texts)[1], ("damaged texts",)), Size(a.texts, size)
            ),
        )  # fmt: skip

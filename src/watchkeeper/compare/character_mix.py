"""Change of the classes of characters that texts are made of."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import lacking, sizes
from watchkeeper.compare.divergence import mean_of_largest
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.intervals import Z
from watchkeeper.stats.text_alphabet import CLASSES
from watchkeeper.stats.text_characters import TextCharactersPart

__all__ = ["CharacterMix"]


class CharacterMix:
    """max over classes of |q - p|, p and q the mean share of the class in a text of the reference and now.

    The classes are upper case and other letters, each within ASCII and beyond, digits, punctuation, other symbols,
    white space, and control or unknown characters. Every text counts alike. The interval is that of the class itself,
    for a difference of means; the floor, what sampling alone gives on average, is the mean of the largest of
    independent normal changes with the standard errors of the classes. A share lies in [0, 1], so Hoeffding's
    inequality holds at the effective number of texts.

    References
    ----------
    Hoeffding (1963), Probability inequalities for sums of bounded random variables,
    doi:10.1080/01621459.1963.10500830.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "character_mix"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Columns of free text."""
        return column.kind is Kind.TEXT

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the largest change, and which class it was."""
        a = reference.part("text_characters", TextCharactersPart)
        b = current.part("text_characters", TextCharactersPart)
        missing = lacking(self.name, current, a.texts, b.texts)
        if missing:
            return missing
        p, q = a.sums / a.texts, b.sums / b.texts
        errors = np.sqrt(
            np.maximum(a.squares / a.texts - p * p, 0.0) / a.texts
            + np.maximum(b.squares / b.texts - q * q, 0.0) / b.texts
        )
        worst = int(np.abs(q - p).argmax())
        value, error = float(abs(q - p)[worst]), float(errors[worst])
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, b.texts,
            error=error, floor=mean_of_largest(errors),
            interval=(max(0.0, value - Z * error), min(1.0, value + Z * error)),
            evidence=Evidence(
                Change(Quantity.SHARE, float(p[worst]), float(q[worst]), levels=(CLASSES[worst],)),
                sizes(a.texts, b.texts),
            ),
        )  # fmt: skip

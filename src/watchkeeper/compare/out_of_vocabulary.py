"""Share of words that the reference never used."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import effective_size, lacking
from watchkeeper.core.evidence import Change, Evidence, Quantity, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.intervals import Z, wilson
from watchkeeper.stats.text_buckets import BucketsPart
from watchkeeper.stats.text_tokens import TOKEN_BUCKETS

__all__ = ["OutOfVocabulary"]

_FAR = 4.264890793922602
"""Normal quantile that a share exceeds by chance once in 100,000 times."""


class OutOfVocabulary:
    """max(0, q - p): q the share of tokens whose bucket the reference never saw, p the share it misses itself.

    A token counts once for each text it is in. p is the Good–Turing estimate, the number of buckets that exactly one
    text of the reference falls into over the sum of all: what a text of the reference would show if it were
    held out. Another sample of the same texts therefore gives q = p on average, however small the reference is.
    Without the estimate every window would look new: a tenth of the words of a fresh sentence are.

    Tokens of one text go together, so a share rests on the effective number of texts, which is ``n``: (Σ m)²/Σ m² for
    m different tokens in a text. ``reference_upper`` is Wilson's limit for p at that size. A token that is new shares
    a bucket with a known one with probability ``hidden``, the share of occupied buckets, and is then overlooked; p and
    q are lowered by it alike. Assumes that the texts of the reference are not copies of one another: copies hide what
    a new text would bring.

    References
    ----------
    Good (1953), The population frequencies of species, doi:10.1093/biomet/40.3-4.237.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "out_of_vocabulary"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Columns of free text."""
        return column.kind is Kind.TEXT

    def compare(self, reference: State, current: State) -> Measurement:
        """Return how much larger the share of unknown tokens is than the reference's own."""
        a, b = reference.part("text_tokens", BucketsPart), current.part("text_tokens", BucketsPart)
        missing = lacking(self.name, current, a.pairs, b.pairs)
        if missing:
            return missing
        known = np.isin(b.buckets, a.buckets, assume_unique=True)
        p, q = float((a.counts == 1).sum()) / a.pairs, float(b.counts[~known].sum()) / b.pairs
        size = effective_size(a.weight, b.weight)
        error = sqrt(p * (1 - p) / a.weight + q * (1 - q) / b.weight)
        value = max(0.0, q - p)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, max(1, round(b.weight)),
            error=error, floor=0.4 * error, interval=(max(0.0, q - p - Z * error), min(1.0, value + Z * error)),
            evidence=Evidence(
                Change(Quantity.SHARE, p, q, wilson(p * a.weight, a.weight, _FAR)[1], ("unknown tokens",)),
                Size(a.texts, size),
                details={"texts": b.texts, "hidden": len(a.buckets) / TOKEN_BUCKETS},
            ),
        )  # fmt: skip

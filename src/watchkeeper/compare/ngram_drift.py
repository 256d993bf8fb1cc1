"""Change of the runs of three characters in texts."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.compare.adjusted_divergence import bucket_drift
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State

__all__ = ["NgramDrift"]


class NgramDrift:
    """√((JS - E) / (1 - E)): the Jensen–Shannon divergence of runs of three characters, adjusted for chance.

    JS is taken over the shares of hashed buckets, in bits; a text counts once in each. Most runs are rare, so
    two samples of the same texts differ by far: E is what JS is on average when the texts of both sides are dealt out
    at random (``by_chance``). The value is 0 at or below chance and 1 for texts that share nothing but could.
    Languages, spellings, case and damaged encodings show, while the length of texts hardly does.

    The floor is the value that chance gives on average. It takes buckets for independent; words come in company, and
    ``spread``, the standard deviation of JS by chance, may be 1.7 times as large.

    References
    ----------
    Lin (1991), Divergence measures based on the Shannon entropy, doi:10.1109/18.61115. The adjustment is that of
    Vinh, Epps and Bailey (2010), Information theoretic measures for clusterings comparison, JMLR 11, 2837–2854.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "ngram_drift"
    identical: ClassVar[float] = 0.0
    needs: ClassVar[tuple[str, ...]] = ("text_ngrams",)

    def applies(self, column: Column) -> bool:
        """Columns of free text."""
        return column.kind is Kind.TEXT

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the distance with its floor."""
        return bucket_drift(self.name, "text_ngrams", reference, current)

"""Change of the lengths of texts."""

from __future__ import annotations

from math import log, sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import effective_size, lacking
from watchkeeper.core.evidence import Change, Evidence, Quantity, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.text_lengths import TextLengthsPart

__all__ = ["TextLength"]

_MEAN_OF_KOLMOGOROV = 0.8687311606361592
"""√(π/2)·ln 2."""


def _distance(a: HistogramPart, b: HistogramPart) -> float:
    bins = np.union1d(a.bins, b.bins)
    difference = np.zeros(len(bins))
    difference[np.searchsorted(bins, a.bins)] += a.counts / a.n
    difference[np.searchsorted(bins, b.bins)] -= b.counts / b.n
    return float(np.abs(np.cumsum(difference)).max())


class TextLength:
    """D = max |F_current - F_reference| of the number of characters of a text.

    The Kolmogorov–Smirnov distance over the bins of the universal histogram: exact up to 256 characters, and read at
    bins at most .8 % wide beyond. The same distance for the number of tokens is stated as ``tokens``. The interval is
    that of Dvoretzky, Kiefer, Wolfowitz and Massart, which is conservative for whole numbers.

    References
    ----------
    Massart (1990), The tight constant in the DKW inequality, doi:10.1214/aop/1176990746.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "text_length"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Columns of free text."""
        return column.kind is Kind.TEXT

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the distance, and the medians before and now."""
        a, b = reference.part("text_lengths", TextLengthsPart), current.part("text_lengths", TextLengthsPart)
        missing = lacking(self.name, current, a.n, b.n)
        if missing:
            return missing
        value, size = _distance(a.characters, b.characters), effective_size(a.n, b.n)
        half = sqrt(log(2 / 0.05) / (2 * size))
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, b.n,
            floor=_MEAN_OF_KOLMOGOROV / sqrt(size),
            interval=(max(0.0, value - half), min(1.0, value + half)),
            evidence=Evidence(
                Change(
                    Quantity.MEDIAN, float(a.characters.quantile(0.5)), float(b.characters.quantile(0.5)),
                    unit="characters",
                ),
                Size(a.n, size),
                details={"tokens": _distance(a.tokens, b.tokens)},
            ),
        )  # fmt: skip

"""A column that arrives in another unit."""

from __future__ import annotations

from math import exp, inf, log, sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import effective_size, lacking, sizes
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind, Role
from watchkeeper.core.state import State
from watchkeeper.schema.kinds import ROUNDING
from watchkeeper.schema.names import words_of
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.moments import MomentsPart

__all__ = ["UnitChange"]

_RESOLVED = 64
_CODES = 5
_COUNTS = frozenset({"count", "counts", "cnt", "n", "num", "qty", "quantity", "rows"})
_CLOSE, _SHAPE = 0.05, 1.63
_LEVELS = np.linspace(0.05, 0.95, 19)
_KNOWN = {
    "miles → kilometres": 1.609344,
    "feet → metres": 0.3048,
    "inches → centimetres": 2.54,
    "pounds → kilograms": 0.45359237,
    "gallons → litres": 3.785411784,
    "units → tens": 0.1,
    "units → hundreds": 0.01,
    "units → thousands": 0.001,
    "units → millions": 1e-6,
    "hours → minutes": 60.0,
    "hours → seconds": 3600.0,
    "days → hours": 24.0,
    "days → seconds": 86400.0,
}


def _shares(reference: State, current: State) -> bool:
    """Return whether both sides hold numbers between 0 and 1, and not whole ones alone."""
    p, q = reference.part("moments", MomentsPart), current.part("moments", MomentsPart)
    whole = p.smallest == 0 and p.largest == 0
    return min(p.smallest, q.smallest) >= 0 and max(p.largest, q.largest) <= 1 + ROUNDING and not whole


def _known() -> list[tuple[float, str]]:
    turned = [(1 / factor, " → ".join(reversed(words.split(" → ")))) for words, factor in _KNOWN.items()]
    return [*((factor, words) for words, factor in _KNOWN.items()), *turned]


class UnitChange:
    """The constant ratio by which all quantiles moved; 1 when none explains the change.

    r = exp(median ln(Q_current(u)/Q_reference(u))) over 19 levels u. Let D be the Kolmogorov–Smirnov distance and D_r
    the distance after dividing by r. With D at least .1 and at least 2.5·√(1/n0 + 1/n), which unchanged data
    reach once in 130,000 times, r is reported

    - as the factor of a known pair of units within 5 % of it, when D_r is then at most D/4 and at most .05, the
      default tolerance: rows of another week have another mix even in the right unit;
    - as it is, for any other r beyond 1.5 or below 1/1.5, when D_r is no more than sampling explains,
      1.63·√(1/n0 + 1/n): a column whose scale moves by nature rarely keeps its shape that well.

    Where the change is so large that the current values share a few bins of the reference's histogram, r is the ratio
    of the means, reported when the ratio of the standard deviations agrees within 10 %. For columns of one sign. A
    column with two to four values is one of codes, which have no unit; nor has a score, a share (a column with
    fractions that stays within [0, 1] on both sides), or a number of things, which is a column of whole numbers whose
    name says so, such as ``n_orders`` or ``row_count``.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "unit_change"
    identical: ClassVar[float] = 1.0

    def applies(self, column: Column) -> bool:
        """Numeric columns that may have a unit."""
        counts = column.dtype.startswith(("Int", "UInt")) and not _COUNTS.isdisjoint(words_of(column.name))
        return column.kind is Kind.NUMERIC and column.role not in (Role.SCORE, Role.CLASS_SCORE) and not counts

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the ratio, the distances before and after dividing by it, and the units that fit."""
        p, q = reference.part("histogram", HistogramPart), current.part("histogram", HistogramPart)
        missing = lacking(self.name, current, p.n, q.n)
        if missing:
            return missing
        details: dict[str, float | str] = {}
        coded = 1 < len(p.bins) < _CODES or _shares(reference, current)
        ratio = 1.0 if coded else _ratio(p.quantile(_LEVELS), q.quantile(_LEVELS))
        before = _distance(p, q, 1.0)
        chance = 2.5 / sqrt(effective_size(p.n, q.n))
        ratio, after, units = _explained(p, q, ratio, before) if before >= max(0.1, chance) else (1.0, before, "")
        if ratio == 1.0 and not coded and before >= max(0.5, chance) and len(q.bins) < _RESOLVED <= len(p.bins):
            ratio = _by_moments(reference.part("moments", MomentsPart), current.part("moments", MomentsPart))
            units = next((words for factor, words in _known() if abs(log(ratio / factor)) < 0.05), "")
            details["by"] = "mean and deviation"
        details |= {"rescaled": after, "units": units}
        evidence = Evidence(size=sizes(p.n, q.n), distance=before, details=details)
        return Measurement.of(current.key, Family.COMPARISON, self.name, ratio, q.n, evidence=evidence)

    def describe(self, measurement: Measurement) -> str:
        """Say how many times the column is what it was."""
        units = self.units(measurement)
        return f"is {measurement.value or 0.0:.4g} times what it was" + (f" ({units})" if units else "")

    @staticmethod
    def units(measurement: Measurement) -> str:
        """Return which units a measurement of this comparison takes the ratio for; empty where it knows none."""
        return str(measurement.evidence.details.get("units", ""))


def _explained(p: HistogramPart, q: HistogramPart, ratio: float, before: float) -> tuple[float, float, str]:
    """Return the ratio that explains the change (1 if none does), the distance it leaves, and the units."""
    if ratio <= 0:
        return 1.0, before, ""
    near = [(_distance(p, q, factor), factor, words) for factor, words in _known() if abs(log(ratio / factor)) < 0.05]
    if near:
        after, factor, words = min(near)
        if after <= min(before / 4, _CLOSE):
            return factor, after, words
    after = _distance(p, q, ratio)
    if abs(log(ratio)) > log(1.5) and after <= _SHAPE / sqrt(effective_size(p.n, q.n)):
        return ratio, after, ""
    return 1.0, after, ""


def _ratio(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    usable = (np.sign(p) * np.sign(q) > 0) & np.isfinite(p) & np.isfinite(q)
    if usable.sum() < 0.8 * len(p):
        return 1.0
    middle = float(np.median(np.log(q[usable] / p[usable])))
    return exp(middle) if abs(middle) < 50 else 1.0


def _by_moments(p: MomentsPart, q: MomentsPart) -> float:
    if p.n < 2 or q.n < 2 or p.mean * q.mean <= 0 or p.deviation == 0 or q.deviation == 0:
        return 1.0
    ratio = q.mean / p.mean
    agree = abs(log(q.deviation / p.deviation / ratio)) < 0.1 and abs(log(ratio)) > log(2)
    return ratio if agree else 1.0


def _distance(p: HistogramPart, q: HistogramPart, ratio: float) -> float:
    """Return the least Kolmogorov–Smirnov distance between p and q / ratio that the bins allow.

    The bins of q / ratio straddle the edges of the bins of p; values that repeat would look displaced if the mass of
    such a bin were spread over it, so it is left open on which side of the edge it lies.
    """
    if ratio in (0.0, inf):
        return 1.0
    edges = p.edges()[1]
    f0 = np.cumsum(p.counts) / p.n
    lower, upper = (np.sort(side / ratio) for side in q.edges())
    mass = np.concatenate([[0.0], np.cumsum(q.counts if ratio > 0 else q.counts[::-1]) / q.n])
    slack = 1e-12 * np.abs(edges)
    least = mass[np.searchsorted(upper, edges + slack, side="right")]
    most = mass[np.searchsorted(lower, edges - slack, side="left")]
    return float(np.maximum(np.maximum(f0 - most, least - f0), 0.0).max())

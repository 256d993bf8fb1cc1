"""How well scores put positives above negatives: AUROC and average precision."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Schema, Task
from watchkeeper.core.state import State
from watchkeeper.core.tasks import CLASSIFICATION
from watchkeeper.performance.expectation import Expectation, expected_auroc, expected_average_precision
from watchkeeper.performance.metric import MetricValue, NoValue, has_scores, measured
from watchkeeper.stats.class_ranks import MOST_CLASSES, ClassRanksPart
from watchkeeper.stats.intervals import Z, logit_interval, proportion_error, wilson
from watchkeeper.stats.score_histogram import ScoreHistogramPart

__all__ = ["SHOWN_CLASSES", "Auroc", "AveragePrecision"]

Floats = NDArray[np.float64]

SHOWN_CLASSES = 20
"""Classes up to which each one's own value is among the details."""


def _lack(positives: int, negatives: int) -> NoValue | None:
    if not positives + negatives:
        return NoValue("no row has both a label and a score")
    if not positives or not negatives:
        kind = "negative" if negatives else "positive"
        return NoValue(f"all {positives + negatives} labelled rows are {kind}", positives + negatives)
    return None


def _details(part: ScoreHistogramPart, positives: int, negatives: int) -> dict[str, float | str]:
    details: dict[str, float | str] = {"positives": positives, "negatives": negatives}
    if part.unscored:
        details["unscored"] = part.unscored
    return details


def _value(
    part: ScoreHistogramPart,
    value: float,
    counts: tuple[int, int],
    error: float,
    around: tuple[float, float],
    bound: float,
) -> MetricValue:
    """Return a value with its counts of positives and negatives; binned scores widen its interval."""
    details, widened = _details(part, *counts), _widened(around, bound)
    return MetricValue(value, sum(counts), error, widened, details=details, bound=0.0 if part.exact else bound)


def _widened(interval: tuple[float, float], bound: float) -> tuple[float, float]:
    return max(0.0, interval[0] - bound), min(1.0, interval[1] + bound)


_One = Callable[[ScoreHistogramPart], MetricValue | NoValue]


def _measured(metric: str, state: State, estimate: _One) -> Measurement:
    """Measure one class against the rest where classes have scores of their own, else the positive one."""
    many = state.parts.get("class_ranks")
    if not isinstance(many, ClassRanksPart) or not many.classes:
        return measured(metric, state, "score_histogram", ScoreHistogramPart, estimate)
    return measured(metric, state, "class_ranks", ClassRanksPart, lambda part: _macro(part, estimate))


def _macro(part: ClassRanksPart, estimate: _One) -> MetricValue | NoValue:
    """Average over the classes that occur.

    The errors of classes are dependent in a way their own histograms do not tell; the mean of their standard errors is
    the largest standard error that the mean can have.
    """
    if not part.histograms:
        return NoValue(f"there are {len(part.classes)} classes; ranks are kept of up to {MOST_CLASSES}")
    if part.outside:
        return NoValue(f"{part.outside} rows have a score outside [0, 1], which is no probability", failed=True)
    found = {name: estimate(histogram) for name, histogram in zip(part.classes, part.histograms, strict=True)}
    known = {name: one for name, one in found.items() if isinstance(one, MetricValue)}
    rows = part.histograms[0].n
    if not known:
        return NoValue(
            "all labels are of one class" if rows else "no row has both a label and a score of every class", rows
        )
    k = len(known)
    value = sum(one.value for one in known.values()) / k
    error = sum(one.error or 0.0 for one in known.values()) / k
    bound = sum(one.bound for one in known.values()) / k
    ends = [one.interval for one in known.values() if one.interval]
    # Where every class is in perfect order the logit has no slope; the mean of the classes' own limits stands in.
    interval = (
        _widened(logit_interval(value, error), bound)
        if 0 < value < 1
        else (sum(low for low, _ in ends) / k, sum(high for _, high in ends) / k)
    )
    details: dict[str, float | str] = {"classes": k, "average": "macro"}
    details |= {"unscored": part.unscored} if part.unscored else {}
    if k <= SHOWN_CLASSES:
        details |= {f"of {name}": one.value for name, one in known.items()}
    return MetricValue(value, rows, error, interval, details=details, bound=bound)


class Auroc:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting one half.

    With P_b positives and Q_b negatives in the groups b of equal scores, V_b the share of negatives below group b plus
    half of those in it, A = Σ P_b·V_b / n₊. The standard error is DeLong's, √(S₁₀/n₊ + S₀₁/n₋), with both terms, S₁₀
    and S₀₁ the sample variances over the positives and over the negatives; the interval is symmetric on the logit
    scale. Where the sample has no variance (perfect order, a class of one row) Newcombe's interval stands in.

    Exact up to 2,000 distinct scores. Beyond, rows of one bin count as tied: the fact ``bound`` is ½ Σ p_b·q_b, which
    the exact value cannot be further away, and the interval is widened by it.

    For more than two classes the plain mean, over the classes that occur, of each against the rest, with the mean of
    their standard errors, which is at least that of the mean; the details hold each class's own, ``of <class>``.

    References
    ----------
    DeLong, DeLong, Clarke-Pearson (1988), Comparing the areas under two or more correlated receiver operating
    characteristic curves, doi:10.2307/2531595. Newcombe (2006), Confidence intervals for an effect size measure based
    on the Mann-Whitney statistic, part 2, method 5, doi:10.1002/sim.2324.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "auroc"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    rests_on: ClassVar[str] = "score"

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and scores."""
        return has_scores(schema)

    def measure(self, state: State) -> Measurement:
        """Return the area."""
        return _measured(self.name, state, self._estimate)

    @staticmethod
    def _estimate(part: ScoreHistogramPart) -> MetricValue | NoValue:
        _, positives, negatives = part.ties()
        m, n = int(positives.sum()), int(negatives.sum())
        if lack := _lack(m, n):
            return lack
        below = (np.cumsum(negatives) - 0.5 * negatives) / n
        above = (m - np.cumsum(positives) + 0.5 * positives) / m
        value = float((positives * below).sum()) / m
        bound = 0.0 if part.exact else 0.5 * float((positives / m * (negatives / n)).sum())
        variance = _spread(positives, below, m, value) + _spread(negatives, above, n, value)
        if min(m, n) > 1 and variance > 1e-20 and 0 < value < 1:
            error = sqrt(variance)
            interval = logit_interval(value, error)
        else:
            interval = _newcombe(value, m, n)
            error = (interval[1] - interval[0]) / (2 * Z)
        return _value(part, value, (m, n), error, interval, bound)

    def expected(self, e: Expectation) -> tuple[float, Floats] | None:
        """Return the value and its derivatives by the expected positives."""
        return expected_auroc(e)


def _spread(counts: NDArray[np.int64], values: Floats, n: int, mean: float) -> float:
    """Return the variance of the mean of placement values, one term of DeLong's variance."""
    return float((counts * (values - mean) ** 2).sum()) / (n - 1) / n if n > 1 else 0.0


def _newcombe(value: float, m: int, n: int) -> tuple[float, float]:
    """Invert |A - θ| = z·√V(θ) with Hanley and McNeil's variance at θ."""
    from scipy.optimize import brentq

    half = (m + n) / 2 - 1

    def beyond(theta: float) -> float:
        variance = theta * (1 - theta) * (1 + half * (1 - theta) / (2 - theta) + half * theta / (1 + theta)) / (m * n)
        return abs(theta - value) - Z * sqrt(variance)

    def limit(end: float) -> float:
        # At a value of 0 or 1 its own variance is 0, which would pass for the limit.
        near = value + 1e-9 * (end - value)
        return end if value == end else float(brentq(beyond, end, near))

    return limit(0.0), limit(1.0)


class AveragePrecision:
    """Average precision Σ (R_k - R_{k-1})·P_k over the thresholds k from the highest score down.

    Without interpolation, as in scikit-learn. The standard error is the infinitesimal jackknife (the multinomial delta
    method over groups of equal scores), the interval symmetric on the logit scale; it takes the number of positives as
    random and is an approximation that needs some 30 of them. At a value of 1 Wilson's interval for as many trials as
    there are positives stands in (after Boyd, Eng, Page).

    Exact up to 2,000 distinct scores. Beyond, rows of one bin count as tied: the fact ``bound`` is the largest distance
    to the value under any order within the bins, and the interval is widened by it. For more than two classes the plain
    mean as for AUROC.

    References
    ----------
    Boyd, Eng, Page (2013), Area under the precision-recall curve: point estimates and confidence intervals,
    doi:10.1007/978-3-642-40994-3_29. Efron (1982), The jackknife, the bootstrap and other resampling plans, section 6,
    doi:10.1137/1.9781611970319.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "average_precision"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    estimators: ClassVar[tuple[str, ...]] = ("multicalibrated",)
    rests_on: ClassVar[str] = "score"

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and scores."""
        return has_scores(schema)

    def measure(self, state: State) -> Measurement:
        """Return the average precision."""
        return _measured(self.name, state, self._estimate)

    @staticmethod
    def _estimate(part: ScoreHistogramPart) -> MetricValue | NoValue:
        _, positives, negatives = part.ties()
        m, n = int(positives.sum()), int(negatives.sum())
        if lack := _lack(m, n):
            return lack
        p, q = positives[::-1].astype(float), negatives[::-1].astype(float)
        hits, alarms = np.cumsum(p), np.cumsum(q)
        flagged = hits + alarms
        value = float((p * hits / flagged).sum()) / m
        # A row of group c adds to the hits or alarms of every threshold at or below it.
        by_hit = np.cumsum((p * alarms / flagged**2)[::-1])[::-1]
        by_alarm = np.cumsum((p * hits / flagged**2)[::-1])[::-1]
        of_positive = (hits / flagged + by_hit - value) / m
        of_negative = -by_alarm / m
        error = sqrt(float((p * of_positive**2).sum() + (q * of_negative**2).sum()))
        bound = 0.0 if part.exact else _order_bound(p, q, hits, alarms, value * m) / m
        if error > 1e-10 and 0 < value < 1:
            interval = logit_interval(value, error)
        else:
            error, interval = proportion_error(round(value * m), m), wilson(value * m, m)
        return _value(part, value, (m, n), error, interval, bound)

    def expected(self, e: Expectation) -> tuple[float, Floats] | None:
        """Return the value and its derivatives by the expected positives."""
        return expected_average_precision(e)


def _order_bound(p: Floats, q: Floats, hits: Floats, alarms: Floats, tied: float) -> float:
    """Return how far the sum of precisions over positives can be from the tied one.

    Highest when all positives of a bin tie above its negatives. Lowest when its negatives come first and its positives
    one by one: precision (T + i)/(T + i + F) is concave in i, so the mean of its ends bounds the sum from below.
    """
    highest = (p * _share(hits, alarms - q)).sum()
    first, last = _share(hits - p + 1, alarms), _share(hits, alarms)
    lowest = (p * (first + last) / 2).sum()
    return float(max(highest - tied, tied - lowest))


def _share(hits: Floats, alarms: Floats) -> Floats:
    # The bin with neither hits nor alarms before it holds no positives and is multiplied by zero.
    return hits / np.maximum(hits + alarms, 1.0)

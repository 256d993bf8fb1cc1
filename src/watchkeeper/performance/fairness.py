"""How far the segments of one column are apart in what a binary classifier gives them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from math import sqrt
from typing import ClassVar

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri

from watchkeeper.core.errors import StateError
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import ALL
from watchkeeper.core.spec import FAIRNESS
from watchkeeper.core.state import State, StateKey
from watchkeeper.stats.confusion import ConfusionPart
from watchkeeper.stats.intervals import proportion_error, wilson

__all__ = ["LEAST_ROWS", "Gap", "fairness"]


class Gap:
    """What every gap between segments says of itself: it is a distance of two shares, and harm when it grows."""

    name: ClassVar[str] = "gap"
    larger_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)


LEAST_ROWS = 30
"""Rows below which a segment's rate is not compared."""

_RATES = {
    "selection_rate_gap": ("predicted positive", "rows with a prediction"),
    "tpr_gap": ("found among positives", "rows with a positive label and a prediction"),
    "fpr_gap": ("false alarms among negatives", "rows with a negative label and a prediction"),
}
Rates = dict[str, tuple[int, int]]


def fairness(states: Mapping[str, State], column: str, *, min_rows: int = LEAST_ROWS) -> list[Measurement]:
    r"""Measure the gap between the segments of ``column`` with the highest and the lowest rate.

    The selection rate is the share of predictions that are positive, labelled or not; TPR = TP / (TP + FN) and
    FPR = FP / (FP + TN) are over rows that have both. The gap is max p_i - min p_i; its standard error is
    √(p(1-p)/n) of both, added in squares.

    A gap is never negative and grows by chance with the number of segments: ``floor`` is what equal segments would
    show on average, :math:`\int 1 - \prod Φ(x/s_i) - \prod (1 - Φ(x/s_i))\,dx` with s_i = √(p(1-p)/n_i) and the pooled
    rate p; the fact ``p_value`` is Pearson's χ² test that all rates are equal. The interval holds all pairs at once:
    Newcombe's for each difference at the level .05/m for m pairs, and of them the highest lower and the highest upper
    limit.

    Parameters
    ----------
    states
        Outcome states by segment, such as ``region=north``; those of other columns are left alone.
    column
        The column whose segments are compared.
    min_rows
        Rows that a rate must rest on; segments with fewer are counted in the fact ``too_small``.

    Returns
    -------
    list
        One measurement for each name in ``FAIRNESS`` about ``column`` and the segment ``all``, with the two segments as
        details ``highest`` and ``lowest``. No data where fewer than two segments have enough rows.

    References
    ----------
    Hardt, Price, Srebro (2016), Equality of opportunity in supervised learning, https://arxiv.org/abs/1610.02413.
    Newcombe (1998), Interval estimation for the difference between independent proportions, method 10,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    own = {segment: state for segment, state in sorted(states.items()) if segment.startswith(f"{column}=")}
    first = next(iter(own.values()), None)
    key = StateKey(column=column) if first is None else _about(first.key, column)
    try:
        parts = {segment: state.part("confusion", ConfusionPart) for segment, state in own.items()}
    except StateError as error:
        return [Measurement.failed(key, Family.METRIC, name, str(error)) for name in FAIRNESS]
    known = {segment: part for segment, part in parts.items() if part.positive >= 0}
    counted = {segment: _counts(part) for segment, part in known.items()}
    return [
        _gap(name, key, {segment: found[name] for segment, found in counted.items()}, min_rows) for name in FAIRNESS
    ]


def _about(key: StateKey, column: str) -> StateKey:
    return StateKey(key.model, key.version, key.window, ALL, column)


def _counts(part: ConfusionPart) -> Rates:
    """Return successes and trials of each rate."""
    matrix, k = part.matrix(), part.positive
    answered = part.predictions != -1
    chosen = part.predictions == k
    positive = int(matrix[k].sum())
    return {
        "selection_rate_gap": (int(part.counts[chosen].sum()), int(part.counts[answered].sum())),
        "tpr_gap": (int(matrix[k, k]), positive),
        "fpr_gap": (int(matrix[:, k].sum() - matrix[k, k]), int(matrix.sum()) - positive),
    }


def _gap(name: str, key: StateKey, counted: Rates, min_rows: int) -> Measurement:
    used = {segment: (k, n) for segment, (k, n) in counted.items() if n >= max(1, min_rows)}
    rows = sum(n for _, n in used.values())
    if len(used) < 2:
        reason = f"{len(used)} of {len(counted)} segments have {min_rows} {_RATES[name][1]}; a gap needs two"
        return Measurement.missing(key, Family.METRIC, name, reason, n=rows)
    rates = {segment: k / n for segment, (k, n) in used.items()}
    highest, lowest = max(rates, key=lambda s: rates[s]), min(rates, key=lambda s: rates[s])
    error = sqrt(proportion_error(*used[highest]) ** 2 + proportion_error(*used[lowest]) ** 2)
    details: dict[str, float | str] = {
        "of": _RATES[name][0], "highest": highest, "lowest": lowest, "highest_rate": rates[highest],
        "lowest_rate": rates[lowest], "segments": len(used),
    }  # fmt: skip
    if len(used) < len(counted):
        details["too_small"] = len(counted) - len(used)
    return Measurement.of(
        key, Family.METRIC, name, rates[highest] - rates[lowest], rows,
        error=error, floor=_floor(used), interval=_interval(used),
        evidence=Evidence(p_value=_p_value(used), details=details),
    )  # fmt: skip


def _pooled(used: Rates) -> float:
    return sum(k for k, _ in used.values()) / sum(n for _, n in used.values())


def _p_value(used: Rates) -> float:
    p = _pooled(used)
    if p in (0.0, 1.0):
        return 1.0
    squares = sum((k - n * p) ** 2 / (n * p * (1 - p)) for k, n in used.values())
    return float(chdtrc(len(used) - 1, squares))


def _floor(used: Rates) -> float:
    p = _pooled(used)
    spread = np.sqrt(p * (1 - p) / np.array([n for _, n in used.values()], float))
    if not spread.max() > 0:
        return 0.0
    x = np.linspace(-8 * spread.max(), 8 * spread.max(), 4_001)
    below = ndtr(x[:, None] / spread)
    return float(np.trapezoid(1 - below.prod(axis=1) - (1 - below).prod(axis=1), x))


def _interval(used: Rates) -> tuple[float, float]:
    pairs = len(used) * (len(used) - 1) // 2
    z = float(-ndtri(0.025 / pairs))
    limits = [(k / n, *wilson(k, n, z)) for k, n in used.values()]
    lower = upper = 0.0
    for (p, low_p, high_p), (q, low_q, high_q) in permutations(limits, 2):
        lower = max(lower, p - q - sqrt((p - low_p) ** 2 + (high_q - q) ** 2))
        upper = max(upper, p - q + sqrt((high_p - p) ** 2 + (q - low_q) ** 2))
    return lower, min(1.0, upper)

"""What predictions are worth, from how often each label met each prediction."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import ClassVar

import numpy as np

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.spec import BUSINESS_VALUE
from watchkeeper.core.state import State
from watchkeeper.performance.metric import MetricValue, NoValue, measured
from watchkeeper.stats.confusion import ConfusionPart
from watchkeeper.stats.intervals import mean_interval, proportion_error, sample_error, wilson

__all__ = ["BusinessValue", "business_value"]


class BusinessValue:
    """What the value of a prediction says of itself: it has the unit of its owner, and less of it is harm."""

    name: ClassVar[str] = BUSINESS_VALUE
    larger_is_better: ClassVar[bool | None] = True


def business_value(state: State, value: Mapping[str, Mapping[str, float]]) -> Measurement:
    """Return the mean value of a prediction, Σ_ij n_ij·v_ij / n over labels i and predictions j.

    Exact; rows are worth v_ij each, so the standard error is the sample's and the interval Student's, cut to the worst
    and the best a prediction can be worth. Where all rows are worth the same, Wilson's limits for a kind of row that
    did not occur stand in.

    Parameters
    ----------
    state
        The outcomes of one window and segment.
    value
        By label, by prediction, what one such row brings; what is not named brings 0. Losses are negative.

    Returns
    -------
    Measurement
        With the fact ``total``, the value of all rows. Rows predicted outside the classes are the fact ``unseen`` and
        in no sum.

    Examples
    --------
    >>> from watchkeeper.core.state import State, StateKey
    >>> part = ConfusionPart(("no", "yes"), 1, np.array([10, 11, 14, 15]), np.array([6, 2, 1, 1]))
    >>> found = business_value(State(StateKey(), None, {"confusion": part}), {"yes": {"yes": 10}, "no": {"yes": -2}})
    >>> found.value, found.evidence.details["total"]
    (0.6, 6.0)
    """
    return measured(BUSINESS_VALUE, state, "confusion", ConfusionPart, lambda part: _estimate(part, value))


def _estimate(part: ConfusionPart, value: Mapping[str, Mapping[str, float]]) -> MetricValue | NoValue:
    matrix = part.matrix()
    counts, unseen = matrix[:, :-1], int(matrix[:, -1].sum())
    n = int(counts.sum())
    if not n:
        return NoValue("no row has both a label and a prediction")
    k = len(part.classes)
    worth = np.array(
        [float(value.get(label, {}).get(answer, 0.0)) for label, answer in product(part.classes, repeat=2)]
    ).reshape(k, k)
    total = float((counts * worth).sum())
    low, high = float(worth.min()), float(worth.max())
    error = sample_error(n, total, float((counts * worth**2).sum()))
    interval = mean_interval(total / n, error, n, low, high)
    if error == 0.0 and high > low:
        error, reach = (high - low) * proportion_error(0, n), (high - low) * wilson(0, n)[1]
        interval = max(low, total / n - reach), min(high, total / n + reach)
    details: dict[str, float | str] = {"total": total}
    return MetricValue(total / n, n, error, interval, details=details | ({"unseen": unseen} if unseen else {}))

"""What predictions are expected to be worth while their labels are missing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from watchkeeper.core.evidence import Estimation
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import BUSINESS_VALUE
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.performance.calibrator import calibrator_of
from watchkeeper.performance.cbpe import cells_of, lack_of_labels, learnt_from
from watchkeeper.performance.estimator import ASSUMES, estimated
from watchkeeper.performance.expected import variances_of

__all__ = ["estimated_value"]


def estimated_value(
    reference: Mapping[str, State],
    current: Mapping[str, State],
    schema: Schema,
    value: Mapping[str, Mapping[str, float]],
) -> Measurement | None:
    """Return the expected mean value of a prediction of a binary classifier, by the calibrated scores of ``cbpe``.

    With v_ij the value of a row with label i and prediction j and c the calibrated probability of the positive class,
    Σ (c·v_1j + (1 - c)·v_0j) / n over the rows with a prediction; the band is that of ``cbpe``.

    Parameters
    ----------
    reference, current
        The states of one segment by column.
    value
        By label, by prediction, what one such row brings; what is not named brings 0.

    Returns
    -------
    Measurement
        Named ``business_value``; None unless the task is binary and there is a value.
    """
    if not schema.task.spec.two_classes or not value or schema.positive is None:
        return None
    before, now = cells_of(reference), cells_of(current)
    key = current[OUTCOME].key
    if lack := lack_of_labels(before, now):
        return Measurement.missing(key, Family.ESTIMATE, BUSINESS_VALUE, lack)
    answered = learnt_from(now, 0, calibrator_of(before))
    rows = answered.cells.rows[:, :2]
    n = float(rows.sum())
    if n <= 0:
        return Measurement.missing(key, Family.ESTIMATE, BUSINESS_VALUE, "no row has a prediction")
    other = next(name for name in schema.classes if name != schema.positive)
    names = (other, schema.positive)
    worth = np.array([[float(value.get(label, {}).get(told, 0.0)) for told in names] for label in names])
    slope = np.zeros_like(answered.cells.positives)
    slope[:, :2] = (worth[1] - worth[0]) / n
    mean = float((rows * worth[0]).sum()) / n + float((slope * answered.cells.positives).sum())
    sampling, calibration = variances_of([answered], [slope])
    estimation = Estimation("cbpe", ASSUMES)
    return estimated(
        key, BUSINESS_VALUE, mean, round(n), sampling, calibration, estimation, details={"total": mean * n}
    )

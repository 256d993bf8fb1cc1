"""Anomalies of any number of series."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from tests.charts.points import point, run
from watchkeeper.charts.chart import ChartMemory
from watchkeeper.charts.seasonal_residual import SeasonalResidual


@pytest.mark.slow
def test_forty_series_share_one_budget_without_a_threshold() -> None:
    """Levels and units of all kinds; 40 series at a run length of 100 together: 1.3 alarms are expected in 130 windows.

    A Poisson count with that mean exceeds 6 once in a thousand.
    """
    rng, alarms = np.random.default_rng(110), 0
    options = {"run_length": 100.0, "series": 40.0, "min_samples": 30.0}
    for number in range(40):
        scale, level = 10.0 ** rng.uniform(-4, 6), rng.normal()
        values = scale * (level + 0.1 * (np.arange(160) % 7 == 6) * (number % 2) + rng.normal(0, 0.02, 160))
        _, signals = run(SeasonalResidual(), None, [point(v, None, day=d) for d, v in enumerate(values)], options)
        alarms += sum(s.fired for s in signals)
    assert alarms <= stats.poisson.ppf(0.999, 1.3)


def test_the_p_value_is_students_of_the_prediction_error() -> None:
    """The mean of 30 points and their standard deviation by numpy, the tail by scipy's t with 29 degrees of freedom."""
    values = np.clip(np.random.default_rng(111).normal(5, 2, 30), 1, 9)
    memory, _ = run(SeasonalResidual(), None, [point(v, None) for v in values.tolist()], {"min_samples": 30.0})
    signal = SeasonalResidual().step(memory, point(11.0, None), {"run_length": 1_000.0, "series": 5.0})[1]
    t = (11.0 - values.mean()) / (values.std(ddof=1) * sqrt(1 + 1 / 30))
    assert signal.p_value == pytest.approx(2 * stats.t.sf(t, 29))
    edge = stats.t.isf(1 / 10_000, 29) * values.std(ddof=1) * sqrt(1 + 1 / 30)
    assert signal.upper == pytest.approx(values.mean() + edge)


def test_an_outlier_is_told_once_and_a_dip_on_a_low_day_is_judged_by_that_day() -> None:
    rng = np.random.default_rng(112)
    days = np.arange(112)
    values = 100 - 30 * (days % 7 == 6) + rng.normal(0, 1, 112)
    memory, _ = run(SeasonalResidual(), None, [point(v, None, day=d) for d, v in enumerate(values.tolist())])
    # Day 112 is a Monday: the usual value of a Sunday is an anomaly there.
    assert SeasonalResidual().step(memory, point(70.0, None, day=112), {})[1].fired
    assert not SeasonalResidual().step(memory, point(70.0, None, day=118), {})[1].fired
    assert SeasonalResidual().step(memory, point(78.0, None, day=118), {})[1].fired


def test_a_series_that_never_moves_signals_the_first_change() -> None:
    memory, _ = run(SeasonalResidual(), None, [point(0.0, None)] * 40)
    assert isinstance(memory, ChartMemory)
    assert not SeasonalResidual().step(memory, point(0.0, None), {})[1].fired
    assert SeasonalResidual().step(memory, point(1e-9, None), {})[1].fired

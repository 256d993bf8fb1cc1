"""Limits from quantiles of history."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.charts.points import point, run
from watchkeeper.charts.quantile import Quantile, quantile_limits


def test_a_long_history_is_read_off_as_it_is() -> None:
    """numpy's quantiles with positions k/(m + 1), at Φ(±3)."""
    history = np.random.default_rng(80).exponential(1.0, 5_000)
    tail = float(stats.norm.sf(3))
    lower, centre, upper = quantile_limits(history, 3.0)
    assert (lower, centre, upper) == pytest.approx(np.quantile(history, [tail, 0.5, 1 - tail], method="weibull"))


def test_a_short_history_is_carried_on_as_if_normal_and_widened() -> None:
    """Of 99 points three in a hundred are read off: z = 1.881, k/z = 1.595."""
    history = np.random.default_rng(81).normal(0, 1, 99)
    z = float(stats.norm.isf(0.03))
    ratio = 3 / z * np.sqrt(1 + (3 / z) ** 2 * 0.03 * 0.97 / (99 * stats.norm.pdf(z) ** 2))
    low, centre, high = np.quantile(history, [0.03, 0.5, 0.97], method="weibull")
    lower, _, upper = quantile_limits(history, 3.0)
    assert (lower, upper) == pytest.approx((centre - ratio * (centre - low), centre + ratio * (high - centre)))


def test_a_series_that_is_not_symmetric_raises_fewer_false_alarms_than_around_its_mean() -> None:
    from watchkeeper.charts.shewhart import Shewhart

    rng, alarms = np.random.default_rng(82), {"quantile": 0, "shewhart": 0}
    windows = 0
    for _ in range(12):
        points = [point(v, None) for v in rng.exponential(1.0, 500).tolist()]
        for chart in (Quantile(), Shewhart()):
            _, signals = run(chart, None, points, {"min_samples": 200.0, "phase_one": 400.0, "exact": 0.0})
            alarms[chart.name] += sum(s.fired for s in signals)
        windows += 300
    assert alarms["quantile"] / windows <= 0.005
    assert alarms["shewhart"] / windows > 0.01


def test_normal_series_keep_the_false_alarm_rate_from_thirty_points_on() -> None:
    rng, alarms, windows = np.random.default_rng(83), 0, 0
    for _ in range(60):
        _, signals = run(Quantile(), None, [point(v, None) for v in rng.normal(0, 1, 130).tolist()])
        alarms += sum(s.fired for s in signals)
        windows += 100
    assert alarms / windows <= 0.005
    assert run(Quantile(), None, [point(v, None) for v in [*rng.normal(0, 1, 60).tolist(), 6.0]])[1][-1].fired

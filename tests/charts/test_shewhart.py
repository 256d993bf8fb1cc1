"""Shewhart's chart against published run lengths, and phase I against known truths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from watchkeeper.charts.chart import ChartMemory
from watchkeeper.charts.phase_one import baseline, widening
from watchkeeper.charts.shewhart import Shewhart
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Zone

KNOWN = ChartMemory({"centre": 0.0, "between": 0.0, "used": 1e9})


def point(value: float, error: float = 1.0) -> Measurement:
    return Measurement(Family.METRIC, "accuracy", value, 100, error=error)


@pytest.mark.parametrize(("shift", "published"), [(0.0, 370.40), (1.0, 43.89)])
def test_run_length_is_the_published_one(shift: float, published: float) -> None:
    """Champ and Woodall 1987, table 1: 370.40 in control, 43.89 at one sigma."""
    chart, rng = Shewhart(), np.random.default_rng(20)
    lengths, length = [], 0
    while len(lengths) < 150:
        length += 1
        if chart.step(KNOWN, point(rng.normal(shift)), {})[1].fired:
            lengths.append(length)
            length = 0
    error = np.std(lengths, ddof=1) / math.sqrt(len(lengths))
    assert abs(np.mean(lengths) - published) <= 3 * error


def test_windows_of_unequal_size_share_one_false_alarm_rate() -> None:
    chart, rng = Shewhart(), np.random.default_rng(21)
    alarms, windows = 0, 0
    for _ in range(60):
        sizes = rng.choice([50, 200, 1_000, 20_000], 140)
        shares = rng.binomial(sizes, 0.3) / sizes
        memory = None
        for number, (share, size) in enumerate(zip(shares, sizes, strict=True)):
            error = math.sqrt(0.3 * 0.7 / size)
            memory, signal = chart.step(memory, point(float(share), error), {"min_samples": 40})
            windows += number >= 40
            alarms += signal.fired
    # Nominal 2.7 in 1,000; three standard errors of a share of 6,000 windows, and the estimate of the centre.
    assert alarms / windows <= 0.0027 + 3 * math.sqrt(0.0027 / windows) + 0.0005


def test_between_window_variance_is_found_and_widens_the_limits() -> None:
    rng = np.random.default_rng(22)
    points = tuple((float(rng.normal(0.7, 0.02) + rng.normal(0, 0.005)), 0.005) for _ in range(4_000))
    found = baseline(points)
    assert math.sqrt(found.between) == pytest.approx(0.02, rel=0.05)
    assert found.centre == pytest.approx(0.7, abs=0.002)


def test_variance_between_windows_equals_the_moment_estimate_worked_by_hand() -> None:
    # Two studies with effects 1 and 3 and variances 1 and 1: Q = 2, c = 2 - 2/2 = 1, so tau squared = (2 - 1)/1 = 1.
    assert baseline(((1.0, 1.0), (3.0, 1.0))).between == pytest.approx(1.0)


def test_an_outlier_in_phase_one_does_not_move_the_limits() -> None:
    rng = np.random.default_rng(23)
    clean = [(float(v), 0.01) for v in rng.normal(0.7, 0.01, 30)]
    spoiled = baseline((*clean, (0.1, 0.01), (0.2, 0.01)))
    assert spoiled.used == 30
    assert spoiled.centre == pytest.approx(baseline(tuple(clean)).centre, abs=1e-9)


def test_prediction_limits_keep_the_rate_of_a_short_phase_one() -> None:
    chart, rng = Shewhart(), np.random.default_rng(24)
    alarms = {0: 0, 1: 0}
    for _ in range(1_500):
        memory = None
        values = rng.normal(size=9)
        for value in values[:8]:
            memory, _ = chart.step(memory, point(float(value), 0.0), {})
        for exact in alarms:
            alarms[exact] += chart.step(memory, point(float(values[8]), 0.0), {"exact": exact})[1].fired
    assert alarms[1] / 1_500 <= 0.0027 + 3 * math.sqrt(0.0027 / 1_500)
    assert alarms[0] / 1_500 > 0.01


def test_prediction_factor_is_students_quantile() -> None:
    # scipy: t.ppf(norm.cdf(3), 7) = 4.52997, times sqrt(1 + 1/8).
    assert widening(3.0, 8) == pytest.approx(float(stats.t.ppf(stats.norm.cdf(3), 7)) * math.sqrt(9 / 8), rel=1e-9)


def test_a_chart_of_harm_is_silent_when_things_get_better() -> None:
    chart = Shewhart()
    assert not chart.step(KNOWN, point(9.0), {"side": "lower"})[1].fired
    signal = chart.step(KNOWN, point(-9.0), {"side": "lower"})[1]
    assert signal.zone is Zone.BEYOND
    assert signal.score == -9.0


def test_zones_are_sigma_bands() -> None:
    zones = [Shewhart().step(KNOWN, point(z), {})[1].zone for z in (0.5, 1.5, 2.5, 3.5)]
    assert zones == [Zone.WITHIN_1, Zone.WITHIN_2, Zone.WITHIN_3, Zone.BEYOND]


def test_a_point_of_few_rows_is_neither_judged_nor_learned_from() -> None:
    few = Measurement(Family.METRIC, "accuracy", -9.0, 29, error=0.1)
    memory, signal = Shewhart().step(KNOWN, few, {"min_rows": 30})
    assert signal.zone is Zone.NOT_JUDGED
    assert memory == KNOWN
    assert Shewhart().step(None, few, {"min_rows": 30})[0] == ChartMemory()
    assert Shewhart().step(KNOWN, few, {"min_rows": 29})[1].fired


def test_a_point_without_an_error_is_not_taken_for_an_exact_one() -> None:
    without = Measurement(Family.METRIC, "log_loss", -9.0, 1)
    learned = ChartMemory(KNOWN.numbers, ((0.0, 1.0), (0.1, 1.0)))
    assert not Shewhart().step(learned, without, {})[1].fired
    # A series of plain numbers, where no point has one, is the textbook's own chart.
    bare = ChartMemory(KNOWN.numbers, ((0.0, 0.0), (0.1, 0.0)))
    assert Shewhart().step(bare, without, {})[1].fired

"""Level, season, dependence and phases of a series, against known truths."""

from __future__ import annotations

from datetime import timedelta
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from tests.charts.points import DAY, KNOWN, MONDAY, point, run
from watchkeeper.charts.autocorrelation import autocorrelations, first_order, ljung_box
from watchkeeper.charts.chart import ChartMemory
from watchkeeper.charts.ewma import Ewma
from watchkeeper.charts.in_control import expected, is_learning, level_of
from watchkeeper.charts.level import Points, fitted
from watchkeeper.charts.phases import rebased
from watchkeeper.charts.season import cells_of, season_of
from watchkeeper.charts.seasonal_residual import SeasonalResidual
from watchkeeper.charts.shewhart import Shewhart
from watchkeeper.core.errors import UsageError

FULL = {"season": "auto", "autocorrelation": "auto", "exact": 1.0}


def points_of(values: np.ndarray, errors: np.ndarray | float = 0.0, sizes: float = 100.0) -> Points:
    n = len(values)
    starts = MONDAY.timestamp() + 86_400 * np.arange(n)
    return Points(values, np.broadcast_to(errors, n).astype(float), np.full(n, sizes), starts, 86_400.0)


def ar1(rng: np.random.Generator, n: int, phi: float) -> np.ndarray:
    x = [rng.normal()]
    for e in rng.normal(0, sqrt(1 - phi**2), n - 1).tolist():
        x.append(phi * x[-1] + e)
    return np.array(x)


def test_cells_are_the_weekday_and_the_hour_in_utc() -> None:
    moment = MONDAY + timedelta(days=5, hours=7)
    for season, cell in (("weekday", 5), ("hour", 7), ("weekday_hour", 127), ("none", 0)):
        assert cells_of(np.array([moment.timestamp()]), season).tolist() == [cell]


def test_a_season_is_taken_where_weekdays_differ_and_four_weeks_are_there() -> None:
    rng = np.random.default_rng(50)
    days = np.arange(56)
    starts, noise = MONDAY.timestamp() + 86_400.0 * days, rng.normal(0, 1, 56)
    weekly = noise + 3 * (days % 7 >= 5)
    assert season_of(weekly, starts, 86_400.0, "auto") == "weekday"
    assert season_of(noise, starts, 86_400.0, "auto") == "none"
    assert season_of(weekly[:27], starts[:27], 86_400.0, "auto") == "none"
    assert season_of(weekly[:28], starts[:28], 86_400.0, "auto") == "weekday"
    assert season_of(noise, starts, 86_400.0, "weekday") == "weekday"
    assert season_of(weekly, starts, 7 * 86_400.0, "weekday") == "none"


def test_a_season_is_found_by_chance_no_more_often_than_once_in_a_hundred() -> None:
    rng = np.random.default_rng(51)
    starts = MONDAY.timestamp() + 86_400.0 * np.arange(56)
    found = sum(season_of(rng.normal(size=56), starts, 86_400.0, "auto") == "weekday" for _ in range(600))
    assert found <= stats.binom.ppf(0.999, 600, 0.01)


def test_the_level_of_each_weekday_and_the_variance_between_windows_are_found() -> None:
    rng = np.random.default_rng(52)
    days, error, tau = np.arange(700), 0.01, 0.02
    truth = 0.8 - 0.1 * (days % 7 == 6)
    values = truth + rng.normal(0, tau, 700) + rng.normal(0, error, 700)
    level = fitted(points_of(values, error), FULL)
    assert level.season == "weekday"
    assert level.cells == pytest.approx([0.8] * 6 + [0.7], abs=4 * sqrt((error**2 + tau**2) / 100))
    assert sqrt(level.between) == pytest.approx(tau, rel=0.1)
    assert level.doubts[6] == pytest.approx((error**2 + tau**2) / 100, rel=0.15)


def test_outliers_of_phase_one_do_not_move_a_season() -> None:
    rng = np.random.default_rng(53)
    days = np.arange(112)
    values = 0.8 - 0.1 * (days % 7 == 6) + rng.normal(0, 0.01, 112)
    spoiled = values.copy()
    spoiled[[13, 40, 77]] = (0.0, 2.0, -1.0)
    clean, robust = (fitted(points_of(v), FULL) for v in (values, spoiled))
    assert robust.used == 109
    assert robust.cells == pytest.approx(clean.cells, abs=0.003)
    assert robust.between == pytest.approx(clean.between, rel=0.2)


def test_ljung_box_is_the_published_statistic() -> None:
    """r₁ of 1 to 10 is .7 and Q = 10·12·.49/9 = 6.533: p = .01059 by scipy's chi-square."""
    z = np.arange(1.0, 11.0)
    assert autocorrelations(z, 1)[0] == pytest.approx(0.7)
    assert ljung_box(z, 1) == pytest.approx(float(stats.chi2.sf(120 * 0.49 / 9, 1)))


def test_ljung_box_keeps_its_level() -> None:
    rng = np.random.default_rng(54)
    rejected = sum(ljung_box(rng.normal(size=100)) < 0.05 for _ in range(800))
    assert stats.binom.ppf(0.001, 800, 0.05) <= rejected <= stats.binom.ppf(0.999, 800, 0.05)


def test_dependence_is_estimated_without_bias_and_only_where_there_is_some() -> None:
    rng = np.random.default_rng(55)
    found = [first_order(ar1(rng, 100, 0.4), tested=False) for _ in range(300)]
    assert np.mean(found) == pytest.approx(0.4, abs=3 * np.std(found) / sqrt(300) + 0.01)
    assert first_order(rng.normal(size=29), tested=False) == 0.0


def test_a_residual_counts_from_what_the_point_before_says() -> None:
    """φ = .5, the point before at 2 sigma: 1 is expected, with a standard deviation of √.75."""
    memory = ChartMemory({**KNOWN.numbers, "phi": 0.5, "last": 2.0})
    found = expected(memory, point(1.0), {"exact": 0.0})
    assert found is not None
    assert (found.centre, found.sigma, found.z) == pytest.approx((1.0, sqrt(0.75), 0.0))


def test_after_a_window_without_data_the_point_before_says_nothing() -> None:
    memory = ChartMemory({**KNOWN.numbers, "phi": 0.5, "last": 2.0, "end": (MONDAY + DAY).timestamp()})
    next_day, later = (expected(memory, point(1.0, day=day), {"exact": 0.0}) for day in (1, 2))
    assert next_day is not None
    assert later is not None
    assert (next_day.centre, later.centre) == pytest.approx((1.0, 0.0))


def test_normal_scores_of_a_short_phase_are_standard_normal() -> None:
    """Each point against the eight before it, by Student's distribution; scipy's Kolmogorov–Smirnov test at .001."""
    rng, scores = np.random.default_rng(56), []
    options = {**Shewhart.defaults, "exact": 1.0}
    for _ in range(800):
        values = rng.normal(5, 2, 9).tolist()
        memory, _ = run(Shewhart(), None, [point(v, None) for v in values[:8]])
        found = expected(memory or ChartMemory(), point(values[8], None), options)
        assert found is not None
        scores.append(found.score())
    # Trimming in phase I takes out one clean series in fifty; the test allows for that.
    assert stats.kstest(scores, "norm").statistic < 1.95 / sqrt(800) + 0.01


def test_a_share_is_judged_by_the_error_at_the_level_and_not_by_its_own() -> None:
    """19 of 20 knows an error of .0487; at the level .8 it is √(.16/20) = .0894."""
    rng = np.random.default_rng(57)
    shares = rng.binomial(20, 0.8, 40) / 20
    inside = [s for s in shares.tolist() if 0 < s < 1]
    options = {"phase_one": 30.0, "min_samples": 10.0, "season": "none"}
    memory, _ = run(
        SeasonalResidual(), None, [point(s, sqrt(s * (1 - s) / 20), 20) for s in inside], {**options, "trim": 0.0}
    )
    level = level_of(memory or ChartMemory())
    assert level is not None
    assert level.sampling == "binomial"
    found = expected(memory or ChartMemory(), point(0.95, 0.0487, 20), {**SeasonalResidual.defaults})
    assert found is not None
    assert found.sigma == pytest.approx(sqrt(level.centre * (1 - level.centre) / 20 + level.between), rel=1e-6)


def test_a_chart_says_in_which_phase_it_is_and_since_when() -> None:
    points = [point(v, day=day) for day, v in enumerate(np.random.default_rng(58).normal(0, 1, 20).tolist())]
    memory, signals = run(Shewhart(), None, points, {"phase_one": 15.0})
    assert [s.phase for s in signals] == [1] * 15 + [2] * 5
    assert {s.since for s in signals} == {MONDAY}
    assert memory is not None
    assert not is_learning(memory)


def test_a_release_starts_a_new_phase_where_that_is_asked_for() -> None:
    rng = np.random.default_rng(59)
    first = [point(v, 0.1, day=day, version="1") for day, v in enumerate(rng.normal(0, 0.1, 12).tolist())]
    second = [point(v, 0.1, day=day, version="2") for day, v in enumerate(rng.normal(5, 0.1, 12).tolist(), 12)]
    memory, signals = run(Shewhart(), None, [*first, *second], {"rebase": "release"})
    assert not any(s.fired for s in signals)
    assert memory is not None
    assert [(p.reason, p.version) for p in memory.phases] == [("", "1"), ("release", "2")]
    assert signals[-1].since == MONDAY + 12 * DAY
    assert run(Shewhart(), None, [*first, *second])[1][12].fired


def test_a_confirmed_change_becomes_the_new_level() -> None:
    rng = np.random.default_rng(60)
    values = [*rng.normal(0, 1, 60).tolist(), *rng.normal(12, 1, 40).tolist()]
    points = [point(v, day=day) for day, v in enumerate(values)]
    memory, signals = run(SeasonalResidual(), None, points, {"confirm": 5.0})
    assert [n for n, s in enumerate(signals) if s.fired] == [60, 61, 62, 63, 64]
    assert memory is not None
    assert [p.reason for p in memory.phases] == ["", "change"]
    assert memory.numbers["centre"] == pytest.approx(12, abs=0.7)


def test_a_step_while_the_chart_learns_is_told_as_long_as_it_lasts() -> None:
    """Windows of no weekday have no season to wait for, so that nothing beyond the limits is learned from."""
    rng = np.random.default_rng(62)
    values = [*rng.normal(0, 1, 40).tolist(), *rng.normal(9, 1, 60).tolist()]
    _, signals = run(SeasonalResidual(), None, [point(v) for v in values], {"rebase": "none"})
    assert [s.fired for s in signals] == [False] * 40 + [True] * 60


def test_whoever_knows_of_a_change_starts_a_new_phase() -> None:
    memory, _ = run(Ewma(), None, [point(v, day=d) for d, v in enumerate(np.zeros(40).tolist())])
    fresh = rebased(memory, "promotion", MONDAY + 40 * DAY, "7")
    _, signals = run(Ewma(), fresh, [point(9.0, day=40)])
    assert signals[0].phase == 1
    assert signals[0].since == MONDAY + 40 * DAY


def test_a_misspelt_option_is_answered_with_the_nearest() -> None:
    for options, message in (
        ({"season": "weekdy"}, "weekday"), ({"between": "lany"}, "laney"), ({"sampling": "binomal"}, "binomial"),
        ({"autocorrelation": "atuo"}, "auto"), ({"rebase": "relaese"}, "release"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=f"did you mean '{message}'"):
            run(SeasonalResidual(), None, [point(v, day=d) for d, v in enumerate(np.arange(40.0).tolist())], options)


def test_laneys_factor_counts_where_the_size_is_nearly_constant_only() -> None:
    """z's with a standard deviation of 3: σ_z is about 3, and three times the sampling error is what limits take."""
    rng = np.random.default_rng(61)
    values = rng.normal(0, 3, 400)
    level = fitted(points_of(values, 1.0), {"between": "laney"})
    assert level.spread == pytest.approx(3.0, rel=0.1)
    assert level.between == 0.0
    unequal = fitted(points_of(values, rng.choice([1.0, 2.0], 400)), {"between": "laney"})
    assert unequal.spread == 1.0
    assert unequal.between > 0


@pytest.mark.parametrize("shift", [4.0, 12.0])
def test_a_change_that_lasts_while_the_level_is_learned_does_not_become_the_level(shift: float) -> None:
    """A level of 0 and a standard deviation of 1; the 40 points after the change are all beyond the limits."""
    rng = np.random.default_rng(61)
    values = np.concatenate([np.clip(rng.normal(0, 1, 18), -2, 2), shift + np.clip(rng.normal(0, 1, 40), -1, 1)])
    options = {"min_samples": 8.0, "rebase": "none", "run_length": 52.0, "side": "upper"}
    points = [point(v, None, day=d) for d, v in enumerate(values.tolist())]
    memory, signals = run(SeasonalResidual(), None, points, options)
    assert [s.fired for s in signals] == [False] * 18 + [True] * 40
    assert memory is not None
    assert memory.numbers["centre"] == pytest.approx(values[:18].mean())

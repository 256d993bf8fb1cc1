"""False alarms in the situations that real metrics bring, as docs/charts.md tells them with more series."""

from __future__ import annotations

import pytest

from bench.charts.__main__ import DEFAULT
from bench.charts.situations import SITUATIONS, delays, judged, low_weekday
from watchkeeper.charts.cusum import Cusum
from watchkeeper.charts.ewma import Ewma
from watchkeeper.charts.seasonal_residual import SeasonalResidual
from watchkeeper.charts.shewhart import Shewhart

BUDGET = {"run_length": 370.4}


@pytest.mark.slow
@pytest.mark.parametrize("situation", list(SITUATIONS))
def test_residuals_raise_at_most_five_false_alarms_in_a_thousand_windows(situation: str) -> None:
    tally = judged(SeasonalResidual(), BUDGET, situation, 40 if SITUATIONS[situation][1] < 100 else 5, seed=1)
    assert tally.windows >= 1_000
    assert 1_000 * tally.signals / tally.windows <= 5


@pytest.mark.slow
@pytest.mark.parametrize("situation", list(SITUATIONS))
def test_the_chart_that_metrics_get_raises_at_most_five_false_alarms_in_a_thousand_windows(situation: str) -> None:
    tally = judged(SeasonalResidual(), DEFAULT[1], situation, 40 if SITUATIONS[situation][1] < 100 else 10, seed=1)
    assert tally.windows >= 2_000
    assert 1_000 * tally.alarms / tally.windows <= 5
    # The budget of one false alert a year is for all charts; half of it is for the two of performance.
    assert 1_000 * tally.alerts / tally.windows <= 1_000 / (4 * 365.25)


@pytest.mark.slow
@pytest.mark.parametrize("chart", [Ewma(), Cusum()], ids=lambda c: c.name)
@pytest.mark.parametrize("situation", ["50 to 20,000 rows a window", "AR(1), φ = .4"])
def test_charts_that_add_up_raise_at_most_five_false_alarms_in_a_thousand_windows(situation: str, chart: Ewma) -> None:
    tally = judged(chart, BUDGET, situation, 5, seed=1)
    assert 1_000 * tally.alarms / tally.windows <= 5


@pytest.mark.slow
def test_a_shift_of_four_sigma_on_a_low_weekday_is_seen_three_times_in_four() -> None:
    """An individuals chart without a season sees none of them: the day is within the limits of all days."""
    assert low_weekday(SeasonalResidual(), BUDGET, 60) >= 0.75
    assert low_weekday(SeasonalResidual(), {**DEFAULT[1], "side": "upper"}, 40) >= 0.75
    assert low_weekday(SeasonalResidual(), {**BUDGET, "season": "none"}, 20) <= 0.05


@pytest.mark.slow
def test_the_chart_that_metrics_get_sees_a_lasting_fall_as_soon_as_shewharts_chart() -> None:
    for shift, most in ((2.0, 12.0), (4.0, 2.0)):
        signal, alert = delays(SeasonalResidual(), DEFAULT[1], "2,000 rows a window", shift, 20)
        plain, plain_alert = delays(
            Shewhart(), {"min_samples": 30.0, "side": "lower"}, "2,000 rows a window", shift, 20
        )
        assert signal <= most
        assert (signal, alert) <= (plain + 1, plain_alert + 1)

"""False alarms in the situations that real metrics bring, as docs/charts.md tells them with more series."""

from __future__ import annotations

import pytest

from bench.charts.situations import SITUATIONS, judged, low_weekday
from watchkeeper.charts.cusum import Cusum
from watchkeeper.charts.ewma import Ewma
from watchkeeper.charts.seasonal_residual import SeasonalResidual

BUDGET = {"run_length": 370.4}


@pytest.mark.slow
@pytest.mark.parametrize("situation", list(SITUATIONS))
def test_residuals_raise_at_most_five_false_alarms_in_a_thousand_windows(situation: str) -> None:
    tally = judged(SeasonalResidual(), BUDGET, situation, 40 if SITUATIONS[situation][1] < 100 else 5, seed=1)
    assert tally.windows >= 1_000
    assert 1_000 * tally.signals / tally.windows <= 5


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
    assert low_weekday(SeasonalResidual(), {**BUDGET, "season": "none"}, 20) <= 0.05

"""A rare level that became rarer or more common is found, at the level that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.charts.significance import Significance
from watchkeeper.compare.design_effect import design_effect
from watchkeeper.compare.rate_change import RateChange
from watchkeeper.core.schema import Kind

ROWS, RATE = 3_000, 0.025
ALPHA = 0.01


def counted(ones: int, rows: int) -> list[str]:
    return ["1"] * ones + ["0"] * (rows - ones)


def fired(found, *, effect: float = 1.0, run_length: float = 1 / ALPHA, tolerance: float = 0.25) -> bool:
    options = {"run_length": run_length, "tolerance": tolerance, "design_effect": effect}
    return Significance().step(None, found, options)[1].fired


def test_the_p_value_is_scipys_binomial_test_of_the_rows_with_the_level(pair):
    """Doubled tail, where scipy adds up what is as improbable: with sides of one size both are the same."""
    found = RateChange().compare(*pair(counted(75, ROWS), counted(42, ROWS), Kind.CATEGORICAL))
    assert found.evidence.p_value == pytest.approx(stats.binomtest(42, 75 + 42, 0.5).pvalue)
    assert found.value == pytest.approx(75 / 42 - 1)
    assert (found.evidence.change.before, found.evidence.change.after) == (75 / ROWS, 42 / ROWS)


def test_both_directions_count_alike(pair):
    fall = RateChange().compare(*pair(counted(75, ROWS), counted(42, ROWS), Kind.CATEGORICAL))
    rise = RateChange().compare(*pair(counted(42, ROWS), counted(75, ROWS), Kind.CATEGORICAL))
    assert fall.value == pytest.approx(rise.value)
    assert fall.evidence.p_value == pytest.approx(rise.evidence.p_value)
    assert "rarer" in RateChange().describe(fall)
    assert "more common" in RateChange().describe(rise)


def test_a_level_that_is_gone_has_a_finite_change(pair):
    found = RateChange().compare(*pair(counted(75, ROWS), counted(0, ROWS), Kind.CATEGORICAL))
    assert found.value == pytest.approx(75.5 / 0.5 - 1)
    assert fired(found, run_length=1e6)


def test_a_common_level_is_left_to_the_absolute_tolerance(pair):
    found = RateChange().compare(*pair(counted(600, ROWS), counted(300, ROWS), Kind.CATEGORICAL))
    assert found.evidence.p_value == 1.0
    assert not fired(found)


def test_a_new_level_is_left_to_unseen_levels(pair):
    before, now = counted(75, ROWS), [*counted(75, ROWS - 300), *["2"] * 300]
    assert RateChange().compare(*pair(before, now, Kind.CATEGORICAL)).evidence.change.levels == ("1",)


def test_a_sure_change_within_the_ratio_does_not_signal(pair):
    """2.5 to 2.9 % in 100,000 rows: surely no chance, and no more than a sixth."""
    found = RateChange().compare(*pair(counted(2_500, 100_000), counted(2_900, 100_000), Kind.CATEGORICAL))
    assert found.evidence.p_value < 1e-6
    assert not fired(found)


def test_the_level_is_kept_by_independent_rows(pair):
    """600 unchanged windows at a nominal 1 % without a tolerance: at most 6 expected, and at most 15 (99.9 %)."""
    rng = np.random.default_rng(11)
    signals = 0
    for _ in range(60):
        before = counted(int(rng.binomial(ROWS, RATE)), ROWS)
        for _ in range(10):
            found = RateChange().compare(*pair(before, counted(int(rng.binomial(ROWS, RATE)), ROWS), Kind.CATEGORICAL))
            signals += fired(found, tolerance=0.0)
    assert signals <= 15


def test_a_fall_from_2_5_to_1_4_percent_is_found_in_3_000_rows(pair):
    """At 1 %, where a drift beside it is known: the power of the normal approximation is 69 % (z 3.08 beside 2.58)."""
    rng = np.random.default_rng(12)
    drawn = [
        RateChange().compare(
            *pair(
                counted(int(rng.binomial(ROWS, RATE)), ROWS), counted(int(rng.binomial(ROWS, 0.014)), ROWS),
                Kind.CATEGORICAL,
            )
        )
        for _ in range(200)
    ]  # fmt: skip
    assert 0.57 <= np.mean([fired(found) for found in drawn]) <= 0.81


def test_at_the_budget_it_takes_three_times_the_rows(pair):
    """By itself, at 1 in 13,000 windows: nearly always in 12,000 rows a side."""
    rng = np.random.default_rng(13)
    many = 4 * ROWS
    found = [
        RateChange().compare(
            *pair(
                counted(int(rng.binomial(many, RATE)), many), counted(int(rng.binomial(many, 0.014)), many),
                Kind.CATEGORICAL,
            )
        )
        for _ in range(100)
    ]  # fmt: skip
    assert np.mean([fired(one, run_length=13_000.0) for one in found]) >= 0.93


def test_the_level_is_kept_by_clustered_rows_with_the_effect_of_the_reference(pair):
    """Customers of 15 rows each share their label; 40 windows of a reference tell how much less such rows are worth."""
    rng = np.random.default_rng(14)

    def clustered() -> list[str]:
        customers = rng.random(ROWS // 15) < RATE
        return np.where(np.repeat(customers, 15), "1", "0").tolist()

    plain = alarms = 0
    for _ in range(6):
        windows = [clustered() for _ in range(40)]
        whole = [value for window in windows for value in window]
        reference = pair(whole, ["0"], Kind.CATEGORICAL)[0]
        effect = design_effect(reference, [pair(["0"], window, Kind.CATEGORICAL)[1] for window in windows])
        assert effect is not None
        for _ in range(50):
            found = RateChange().compare(reference, pair(["0"], clustered(), Kind.CATEGORICAL)[1])
            plain += fired(found, tolerance=0.0)
            alarms += fired(found, effect=effect, tolerance=0.0)
    assert alarms <= 9, "300 windows at 1 %: at most 9 (99.9 %)"
    assert plain >= 60, "the rows are far from independent"

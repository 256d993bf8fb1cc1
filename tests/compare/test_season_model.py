"""What is expected of a window is what its season looked like, and how far windows lie from it is not overrated."""

from __future__ import annotations

import numpy as np
import pytest

from watchkeeper.compare.season_model import ColumnSeason, Reference, SeasonModel, fit_season
from watchkeeper.compare.season_terms import DAY, SeasonTerms
from watchkeeper.compare.window_statistics import WindowStatistics

MONDAY = 1_704_067_200.0
"""1 January 2024."""

STATISTICS = WindowStatistics(("mean", "spread"))


def fitted(values: np.ndarray, length: float = DAY, **others: np.ndarray) -> SeasonModel:
    starts = MONDAY + length * np.arange(len(values))
    columns = {"x": values, **others}
    rows = np.full(len(values), 1_000.0)
    two = {name: np.column_stack([v, np.zeros(len(v))]) for name, v in columns.items()}
    return fit_season(starts, length, {name: Reference(STATISTICS, both, rows) for name, both in two.items()})


def expected(model: SeasonModel, days: np.ndarray, length: float = DAY) -> np.ndarray:
    return (model.terms.design(MONDAY + length * days) @ np.array(model.columns["x"].coefficients))[:, 0]


def season_of(days: np.ndarray) -> np.ndarray:
    return 2 * np.sin(2 * np.pi * days / 365.2425) + np.where(days % 7 >= 5, 1.5, 0.0)


def own(model: SeasonModel) -> ColumnSeason:
    return model.columns["x"]


def test_year_and_weekday_are_explained_and_the_rest_is_the_noise() -> None:
    rng, days = np.random.default_rng(1), np.arange(365)
    model = fitted(season_of(days) + rng.normal(0, 0.1, 365))
    later = np.arange(365, 730)
    assert np.abs(expected(model, later) - season_of(later)).max() < 0.25
    assert own(model).scales[0][0] == pytest.approx(0.1, rel=0.2)
    assert own(model).rho[0] == 0.0


def test_a_reference_of_a_quarter_knows_no_year() -> None:
    assert SeasonTerms.of(DAY, 91 * DAY) == SeasonTerms(yearly=False, weekday=True)
    assert SeasonTerms.of(7 * DAY, 364 * DAY) == SeasonTerms(yearly=True)
    assert SeasonTerms.of(3_600, 60 * DAY) == SeasonTerms(weekday=True, hourly=True)
    assert SeasonTerms.of(DAY, 10 * DAY) == SeasonTerms()


def test_hours_have_levels_of_their_own_on_weekends() -> None:
    hours = np.arange(24 * 60)
    values = np.where((hours // 24 % 7 >= 5) & (hours % 24 == 9), 3.0, 1.0 * (hours % 24 == 17))
    model = fitted(values + np.random.default_rng(2).normal(0, 0.1, len(hours)), 3_600.0)
    later = 24 * 61 + np.arange(24 * 7)
    seen = np.where((later // 24 % 7 >= 5) & (later % 24 == 9), 3.0, 1.0 * (later % 24 == 17))
    # Eight weekends' worth of nines, shrunk by a ridge of 1.
    assert np.abs(expected(model, later, 3_600.0) - seen).max() < 0.45


def test_what_the_window_before_says_is_learned() -> None:
    rng, r = np.random.default_rng(3), np.zeros(365)
    for day in range(1, 365):
        r[day] = 0.7 * r[day - 1] + rng.normal(0, 0.1)
    model = fitted(r)
    assert 0.4 < own(model).rho[0] < 0.8
    # 1.25 times, since what has been seen to wander can wander further.
    assert own(model).scales[0][0] == pytest.approx(1.25 * 0.1, rel=0.25)


def test_windows_with_an_outlier_keep_what_is_expected_and_raise_what_may_be() -> None:
    rng, days = np.random.default_rng(4), np.arange(365)
    values = season_of(days) + rng.normal(0, 0.1, 365)
    clean, values[100] = fitted(values.copy()), values[100] + 50
    odd = fitted(values)
    later = np.arange(365, 730)
    assert np.abs(expected(odd, later) - expected(clean, later)).max() < 0.05
    assert own(odd).largest[0][0] > 49


def test_growth_that_is_sure_is_expected_to_have_ended_and_may_go_on() -> None:
    rng, days = np.random.default_rng(5), np.arange(730)
    model = fitted(season_of(days) + 3.0 * days / 365 + rng.normal(0, 0.1, 730))
    assert own(model).faster[0] == pytest.approx(4.5, rel=0.1)
    assert own(model).slower[0] == 0.0
    assert own(model).scales[3][0] < 0.2
    assert expected(model, np.array([730]))[0] == pytest.approx(season_of(np.array([730]))[0] + 6.0, abs=0.3)


def test_columns_that_go_together_tell_of_each_other() -> None:
    rng = np.random.default_rng(6)
    shared = rng.normal(0, 1, 365)
    model = fitted(shared + rng.normal(0, 0.2, 365), y=shared + rng.normal(0, 0.2, 365), z=rng.normal(0, 1, 365))
    companions = own(model).companions
    assert companions is not None
    assert companions.columns == ("y",)
    assert companions.scale < 0.5
    assert model.columns["z"].companions is None


def test_no_block_is_explained_by_itself() -> None:
    """With as many terms as a month has days a fit that saw its own block would find nothing left of it."""
    values = np.repeat(np.random.default_rng(7).normal(0, 1, 13), 28)
    scale = own(fitted(values)).scales[3][0]
    assert scale > 0.9 * values.std()

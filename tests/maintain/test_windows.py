"""The choice of the training window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.errors import ConfigError, SchemaError, TrainingError
from watchkeeper.core.schema import Schema
from watchkeeper.core.window import Window
from watchkeeper.maintain.windows import candidates, choose_window, split

Log = Callable[..., pl.DataFrame]
START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def slope(rows: pl.DataFrame, weights: np.ndarray | None) -> float:
    """A model of one number: the least-squares slope of the label on x."""
    w = np.ones(rows.height) if weights is None else weights
    x, y = rows["x"].to_numpy(), rows["label"].to_numpy() - 0.5
    return float((w * x * y).sum() / (w * x * x).sum())


def squared(model: float, rows: pl.DataFrame) -> np.ndarray:
    return (rows["label"].to_numpy() - 0.5 - model * rows["x"].to_numpy()) ** 2


@pytest.fixture
def turning(log: Log) -> pl.DataFrame:
    """Twenty weeks; the effect of x turns round after week fourteen."""
    first = log(2800, days=98, slope=3.0, seed=1)
    return pl.concat([first, log(1200, days=42, start=START + 98 * DAY, slope=-3.0, seed=2)])


def test_the_blocks_lie_one_label_delay_after_their_training_and_in_order() -> None:
    blocks = split(START + 10 * WEEK, WEEK, 2 * DAY)
    assert blocks.gate == Window(START + 9 * WEEK, START + 10 * WEEK)
    assert blocks.refit_end == blocks.gate.start - 2 * DAY
    assert blocks.choice == Window(blocks.refit_end - WEEK, blocks.refit_end)
    assert blocks.choice_end == blocks.choice.start - 2 * DAY


def test_after_a_change_the_rows_since_then_are_chosen(turning: pl.DataFrame, binary: Schema) -> None:
    tried = candidates(["all", "since_change", "last:12w"], START + 98 * DAY)
    blocks = split(START + 140 * DAY, WEEK, DAY)
    choice = choose_window(tried, turning, binary, slope, squared, blocks)
    assert choice.candidate.name == "since_change"
    loss = {t.candidate.name: t.loss for t in choice.trials}
    assert loss["since_change"] < min(loss["all"], loss["last:12w"])
    assert {t.name: t.loss for t in choice.tried} == loss
    assert min(t.behind for t in choice.tried) == 0


def test_without_a_change_the_larger_window_wins_the_tie(log: Log, binary: Schema) -> None:
    chosen = []
    for seed in range(20):
        rows = log(4000, days=140, slope=2.0, seed=seed)
        blocks = split(START + 140 * DAY, WEEK, DAY)
        tried = candidates(["last:8w", "all", "last:12w"])
        chosen.append(choose_window(tried, rows, binary, slope, squared, blocks).candidate.name)
    # The smallest loss alone would take the whole past about one time in three.
    assert chosen.count("all") >= 15


def test_no_row_of_the_held_out_block_or_the_label_delay_is_learned_from(log: Log, binary: Schema) -> None:
    rows = log(1400, days=70)
    blocks = split(START + 70 * DAY, WEEK, 2 * DAY)
    seen: list[Any] = []

    def fit(chosen: pl.DataFrame, weights: np.ndarray | None) -> float:
        seen.append(chosen["time"].max())
        return slope(chosen, weights)

    choose_window(candidates(["all", "decay:2w"]), rows, binary, fit, squared, blocks)
    assert len(seen) == 2
    assert max(seen) < blocks.choice.start - 2 * DAY


def test_weights_halve_with_every_half_life(log: Log, binary: Schema) -> None:
    rows = log(100, days=50)
    (decay,) = candidates(["decay:1w"])
    chosen, weights = decay.select(rows, binary, START + 50 * DAY)
    assert weights is not None
    assert chosen.height == 100
    ages = np.array([(START + 50 * DAY - t) / WEEK for t in chosen["time"]])
    assert weights == pytest.approx(0.5**ages)


def test_an_older_season_lies_four_weeks_either_side(log: Log, binary: Schema) -> None:
    (season,) = candidates(["season:52w"])
    chosen, _ = season.select(log(800, days=400), binary, START + 400 * DAY)
    assert chosen["time"].min() >= START + (400 - 364 - 28) * DAY
    assert chosen["time"].max() < START + (400 - 364 + 28) * DAY
    assert chosen.height == 112


def test_times_without_a_zone_count_as_utc(turning: pl.DataFrame, binary: Schema) -> None:
    naive = turning.with_columns(pl.col("time").dt.replace_time_zone(None))
    for candidate in candidates(["last:2w", "decay:1w"]):
        first, second = (candidate.select(rows, binary, START + 140 * DAY) for rows in (turning, naive))
        assert first[0]["id"].equals(second[0]["id"])
        assert np.array_equal(first[1] if first[1] is not None else [], second[1] if second[1] is not None else [])


def test_a_candidate_that_was_not_tried_says_why(log: Log, binary: Schema) -> None:
    rows = log(1400, days=70)
    tried = candidates(["all", "last:40w", "season:52w"])
    choice = choose_window(tried, rows, binary, slope, squared, split(START + 70 * DAY, WEEK, DAY), min_rows=50)
    reasons = {t.candidate.name: t.reason for t in choice.trials}
    assert reasons == {"all": "", "last:40w": "the same rows as all", "season:52w": "only 0 rows"}


def test_a_candidate_whose_training_fails_does_not_stop_the_others(turning: pl.DataFrame, binary: Schema) -> None:
    def fit(rows: pl.DataFrame, weights: np.ndarray | None) -> float:
        if rows.height < 1000:
            raise TrainingError("only one class")
        return slope(rows, weights)

    blocks = split(START + 140 * DAY, WEEK, DAY)
    choice = choose_window(candidates(["last:2w", "all"]), turning, binary, fit, squared, blocks)
    assert choice.candidate.name == "all"
    with pytest.raises(TrainingError, match=r"no training window could be tried.*last:2w: only one class"):
        choose_window(candidates(["last:2w"]), turning, binary, fit, squared, blocks)


def test_an_empty_held_out_block_is_said(log: Log, binary: Schema) -> None:
    with pytest.raises(TrainingError, match="has 0 rows"):
        choose_window(candidates(["all"]), log(100), binary, slope, squared, split(START + 90 * DAY, WEEK, DAY))


def test_a_window_that_is_misspelt_is_a_configuration_error(log: Log, binary: Schema) -> None:
    with pytest.raises(ConfigError, match="did you mean 'last'"):
        candidates(["lst:8w"])
    for name in ("last", "all:8w", "decay"):
        with pytest.raises(ConfigError, match="take a length"):
            candidates([name])
    with pytest.raises(SchemaError, match="time column"):
        candidates(["last:1w"])[0].select(log(10).drop("time"), binary, START)

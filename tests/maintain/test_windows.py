"""The choice of the training window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
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
    (fold,) = blocks.folds
    assert fold.held_out == Window(blocks.refit_end - WEEK, blocks.refit_end)
    assert fold.end == fold.held_out.start - 2 * DAY


@pytest.mark.parametrize("delay", [1, 7])
@pytest.mark.parametrize("days", [1, 2, 3, 10, 20])
def test_after_a_recent_change_blocks_and_folds_fit_within_what_is_there(days: int, delay: int) -> None:
    """With blocks of a week and a delay of a day nothing from after a change was trainable for 16 days and more."""
    newest = START + 10 * WEEK
    since = newest - days * DAY
    blocks = split(newest, WEEK, delay * DAY, since=since)
    assert blocks.gate.end == newest
    assert blocks.gate.end - blocks.gate.start <= WEEK
    assert since < blocks.folds[0].end <= blocks.folds[0].held_out.start
    assert blocks.folds[-1].held_out.end == blocks.refit_end <= blocks.gate.start
    assert blocks.refit_end - since >= (newest - since) / 3
    assert timedelta(0) <= blocks.embargo == blocks.gate.start - blocks.refit_end <= delay * DAY
    for earlier, later in pairwise(blocks.folds):
        assert earlier.held_out.end == later.held_out.start


def test_a_change_long_ago_leaves_the_blocks_as_they_are_and_a_learned_row_is_not_judged_on() -> None:
    newest = START + 10 * WEEK
    assert split(newest, WEEK, DAY, since=START) == split(newest, WEEK, DAY)
    assert split(newest, WEEK, DAY, unseen=newest - 3 * DAY).gate == Window(newest - 3 * DAY, newest)
    assert split(newest, WEEK, DAY, unseen=newest).gate == Window(newest - DAY, newest)
    assert split(newest, WEEK, DAY, unseen=START).gate == Window(newest - WEEK, newest)


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
    assert max(seen) < blocks.folds[0].held_out.start - 2 * DAY


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

"""Traffic, rows inside segments, answers and versions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from tests.diagnose.logs import SCHEMA, case, log, states
from watchkeeper.core.diagnosis import Onset
from watchkeeper.core.window import Window
from watchkeeper.diagnose.answers import answer_shift
from watchkeeper.diagnose.release import switch_near, versions_apart
from watchkeeper.diagnose.sampled import sampled
from watchkeeper.diagnose.shifts import moved, segment_mix

DAY = timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)


def test_shares_that_moved_are_told_and_what_moved_with_them_stays_inside_segments() -> None:
    before, now = log(1, 8_000), log(2, 3_000, north=0.9)
    one = case(before, now)
    mix = segment_mix(one)[0]
    assert mix.column == "region"
    assert mix.distance == pytest.approx(float(now["region"].eq("north").mean() - before["region"].eq("north").mean()))
    assert 0.3 < mix.lower < mix.distance
    found = {m.column: m for m in moved(one, mix)}
    # x is higher in the north, so that it moved as a whole; the distance is scipy's up to bins of .4 %.
    assert found["x"].distance == pytest.approx(ks_2samp(before["x"], now["x"]).statistic, abs=0.01)
    assert found["x"].lower > 0
    assert found["x"].lower_within == 0
    assert found["region"].within == 0


def test_rows_that_are_others_inside_segments_are_told_from_other_traffic() -> None:
    one = case(log(3, 8_000), log(4, 3_000, shift=0.5))
    mix = segment_mix(one)[0]
    assert mix.lower == 0
    found = moved(one, None)
    assert found[0].column == "x"
    assert found[0].lower_within > 0.05
    assert all(m.lower_within == 0 for m in found[1:])


def test_shares_of_unchanged_traffic_are_seldom_called_changed() -> None:
    called = [segment_mix(case(log(100 + k, 1_000), log(200 + k, 500)))[0].lower > 0 for k in range(25)]
    assert sum(called) <= 2


def sides(before: pl.DataFrame, now: pl.DataFrame) -> tuple:
    return sampled(states(before), SCHEMA, "brier", "region"), sampled(states(now), SCHEMA, "brier", "region")


def test_a_model_that_stayed_the_same_gives_rows_the_same_answers_wherever_they_lie() -> None:
    found = [answer_shift(*sides(log(300 + k, 3_000), log(400 + k, 2_000, shift=0.4)), SCHEMA) for k in range(8)]
    assert sum(one is not None and one.lower > 0 for one in found) <= 1


@pytest.mark.parametrize("how", ["higher", "scattered"])
def test_other_answers_at_equal_features_are_found(how: str) -> None:
    now = log(6, 2_000, shift=0.3)
    x = now["x"].to_numpy()
    if how == "scattered":
        # As large on average as before, and otherwise row by row.
        x = x + np.random.default_rng(0).normal(0, 0.8, len(x))
    now = now.with_columns(pl.Series("score", 1 / (1 + np.exp(-2 * x - (0.8 if how == "higher" else 0.0)))))
    found = answer_shift(*sides(log(5, 3_000), now), SCHEMA)
    assert found is not None
    assert found.column == "score"
    assert found.lower > 0.03


def history(*shares: float) -> dict[Window, dict[str, int]]:
    return {
        Window(START + k * DAY, START + (k + 1) * DAY): {"1": round(100 * (1 - s)), "2": round(100 * s)}
        for k, s in enumerate(shares)
    }


def onset(day: int, room: int = 1) -> Onset:
    return Onset(START + day * DAY, START + (day - room) * DAY, START + (day + room) * DAY)


def test_a_version_that_came_with_the_change_is_found_and_one_that_came_before_is_not() -> None:
    found = switch_near(history(0, 0, 0, 0, 0, 0, 1, 1, 1), onset(6))
    assert found is not None
    assert (found.version, found.at, found.share0, found.share) == ("2", START + 6 * DAY, 0.0, 1.0)
    assert switch_near(history(0, 0, 1, 1, 1, 1, 1, 1, 1), onset(6)) is None
    assert switch_near(history(*[0] * 30, *[1] * 12), onset(38)) is None
    assert switch_near(history(0, 0, 0, 0, 0, 0, 0.1, 0.1, 0.1), onset(6)) is None
    assert switch_near(history(0, 0, 0, 0.5, 0.5, 0.5), onset(3)) is not None
    assert switch_near({}, onset(3)) is None
    assert switch_near(history(0, 0, 1), None) is None


def test_versions_side_by_side_are_compared_by_their_losses() -> None:
    now = log(7, 3_000)
    bad = np.random.default_rng(0).random(3_000) < 0.4
    now = now.with_columns(
        pl.Series("version", np.where(bad, "2", "1")),
        pl.Series("score", np.where(bad, 0.9, now["score"])),
    )
    rows = sampled(states(now), SCHEMA, "brier").labelled()
    found = versions_apart(rows, SCHEMA, "2")
    assert found is not None
    assert found.z > 3
    assert found.new > found.others
    assert versions_apart(rows, SCHEMA, "3") is None


def test_a_feature_that_has_only_nulls_is_said_to_have_moved_by_nothing() -> None:
    gone = log(6, 500).with_columns(x=pl.lit(None, pl.Float64), region=pl.lit(None, pl.String))
    for one in (case(log(5, 500), gone), case(gone, log(5, 500))):
        found = {m.column: m for m in moved(one, None)}
        assert all(np.isfinite([m.distance, m.lower]).all() for m in found.values())

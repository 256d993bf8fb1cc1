"""What judging remembers is kept after few windows, and judging goes back to any window all the same."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from watchkeeper.alerts.policy import Episode
from watchkeeper.charts.chart import ChartMemory
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.remembered import Remembered
from watchkeeper.core.window import Window
from watchkeeper.performance.arrivals import Arrivals
from watchkeeper.performance.learned_band import LearnedBand
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.judging import Judging
from watchkeeper.run.project import Project
from watchkeeper.run.remembering import kept_windows, newest_remembered, recalled, remembered
from watchkeeper.steps.judge import JudgeMemory
from watchkeeper.store.memory import MemoryStore

from .invented import MODEL, day, deliver, everything, rows, watch

DAY = timedelta(days=1)
OPEN = Alert("a", MODEL, Cause.DRIFT, Severity.WARNING, AlertState.FIRING, day(0).start, day(1).end)
MEMORY = JudgeMemory(
    {"cusum\x1fmetric": ChartMemory({"sum": 0.1}, ((1.0, 2.0),), {"cells": (0.5,)})},
    {Cause.DRIFT: Episode((True, False), 1, OPEN)},
    (Measurement(Family.METRIC, "prediction_mean", 0.5, 10, window=day(1)),),
    ("v1", "v2"),
    arrivals=Arrivals((0.0,), (10,), (9,), (60.0,)),
    bands={"auroc\x1fall": LearnedBand().after(0.1, 0.05, 1).after(-0.02, 0.05, 1)},
)


def test_what_is_remembered_comes_back_as_it_was() -> None:
    assert recalled(remembered(MEMORY, day(1)), ()) == MEMORY


def test_a_damaged_series_costs_itself_and_says_so() -> None:
    two = replace(MEMORY, charts={**MEMORY.charts, "ewma\x1fmetric": ChartMemory({"mean": 1.0})})
    stored = remembered(two, day(1))
    broken = [replace(part, body="") if "ewma" in part.series else part for part in stored.series]
    memory = recalled(replace(stored, series=tuple(broken)), [OPEN])
    assert memory.damaged
    assert "ChartMemory cannot be read" in memory.lost
    assert replace(memory, lost="", damaged=False) == MEMORY


def test_of_a_damaged_episode_the_alert_that_was_open_is_left() -> None:
    stored = remembered(MEMORY, day(1))
    broken = tuple(replace(part, body="{") for part in stored.series)
    later = replace(OPEN, id="b", cause=Cause.PERFORMANCE, since=day(2).start)
    ended = replace(OPEN, id="c", cause=Cause.NO_DATA, state=AlertState.ENDED)
    memory = recalled(replace(stored, series=broken), [OPEN, later, ended])
    assert memory.episodes == {Cause.DRIFT: Episode((True,), 0, OPEN)}
    assert (memory.charts, memory.versions, memory.damaged) == ({}, (), True)


def test_a_memory_of_a_newer_version_is_not_guessed_at() -> None:
    stored = remembered(MEMORY, day(1))
    newer = tuple(replace(part, version=99) for part in stored.series)
    assert "a newer version wrote" in recalled(replace(stored, series=newer), ()).lost


@pytest.mark.parametrize("every", [timedelta(hours=1), DAY, timedelta(days=7)])
def test_a_window_d_back_is_at_most_a_quarter_of_d_from_one_that_is_kept(every: timedelta) -> None:
    start = day(0).start
    windows = [Window(start + n * every, start + (n + 1) * every) for n in range(1_500)]
    kept: set[Window] = set()
    for newest in range(1, len(windows)):
        # What was thrown away earlier does not come back.
        kept = kept_windows(kept | {windows[newest]}, every)
    assert len(kept) <= 8 + 4 * 8
    places = sorted(windows.index(window) for window in kept)
    assert places[-8:] == list(range(1_492, 1_500))
    for before, after in pairwise(places):
        assert after - before - 1 <= (1_500 - before) / 4


class Keeping(MemoryStore):
    """A store that keeps what judging remembers after every window."""

    def forget(self, *args: Any, **options: Any) -> int:
        return 0


def ran(folder: Path, store: MemoryStore, *parts: tuple[int, pl.DataFrame]) -> Project:
    model = watch(folder, store, train="''")
    for number, (until, frame) in enumerate(parts):
        deliver(folder, str(number), frame, frame)
        model.run(MODEL, day(until).start)
    return model


def test_judging_a_window_of_long_ago_again_gives_what_it_would_had_all_been_kept(tmp_path: Path) -> None:
    """What was remembered after the window before the late rows is gone: it is made again, and nothing else is."""
    whole = rows(0, 40, turn=25)
    late = whole.filter(pl.col("time").is_between(day(17).start, day(17).end, closed="left")).head(40)
    parts = ((40, whole.join(late, on="id", how="anti")), (40, late))
    model, full = ran(tmp_path / "few", MemoryStore(), *parts), ran(tmp_path / "all", Keeping(), *parts)
    gone = newest_remembered(model.store, MODEL, day(16))
    assert gone is not None
    assert gone.window != day(16)
    found, expected = everything(model), everything(full)
    few, every = found.pop("remembered"), expected.pop("remembered")
    # It names the file that alerts are written to.
    del found["notified"], expected["notified"]
    assert found == expected
    assert set(few) < set(every)
    assert len({json.loads(text)[0] for text in few}) == 17
    revisions = {m.window: m.revision for m in model.store.recorded(MODEL, Measurement) if m.name == "rows"}
    assert [revisions[day(n)] for n in (16, 17, 18)] == [0, 1, 0]
    assert {a.cause for a in model.store.recorded(MODEL, Alert)} >= {Cause.PERFORMANCE}


def test_with_nothing_remembered_judging_begins_with_the_first_window(tmp_path: Path) -> None:
    model = ran(tmp_path, MemoryStore(), (14, rows(0, 14)))
    place, spec = Checkpoint.load(model.store, MODEL), model.spec(MODEL)
    assert spec.windows is not None
    judging = Judging.of(spec, model.store, spec.windows)
    (stored,) = model.store.recorded(MODEL, Remembered, Query(window=day(12)))
    assert model.store.forget(MODEL, Remembered) > 0
    assert remembered(judging.memory_before(day(13), place), day(12)) == stored
    assert model.store.recorded(MODEL, Remembered) == []

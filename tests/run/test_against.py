"""A weekly season alarms against a fixed reference, and not against the same weekday."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.schema import Role
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import AlertRule, Monitor, Spec
from watchkeeper.core.store import Table
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.run.once import run_once
from watchkeeper.run.reach import against_note
from watchkeeper.schema.inference import infer_schema
from watchkeeper.steps.stored_reference import reference_effects
from watchkeeper.store.memory import MemoryStore

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
N = 400


def log(days: int, shifted_from: int) -> pl.DataFrame:
    """Weekends differ by two sigma; from one day on every day is a further sigma higher."""
    rng = np.random.default_rng(11)
    frames = []
    for day in range(days):
        mean = 2.0 * (day % 7 >= 5) + 1.0 * (day >= shifted_from)
        moments = [START + day * DAY + timedelta(minutes=3 * i) for i in range(N)]
        ids = [f"{day}-{i}" for i in range(N)]
        frames.append(pl.DataFrame({"id": ids, "at": moments, "x": rng.normal(mean, 1, N)}))
    return pl.concat(frames)


@pytest.fixture(scope="module")
def watched():
    frame = log(63, 56)
    schema = infer_schema(frame.head(28 * N), roles={Role.ID: "id", Role.TIME: "at"})
    options = {"run_length": 1_000.0}
    monitors = tuple(
        Monitor("ks", "tolerance", ("x",), options=options, against=against)
        for against in ("", "previous", "season:7d")
    )
    reference = Window(START, START + 28 * DAY)
    spec = Spec("m", schema, WindowRule(), reference, monitors, AlertRule(1, 1, 1))
    store = MemoryStore()
    store.append("m", Table.PREDICTIONS, frame, schema, source="all")
    run_once(spec, store, START + 63 * DAY)
    return spec, store


def fired(store, against: str) -> list[int]:
    signals = [s for s in store.recorded("m", Signal) if s.measurement.against == against and s.chart == "tolerance"]
    return [(s.measurement.window.start - START) // DAY for s in signals if s.fired]


def test_the_previous_window_alarms_at_each_turn_of_the_week(watched):
    _, store = watched
    early = [day for day in fired(store, "previous") if day < 56]
    assert {day % 7 for day in early} == {0, 5}


def test_the_same_weekday_is_silent_until_the_true_shift(watched):
    _, store = watched
    assert fired(store, "season:7d") == [56, 57, 58, 59, 60, 61, 62]


def test_a_fixed_reference_with_weekends_in_it_counts_days_for_little(watched):
    """Twenty-eight days of which eight differ: the design effect says so, and single days no longer alarm."""
    spec, store = watched
    assert reference_effects(spec, store)["x"] > 20
    assert [day for day in fired(store, "") if day < 56] == []


def test_without_earlier_windows_there_is_no_data_and_no_alarm(watched):
    _, store = watched
    first = [m for m in store.recorded("m", Measurement) if m.against and m.window.start == START]
    assert {m.status for m in first} == {Status.NO_DATA}


def test_series_against_different_references_are_kept_apart(watched):
    _, store = watched
    made = [m for m in store.recorded("m", Measurement) if m.name == "ks" and m.window.start == START + 40 * DAY]
    assert len({m.value for m in made}) == len(made) == 3
    assert any(alert.state is AlertState.FIRING for alert in store.recorded("m", Alert))


def test_what_is_compared_with_earlier_windows_says_that_its_rows_are_taken_as_independent(watched):
    spec, store = watched
    made = [m for m in store.recorded("m", Measurement) if m.name == "ks" and m.window.start == START + 40 * DAY]
    known = {m.against: m.evidence.size.design_effect is not None for m in made}
    assert known == {
        "": True,
        "previous": False,
        "season:7d": False,
    }
    assert {str(m.evidence.details.get("rows", "")).partition(":")[0] for m in made if m.against} == {
        "taken as independent"
    }
    (note,) = against_note(spec)
    assert note.startswith("ks against earlier windows: rows count as independent")
    assert against_note(replace(spec, monitors=spec.monitors[:1])) == []

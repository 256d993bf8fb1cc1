"""Records go when the configuration says so: numbers after two years, alerts and actions never unless told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from watchkeeper.config.configuration import read_config
from watchkeeper.config.model import Retention
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.errors import ConfigError
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.retention import Removed, apply_retention
from watchkeeper.store.memory import MemoryStore

from .invented import MODEL, day, deliver, rows, watch

DAY = timedelta(days=1)


def kept(days: int) -> MemoryStore:
    """A store of so many judged days with a number, a signal and an alert that ended each day, and one that fires."""
    store, place = MemoryStore(), Checkpoint(cursor="1")
    for number in range(days):
        window = day(number)
        place = place.judge(window, 0, filled=True)
        measured = Measurement(Family.COMPARISON, "ks", 0.1, 10, window=window, column="x")
        ended = Alert(str(number), "m", Cause.DRIFT, Severity.NOTICE, AlertState.ENDED, window.start, window.end)
        store.record("m", [measured, Signal(measured, "cusum"), ended])
    fires = Alert("fires", "m", Cause.DRIFT, Severity.NOTICE, AlertState.FIRING, day(0).start, day(0).end)
    store.record("m", [fires], place.moves(Checkpoint()))
    return store


def test_by_default_numbers_of_two_years_and_all_alerts_are_kept() -> None:
    store = kept(735)
    assert apply_retention(store, "m", Retention()) == Removed(measurements=5)
    assert store.recorded("m", Measurement, Query(limit=1))[0].window == day(5)
    assert len(store.recorded("m", Signal)) == 730
    assert len(store.recorded("m", Alert)) == 736
    assert apply_retention(store, "m", Retention()) == Removed()


def test_alerts_that_ended_go_where_the_configuration_says_so_and_open_ones_stay() -> None:
    store = kept(10)
    assert apply_retention(store, "m", Retention(numbers=None, alerts=3 * DAY)) == Removed(alerts=7)
    assert [alert.id for alert in store.recorded("m", Alert)] == ["7", "8", "9", "fires"]
    assert len(store.recorded("m", Measurement)) == 10


def test_nothing_goes_before_a_window_was_judged() -> None:
    assert apply_retention(MemoryStore(), "m", Retention()) == Removed()


def test_a_run_applies_what_the_configuration_states(tmp_path: Path) -> None:
    model = watch(tmp_path, train="''")
    config = read_config("store: {retention: {numbers: 3d}}")
    assert config.store.retention == Retention(numbers=3 * DAY)
    model = type(model)(model.config.model_copy(update={"store": config.store}), model.folder, model.store)
    whole = rows(0, 10)
    deliver(tmp_path, "all", whole, whole)
    model.run(MODEL, day(10).start)
    windows = {m.window for m in model.store.recorded(MODEL, Measurement)}
    assert windows == {day(7), day(8), day(9)}
    late = Window(day(2).start, day(3).end)
    assert model.store.recorded(MODEL, Signal, Query(window=late)) == []
    assert set(Checkpoint.load(model.store, MODEL).judged) == {day(n) for n in range(10)}


def test_a_retention_that_is_no_duration_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"retention\.numbers"):
        read_config("store: {retention: {numbers: soon}}")
    with pytest.raises(ConfigError, match=r"retention\.actions"):
        read_config("store: {retention: {actions: 1d}}")

"""The seasons of a reference: fitted from its windows, stored beside it, and used when a window is measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.alert import Cause
from watchkeeper.core.batch import Batch
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.schema import Role
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import AlertRule, Spec
from watchkeeper.core.state import State
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.run.reach import breaks_note
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise
from watchkeeper.steps.assess import assess
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.judge import JudgeMemory, judge
from watchkeeper.steps.monitors import default_monitors
from watchkeeper.steps.reference import reference_pieces, summarise_reference
from watchkeeper.steps.season import SEASON, read_season, season_of_reference, stored_season
from watchkeeper.store.memory import MemoryStore

START, DAY, ROWS = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=1), 48


def rows(first: int, days: int, seed: int = 0) -> pl.DataFrame:
    """Return rows of a half-hourly log: warm on weekends, and a level that is commoner then."""
    rng = np.random.default_rng([seed, first])
    at = np.repeat(np.arange(first, first + days), ROWS)
    weekend = at % 7 >= 5
    times = [START + (day + slot / ROWS) * DAY for day in range(first, first + days) for slot in range(ROWS)]
    return pl.DataFrame(
        {
            "at": pl.Series(times, dtype=pl.Datetime("us", "UTC")),
            "warm": 15 + 8 * weekend + rng.normal(0, 2, len(at)),
            "also": 15 + 8 * weekend + rng.normal(0, 2, len(at)),
            "kind": np.where(rng.random(len(at)) < np.where(weekend, 0.7, 0.3), "private", "business"),
        }
    )


@pytest.fixture(scope="module")
def spec() -> Spec:
    schema = infer_schema(rows(0, 56), roles={Role.TIME: "at"})
    rule = AlertRule(budget=365.0)
    monitors = tuple(m for m in default_monitors(schema, rule, history=True) if m.measure == "departure")
    return Spec("m", schema, WindowRule(DAY, DAY, START), None, monitors, rule)


@pytest.fixture(scope="module")
def pieces(spec: Spec):
    return reference_pieces([Batch(rows(0, 56), spec.schema)], spec, Embedding())


def measured(spec: Spec, pieces, frame: pl.DataFrame, day: int) -> dict[str, Measurement]:
    window = Window(START + day * DAY, START + (day + 1) * DAY)
    states = merged(summarise([Batch(frame, spec.schema, window)], spec).values(), window, "m")
    before: dict[tuple[str, str], State] = merged(pieces.values(), None, "m")
    season = season_of_reference(pieces, spec)
    found = assess(states, before, spec, only={"departure"}, season=season)
    return {m.column: replace(m, window=window) for m in found if m.name == "departure"}


def test_a_weekend_is_judged_by_weekends(spec: Spec, pieces) -> None:
    saturday = measured(spec, pieces, rows(61, 1), 61)
    assert set(saturday) == {"warm", "also", "kind"}
    assert all(m.status is Status.OK and (m.value or 0) < 4 for m in saturday.values())
    as_a_monday = measured(spec, pieces, rows(61, 1).with_columns(pl.col("at") + timedelta(days=2)), 63)
    assert all((m.value or 0) > 5 for m in as_a_monday.values())
    change = as_a_monday["warm"].evidence.change
    assert change.before == pytest.approx(15, abs=1.0)
    assert change.after == pytest.approx(23, abs=1.0)


def test_an_alert_names_the_column_that_broke_in_the_first_window(spec: Spec, pieces) -> None:
    memory = JudgeMemory()
    for day in (56, 57):
        frame = rows(day, 1)
        if day == 57:
            frame = frame.with_columns(pl.col("also") + 6)
        judged = judge(list(measured(spec, pieces, frame, day).values()), spec, memory, None)
        memory = judged.watch
        drift = [alert.columns for alert in judged.alerts if alert.cause is Cause.DRIFT]
        assert drift == ([] if day == 56 else [("also",)])


def test_a_column_that_is_off_says_nothing_of_those_that_go_with_it(spec: Spec, pieces) -> None:
    faulty = measured(spec, pieces, rows(57, 1).with_columns(pl.col("also") + 100), 57)
    apart = [d.residual for d in faulty["warm"].departures if d.alone]
    assert apart
    assert all(np.isnan(apart))
    assert (faulty["warm"].value or 0) < 4


def test_a_window_that_rows_cover_in_part_is_not_measured_and_says_so(spec: Spec, pieces) -> None:
    morning = measured(spec, pieces, rows(57, 1).head(ROWS // 3), 57)
    assert {m.status for m in morning.values()} == {Status.NO_DATA}
    assert "its rows cover 31% of the window" in morning["warm"].reason


def test_a_reference_of_less_than_a_year_says_that_it_judges_breaks_alone(spec: Spec, pieces) -> None:
    found = list(measured(spec, pieces, rows(61, 1), 61).values())
    (note,) = breaks_note([Signal(m, "departure") for m in found])
    assert note.startswith("warm, also, kind: judged for breaks alone")
    # One that knows the time of year says nothing of the sort.
    assert breaks_note([Signal(replace(m, evidence=Evidence()), "departure") for m in found]) == []


def test_a_reference_of_few_windows_has_no_seasons(spec: Spec) -> None:
    few = reference_pieces([Batch(rows(0, 19), spec.schema)], spec, Embedding())
    assert season_of_reference(few, spec) is None
    assert season_of_reference(few, replace(spec, windows=None)) is None


def test_seasons_are_stored_with_the_reference_and_read_back(spec: Spec, pieces) -> None:
    store = MemoryStore()
    assert read_season(spec, store) == (None, False)
    summarise_reference(spec, store, [Batch(rows(0, 56), spec.schema)], "table")
    assert read_season(spec, store) == (season_of_reference(pieces, spec), True)


def test_seasons_of_another_form_are_fitted_anew_and_no_state_is_written(spec: Spec, pieces, monkeypatch) -> None:
    store = MemoryStore()
    summarise_reference(spec, store, [Batch(rows(0, 56), spec.schema)], "table")
    for damaged in ('{"version":0,"season":null}', "no json"):
        held = store.pointer("m", SEASON)
        store.record("m", [], {SEASON: (held, damaged)})
        assert read_season(spec, store) == (None, False)
        with monkeypatch.context() as patched:
            patched.setattr(MemoryStore, "put_states", None)
            summarise_reference(spec, store, [Batch(rows(0, 56), spec.schema)], "table")
        assert store.pointer("m", SEASON) == stored_season(season_of_reference(pieces, spec))

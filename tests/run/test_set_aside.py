"""Rows whose time cannot be open no windows; more than a few rows set aside are a fault of the data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from watchkeeper.api import check
from watchkeeper.core.alert import AlertState, Cause
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.query import Query
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.project import Project
from watchkeeper.views.report import Verdict
from watchkeeper.words.alerts import alert_sentence

from .invented import MODEL, START, alerts, day, deliver, rows, values, watch


@pytest.fixture
def model(tmp_path: Path) -> Project:
    opened = watch(tmp_path, train="''", estimate="never")
    deliver(tmp_path, "good", rows(0, 6), rows(0, 8))
    opened.run(MODEL, day(6).start)
    return opened


def faults(model: Project) -> list[str]:
    """Return what the alerts that fire say of rows in quarantine."""
    said = [alert_sentence(a) for a in alerts(model.store, Cause.DATA_FAULT) if a.state is AlertState.FIRING]
    return [words for words in said if "quarantine" in words]


def years(model: Project) -> set[int]:
    return {window.start.year for window in Checkpoint.load(model.store, MODEL).judged}


def test_a_row_of_1970_and_one_of_2999_open_no_windows(model: Project, tmp_path: Path) -> None:
    odd = rows(6, 7).with_columns(
        time=pl.when(pl.col("id") == "006-0003")
        .then(pl.lit(START.replace(year=1970)))
        .when(pl.col("id") == "006-0004")
        .then(pl.lit(START.replace(year=2999)))
        .otherwise("time")
        .cast(rows(0, 1).schema["time"])
    )
    deliver(tmp_path, "odd", odd)
    ran = model.run(MODEL, day(7).start)
    assert years(model) == {2024}
    assert values(model.store, "rows")[6].value == 298
    (said,) = [words for words in ran.intake if "quarantine" in words]
    assert "odd.parquet: 2 rows set aside" in said
    assert "lies before 1973-03-03" in said
    assert "which is yet to come" in said
    # Two of three hundred are told, and are no fault.
    assert values(model.store, "rows_set_aside")[6].value == pytest.approx(2 / 300)
    assert faults(model) == []


def test_milliseconds_among_seconds_are_read_row_by_row(model: Project, tmp_path: Path) -> None:
    seconds = pl.col("time").dt.epoch("s")
    mixed = rows(6, 7).with_columns(
        time=pl.when(pl.int_range(pl.len()) % 10 == 0).then(seconds * 1_000).otherwise(seconds)
    )
    deliver(tmp_path, "mixed", mixed)
    ran = model.run(MODEL, day(7).start)
    assert (values(model.store, "rows")[6].value, years(model), ran.unread) == (300, {2024}, ())


def test_more_than_a_few_rows_without_an_id_are_a_fault(model: Project, tmp_path: Path) -> None:
    lacking = rows(6, 7).with_columns(id=pl.when(pl.int_range(pl.len()) < 30).then(None).otherwise("id"))
    deliver(tmp_path, "lacking", lacking)
    model.run(MODEL, day(7).start)
    assert faults(model) == ["30 of 300 rows are in quarantine: no id that can be read"]
    (alert,) = alerts(model.store, Cause.DATA_FAULT)
    assert (alert.since, alert.state) == (day(6).start, AlertState.FIRING)
    # The windows before know nothing of it.
    assert {window.start for window in (m.window for m in _aside(model)) if window} == {day(6).start}


def test_a_window_of_which_every_row_was_set_aside_says_so(model: Project, tmp_path: Path) -> None:
    deliver(tmp_path, "lacking", rows(6, 7).with_columns(id=pl.lit(None, pl.String)))
    model.run(MODEL, day(7).start)
    assert faults(model) == ["300 of 300 rows are in quarantine: no id that can be read"]
    assert alerts(model.store, Cause.NO_DATA)[0].since == day(6).start


def test_what_comes_late_to_a_judged_window_brings_it_up_again(model: Project, tmp_path: Path) -> None:
    early = rows(5, 6).with_columns(id=pl.lit(None, pl.String), time=pl.lit(START.replace(year=1970)))
    deliver(tmp_path, "empty-clocks", early)
    ran = model.run(MODEL, day(6).start + timedelta(hours=1))
    # A row without a moment of its own belongs to the newest there is.
    assert [window.start for window in ran.ran.revised] == [day(5).start]
    assert faults(model) == ["300 of 600 rows are in quarantine: a time that cannot be"]
    assert years(model) == {2024}
    again = model.run(MODEL, day(6).start + timedelta(hours=2))
    assert (again.ran.judged, again.ran.revised) == ((), ())


def test_rows_that_another_stands_for_are_no_fault(model: Project, tmp_path: Path) -> None:
    deliver(tmp_path, "twice", pl.concat([rows(6, 7), rows(6, 7)]))
    model.run(MODEL, day(7).start)
    assert (faults(model), _aside(model)) == ([], [])


def _aside(model: Project) -> list[Measurement]:
    return [m for m in model.store.recorded(MODEL, Measurement, Query()) if m.name == "rows_set_aside"]


def dated(rows: int, seed: int, odd: int = 0, at: datetime | None = None) -> pl.DataFrame:
    start, draws = datetime(2024, 11, 1, tzinfo=UTC), np.random.default_rng(seed)
    times = [at if i < odd else start + timedelta(minutes=20 * i) for i in range(rows)]
    return pl.DataFrame({"at": times, "x": draws.normal(size=rows)})


@pytest.mark.parametrize(
    "when", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)]
)
def test_a_check_sets_times_aside_that_cannot_be(when: datetime) -> None:
    report = check(dated(600, 2, 2, when), dated(900, 1), time="at")
    assert report.verdict is Verdict.OK
    assert report.headline.startswith("598 rows")
    assert any("2 rows were set aside: 2 with at" in note for note in report.notes)
    worse = check(dated(600, 2, 30, when), dated(900, 1), time="at")
    assert [(a.severity.name, a.cause, a.message) for a in worse.alerts] == [
        ("PAGE", Cause.DATA_FAULT, "30 of 600 rows have a time that cannot be")
    ]


def test_a_check_of_times_that_cannot_be_alone_has_no_data() -> None:
    report = check(dated(600, 2, 600, datetime(1970, 1, 1, tzinfo=UTC)), dated(900, 1), time="at")
    assert report.verdict is Verdict.NO_DATA
    assert any("600 rows were set aside" in note for note in report.notes)


def test_a_check_names_times_that_cannot_be_read_where_the_reference_has_them_all() -> None:
    lost = dated(600, 2, 60)
    assert [a.message for a in check(lost, dated(900, 1), time="at").alerts] == [
        "60 of 600 rows have no time that can be read"
    ]
    assert check(lost, dated(900, 1, 90), time="at").verdict is Verdict.OK

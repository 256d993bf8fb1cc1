"""History replayed up to a moment, runs that only show what they would do, and windows without rows."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from watchkeeper.config.configuration import load_config
from watchkeeper.core.action import Action, ActionKind
from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.errors import StoreError
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.remembered import Remembered
from watchkeeper.core.signal import Signal
from watchkeeper.core.store import Table
from watchkeeper.core.window import WindowRule
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.judging import Judging
from watchkeeper.run.project import Project, open_project
from watchkeeper.run.replay import replay
from watchkeeper.steps.judge import JudgeMemory
from watchkeeper.store.memory import MemoryStore
from watchkeeper.store.nouns import to_json
from watchkeeper.store.rehearsal import RehearsalStore

from . import invented
from .invented import MODEL, alerts, day, deliver, everything, rows, values, watch


def content(folder: Path) -> dict[str, str]:
    """Return what every file below a folder holds."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_an_empty_window_says_one_thing_once_whatever_rules_there_are(tmp_path: Path) -> None:
    whole = rows(0, 6)
    model = watch(tmp_path, train="''")
    config = tmp_path / "watchkeeper.yaml"
    watched = "      - {measure: rows, chart: fixed, cause: data_fault, options: {lower: 1}}\n    notify"
    asked = "{rule: volume, lower: 1}, {rule: not_null, column: x}, {rule: in_range, column: z, lower: -9, upper: 9}"
    rules = f"    rules: [{asked}]\n"
    config.write_text(config.read_text().replace("    notify", watched, 1) + rules)
    model = Project(load_config(config, environ={}), tmp_path, model.store)
    deliver(tmp_path, "all", whole, whole)
    model.run(MODEL, day(6).end)
    outcome = model.run(MODEL, day(6).end + timedelta(hours=3)).ran
    assert outcome.judged == (day(6),)
    assert [m.name for m in model.store.recorded(MODEL, Measurement, Query(window=day(6)))] == ["rows"]
    assert [(a.cause, len(a.evidence)) for a in outcome.alerts] == [(Cause.NO_DATA, 1)]
    # It goes on, and is not told again.
    later = model.run(MODEL, day(9).end).ran
    assert later.changed == ()
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 1


def test_no_page_before_the_file_could_be_there(tmp_path: Path) -> None:
    model = watch(tmp_path, train="''")
    whole = rows(0, 12)
    deliver(tmp_path, "history", whole.filter(pl.col("time") < day(6).start), whole)
    model.run(MODEL, day(6).start)
    # From now on the file of a day comes five hours after its end.
    for number in range(6, 12):
        for hour in range(24):
            if hour == 5:
                deliver(tmp_path, f"{number}", rows(number, number + 1))
            if hour in (1, 4, 5, 20):
                model.run(MODEL, day(number).end + timedelta(hours=hour))
    blind = [a for a in alerts(model.store, Cause.NO_DATA) if a.since and a.since >= day(8).start]
    assert blind == []
    outcome = model.run(MODEL, day(12).end + timedelta(hours=12)).ran
    assert [(a.cause, a.since) for a in outcome.changed] == [(Cause.NO_DATA, day(12).start)]


def test_history_is_replayed_up_to_a_moment_and_nothing_after_it_is_told(tmp_path: Path) -> None:
    whole = rows(0, 12, turn=7)
    model = watch(tmp_path / "part", train="''")
    deliver(tmp_path / "part", "all", whole, whole)
    outcome = model.run(MODEL, day(6).end, stepwise=True)
    assert outcome.ran.judged == tuple(day(n) for n in range(7))
    assert model.store.recorded(MODEL, Alert) == []
    assert not (tmp_path / "part/alerts.jsonl").exists()
    model.run(MODEL, day(12).start)
    at_once = watch(tmp_path / "once", train="''")
    deliver(tmp_path / "once", "all", whole, whole)
    at_once.run(MODEL, day(12).start)
    kinds = ("Measurement", "Signal", "Alert", "remembered")
    assert {k: everything(model)[k] for k in kinds} == {k: everything(at_once)[k] for k in kinds}
    assert alerts(model.store, Cause.PERFORMANCE)


def test_a_replay_responds_as_runs_of_the_time_would_have(tmp_path: Path) -> None:
    whole = rows(0, 12, turn=7)
    deeds = []
    for name in ("daily", "replayed"):
        model = watch(tmp_path / name, retrain="ask")
        deliver(tmp_path / name, "all", whole, whole)
        if name == "daily":
            for number in range(12):
                model.run(MODEL, day(number).end)
        else:
            model.run(MODEL, day(11).end, stepwise=True)
        deeds.append([(a.kind, a.outcome, a.at) for a in model.store.recorded(MODEL, Action)])
    assert deeds[0] == deeds[1]
    assert deeds[0][0][0] is ActionKind.RETRAIN
    assert deeds[0][0][2] < day(11).start


def test_a_rehearsed_run_gives_what_a_run_gives_and_writes_nothing(tmp_path: Path) -> None:
    whole = rows(0, 12, turn=7)
    invented.write(tmp_path, train="training:train", retrain="ask")
    config = tmp_path / "watchkeeper.yaml"
    early = whole.filter(pl.col("time") < day(9).start)
    # Labels of the last day and rows of the next ones come later, and one day has half of its rows in either file.
    half = early.filter((pl.col("time") < day(8).start) | (pl.col("x") > 0))
    deliver(tmp_path, "early", half, early.filter(pl.col("time") < day(8).start))
    first = open_project(config, {})
    first.run(MODEL, day(9).start)
    deliver(tmp_path, "late", whole.join(half, on="id", how="anti"), whole)
    recorded = everything(first)
    first.close()
    before = content(tmp_path)
    rehearsed = open_project(config, {}, rehearsed=True)
    shown = rehearsed.run(MODEL, day(12).start)
    assert shown.rehearsed
    assert shown.receivers == ("file",)
    seen = {**everything_of(rehearsed), "pointers": [rehearsed.store.pointer(MODEL, "place")]}
    rehearsed.close()
    assert content(tmp_path) == before
    real = open_project(config, {})
    assert everything(real) == recorded
    done = real.run(MODEL, day(12).start)
    assert (shown.ran, shown.actions) == (done.ran, done.actions)
    assert [(t.table, t.appended) for t in shown.taken] == [(t.table, t.appended) for t in done.taken]
    assert seen == {**everything_of(real), "pointers": [real.store.pointer(MODEL, "place")]}
    assert done.ran.revised
    assert alerts(real.store, Cause.PERFORMANCE)
    real.close()


def everything_of(model: Project) -> dict[str, list[str | None]]:
    store = model.store
    kinds = (Measurement, Signal, Alert, Action)
    found: dict[str, list[str | None]] = {k.__name__: [to_json(n) for n in store.recorded(MODEL, k)] for k in kinds}
    newest = Query(newest_first=True, limit=3)
    found["last"] = [to_json(n) for n in store.recorded(MODEL, Measurement, newest)]
    found["memories"] = [str(m.window) for m in store.recorded(MODEL, Remembered, Query(newest_first=True, limit=1))]
    open_ = Query(states=(AlertState.FIRING,))
    found["open"] = [to_json(n) for n in store.recorded(MODEL, Alert, open_)]
    return found


def test_a_rehearsal_of_a_model_that_never_ran_leaves_no_store(tmp_path: Path) -> None:
    whole = rows(0, 9, turn=6)
    invented.write(tmp_path, retrain="auto")
    deliver(tmp_path, "all", whole, whole)
    before = content(tmp_path)
    model = open_project(tmp_path / "watchkeeper.yaml", {}, rehearsed=True)
    shown = model.run(MODEL, day(9).start, stepwise=True)
    model.close()
    assert len(shown.ran.judged) == 9
    assert any(a.cause is Cause.PERFORMANCE and a.state is AlertState.FIRING for a in shown.ran.alerts)
    assert [a.outcome.value for a in shown.actions] == ["proposed"]  # and no training
    assert content(tmp_path) == before
    assert not (tmp_path / "data").exists()


def test_a_file_that_replaces_its_rows_does_so_in_a_rehearsal_alone(tmp_path: Path) -> None:
    invented.write(tmp_path, train="''")
    config = tmp_path / "watchkeeper.yaml"
    config.write_text(
        config.read_text().replace("{id: id, time", "{time").replace("    labels: incoming/labels/*.parquet\n", "")
    )
    whole = rows(0, 6, count=30).drop("id")
    place = tmp_path / "incoming/predictions/all.parquet"
    whole.write_parquet(place)
    first = open_project(config, {})
    first.run(MODEL, day(6).start)
    first.close()
    whole.with_columns(x=pl.col("x") + 1).tail(-30).write_parquet(place)
    before = content(tmp_path)
    rehearsed = open_project(config, {}, rehearsed=True)
    rehearsed.run(MODEL, day(6).start, replaces=True)
    shown = {n: m.value for n, m in values(rehearsed.store, "rows").items()}
    rehearsed.close()
    assert content(tmp_path) == before
    real = open_project(config, {})
    real.run(MODEL, day(6).start, replaces=True)
    assert shown == {n: m.value for n, m in values(real.store, "rows").items()}
    assert (shown[0], shown[1]) == (0, 30)
    real.close()


def test_a_rehearsal_leaves_the_spool_as_it_lies(tmp_path: Path) -> None:
    from watchkeeper.log import Log

    invented.write(tmp_path, train="''")
    config = tmp_path / "watchkeeper.yaml"
    config.write_text(config.read_text().replace("    source: incoming/predictions/*.parquet\n", ""))
    whole = rows(0, 6, count=40)
    deliver(tmp_path, "all", None, whole)
    with Log(tmp_path / "data", MODEL) as log:
        for row in whole.iter_rows(named=True):
            log.predict(
                features={k: row[k] for k in ("x", "z", "plan")}, prediction=row["prediction"], score=row["score"],
                id=row["id"], time=row["time"],
            )  # fmt: skip
    spool = tmp_path / "data" / "spool" / MODEL
    # A process that died left its segment unfinished, and a damaged line.
    segment = next(spool.glob("*.jsonl"))
    segment.write_bytes(b"{half\n" + segment.read_bytes())
    segment.rename(segment.with_suffix(".open"))
    before = content(tmp_path)
    model = open_project(config, {}, rehearsed=True)
    shown = model.run(MODEL, day(6).start)
    model.close()
    assert sum(t.appended.rows for t in shown.taken if t.table is Table.PREDICTIONS) == 240
    assert len(shown.ran.judged) == 6
    assert content(tmp_path) == before


def test_a_store_of_another_version_is_not_brought_up_to_date_by_a_rehearsal(tmp_path: Path) -> None:
    import sqlite3

    invented.write(tmp_path, train="''")
    open_project(tmp_path / "watchkeeper.yaml", {}).close()
    with sqlite3.connect(tmp_path / "data" / "watchkeeper.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    with pytest.raises(StoreError, match="a dry run writes nothing; run watchkeeper run once"):
        open_project(tmp_path / "watchkeeper.yaml", {}, rehearsed=True)


def test_a_replay_writes_nothing_by_itself_and_gives_what_was_recorded(tmp_path: Path) -> None:
    whole = rows(0, 9, turn=6)
    model = watch(tmp_path, train="''")
    deliver(tmp_path, "all", whole, whole)
    model.run(MODEL, day(9).start)
    before = everything(model)
    spec, place = model.spec(MODEL), Checkpoint.load(model.store, MODEL)
    judging = Judging.of(spec, model.store, WindowRule())
    steps = list(replay(judging, sorted(place.judged), JudgeMemory()))
    assert everything(model) == before
    shown = [_said(signal) for step in steps for signal in step.judged.signals]
    assert sorted(shown) == sorted(_said(signal) for signal in model.store.recorded(MODEL, Signal))
    assert any(signal.fired for step in steps for signal in step.judged.signals)
    assert [m.value for step in steps for m in step.measured if m.name == "rows"] == [
        m.value for m in values(model.store, "rows").values()
    ]


def _said(signal: Signal) -> tuple[str, ...]:
    m = signal.measurement
    return str(m.window), m.name, m.column, m.segment, str(m.value), signal.chart, signal.rule, str(signal.fired)


def test_rehearsals_start_from_each_other(tmp_path: Path) -> None:
    store = RehearsalStore(MemoryStore())
    model = invented.watch(tmp_path, store, train="''")
    whole = rows(0, 8)
    deliver(tmp_path, "one", whole.filter(pl.col("time") < day(6).start), whole)
    assert len(model.run(MODEL, day(6).start).ran.judged) == 6
    deliver(tmp_path, "two", whole.filter(pl.col("time") >= day(6).start))
    again = model.run(MODEL, day(8).start)
    assert again.ran.judged == (day(6), day(7))
    assert again.ran.revised == ()

"""Charts in a run: which version they think answers, and how they go on when their memory is broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest

from tests.run.invented import MODEL, day, rows
from watchkeeper.charts.chart import ChartMemory, Phase
from watchkeeper.config.configuration import load_config
from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.errors import StoreError
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.query import Query
from watchkeeper.core.remembered import Remembered, SeriesMemory
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.spec import Monitor
from watchkeeper.core.store import Store
from watchkeeper.run.project import Project
from watchkeeper.run.remembering import recalled
from watchkeeper.steps.chart_step import chart_key, step_chart
from watchkeeper.steps.judge import JudgeMemory
from watchkeeper.store.memory import MemoryStore
from watchkeeper.words.alerts import alert_sentence

CONFIG = """\
models:
  sales:
    source: incoming/*.parquet
    reference: {{from: 2024-03-04, to: 2024-03-14}}
    columns: {{id: id, time: time, prediction: prediction, score: score, label: label, {version}features: [x, z, plan]}}
    positive: "1"
    monitors: {{only: [{{measure: brier, cause: performance, options: {{{options}}}}}]}}
    notify: []
    estimate: never
"""


def project(folder: Path, *, version: str = "", options: str = "") -> Project:
    (folder / "incoming").mkdir()
    text = CONFIG.format(version=f"version: {version}, " if version else "", options=options)
    (folder / "watchkeeper.yaml").write_text(text, encoding="utf-8")
    return Project(load_config(folder / "watchkeeper.yaml", environ={}), folder, MemoryStore())


def deliver(folder: Path, name: str, frame: pl.DataFrame) -> None:
    frame.write_parquet(folder / "incoming" / f"{name}.parquet")


def judged(model: Project) -> dict[int, Signal]:
    found = model.store.recorded(MODEL, Signal)
    return {(s.measurement.window.start - day(0).start).days: s for s in found if s.measurement.window is not None}


def memory(model: Project, number: int) -> ChartMemory:
    (chart,) = memory_after(model.store, number).charts.values()
    return chart


def memory_after(store: Store, number: int) -> JudgeMemory:
    (stored,) = store.recorded(MODEL, Remembered, Query(window=day(number)))
    return recalled(stored, ())


def released(first: int, end: int, release: int) -> pl.DataFrame:
    """A version that answers worse from noon of the day ``release`` on."""
    late = pl.col("time") >= day(release).start.replace(hour=12)
    return rows(first, end, count=150).with_columns(
        version=pl.when(late).then(pl.lit("2024-b")).otherwise(pl.lit("2024-a")),
        score=pl.when(late).then(1 - (1 - pl.col("score")) * 0.3).otherwise("score"),
    )


@pytest.mark.parametrize("rebase", ["release", "none"])
def test_a_chart_that_learns_anew_with_each_release_takes_the_day_of_the_release_for_the_new_version(
    tmp_path: Path, rebase: str
) -> None:
    model = project(tmp_path, version="version", options=f"rebase: {rebase}")
    deliver(tmp_path, "all", released(0, 32, 18))
    model.run(MODEL, day(32).start)
    signals, phases = judged(model), memory(model, 31).phases
    firing = [a for a in model.store.recorded(MODEL, Alert) if a.cause is Cause.PERFORMANCE]
    if rebase == "none":
        assert phases == (Phase(day(0).start, "", "2024-a"),)
        assert all(signals[n].fired for n in range(19, 32))
        assert [a.state for a in firing] == [AlertState.FIRING]
        return
    assert phases == (Phase(day(0).start, "", "2024-a"), Phase(day(18).start, "release", "2024-b"))
    assert {signals[n].zone for n in range(18, 26)} == {Zone.LEARNING}
    assert [n for n in signals if signals[n].fired] == []
    assert {signals[n].since for n in range(26, 32)} == {day(18).start}
    assert firing == []


def test_a_rollback_is_a_release_too(tmp_path: Path) -> None:
    model = project(tmp_path, version="version", options="rebase: release")
    there, back = released(0, 22, 10), rows(22, 34, count=150).with_columns(version=pl.lit("2024-a"))
    deliver(tmp_path, "all", pl.concat([there, back]))
    model.run(MODEL, day(34).start)
    phases = memory(model, 33).phases
    assert [(p.start, p.reason, p.version) for p in phases] == [
        (day(0).start, "", "2024-a"), (day(10).start, "release", "2024-b"), (day(22).start, "release", "2024-a"),
    ]  # fmt: skip


def break_memory(model: Project, number: int, text: str | None = None) -> None:
    """Take a number away that the chart cannot do without, or replace everything that judging remembers."""
    (stored,) = model.store.recorded(MODEL, Remembered, Query(window=day(number)))
    broken = [replace(part, body=text or _without_between(part)) for part in stored.series]
    model.store.record(MODEL, [replace(stored, series=tuple(broken))])


def _without_between(part: SeriesMemory) -> str:
    fields = msgspec.json.decode(part.body)
    if part.series.startswith("chart"):
        del fields["numbers"]["between"]
    return msgspec.json.encode(fields).decode()


def test_a_broken_memory_is_one_failed_row_with_an_alert_and_made_anew_from_the_history(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "broken").mkdir()
    found = {}
    for name in ("whole", "broken"):
        folder = tmp_path / name
        model = found[name] = project(folder)
        deliver(folder, "1", rows(0, 16))
        model.run(MODEL, day(16).start)
        if name == "broken":
            break_memory(model, 15)
        deliver(folder, "2", rows(16, 20))
        model.run(MODEL, day(20).start)
    whole, broken = judged(found["whole"]), judged(found["broken"])
    failed = broken[16].measurement
    assert failed.status is Status.FAILED
    assert failed.reason == (
        "the chart seasonal_residual failed: KeyError: 'between'; it was made anew from the stored history and judges "
        "the next window"
    )
    assert [s.measurement.status for n, s in sorted(broken.items()) if n != 16] == [Status.OK] * 19
    assert [broken[n].upper for n in (17, 18, 19)] == pytest.approx([whole[n].upper for n in (17, 18, 19)])
    assert memory(found["broken"], 19).phases[-1] == Phase(day(0).start, "recovered", "")
    (blind,) = found["broken"].store.recorded(MODEL, Alert)
    assert (blind.cause, blind.since, blind.state) == (Cause.NO_DATA, day(16).start, AlertState.ENDED)
    assert "made anew from the stored history" in alert_sentence(blind)


def test_what_judging_remembers_is_made_anew_where_it_cannot_be_read(tmp_path: Path) -> None:
    model = project(tmp_path)
    deliver(tmp_path, "1", rows(0, 16, turn=13))
    model.run(MODEL, day(16).start)
    before = judged(model)[15]
    (open_one,) = model.store.recorded(MODEL, Alert)
    assert (open_one.cause, open_one.state) == (Cause.PERFORMANCE, AlertState.FIRING)
    break_memory(model, 15, "{")
    deliver(tmp_path, "2", rows(16, 21))
    model.run(MODEL, day(21).start)
    after = judged(model)
    assert {s.measurement.status for s in after.values()} == {Status.OK}
    assert after[16].upper == pytest.approx(before.upper, rel=0.2)
    alerts = {a.cause: a for a in model.store.recorded(MODEL, Alert)}
    assert alerts.keys() == {Cause.PERFORMANCE, Cause.NO_DATA}
    assert (alerts[Cause.PERFORMANCE].id, alerts[Cause.PERFORMANCE].state) == (open_one.id, AlertState.ENDED)
    assert alerts[Cause.NO_DATA].since == day(16).start
    assert "a recorded ChartMemory cannot be read" in alert_sentence(alerts[Cause.NO_DATA])
    assert not memory_after(model.store, 20).damaged


def test_options_that_a_chart_cannot_use_cost_no_memory() -> None:
    point = Measurement(Family.METRIC, "brier", 0.1, 500, error=0.01)
    charts: dict[str, ChartMemory] = {}
    fine = Monitor("brier", "ewma")
    for _ in range(5):
        step_chart(charts, fine, point)
    before = charts[chart_key("ewma", point)]
    off = Monitor("brier", "ewma", options={"season": "moon"})
    reasons = [step_chart(charts, off, point).measurement.reason for _ in range(40)]
    assert reasons[0] == ""
    assert "there is no season 'moon'" in reasons[-1]
    assert reasons[-1].endswith("see the options of the monitor of brier; what the chart remembers was kept")
    assert len(charts[chart_key("ewma", point)].points) > len(before.points)


def test_what_came_before_a_version_was_known_belongs_to_the_first_one() -> None:
    monitor = Monitor("brier", "seasonal_residual", options={"rebase": "release"})
    point, charts = Measurement(Family.METRIC, "brier", 0.1, 500, error=0.01), {}
    for version in ("", "", "a", "a"):
        step_chart(charts, monitor, point, version=version)
    (held,) = charts.values()
    assert held.phases == (Phase(None, "", "a"),)
    assert len(held.points) == 4
    step_chart(charts, monitor, point, version="b")
    (held,) = charts.values()
    assert [(p.reason, p.version) for p in held.phases] == [("", "a"), ("release", "b")]
    assert isinstance(held.phases[0].start, datetime | None)


def test_a_broken_memory_is_made_anew_from_its_own_phase_only(tmp_path: Path) -> None:
    model = project(tmp_path, version="version", options="rebase: release")
    frame = released(0, 34, 10)
    deliver(tmp_path, "1", frame.filter(pl.col("time") < day(30).start))
    model.run(MODEL, day(30).start)
    before = memory(model, 29)
    break_memory(model, 29)
    deliver(tmp_path, "2", frame.filter(pl.col("time") >= day(30).start))
    model.run(MODEL, day(34).start)
    after = memory(model, 33)
    assert before.phases[-1] == Phase(day(10).start, "release", "2024-b")
    assert after.phases == (*before.phases, Phase(day(10).start, "recovered", "2024-b"))
    # Days 10 to 33; with those of the version before there would be 34.
    assert len(after.points) == 24


class Counted(MemoryStore):
    """A store that counts how often the history of a series is read, and can stop giving what charts remember."""

    def __init__(self) -> None:
        super().__init__()
        self.reads, self.locked = 0, False

    def recorded(self, model, kind, query=None):
        # A diagnosis asks for whole windows, a chart for its series.
        self.reads += kind is Measurement and query is not None and query.columns is not None
        if self.locked and kind is Remembered:
            raise StoreError("the store is locked")
        return super().recorded(model, kind, query)


def counted(folder: Path) -> tuple[Project, Counted]:
    (folder / "incoming").mkdir()
    text = CONFIG.format(version="", options="").replace(
        "performance, options: {}}]", "performance}, {measure: auroc}, {measure: recall}]"
    )
    (folder / "watchkeeper.yaml").write_text(text, encoding="utf-8")
    store = Counted()
    return Project(load_config(folder / "watchkeeper.yaml", environ={}), folder, store), store


def test_the_history_of_a_series_is_read_once_and_only_where_its_memory_is_lost(tmp_path: Path) -> None:
    model, store = counted(tmp_path)
    deliver(tmp_path, "1", rows(0, 14))
    model.run(MODEL, day(14).start)
    assert len(memory_after(store, 13).charts) == 3
    assert store.reads == 0
    break_memory(model, 13, "{")
    deliver(tmp_path, "2", rows(14, 17))
    model.run(MODEL, day(17).start)
    assert len(memory_after(store, 16).charts) == 3
    assert store.reads == 3


def test_a_store_that_cannot_be_read_just_now_costs_no_memory(tmp_path: Path) -> None:
    model, store = counted(tmp_path)
    deliver(tmp_path, "1", rows(0, 14))
    model.run(MODEL, day(14).start)
    deliver(tmp_path, "2", rows(14, 15))
    store.locked = True
    with pytest.raises(StoreError, match="locked"):
        model.run(MODEL, day(15).start)
    store.locked = False
    model.run(MODEL, day(15).start)
    assert {len(held.phases) for held in memory_after(store, 14).charts.values()} == {1}
    assert [a for a in store.recorded(MODEL, Alert) if a.cause is Cause.NO_DATA] == []

"""One run over one model: nothing twice, nothing lost, and late data as if it had been on time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.alert import AlertState, Cause
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.query import Query
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.state import ROWS
from watchkeeper.maintain.guard import guard
from watchkeeper.run.project import Project, open_project
from watchkeeper.stats.row_sample import RowSamplePart
from watchkeeper.words.alerts import alert_sentence

from . import invented
from .invented import MODEL, alerts, day, deliver, everything, rows, values, watch
from .invented import ROWS as COUNT

END = day(11).end


Part = tuple[int, pl.DataFrame | None, pl.DataFrame | None]


def ran(folder: Path, parts: Iterable[Part], *, schema: str = "", **config: str) -> Project:
    """Deliver predictions and labels, and run at the beginning of a day, part by part.

    ``schema`` is what the project would infer from the whole reference, for runs that do not see all of it at first.
    """
    model = watch(folder, **{"train": "''", **config})
    if schema:
        model.store.record(MODEL, [], {"schema": (None, schema)})
    for number, (now, predictions, labels) in enumerate(parts):
        deliver(folder, f"{number:02d}", predictions, labels)
        model.run(MODEL, day(now).start)
    return model


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder, reference = tmp_path_factory.mktemp("reference"), rows(0, invented.REFERENCE)
    model = watch(folder, train="''")
    deliver(folder, "all", reference, reference)
    model.spec(MODEL)
    return model.store.pointer(MODEL, "schema") or ""


def plainly(found: dict[str, list[str]], *kinds: str) -> dict[str, list[object]]:
    """Return recorded nouns as they would be had nothing come late.

    Revisions and withdrawn alerts tell of the delay; numbers have nine digits, since rows that come late are summed
    last; how far a distance may be off depends on how states were merged.
    """

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if k not in ("revision", "bound")}
        if isinstance(value, list):
            return [plain(v) for v in value]
        return float(f"{value:.9g}") if isinstance(value, float) else value

    kept = {kind: [text for text in found[kind] if '"end":"withdrawn"' not in text] for kind in kinds}
    return {kind: sorted((plain(json.loads(text)) for text in kept[kind]), key=json.dumps) for kind in kinds}


def signals(model: Project) -> list[Signal]:
    return model.store.recorded(MODEL, Signal)


NOUNS = ("Measurement", "Signal", "Alert")


def test_running_again_with_nothing_new_changes_nothing(tmp_path: Path) -> None:
    whole = rows(0, 12, turn=7)
    model = watch(tmp_path)
    deliver(tmp_path, "all", whole, whole)
    first = model.run(MODEL, END)
    assert len(first.ran.judged) == 12
    assert first.actions
    before, told = everything(model), (tmp_path / "alerts.jsonl").read_text()
    again = model.run(MODEL, END)
    assert (again.taken, again.ran.judged, again.ran.revised, again.ran.changed, again.actions) == ((), (), (), (), ())
    assert everything(model) == before
    assert (tmp_path / "alerts.jsonl").read_text() == told


def test_the_store_in_memory_and_the_one_on_disk_record_the_same(tmp_path: Path) -> None:
    found = []
    for kind in ("memory", "disk"):
        folder = tmp_path / kind
        whole = rows(0, 10, turn=7)
        model = watch(folder, train="training:train")
        if kind == "disk":
            model = open_project(folder / "watchkeeper.yaml", {})
        deliver(folder, "all", whole, whole)
        model.run(MODEL, day(10).start)
        found.append(everything(model))
        model.close()
    for kind in found[0].keys() - {"notified"}:
        assert sorted(found[0][kind]) == sorted(found[1][kind]), kind


def test_days_that_come_one_by_one_end_where_all_at_once_do(tmp_path: Path, schema: str) -> None:
    whole = rows(0, 12, turn=7)
    daily = [(n + 1, rows(n, n + 1, turn=7), rows(n, n + 1, turn=7)) for n in range(12)]
    at_once = everything(ran(tmp_path / "once", [(12, whole, whole)], schema=schema))
    one_by_one = everything(ran(tmp_path / "daily", daily, schema=schema))
    assert one_by_one["Alert"]
    assert plainly(one_by_one, *NOUNS) == plainly(at_once, *NOUNS)


def test_a_window_is_judged_when_it_has_ended_and_not_before(tmp_path: Path) -> None:
    model = watch(tmp_path, train="''")
    whole = rows(0, 6)
    deliver(tmp_path, "all", whole, whole)
    early = model.run(MODEL, day(5).end - timedelta(seconds=1)).ran
    assert early.judged[-1] == day(4)
    assert day(5) in early.summarised
    late = model.run(MODEL, day(5).end).ran
    assert late.judged == (day(5),)
    assert late.revised == ()


def test_late_labels_revise_the_windows_they_belong_to(tmp_path: Path) -> None:
    whole = rows(0, 10)
    known, late = whole.filter(pl.col("time") < day(6).start), whole.filter(pl.col("time") >= day(6).start)
    model = ran(tmp_path, [(10, whole, known)])
    before = values(model.store, "auroc")
    assert [before[n].status for n in range(6, 10)] == [Status.NO_DATA] * 4
    deliver(tmp_path, "late", None, late)
    again = model.run(MODEL, day(10).start).ran
    after = values(model.store, "auroc")
    assert again.judged == ()
    assert again.revised == tuple(day(n) for n in range(6, 10))
    assert [after[n].revision for n in range(10)] == [0] * 6 + [1] * 4
    assert [after[n].status for n in range(10)] == [Status.OK] * 10
    assert all(after[n].n == COUNT for n in range(10))


def test_late_labels_give_what_labels_on_time_would_have_given(tmp_path: Path) -> None:
    whole = rows(0, 10, turn=7)
    odd, even = (whole.filter(pl.col("time").dt.day() % 2 == n) for n in (1, 0))
    on_time = everything(ran(tmp_path / "on_time", [(12, whole, whole)]))
    late = everything(ran(tmp_path / "late", [(9, whole, odd.head(900)), (12, None, odd.tail(-900)), (12, None, even)]))
    assert plainly(late, *NOUNS) == plainly(on_time, *NOUNS)
    assert plainly(late, "remembered") == plainly(on_time, "remembered")
    assert late["states"] == on_time["states"]


def test_later_windows_are_judged_again_because_charts_remember(tmp_path: Path) -> None:
    whole = rows(0, 10)
    model = ran(tmp_path, [(10, whole, whole.filter(pl.col("time") >= day(1).start))])
    deliver(tmp_path, "late", None, whole.filter(pl.col("time") < day(1).start))
    again = model.run(MODEL, day(10).start).ran
    assert again.revised == tuple(day(n) for n in range(10))
    assert {n: m.revision for n, m in values(model.store, "auroc").items()} == {0: 1, **dict.fromkeys(range(1, 10), 0)}


def test_performance_waits_for_labels_of_which_the_first_are_complaints(tmp_path: Path) -> None:
    # The labels that came on time are those the model got wrong.
    whole = rows(0, 8)
    wrong = whole.filter((pl.col("time") < day(4).start) | (pl.col("label") != pl.col("prediction")))
    model = ran(tmp_path, [(8, whole, wrong)])
    assert alerts(model.store, Cause.PERFORMANCE) == alerts(model.store, Cause.LABEL_FAULT) == []
    measured = values(model.store, "auroc")
    waits = {n: not m.evidence.labels.mature for n, m in measured.items() if m.evidence.labels}
    assert waits == {n: n >= 4 for n in range(8)}
    assert measured[5].evidence.labels.usual == 1.0
    zones = {s.measurement.window: s.zone for s in signals(model) if s.measurement.family is Family.METRIC}
    assert {zones[day(n)] for n in range(4, 8)} == {Zone.NOT_JUDGED}
    deliver(tmp_path, "rest", None, whole)
    again = model.run(MODEL, day(8).start)
    assert set(again.ran.revised) >= {day(n) for n in range(4, 8)}
    assert all(m.evidence.labels.mature for m in values(model.store, "auroc").values())
    assert alerts(model.store, Cause.PERFORMANCE) == []


def test_a_fall_is_told_as_soon_as_its_labels_are_in(tmp_path: Path) -> None:
    whole = rows(0, 10, turn=6)
    first = whole.filter(pl.col("time") < day(6).start)
    model = ran(tmp_path, [(10, whole, first)])
    assert alerts(model.store, Cause.PERFORMANCE) == []
    deliver(tmp_path, "rest", None, whole)
    model.run(MODEL, day(10).start)
    (fired,) = alerts(model.store, Cause.PERFORMANCE)
    assert (fired.state, fired.since) == (AlertState.FIRING, day(6).start)


def test_rows_of_a_fault_that_was_withdrawn_are_not_left_out_of_training(tmp_path: Path) -> None:
    whole = rows(0, 8)
    gap = whole.filter(pl.col("time").dt.day() != day(5).start.day)
    model = ran(tmp_path, [(8, gap, gap)])
    (blind,) = alerts(model.store, Cause.NO_DATA)
    assert (blind.since, alert_sentence(blind)) == (day(5).start, "no rows arrived")
    deliver(tmp_path, "late", whole, whole)
    model.run(MODEL, day(8).start)
    found = guard(alerts(model.store, Cause.NO_DATA), [], model.spec(MODEL))
    assert (found.blocked, found.excluded) == (False, ())


def test_rows_that_come_late_revise_their_window_and_take_the_alert_back(tmp_path: Path) -> None:
    whole = rows(0, 8)
    gap = whole.filter(pl.col("time").dt.day() != day(5).start.day)
    model = ran(tmp_path / "late", [(8, gap, gap)])
    assert values(model.store, "rows")[5].value == 0
    deliver(tmp_path / "late", "late", whole, whole)
    again = model.run(MODEL, day(8).start).ran
    assert again.judged == ()
    fifth = Query(window=day(5), names=("rows",))
    assert [(m.value, m.revision) for m in model.store.recorded(MODEL, Measurement, fifth)] == [(COUNT, 1)]
    (blind,) = alerts(model.store, Cause.NO_DATA)
    assert blind.state is AlertState.ENDED
    assert alert_sentence(blind) == "withdrawn after late data: no rows arrived"
    on_time = everything(ran(tmp_path / "on_time", [(8, whole, whole)]))
    kinds = ("Measurement", "Signal")
    assert plainly(everything(model), *kinds) == plainly(on_time, *kinds)


def test_rows_older_than_all_judged_windows_count_as_if_they_had_been_on_time(tmp_path: Path, schema: str) -> None:
    whole = rows(0, 12, turn=9)
    old, new = whole.filter(pl.col("time") < day(2).start), whole.filter(pl.col("time") >= day(2).start)
    late = ran(tmp_path / "late", [(12, new, new), (12, old, old)], schema=schema)
    on_time = everything(ran(tmp_path / "on_time", [(12, whole, whole)], schema=schema))
    assert plainly(everything(late), *NOUNS) == plainly(on_time, *NOUNS)


def test_rows_and_labels_of_the_reference_that_come_late_count_in_it(tmp_path: Path, schema: str) -> None:
    whole = rows(0, 8)
    first = whole.filter((pl.col("time") < day(2).start) | (pl.col("time") >= day(4).start))
    late = ran(tmp_path / "late", [(8, first, first.filter(pl.col("x") > 0)), (8, whole, whole)], schema=schema)
    on_time = ran(tmp_path / "on_time", [(8, whole, whole)], schema=schema)
    sample = late.store.states(MODEL, None, [ROWS])
    part = next(iter(sample.values())).part("row_sample", RowSamplePart)
    assert part.rows == 4 * COUNT
    kinds = ("Measurement", "Signal")
    assert plainly(everything(late), *kinds) == plainly(everything(on_time), *kinds)


def test_labels_of_unknown_predictions_are_counted_kept_and_counted_in_later(tmp_path: Path) -> None:
    whole = rows(0, 8)
    first = whole.filter(pl.col("time") < day(7).start)
    model = watch(tmp_path, train="''")
    deliver(tmp_path, "one", first, whole)
    outcome = model.run(MODEL, day(8).start)
    assert outcome.ran.orphans == COUNT
    assert f"{COUNT} labels belong to no prediction so far; they are kept" in outcome.intake
    assert values(model.store, "auroc")[6].n == COUNT
    deliver(tmp_path, "two", whole.filter(pl.col("time") >= day(7).start))
    later = model.run(MODEL, day(8).start)
    assert later.ran.orphans == 0
    found = values(model.store, "auroc")[7]
    assert (found.status, found.n) == (Status.OK, COUNT)


def test_silence_pages_and_is_judged_for_four_windows_at_most(tmp_path: Path) -> None:
    whole = rows(0, 6)
    model = ran(tmp_path, [(6, whole, whole)])
    outcome = model.run(MODEL, day(30).start)
    assert outcome.ran.judged == tuple(day(n) for n in range(6, 10))
    (blind,) = alerts(model.store, Cause.NO_DATA)
    assert (blind.state, blind.since, blind.last) == (AlertState.FIRING, day(6).start, day(9).end)
    assert model.run(MODEL, day(60).start).ran.judged == ()


def test_late_labels_do_not_prolong_the_silence(tmp_path: Path) -> None:
    whole = rows(0, 6)
    model = ran(tmp_path, [(30, whole, whole.filter(pl.col("time") < day(5).start))])
    deliver(tmp_path, "late", None, whole)
    outcome = model.run(MODEL, day(30).start)
    assert outcome.ran.judged == ()
    assert max(values(model.store, "rows")) == 9


def test_a_gap_in_the_middle_is_judged_as_blind(tmp_path: Path) -> None:
    whole = rows(0, 10)
    gap = whole.filter(~pl.col("time").is_between(day(5).start, day(7).start, closed="left"))
    model = ran(tmp_path, [(10, gap, gap)])
    assert {n: m.value for n, m in values(model.store, "rows").items() if n in (4, 5, 6, 7)} == {
        4: COUNT, 5: 0, 6: 0, 7: COUNT,
    }  # fmt: skip
    (blind,) = alerts(model.store, Cause.NO_DATA)
    assert (blind.since, blind.last, blind.state) == (day(5).start, day(6).end, AlertState.ENDED)


def test_a_row_dated_1970_is_set_aside_and_opens_no_window(tmp_path: Path) -> None:
    whole = rows(0, 6)
    strange = whole.head(1).with_columns(
        id=pl.lit("strange"), time=pl.lit(datetime(1970, 1, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
    )
    model = watch(tmp_path, train="''")
    deliver(tmp_path, "all", pl.concat([whole, strange]), whole)
    outcome = model.run(MODEL, day(6).start)
    assert outcome.ran.judged == tuple(day(n) for n in range(6))
    assert model.store.set_aside(MODEL).height == 1


def test_a_window_of_several_grains_is_their_merge(tmp_path: Path) -> None:
    whole = rows(0, 8, turn=6)
    daily = everything(ran(tmp_path / "day", [(8, whole, whole)]))
    finer = ran(tmp_path / "hours", [(8, whole, whole)], grain="6h")
    assert len(finer.store.states(MODEL, day(3), [ROWS])) == 4
    assert plainly(everything(finer), *NOUNS) == plainly(daily, *NOUNS)


def test_another_grain_counts_no_row_twice(tmp_path: Path) -> None:
    whole = rows(0, 8, turn=6)
    model = ran(tmp_path, [(8, whole, whole)])
    before = {n: m.value for n, m in values(model.store, "rows").items()}
    invented.write(tmp_path, train="''", grain="6h")
    other = invented.project(tmp_path, model.store)
    assert other.run(MODEL, day(8).start).ran.judged == ()
    assert {n: m.value for n, m in values(other.store, "rows").items()} == before
    assert len(other.store.states(MODEL, day(3), [ROWS])) == 4


def test_other_columns_are_summarised_and_judged_anew(tmp_path: Path) -> None:
    whole = rows(0, 8)
    model = ran(tmp_path, [(8, whole, whole)])
    place = tmp_path / "watchkeeper.yaml"
    place.write_text(place.read_text().replace('positive: "1"', 'positive: "1"\n    segments: [plan]'))
    other = invented.project(tmp_path, model.store)
    again = other.run(MODEL, day(8).start).ran
    assert again.revised == tuple(day(n) for n in range(8))
    by_plan = sum(values(other.store, "rows", f"plan={plan}")[7].n for plan in ("basic", "plus", "pro"))
    assert by_plan == COUNT


def test_a_planted_shift_fires_when_it_persists_and_stays_until_it_is_over(tmp_path: Path) -> None:
    whole = rows(0, 14)
    moved = whole.with_columns(
        x=pl.when(pl.col("time").is_between(day(6).start, day(9).start, closed="left"))
        .then(pl.col("x") + 1)
        .otherwise("x")
    )
    model = watch(tmp_path, train="''")
    deliver(tmp_path, "all", moved, whole)
    states = []
    for n in range(5, 13):
        model.run(MODEL, day(n).start)
        states.append([a.state.value for a in alerts(model.store, Cause.DRIFT)])
    assert states == [[], [], ["pending"], ["firing"], ["firing"], ["firing"], ["ended"], ["ended"]]
    (drift,) = alerts(model.store, Cause.DRIFT)
    assert drift.columns == ("x",)
    assert (drift.since, drift.last) == (day(6).start, day(8).end)


def test_a_model_without_rows_has_nothing_to_judge_and_is_not_fine(tmp_path: Path) -> None:
    from watchkeeper.api import report

    model = watch(tmp_path, train="''")
    whole = rows(0, 2)
    deliver(tmp_path, "all", whole, whole)
    model.run(MODEL, day(0).start)
    assert report(model, made=END).verdict.value == "no_data"


def test_the_last_windows_without_rows_are_no_data_in_the_report(tmp_path: Path) -> None:
    from watchkeeper.api import report

    whole = rows(0, 8)
    model = ran(tmp_path, [(8, whole, whole)])
    assert report(model, made=END).verdict.value == "ok"
    model.run(MODEL, day(9).start)
    assert report(model, made=END).verdict.value == "ok"
    model.run(MODEL, day(9).start + timedelta(hours=3))
    assert report(model, made=END).verdict.value == "no_data"


def test_the_order_in_which_rows_arrive_does_not_matter(tmp_path: Path, schema: str) -> None:
    whole = rows(0, 8, turn=6)
    mixed = whole.sample(fraction=1.0, shuffle=True, seed=3)
    parts = [mixed.slice(start, 600) for start in range(0, mixed.height, 600)]
    at_once = everything(ran(tmp_path / "once", [(8, whole, whole)], schema=schema))
    scattered = everything(ran(tmp_path / "parts", [(8, part, part) for part in parts], schema=schema))
    kinds = ("Measurement", "Signal")
    assert plainly(scattered, *kinds) == plainly(at_once, *kinds)


@pytest.mark.parametrize("count", [1, 2])
def test_a_window_of_few_rows_is_judged_without_a_failure(tmp_path: Path, count: int) -> None:
    whole = pl.concat([rows(0, 6), rows(6, 7, count=count)])
    model = ran(tmp_path, [(7, whole, whole)])
    found = model.store.recorded(MODEL, Measurement, Query(window=day(6)))
    assert {m.name for m in found if m.status is Status.FAILED} == set()
    assert all(m.value is None or np.isfinite(m.value) for m in found)

"""A configuration and its store: what is taken in, once, whatever is wrong with the rest."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from watchkeeper.core.alert import Cause
from watchkeeper.core.errors import ConfigError, SourceError
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Kind, Role
from watchkeeper.core.store import Table
from watchkeeper.log import Log
from watchkeeper.run.project import Project, RunReport, open_project
from watchkeeper.words.actions import action_sentence

from . import invented
from .invented import MODEL, alerts, day, deliver, everything, rows, values, watch
from .invented import ROWS as COUNT


def opened(folder: Path) -> Project:
    return watch(folder, train="''")


def taken(outcome: RunReport) -> dict[str, int]:
    """Return the rows that were taken in by table."""
    found = {table.value: 0 for table in Table}
    for one in outcome.taken:
        found[one.table.value] += one.appended.rows
    return found


def predictions(folder: Path, name: str) -> Path:
    return folder / "incoming/predictions" / name


def test_each_file_is_taken_in_once(tmp_path: Path) -> None:
    model = opened(tmp_path)
    first, second = rows(0, 6), rows(6, 8)
    deliver(tmp_path, "one", first, first)
    assert taken(model.run(MODEL, day(8).start)) == {"predictions": 6 * COUNT, "labels": 6 * COUNT}
    deliver(tmp_path, "two", second, second)
    assert taken(model.run(MODEL, day(8).start)) == {"predictions": 2 * COUNT, "labels": 2 * COUNT}
    assert taken(model.run(MODEL, day(8).start)) == {"predictions": 0, "labels": 0}
    assert {m.value for m in values(model.store, "rows").values()} == {COUNT}


def test_a_run_says_how_many_rows_the_serving_process_lost(tmp_path: Path) -> None:
    model = opened(tmp_path)
    whole = rows(0, 6)
    deliver(tmp_path, "one", whole, whole)
    with Log(tmp_path / model.config.store.url, MODEL, clock=lambda: 1 / 0) as log:
        log.predict(1, features={"x": 1.0})
    (said,) = model.run(MODEL, day(6).start).intake
    assert said == "the spool: 1 row was lost in the serving process, before they reached the disk: its log says why"
    assert model.run(MODEL, day(6).start).intake == []


def test_a_file_that_was_copied_anew_brings_nothing(tmp_path: Path) -> None:
    model = opened(tmp_path)
    whole = rows(0, 6)
    deliver(tmp_path, "one", whole, whole)
    model.run(MODEL, day(6).start)
    for path in (tmp_path / "incoming").rglob("*.parquet"):
        os.utime(path, (2_000_000_000, 2_000_000_000))
    again = model.run(MODEL, day(6).start)
    assert (taken(again), again.ran.revised) == ({"predictions": 0, "labels": 0}, ())


def test_a_project_may_be_moved(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    invented.write(tmp_path / "here", train="''")
    whole = rows(0, 6)
    deliver(tmp_path / "here", "one", whole, whole)
    model = open_project(tmp_path / "here/watchkeeper.yaml", {})
    model.run(MODEL, day(6).start)
    before = everything(model)
    model.close()
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    moved = open_project(tmp_path / "there/watchkeeper.yaml", {})
    outcome = moved.run(MODEL, day(6).start)
    assert (taken(outcome), outcome.ran.judged, outcome.ran.revised) == ({"predictions": 0, "labels": 0}, (), ())
    assert {k: v for k, v in everything(moved).items() if k != "notified"} == {
        k: v for k, v in before.items() if k != "notified"
    }
    moved.close()


def test_a_file_that_has_grown_counts_each_id_once(tmp_path: Path) -> None:
    model = opened(tmp_path)
    whole = rows(0, 6)
    deliver(tmp_path, "one", whole.head(5 * COUNT + 7), whole)
    model.run(MODEL, day(6).start)
    assert values(model.store, "rows")[5].value == 7
    deliver(tmp_path, "one", whole, whole)
    model.run(MODEL, day(6).start)
    found = values(model.store, "rows")
    assert {n: m.value for n, m in found.items()} == dict.fromkeys(range(6), COUNT)
    assert found[5].revision == 1


def test_labels_that_are_put_back_to_what_they_were_count_again(tmp_path: Path) -> None:
    model = opened(tmp_path)
    whole = rows(0, 6)
    turned = whole.with_columns(label=1 - pl.col("label"))
    deliver(tmp_path, "one", whole, None)
    found = []
    for labels in (whole, turned, whole):
        deliver(tmp_path, "one", None, labels)
        model.run(MODEL, day(6).start)
        found.append(values(model.store, "auroc")[5].value)
    assert found[0] == found[2]
    assert found[1] == pytest.approx(1 - found[0], abs=1e-9)
    assert values(model.store, "auroc")[5].revision == 2


def test_a_damaged_file_does_not_keep_the_others_out(tmp_path: Path) -> None:
    model = opened(tmp_path)
    whole = rows(0, 8)
    deliver(tmp_path, "a", whole.head(6 * COUNT), whole)
    model.run(MODEL, day(6).start)
    deliver(tmp_path, "c", whole.tail(-6 * COUNT))
    good = predictions(tmp_path, "c.parquet").read_bytes()
    predictions(tmp_path, "b.parquet").write_bytes(good[: len(good) // 2])
    outcome = model.run(MODEL, day(8).start)
    assert taken(outcome)["predictions"] == 2 * COUNT
    assert len(outcome.ran.judged) == 2
    assert len(outcome.unread) == 1
    assert "b.parquet cannot be read" in outcome.unread[0]
    assert any(line.startswith("not taken in: ") for line in outcome.intake)
    # Mended, it is taken in.
    predictions(tmp_path, "b.parquet").write_bytes(good)
    assert model.run(MODEL, day(8).start).unread == ()


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    model = opened(tmp_path)
    whole = rows(0, 6)
    deliver(tmp_path, "a", whole, whole)
    model.run(MODEL, day(6).start)
    predictions(tmp_path, "b.parquet").touch()
    (problem,) = model.run(MODEL, day(6).start).unread
    assert "b.parquet is empty (0 bytes)" in problem


def test_a_column_of_another_type_in_one_file_is_a_data_fault_of_its_window(tmp_path: Path) -> None:
    model = opened(tmp_path)
    whole = rows(0, 8)
    deliver(tmp_path, "a", whole.head(7 * COUNT), whole)
    model.run(MODEL, day(7).start)
    deliver(tmp_path, "b", whole.tail(COUNT).with_columns(x=pl.lit("high")))
    outcome = model.run(MODEL, day(8).start)
    assert outcome.unread == ()
    (fault,) = alerts(model.store, Cause.DATA_FAULT)
    assert (fault.columns, fault.since) == (("x",), day(7).start)
    assert values(model.store, "auroc")[7].n == COUNT


def test_a_file_without_the_time_or_id_column_is_left_out_and_named(tmp_path: Path) -> None:
    model = opened(tmp_path)
    whole = rows(0, 6)
    deliver(tmp_path, "a", whole, whole)
    model.run(MODEL, day(6).start)
    whole.drop("label", "time").write_parquet(predictions(tmp_path, "b.parquet"))
    whole.drop("label", "id").write_parquet(predictions(tmp_path, "c.parquet"))
    unread = model.run(MODEL, day(6).start).unread
    assert len(unread) == 2
    assert "the time column 'time' is missing" in unread[0]
    assert "the id column 'id' is missing" in unread[1]


def test_a_feed_that_has_gone_is_told_and_silence_is_judged(tmp_path: Path) -> None:
    model = opened(tmp_path)
    whole = rows(0, 6)
    deliver(tmp_path, "a", whole, whole)
    model.run(MODEL, day(6).start)
    shutil.rmtree(tmp_path / "incoming")
    outcome = model.run(MODEL, day(7).start + timedelta(hours=3))
    assert len(outcome.unread) == 2
    assert all("no file matches" in problem for problem in outcome.unread)
    assert [a.since for a in alerts(model.store, Cause.NO_DATA)] == [day(6).start]


def test_doubled_and_refused_rows_are_counted_in_words(tmp_path: Path) -> None:
    model = opened(tmp_path)
    whole = rows(0, 6)
    odd = whole.head(3).with_columns(id=pl.lit(None, dtype=pl.String))
    deliver(tmp_path, "a", pl.concat([whole, whole.head(5), odd]), whole)
    (told,) = model.run(MODEL, day(6).start).intake
    assert told.endswith("8 rows set aside in quarantine: 5 rows: id occurs twice in the same rows; 3 rows: id is null")


def test_the_schema_is_inferred_from_the_reference_and_kept(tmp_path: Path) -> None:
    model = opened(tmp_path)
    whole = rows(0, 8)
    deliver(
        tmp_path, "a", whole.with_columns(x=pl.when(pl.col("time") < day(4).start).then("x").otherwise(99.0)), whole
    )
    first = model.spec(MODEL).schema
    assert abs(first["x"].map.anchor) < 0.2
    assert {c.name: c.role for c in first if c.role is not Role.FEATURE} == {
        "id": Role.ID, "time": Role.TIME, "prediction": Role.PREDICTION, "score": Role.SCORE, "label": Role.LABEL,
    }  # fmt: skip
    assert first["plan"].kind is Kind.CATEGORICAL
    deliver(tmp_path, "a", whole.with_columns(x=pl.lit(5.0)), whole)
    assert model.spec(MODEL).schema == first


def test_another_reference_table_is_compared_with_from_then_on(tmp_path: Path) -> None:
    place = invented.write(tmp_path, train="''")
    place.write_text(place.read_text().replace("{from: 2024-03-04, to: 2024-03-08}", "reference.parquet"))
    whole = rows(0, 6)
    deliver(tmp_path, "a", whole, whole)
    whole.head(4 * COUNT).write_parquet(tmp_path / "reference.parquet")
    model = invented.project(tmp_path)
    model.run(MODEL, day(6).start)
    assert alerts(model.store, Cause.DRIFT) == []
    before = _ks_of_x(model)
    assert model.run(MODEL, day(6).start).ran.revised == ()
    whole.head(4 * COUNT).with_columns(pl.col("x") + 1).write_parquet(tmp_path / "reference.parquet")
    assert len(model.run(MODEL, day(6).start).ran.revised) == 6
    assert all(now > then + 0.2 for now, then in zip(_ks_of_x(model), before, strict=True))
    assert [a.columns for a in alerts(model.store, Cause.DRIFT)] == [("x",)]


def _ks_of_x(model: Project) -> list[float]:
    found = model.store.recorded(MODEL, Measurement)
    return [m.value for m in found if (m.name, m.column) == ("ks", "x") and m.value is not None]


def test_a_model_without_rows_yet_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file matches"):
        opened(tmp_path).run(MODEL, day(1).start)


def test_the_only_model_needs_no_name_and_an_unknown_one_gets_the_nearest(tmp_path: Path) -> None:
    model = opened(tmp_path)
    assert model.only(None) == MODEL
    with pytest.raises(ConfigError, match="did you mean 'sales'"):
        model.only("sale")


def test_people_are_told_before_training_starts(tmp_path: Path) -> None:
    whole = rows(0, 9, turn=7)
    model = watch(tmp_path, train="training:look")
    with (tmp_path / "training.py").open("a") as module:
        module.write(
            f"""

def look(rows, seed):
    from pathlib import Path

    assert len(Path({str(tmp_path / "alerts.jsonl")!r}).read_text().splitlines()) == 1
    raise ValueError("seen")
"""
        )
    deliver(tmp_path, "a", whole, whole)
    outcome = model.run(MODEL, day(9).start)
    assert "ValueError: seen" in action_sentence(outcome.actions[-1])

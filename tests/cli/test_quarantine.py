"""Rows that were set aside can be looked at, taken in after all or dropped; rows that are to go are gone everywhere."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.run.invented import MODEL, START, day, deliver, rows, write
from watchkeeper.core.action import Action, ActionKind
from watchkeeper.core.intake import Refusal
from watchkeeper.core.window import Window
from watchkeeper.run.project import open_project

from .conftest import Command

SECRET = "erase-me-4711"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three days; of the last, one row each without an id, of 1970, of 2999, of 2005, twice, and without a time."""
    write(tmp_path, train="''")
    whole = rows(0, 3)
    odd = whole.tail(6).with_columns(
        id=pl.Series([None, "old", "ahead", "apart", "002-0000", "timeless"]),
        time=pl.Series(
            [START, START.replace(year=1970), START.replace(year=2999), START.replace(year=2005), START, None]
        ),
    )
    opened = open_project(tmp_path / "watchkeeper.yaml", {})
    deliver(tmp_path, "good", whole.head(2 * 300), whole)
    opened.run(MODEL, day(2).start)
    deliver(tmp_path, "odd", pl.concat([whole.tail(300), odd]), None)
    opened.run(MODEL, day(3).start)
    opened.close()
    return tmp_path


def listed(run: Command, folder: Path) -> dict[str, int]:
    told = json.loads(run("store", "quarantine", "list", "--json", folder=folder).stdout)
    return {one["code"]: one["rows"] for one in told["quarantine"]}


def read(folder: Path) -> pl.DataFrame:
    opened = open_project(folder / "watchkeeper.yaml", {})
    ever = Window(START - timedelta(days=40_000), START + timedelta(days=400_000))
    found = pl.concat([b.frame for b in opened.store.read(MODEL, opened.spec(MODEL).schema, ever)])
    opened.close()
    return found


def actions(folder: Path) -> list[Action]:
    opened = open_project(folder / "watchkeeper.yaml", {})
    found = [a for a in opened.store.recorded(MODEL, Action) if a.kind.value in ("forget", "release", "drop")]
    assert opened.audit_breaks(MODEL) == []
    opened.close()
    return found


def test_each_reason_is_counted_and_each_row_is_shown_as_it_came(watchkeeper: Command, project: Path) -> None:
    assert listed(watchkeeper, project) == dict.fromkeys(Refusal, 1)
    shown = json.loads(watchkeeper("store", "quarantine", "show", "--reason", "early", "--json", folder=project).stdout)
    (row,) = shown["rows"]
    assert (row["row"]["id"], row["row"]["time"][:4], row["filed"][:10]) == ("old", "1970", "2024-03-06")
    text = watchkeeper("store", "quarantine", "show", "--limit", "2", folder=project)
    assert len(text.stdout.splitlines()) == 2
    assert "4 more rows" in text.stderr
    assert "odd.parquet" in watchkeeper("store", "quarantine", "list", folder=project).stdout


def test_a_released_row_is_in_the_log_and_one_that_cannot_be_stays(watchkeeper: Command, project: Path) -> None:
    done = watchkeeper("store", "quarantine", "release", "--reason", "apart", "--why", "a true row", folder=project)
    assert done.stdout == "1 rows were taken in, 0 stay in quarantine; watchkeeper run judges them\n"
    found = read(project).filter(pl.col("id") == "apart")
    original = rows(0, 3)[-3]
    assert found.select("x", "z", "plan", "score").rows() == original.select("x", "z", "plan", "score").rows()
    assert found["time"][0].year == 2005
    watchkeeper("store", "quarantine", "release", "--reason", "id", folder=project)
    assert listed(watchkeeper, project) == dict.fromkeys(set(Refusal) - {Refusal.APART}, 1)
    assert [(a.kind, a.why, dict(a.facts)) for a in actions(project)] == [
        (ActionKind.RELEASE, "a true row", {"rows": 1.0, "refused": 0.0}),
        (ActionKind.RELEASE, "on request", {"rows": 0.0, "refused": 1.0}),
    ]


def test_dropped_rows_are_gone_and_all_takes_a_word(watchkeeper: Command, project: Path) -> None:
    refused = watchkeeper("store", "quarantine", "drop", folder=project)
    assert (refused.returncode, "--all" in refused.stderr) == (2, True)
    shown = json.loads(watchkeeper("store", "quarantine", "show", "--json", folder=project).stdout)
    keys = [row["key"] for row in shown["rows"]][:2]
    assert watchkeeper("store", "quarantine", "drop", *keys, folder=project).stdout == "2 rows were removed\n"
    assert watchkeeper("store", "quarantine", "drop", "--all", folder=project).stdout == "4 rows were removed\n"
    assert watchkeeper("store", "quarantine", "list", folder=project).stdout == "No row is in quarantine.\n"
    wrong = watchkeeper("store", "quarantine", "drop", keys[0], folder=project)
    assert (wrong.returncode, keys[0] in wrong.stderr) == (2, True)
    assert (
        "did you mean 'early'" in watchkeeper("store", "quarantine", "show", "--reason", "erly", folder=project).stderr
    )


def _rowcount(folder: Path) -> list[Any]:
    from watchkeeper.core.measurement import Measurement

    opened = open_project(folder / "watchkeeper.yaml", {})
    found = [m.value for m in opened.store.recorded(MODEL, Measurement) if m.name == "rows" and m.segment == "all"]
    opened.close()
    return found


def test_a_person_is_erased_from_every_file(watchkeeper: Command, project: Path) -> None:
    person = rows(0, 3)[10:12].with_columns(id=pl.Series([SECRET, "it's"]), time=pl.lit(START + timedelta(hours=30)))
    again = person.with_columns(time=pl.lit(None, person.schema["time"]))
    deliver(project, "person", pl.concat([person, again]), person)
    assert watchkeeper("run", folder=project).returncode in (0, 1)
    before = _rowcount(project)
    (project / "incoming/predictions/person.parquet").unlink()
    (project / "incoming/labels/person.parquet").unlink()
    (project / "ids.txt").write_text(f"{SECRET}\nit's\n\nnobody\n", encoding="utf-8")
    held = [path for path in (project / "data").rglob("*.parquet") if _holds(path)]
    assert {path.relative_to(project / "data/log" / MODEL).parts[0] for path in held} >= {
        "predictions",
        "labels",
        "quarantine",
    }
    done = watchkeeper("store", "forget", "--ids", "ids.txt", "--json", folder=project)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["facts"] == {"ids": 3, "predictions": 2, "labels": 2, "quarantine": 2}
    assert not [path for path in (project / "data").rglob("*.parquet") if _holds(path)]
    assert read(project).height == 900
    assert [number - was for number, was in zip(_rowcount(project), before, strict=True)][:3] == [0, -2, 0]
    assert SECRET not in str(actions(project))
    assert watchkeeper("store", "check", folder=project).returncode == 0
    again_run = json.loads(watchkeeper("run", "--json", folder=project).stdout)
    assert again_run["models"][MODEL]["revised"] == []


def _holds(path: Path) -> bool:
    frame = pl.read_parquet(path, hive_partitioning=False)
    return any(SECRET.encode() in str(frame[name].to_list()).encode() for name in frame.columns)


def test_a_run_of_which_every_row_is_set_aside_does_not_end_well(watchkeeper: Command, project: Path) -> None:
    past = rows(0, 1).with_columns(pl.lit(START.replace(year=1970)).alias("time"), id="past" + pl.col("id"))
    deliver(project, "past", past, None)
    done = watchkeeper("run", folder=project)
    assert done.returncode == 3
    assert "300 rows set aside in quarantine" in done.stderr
    # What is told once is known: the next run finds nothing new.
    assert watchkeeper("run", folder=project).returncode == 0
    deliver(project, "both", pl.concat([past.with_columns(id="p" + pl.col("id")), rows(3, 4)]), None)
    assert watchkeeper("run", folder=project).returncode == 0

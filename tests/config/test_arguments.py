"""A wrong type of an argument is told as our error, with the name and what is valid, by every public function."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

import watchkeeper
from watchkeeper.core.errors import UsageError, WatchkeeperError
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Spec
from watchkeeper.store.memory import MemoryStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = pl.DataFrame({"x": [i % 7 for i in range(300)], "plan": ["a", "b", "c"] * 100, "time": [None] * 300})


class Folder:
    """Enough of a project for the arguments behind it to be looked at."""

    store, only = MemoryStore(), staticmethod(lambda name: name or "m")


PROJECT = Folder()
WRONG: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("stream", (ROWS,), {"label": 7}, "label must be a text or None; this is 7"),
    ("stream", (ROWS,), {"features": 7}, "features must be a list of texts or None; this is 7"),
    ("stream", (ROWS,), {"tolerance": "a"}, "tolerance must be a number; this is 'a'"),
    ("stream", (ROWS,), {"budget": None}, "budget must be a text or a number; this is None"),
    ("stream", (ROWS,), {"every": 1.5}, "every must be a whole number; this is 1.5"),
    ("stream", (ROWS,), {"lable": "y"}, "has no option 'lable'; did you mean 'label'?"),
    ("report", ("watchkeeper.yaml",), {}, "project must be an open project; open_project(path) returns one; this is"),
    ("report", (PROJECT,), {"model": 7}, "model must be a text or None; this is 7"),
    ("report", (PROJECT,), {"windows": "all"}, "windows must be a whole number; this is 'all'"),
    ("report", (PROJECT,), {"made": "today"}, "made must be a datetime or None; this is 'today'"),
    ("report", (PROJECT,), {"drawn": 1}, "drawn must be True or False; this is 1"),
    ("explain", (None,), {}, "project must be an open project"),
    ("explain", (PROJECT, 7), {}, "alert must be a text; this is 7"),
    ("explain", (PROJECT,), {"seed": "x"}, "seed must be a whole number; this is 'x'"),
    ("behaviour", (PROJECT, 7), {}, "prediction must be a text; this is 7"),
    ("behaviour", ([],), {}, "project must be an open project"),
    ("open_project", (7,), {}, "path must be a text or a path; this is 7"),
    ("open_project", ("x",), {"environ": "A=1"}, "environ must be a mapping of texts or None; this is 'A=1'"),
    ("open_records", ([],), {}, "path must be a text or a path; this is []"),
    ("run_once", ("m", MemoryStore(), NOW), {}, "spec must be a Spec"),
    ("run_once", (Spec("m", Schema(())), "store", NOW), {}, "store must be a store"),
    ("run_once", (Spec("m", Schema(())), MemoryStore(), "now"), {}, "now must be a datetime; this is 'now'"),
    ("prove", (ROWS,), {"seeds": "many"}, "seeds must be a whole number; this is 'many'"),
    ("check", (ROWS, ROWS), {"label": 7}, "label must be a text; this is 7"),
    ("check", (ROWS, ROWS), {"ignore": {"x": 1}}, "ignore must be a text or a list of texts; this is {'x': 1}"),
    ("check", (7, ROWS), {}, "a int is no table"),
    ("check", (ROWS, None), {}, "a NoneType is no table"),
    ("check", (ROWS, ROWS), {"rules": 7}, "rules must be a list, this is 7"),
    ("check", (ROWS, ROWS), {"value": {"TP": "much"}}, "value"),
]


@pytest.mark.parametrize(("name", "args", "kwargs", "words"), WRONG)
def test_a_wrong_type_is_our_error_and_names_the_argument(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], words: str
) -> None:
    with pytest.raises(WatchkeeperError) as caught:
        getattr(watchkeeper, name)(*args, **kwargs)
    assert words in str(caught.value)


def test_every_public_function_is_among_them() -> None:
    public = {name: getattr(watchkeeper, name) for name in watchkeeper.__all__ if name[0].islower()}
    functions = {name for name, made in public.items() if callable(made)}
    assert functions == {name for name, *_ in WRONG}


def test_one_name_is_a_list_of_one() -> None:
    assert [c.name for c in watchkeeper.check(ROWS, ROWS, features="x").schema.features] == ["x"]
    step = watchkeeper.stream(ROWS, features="plan", ignore="time").update({"plan": ["a"] * 200})
    assert [column for alert in step.alerts for column in alert.columns] == ["plan"]


def test_names_may_come_as_any_list_of_texts() -> None:
    report = watchkeeper.check(ROWS, ROWS, features=pl.Series(["x"]).to_list(), ignore=(name for name in ["time"]))
    assert report.verdict.value == "ok"
    with pytest.raises(UsageError):
        watchkeeper.check(ROWS, ROWS, features=[1])

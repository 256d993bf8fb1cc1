"""What a table costs grows with its columns and not with their square: counted, at two sizes."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.counting import calls_of
from watchkeeper import check
from watchkeeper.core.columns import doubled_name, has_column
from watchkeeper.core.errors import SourceError
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.ingest.sources import open_table

NARROW, WIDE = 20, 40
GROWTH = 2.4
"""What may be done so many times as often for twice the columns; in a table that is square to them, four times."""


class Counted(str):
    """A name that counts how often it is compared with another."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_a_doubled_name_is_found_without_comparing_each_with_each() -> None:
    names = [Counted(f"column {number}") for number in range(2_000)]
    Counted.compared = 0
    assert doubled_name(names) is None
    assert doubled_name([*names, Counted("column 7")]) == "column 7"
    assert Counted.compared < 100


def test_a_header_of_many_names_is_read(tmp_path) -> None:
    names = [f"c{number}" for number in range(20_000)]
    path = tmp_path / "wide.csv"
    path.write_text(",".join(names) + "\n" + ",".join(["1"] * len(names)))
    assert open_table(path).columns == names
    path.write_text(",".join([*names, "c3"]) + "\n" + ",".join(["1"] * (len(names) + 1)))
    with pytest.raises(SourceError, match="the column 'c3' twice"):
        open_table(path)


def queries_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many queries Polars is asked to open a file, as if it were too long to be looked at in memory."""
    asked, collect = 0, pl.LazyFrame.collect

    def counted(plan: pl.LazyFrame, *words: Any, **more: Any) -> Any:
        nonlocal asked
        asked += 1
        return collect(plan, *words, **more)

    with monkeypatch.context() as patched:
        patched.setattr(pl.LazyFrame, "collect", counted)
        patched.setattr("watchkeeper.ingest.door._LOOKED_AT", 10)
        open_table(path)
    return asked


def test_many_columns_of_text_are_looked_at_by_as_many_queries_as_few(tmp_path, monkeypatch) -> None:
    asked = []
    for width in (4, 48):
        path = tmp_path / f"{width}.csv"
        kinds = ("12", "NA", "2026-01-02", "1.234,5", "abc", "007", "-", "7.5")
        lines = [
            ",".join(f'"{kinds[(row + n % 2) % 8 if n % 3 else n % 8]}"' for n in range(width)) for row in range(40)
        ]
        path.write_text("\n".join([",".join(f"c{n}" for n in range(width)), *lines]))
        asked.append(queries_of(path, monkeypatch))
    # The texts of two columns may be likely to be written in different forms of dates, each looked at by itself.
    assert asked[1] <= asked[0] + 4
    assert asked[0] > 5


def test_a_column_of_a_schema_is_found_as_fast_among_many_as_among_few() -> None:
    costs = set()
    for width in (10, 1_000):
        schema = Schema(tuple(Column(f"c{n}", Role.FEATURE, Kind.NUMERIC) for n in range(width)))
        assert schema["c9"].name == "c9"
        asked = lambda: (schema[f"c{width - 1}"], "c9" in schema, schema.of(Role.LABEL), schema.count_of(Role.FEATURE))  # noqa: B023, E731
        calls, found = calls_of(asked)
        costs.add(calls)
        assert found == (schema.columns[-1], True, None, width)
    assert len(costs) == 1


def test_schemas_that_come_and_go_are_told_apart() -> None:
    for width in range(1, 300):
        schema = Schema(tuple(Column(f"c{n}", Role.FEATURE, Kind.NUMERIC) for n in range(width)))
        assert (schema.count_of(Role.FEATURE), f"c{width}" in schema) == (width, False)


def test_a_name_is_asked_for_exactly() -> None:
    frame = pl.DataFrame({"a": [1], "^b$": [2]})
    assert [has_column(frame, name) for name in ("a", "*", "^b$", "^a$", "")] == [True, False, True, False, False]


def table(width: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {}
    for number in range(0, width, 2):
        columns[f"n{number}"] = rng.normal(seed, size=60)
        columns[f"t{number}"] = np.array(["a", "b", "c"])[rng.integers(0, 3 - seed, 60)]
    return pl.DataFrame({**columns, "label": rng.integers(0, 2, 60), "score": rng.uniform(size=60)})


def work_of(width: int, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return how often each function of the project is entered by a check, and how many names frames listed."""
    counts: Counter[str] = Counter()
    names = pl.DataFrame.columns

    def listed(frame: pl.DataFrame) -> list[str]:
        found = names.fget(frame)
        counts["names listed"] += len(found)
        return found

    def count(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and "watchkeeper" in frame.f_code.co_filename:
            counts[f"{frame.f_code.co_filename}:{frame.f_code.co_firstlineno} {frame.f_code.co_name}"] += 1

    tables = table(width, 0), table(width, 1)
    with monkeypatch.context() as patched:
        patched.setattr(pl.DataFrame, "columns", property(listed, names.fset))
        before = sys.getprofile()
        sys.setprofile(count)
        try:
            report = check(*tables, label="label", score="score")
            str(report)
        finally:
            sys.setprofile(before)
    return counts


def test_a_check_does_everything_in_proportion_to_the_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    check(table(4, 0), table(4, 1), label="label", score="score")
    few, many = (work_of(width, monkeypatch) for width in (NARROW, WIDE))
    grew = {name: (few[name], times) for name, times in many.items() if times > GROWTH * few[name] + 60}
    assert few["names listed"] > NARROW
    assert sum(many.values()) > 1.5 * sum(few.values()) > 10_000
    assert grew == {}

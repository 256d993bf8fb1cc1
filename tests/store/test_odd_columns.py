"""No column of a table keeps its rows out of the log, whatever it holds and whatever it is called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.store import Table
from watchkeeper.core.window import Window
from watchkeeper.store.lake import LakeStore
from watchkeeper.store.memory import MemoryStore

from .odd_columns import NAMES, ROWS, TYPES

DAY = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
LOST = {
    **dict.fromkeys(("date 2.14748e+09", "date -2.14748e+09", "year 1", "year 1 as a date", "raising objects"), 1),
    **{f"{what} {number}": 1
       for what, numbers in {
           "moment": ("9.22337e+18", "-9.22337e+18"), "aware moment": ("9.22337e+18", "-9.22337e+18"),
           "far moment in Paris": ("9.22337e+18", "-9.22337e+18"),
           "moment in ms": ("9.22337e+18", "-9.22337e+18", "1e+15", "1e+17"),
           "duration in ms": ("9.22337e+18", "-9.22337e+18", "1e+17"),
       }.items() for number in numbers},
    "year 1": 2, "year 1 as a date": 2, "list of bytes": 3,
}  # fmt: skip
"""Values that cannot be stored, of the columns that have such."""


def frame(columns: list[pl.Series], first: int = 0) -> pl.DataFrame:
    ids = pl.Series("id", range(first, first + ROWS))
    return pl.DataFrame({"id": ids, "at": pl.Series([DAY.start] * ROWS), **{column.name: column for column in columns}})


def schema(names: list[str]) -> Schema:
    features = [Column(name, Role.FEATURE, Kind.NUMERIC) for name in names]
    return Schema((Column("id", Role.ID, Kind.IDENTIFIER), Column("at", Role.TIME, Kind.TIME), *features))


def stored(store: MemoryStore | LakeStore, columns: list[pl.Series]) -> tuple[pl.DataFrame, dict[str, int]]:
    """Append the columns twice, since the second time the table knows them; return what is read, and what was lost."""
    wanted = schema([column.name for column in columns])
    for number in range(2):
        appended = store.append("m", Table.PREDICTIONS, frame(columns, number * ROWS), wanted, source=f"{number}")
        assert (appended.rows, appended.refused) == (ROWS, 0)
    read = pl.concat([batch.frame for batch in store.read("m", wanted, DAY)])
    assert read["id"].to_list() == list(range(2 * ROWS))
    assert len(read.rows()) == 2 * ROWS
    return read, {one.column: one.values for one in appended.unusable}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_that_cannot_be_stored_costs_its_values_alone(name: str) -> None:
    read, lost = stored(MemoryStore(), [TYPES[name]])
    assert lost == ({"x": LOST[name]} if name in LOST else {})
    kept = sum(value is not None for value in TYPES[name]) if TYPES[name].dtype == pl.Object else TYPES[name].count()
    if "x" in read.columns:
        assert read["x"].count() == 2 * (kept - LOST.get(name, 0))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_name(name: str) -> None:
    read, lost = stored(MemoryStore(), [pl.Series(name, [1, 2, None, 3])])
    assert (read[name].to_list(), lost) == ([1, 2, None, 3] * 2, {})


@pytest.mark.parametrize("part", range(2))
def test_all_of_them_lie_beside_each_other_in_delta_tables(lake: LakeStore, part: int) -> None:
    types = {f"{number} {name}": series for number, (name, series) in enumerate(TYPES.items())}
    named = [pl.Series(name, [1, 2, None, 3]) for name in NAMES if name not in ("id", "at")]
    columns = ([series.alias(name) for name, series in types.items()], named)[part]
    read, lost = stored(lake, columns)
    assert lost == ({k: LOST[k.partition(" ")[2]] for k in types if k.partition(" ")[2] in LOST} if not part else {})
    if part:
        assert all(read[column.name].to_list() == [1, 2, None, 3] * 2 for column in columns)


def test_a_duration_and_a_moment_at_the_edge_are_kept() -> None:
    edge = [datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC), None, DAY.start]
    long = [timedelta(days=100_000_000), timedelta(days=-100_000_000), None, timedelta(0)]
    read, lost = stored(MemoryStore(), [pl.Series("a", edge), pl.Series("b", long)])
    assert (read["a"].to_list(), read["b"].to_list(), lost) == (edge * 2, long * 2, {})

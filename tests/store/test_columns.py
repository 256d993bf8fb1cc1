from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.store.columns import Layout

_NONE = Schema(())
_MOMENT = datetime(2024, 5, 17, 13, 14, 15, 123456)  # noqa: DTZ001


def _there_and_back(frame: pl.DataFrame, schema: Schema = _NONE) -> pl.DataFrame:
    stored = Layout().pack(frame, schema)
    return Layout(stored.schema).restore(stored, frame.columns)


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (pl.Series([1, None], dtype=pl.Int8), pl.Series([1, None], dtype=pl.Int64)),
        (pl.Series([2**63 - 1], dtype=pl.UInt64), pl.Series([2**63 - 1], dtype=pl.Int64)),
        (pl.Series([2**63], dtype=pl.UInt64), pl.Series([9223372036854775808.0])),
        (pl.Series([0.5, None], dtype=pl.Float32), pl.Series([0.5, None], dtype=pl.Float64)),
        (pl.Series([Decimal("1.25"), None]), pl.Series([1.25, None])),
        (pl.Series([float("nan"), float("inf"), None]), pl.Series([float("nan"), float("inf"), None])),
        (pl.Series([True, None]), pl.Series([True, None])),
        (pl.Series(["", None, "\x00"]), pl.Series(["", None, "\x00"])),
        (pl.Series(["a", None], dtype=pl.Categorical), pl.Series(["a", None])),
        (pl.Series(["a", None], dtype=pl.Enum(["a"])), pl.Series(["a", None])),
        (pl.Series([date(1969, 1, 1), None]), pl.Series([date(1969, 1, 1), None])),
        (pl.Series([_MOMENT, None]), pl.Series([_MOMENT, None])),
        (
            pl.Series([_MOMENT]).dt.replace_time_zone("Europe/Berlin"),
            pl.Series([datetime(2024, 5, 17, 11, 14, 15, 123456, UTC)], dtype=pl.Datetime("us", "UTC")),
        ),
        (pl.Series([time(1, 2, 3, 4), None]), pl.Series([time(1, 2, 3, 4), None])),
        (pl.Series([timedelta(days=-1, microseconds=7), None]), pl.Series([timedelta(days=-1, microseconds=7), None])),
        (pl.Series([b"\xff", None]), pl.Series([b"\xff", None])),
        (pl.Series([[1, 2], None, []]), pl.Series(["[1,2]", None, "[]"])),
        (pl.Series([{"a": 1, "b": [None]}, None]), pl.Series(['{"a":1,"b":[null]}', None])),
    ],
    ids=lambda s: str(s.dtype),
)
def test_a_column_of_any_type_is_kept(series: pl.Series, expected: pl.Series) -> None:
    got = _there_and_back(pl.DataFrame([series.alias("x")]))["x"]
    assert got.dtype == expected.dtype
    assert repr(got.to_list()) == repr(expected.to_list())


def test_python_objects_are_refused_by_name() -> None:
    with pytest.raises(SchemaError, match="column 'x' holds Object, which cannot be stored; nothing was written"):
        Layout().pack(pl.DataFrame({"x": pl.Series([object()], dtype=pl.Object)}), _NONE)


@pytest.mark.parametrize(
    "name",
    ["x", "", "a b,;{}()\n\t=", "<script>alert(1)</script>", "a@float", "50%", "%41", "watchkeeper_date", "é", "a.b"],
)
def test_any_column_name_comes_back(name: str) -> None:
    got = _there_and_back(pl.DataFrame({name: [1.5], "other": [2]}))
    assert got.to_dict(as_series=False) == {name: [1.5], "other": [2]}


def test_names_that_differ_only_in_case_are_stored_under_names_that_do_not() -> None:
    frame = pl.DataFrame({"ab": [1], "AB": [2.5], "Ab": ["x"], "aB": [True], "ä": [1], "Ä": [2]})
    stored = Layout().pack(frame, _NONE)
    assert len({name.lower() for name in stored.columns}) == 6
    assert _there_and_back(frame).equals(frame)


def test_values_of_another_kind_lie_beside_the_old_ones() -> None:
    layout = Layout()
    first = layout.pack(pl.DataFrame({"x": [1, 2]}), _NONE)
    layout = Layout(first.schema)
    second = layout.pack(pl.DataFrame({"x": ["1,5"]}), _NONE)
    third = layout.pack(pl.DataFrame({"x": [2.5]}), _NONE)
    assert (first.columns, second.columns, third.columns) == (["x"], ["x@text"], ["x@float"])
    whole = pl.concat([first, second, third], how="diagonal")
    layout = Layout(whole.schema)
    assert layout.restore(whole, ["x"])["x"].to_list() == ["1", "2", "1,5", "2.5"]
    assert layout.restore(whole[:2], ["x"])["x"].to_list() == [1, 2]
    numbers = layout.restore(whole[[0, 3]], ["x"])["x"]
    assert (numbers.dtype, numbers.to_list()) == (pl.Float64, [1.0, 2.5])


def test_a_column_of_nulls_takes_the_type_its_schema_expects() -> None:
    schema = Schema(
        (
            Column("whole", Role.FEATURE, Kind.NUMERIC, "Int32"),
            Column("real", Role.FEATURE, Kind.NUMERIC),
            Column("flag", Role.FEATURE, Kind.BOOLEAN),
            Column("word", Role.FEATURE, Kind.CATEGORICAL),
        )
    )
    nulls = pl.DataFrame({name: [None] for name in ("whole", "real", "flag", "word", "unknown")})
    stored = Layout().pack(nulls, schema)
    assert stored.dtypes == [pl.Int64, pl.Float64, pl.Boolean, pl.String, pl.String]


def test_a_column_of_nulls_is_left_to_the_kind_it_had() -> None:
    layout = Layout({"x": pl.Float64()})
    assert layout.pack(pl.DataFrame({"x": [None]}, schema={"x": pl.Null}), _NONE).columns == []
    mixed = Layout({"x": pl.Float64(), "x@text": pl.String()})
    nulls = pl.DataFrame({"x": [None], "x@text": [None]}, schema={"x": pl.Float64, "x@text": pl.String})
    assert mixed.restore(nulls, ["x"])["x"].dtype == pl.Null

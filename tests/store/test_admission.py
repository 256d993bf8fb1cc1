# ruff: noqa: DTZ001
# Times without a zone are times of a log too.

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.intake import TimeLimits
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.store import Table
from watchkeeper.store.admission import admit

SCHEMA = Schema(
    (
        Column("id", Role.ID, Kind.IDENTIFIER),
        Column("at", Role.TIME, Kind.TIME),
        Column("y", Role.LABEL, Kind.NUMERIC),
    )
)
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def _times(values: pl.Series | list[object]) -> list[datetime | None]:
    times = pl.Series("at", values)
    rows = pl.DataFrame([pl.Series("id", range(len(times))), times])
    admitted = admit(rows, Table.PREDICTIONS, SCHEMA)
    by_id = dict(admitted.rows.select("id", "at").iter_rows())
    return [by_id.get(i) for i in range(len(times))]


@pytest.mark.parametrize(
    ("text", "moment"),
    # Read by hand after ISO 8601: date, time of day, decimal fraction, offset from UTC.
    [
        ("2024-01-01T12:00:00Z", NOON),
        ("2024-01-01 12:00:00 UTC", NOON),
        ("1704110400", NOON),
        ("2024-01-01T12:00:00+00:00", NOON),
        ("2024-01-01 13:30+01:30", NOON),
        ("2024-01-01T07:00:00-0500", NOON),
        ("2024-01-02T02:00+14", NOON),
        ("20240101T12:00:00", NOON),
        (" 2024-01-01T12:00:00.000 ", NOON),
        ("2024-01-01T12:00:00,25Z", NOON.replace(microsecond=250_000)),
        ("2024-01-01T12:00:00.123456789", NOON.replace(microsecond=123_456)),
        ("2024-01-01", NOON.replace(hour=0)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2023-02-29T00:00:00Z", None),
        ("2024-01-01T25:00:00Z", None),
        ("01/02/2024", None),
        ("2024-01", None),
        ("noon", None),
        ("", None),
    ],
)
def test_times_are_read_as_every_other_entrance_reads_them(text: str, moment: datetime | None) -> None:
    assert _times([text]) == [moment]


def test_every_row_may_have_an_offset_of_its_own() -> None:
    assert _times(["2024-01-01T13:00:00+01:00", "2024-01-01T12:00:00Z", "2024-01-01T04:00:00-08:00"]) == [NOON] * 3


def test_naive_times_are_utc_and_aware_ones_are_converted() -> None:
    naive = pl.Series([NOON.replace(tzinfo=None)], dtype=pl.Datetime("ms"))
    assert _times(naive) == [NOON]
    assert _times(naive.cast(pl.Datetime("ns")).dt.replace_time_zone("America/New_York")) == [NOON.replace(hour=17)]
    assert _times([date(2024, 1, 1)]) == [NOON.replace(hour=0)]


def test_a_number_is_a_time_as_everywhere_or_none() -> None:
    assert _times([1_704_110_400]) == [NOON]
    with pytest.raises(SchemaError, match="column 'at' holds numbers around 12, which are no moments"):
        _times([12])


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([1.0, 2.0, float("nan")], [1, 2, None]),
        ([1.5, 2.0, None], ["1.5", "2.0", None]),
        (pl.Series([1, 2**64 - 1, None], dtype=pl.UInt64), ["1", "18446744073709551615", None]),
        (pl.Series([1, 2, None], dtype=pl.UInt64), [1, 2, None]),
        (pl.Series(["a", "b", None], dtype=pl.Categorical), ["a", "b", None]),
        ([b"\x01", b"\xff", None], ["01", "ff", None]),
        (pl.Series([7, 8, None], dtype=pl.Int16), [7, 8, None]),
    ],
)
def test_ids_become_whole_numbers_or_text_and_nulls_are_refused(ids: object, expected: list[object]) -> None:
    rows = pl.DataFrame([pl.Series("id", ids), pl.Series("at", [NOON] * 3)])
    admitted = admit(rows, Table.PREDICTIONS, SCHEMA)
    assert admitted.rows["id"].to_list() == expected[:2]
    assert (admitted.refused, admitted.reason) == (1, "1 row: id is null")


def test_refused_rows_are_kept_as_they_came_with_their_reason() -> None:
    rows = pl.DataFrame({"id": [1, None, 3, 1], "at": ["2024-01-01", "2024-01-01", "then", "2024-01-02"]})
    admitted = admit(rows, Table.PREDICTIONS, SCHEMA)
    assert (admitted.rows.height, admitted.refused, admitted.doubled) == (1, 2, 1)
    assert admitted.aside.rows() == [(None, "2024-01-01"), (3, "then"), (1, "2024-01-02")]
    assert admitted.reasons.to_list() == [
        "id is null", "at is null or no time that can be read", "id occurs twice in the same rows",
    ]  # fmt: skip
    assert admitted.codes.to_list() == ["id", "time", "doubled"]
    midnight = NOON.replace(hour=0)
    assert admitted.filed.to_list() == [midnight, midnight, midnight + timedelta(days=1)]


def test_a_refused_row_does_not_take_the_id_from_a_good_one() -> None:
    rows = pl.DataFrame({"id": [1, 1], "at": ["then", "2024-01-01"]})
    admitted = admit(rows, Table.PREDICTIONS, SCHEMA)
    assert (admitted.rows["at"].to_list(), admitted.doubled) == ([NOON.replace(hour=0)], 0)


def test_of_predictions_the_first_and_of_labels_the_last_of_an_id_is_kept() -> None:
    rows = pl.DataFrame({"id": [1, 2, 1], "at": [NOON] * 3, "y": [10, 20, 30]})
    assert admit(rows, Table.PREDICTIONS, SCHEMA).rows["y"].to_list() == [10, 20]
    assert admit(rows, Table.LABELS, SCHEMA).rows["y"].to_list() == [20, 30]


def test_a_missing_column_is_named_with_its_near_miss() -> None:
    rows = pl.DataFrame({"ids": [1], "at": [NOON]})
    with pytest.raises(SchemaError, match=r"id column 'id' is missing.*did you mean 'ids'"):
        admit(rows, Table.PREDICTIONS, SCHEMA)
    timeless = Schema((Column("id", Role.ID, Kind.IDENTIFIER),))
    with pytest.raises(SchemaError, match="the schema names no time column"):
        admit(rows, Table.PREDICTIONS, timeless)


def test_units_of_numbers_are_told_row_by_row() -> None:
    seconds = NOON.timestamp()
    mixed = [seconds, seconds * 1e3, seconds * 1e6, seconds * 1e9, 12_345.6, float("nan"), None, float("inf"), -1.0]
    assert _times([float(v) if v is not None else None for v in mixed]) == [NOON] * 4 + [None] * 5
    whole = pl.Series([int(seconds), int(seconds) * 1_000, int(seconds) * 10**6, int(seconds) * 10**9, 7])
    assert _times(whole) == [NOON] * 4 + [None]


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (datetime(1, 1, 1), "time"),
        (datetime(9999, 12, 31), "time"),
        (datetime(9999, 12, 29), "ahead"),
        (datetime(2999, 1, 1), "ahead"),
        (datetime(1970, 1, 1), "early"),
        (datetime(1970, 1, 20, 17), "early"),
        (datetime(2005, 1, 1), "apart"),
        (datetime(2024, 1, 3, 0, 0, 1), "ahead"),
    ],
)
def test_a_time_that_cannot_be_is_set_aside_and_the_others_stay(moment: datetime, code: str) -> None:
    times = pl.Series([*[NOON.replace(tzinfo=None)] * 9, moment], dtype=pl.Datetime("us"))
    rows = pl.DataFrame([pl.Series("id", range(10)), times.alias("at")])
    admitted = admit(rows, Table.PREDICTIONS, SCHEMA, TimeLimits(latest=datetime(2024, 1, 3, tzinfo=UTC)))
    assert (admitted.rows.height, admitted.codes.to_list(), admitted.filed.to_list()) == (9, [code], [NOON])


def test_what_is_stored_says_where_the_rest_is() -> None:
    rows = pl.DataFrame({"id": [1, 2], "at": [datetime(2005, 1, 1), datetime(2005, 1, 2)]})
    assert admit(rows, Table.PREDICTIONS, SCHEMA).rows.height == 2
    stored = {date(2024, 1, 1): 3}
    assert admit(rows, Table.PREDICTIONS, SCHEMA, dates=stored).codes.to_list() == ["apart"] * 2
    assert admit(rows, Table.PREDICTIONS, SCHEMA, TimeLimits(apart=None), stored).rows.height == 2
    # Who brings more rows of another time than there are brings history.
    assert admit(rows, Table.PREDICTIONS, SCHEMA, dates={date(2024, 1, 1): 1}).rows.height == 2


def test_years_without_a_gap_are_one_log() -> None:
    years = [datetime(year, 1, 1) for year in range(1980, 2024, 9)]
    rows = pl.DataFrame({"id": list(range(len(years))), "at": years})
    assert admit(rows, Table.PREDICTIONS, SCHEMA).refused == 0


@pytest.mark.parametrize("ids", [pl.Series([[1], [2]]), pl.Series([{"a": 1}, {"a": 2}]), pl.Series([object(), [1]])])
def test_a_list_is_no_id(ids: pl.Series) -> None:
    rows = pl.DataFrame({"id": ids, "at": [NOON] * 2})
    admitted = admit(rows, Table.PREDICTIONS, SCHEMA)
    assert (admitted.rows.height, admitted.reason) == (0, "2 rows: id is no whole number or text")

"""Moments against the standard library's ISO 8601 reader."""

from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest

from watchkeeper.core.errors import SchemaError
from watchkeeper.schema.event_time import MOMENT, is_moment_text, offsets, to_utc

NOON = datetime(2013, 6, 1, 12, 0, tzinfo=UTC)

TEXTS = [
    "2013-06-01T12:00:00Z", "2013-06-01 14:00:00+02:00", "2013-06-01T06:30:00.000-05:30", "2013-06-01T12:00",
    "2013-06-01T13:00:00+0100", "2013-06-01T12:00:00.000000", "2013-06-01T11:00-01",
]  # fmt: skip


def test_text_with_mixed_offsets_is_one_moment_in_utc():
    assert to_utc(pl.Series("t", TEXTS)).to_list() == [NOON] * len(TEXTS)


@pytest.mark.parametrize("text", ["2013-06-01T12:34:56.789+05:45", "2012-02-29", "2013-06-01T00:00:00.1234569Z"])
def test_a_moment_is_the_one_the_standard_library_reads(text):
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    assert to_utc(pl.Series("t", [text])).to_list() == [moment.astimezone(UTC)]


def test_what_is_no_moment_becomes_null():
    found = to_utc(pl.Series("t", ["x", "2013-02-30", None, "", "2013-06-01T25:00", "2013-06-01"]))
    assert found.is_null().to_list() == [True] * 5 + [False]


def test_naive_times_count_as_utc_and_aware_times_are_converted():
    naive = pl.Series("t", [datetime(2013, 6, 1, 12)])  # noqa: DTZ001 - without a zone on purpose
    aware = pl.Series("t", [datetime(2013, 6, 1, 14, tzinfo=timezone(timedelta(hours=2)))])
    assert to_utc(naive).to_list() == to_utc(aware).to_list() == [NOON]
    assert to_utc(pl.Series("t", [date(2013, 6, 1)])).to_list() == [datetime(2013, 6, 1, tzinfo=UTC)]


@pytest.mark.parametrize("factor", [1, 1_000, 1_000_000, 1_000_000_000])
def test_numbers_are_seconds_or_parts_of_them_since_1970_by_their_size(factor):
    seconds = int(NOON.timestamp())
    assert to_utc(pl.Series("t", [seconds * factor])).to_list() == [NOON]
    assert to_utc(pl.Series("t", [float(seconds * factor), float("nan")])).to_list() == [NOON, None]


def test_small_numbers_are_refused_rather_than_read_as_1970():
    with pytest.raises(SchemaError, match="'hour'"):
        to_utc(pl.Series("hour", [5, 6, 7]))


def test_truth_values_are_refused():
    with pytest.raises(SchemaError, match="Boolean"):
        to_utc(pl.Series("t", [True]))


def test_every_result_has_the_one_type_of_moments():
    for series in (pl.Series("t", TEXTS), pl.Series("t", [None]), pl.Series("t", [NOON]), pl.Series("t", [1.4e9])):
        assert to_utc(series).dtype == MOMENT
        assert to_utc(series).name == "t"


def test_the_offsets_of_a_column_are_listed():
    assert offsets(pl.Series("t", TEXTS[:2])) == ["+02:00", "Z"]


def test_plain_text_is_not_taken_for_moments():
    assert not is_moment_text(pl.Series("t", ["Ulm", "2013-06-01"]))
    assert not is_moment_text(pl.Series("t", [], dtype=pl.String))
    assert is_moment_text(pl.Series("t", [*TEXTS, None]))

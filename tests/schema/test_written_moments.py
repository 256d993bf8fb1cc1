"""Moments as mail, C, Unix and databases write them are read as they are meant, by the one parser of all entrances."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import asctime

import polars as pl
import pytest

from watchkeeper.ingest.sources import open_table
from watchkeeper.schema.event_time import to_utc

HOURS = [datetime(2026, 10, 28, 1, tzinfo=UTC) + timedelta(hours=7 * i, seconds=i) for i in range(60)]

WRITTEN = {
    "rfc 2822": format_datetime,
    "http": lambda at: format_datetime(at, usegmt=True),
    "c": lambda at: asctime(at.timetuple()),
    "unix": lambda at: at.strftime("%a %b %e %H:%M:%S UTC %Y"),
    "social": lambda at: at.strftime("%a %b %d %H:%M:%S +0000 %Y"),
    "zone name": lambda at: at.strftime("%Y-%m-%d %H:%M:%S GMT"),
    "java": lambda at: at.isoformat() + "[Europe/London]",
    "one number": lambda at: at.strftime("%Y%m%d%H%M%S"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_column_of_moments_is_read_whoever_wrote_it(tmp_path, name):
    pl.DataFrame({"at": [WRITTEN[name](at) for at in HOURS], "k": range(60)}).write_csv(tmp_path / "a.csv")
    found = open_table(tmp_path / "a.csv").sample(100)["at"]
    assert to_utc(found).to_list() == HOURS


@pytest.mark.parametrize(
    ("zone", "hours"),
    [("CET", 1), ("CEST", 2), ("EST", -5), ("PDT", -7), ("JST", 9), ("UTC", 0), ("EEST", 3), ("NZDT", 13)],
)
def test_a_name_of_a_zone_is_its_offset(tmp_path, zone, hours):
    """The offsets of RFC 2822 (section 4.3) and of the IANA database."""
    moved = [at - timedelta(hours=hours) for at in HOURS]
    iso = pl.Series([f"{at:%Y-%m-%dT%H:%M:%S} {zone}" for at in HOURS])
    assert to_utc(iso).to_list() == moved
    pl.DataFrame({"at": [f"{at:%m/%d/%Y %I:%M:%S %p} {zone}" for at in HOURS]}).write_csv(tmp_path / "a.csv")
    assert to_utc(open_table(tmp_path / "a.csv").sample(100)["at"]).to_list() == moved


@pytest.mark.parametrize("zone", ["IST", "BST", "AST", "XYZ"])
def test_a_name_of_several_zones_is_none(zone):
    assert to_utc(pl.Series([f"2026-10-28 01:00:00 {zone}"])).to_list() == [None]


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Float64, pl.UInt64])
def test_numbers_that_write_seconds_or_days_of_the_calendar_are_these(dtype):
    seconds = pl.Series([int(f"{at:%Y%m%d%H%M%S}") for at in HOURS], dtype=dtype)
    assert to_utc(seconds).to_list() == HOURS
    days = pl.Series([int(f"{at:%Y%m%d}") for at in HOURS], dtype=dtype)
    assert to_utc(days).to_list() == [at.replace(hour=0, minute=0, second=0) for at in HOURS]


@pytest.mark.parametrize("factor", [1, 1_000, 1_000_000])
def test_numbers_since_1970_stay_these(factor):
    numbers = pl.Series([int(at.timestamp()) * factor for at in HOURS])
    assert to_utc(numbers).to_list() == HOURS

"""What programs read: one way from any result to JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import pytest

from watchkeeper.core.encode import as_cell, as_json, as_values, in_utc


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Thing:
    colour: Colour
    at: datetime | None
    numbers: tuple[float | None, ...]
    facts: dict[str, object]


THING = Thing(
    Colour.RED,
    datetime(2013, 6, 3, 6, 30, tzinfo=UTC),
    (1.5, float("nan"), float("-inf"), None),
    {"n": np.int64(3), "p": np.float64(0.25), "r": np.float32("inf"), "of": MappingProxyType({"a": 2**70})},
)
PLAIN = {
    "colour": "red",
    "at": "2013-06-03T06:30:00Z",
    "numbers": [1.5, None, None, None],
    "facts": {"n": 3, "p": 0.25, "r": None, "of": {"a": 2**70}},
}


@pytest.mark.parametrize("indent", [0, 2])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_dataclasses_enums_moments_and_numbers_have_one_form(indent: int, ascii_only: bool) -> None:
    assert json.loads(as_json(THING, indent=indent, ascii_only=ascii_only)) == PLAIN
    assert as_values(THING) == PLAIN


def test_text_is_kept_and_escaped_only_where_the_reader_needs_it() -> None:
    assert as_json({"größe": "漢😀"}) == '{"größe":"漢😀"}'
    assert as_json({"größe": "漢😀"}, ascii_only=True) == '{"gr\\u00f6\\u00dfe":"\\u6f22\\ud83d\\ude00"}'


def test_the_name_of_a_file_that_is_no_unicode_does_not_stop_a_result() -> None:
    name = b"r\xe9f.parquet".decode("utf-8", "surrogateescape")
    assert as_values({"error": [name], name: float("nan")}) == {
        "error": ["r\\udce9f.parquet"],
        "r\\udce9f.parquet": None,
    }


def test_a_thing_without_a_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no form in JSON"):
        as_json({"what": object()})


def test_moments_are_written_in_utc() -> None:
    at = datetime(2013, 6, 3, 2, tzinfo=timezone(timedelta(hours=2)))
    assert as_values([in_utc(at), in_utc(None)]) == ["2013-06-03T00:00:00Z", None]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (True, True),
        (3, 3),
        (0.5, 0.5),
        (float("inf"), "inf"),
        ("a", "a"),
        (None, None),
        (timedelta(hours=1), "1:00:00"),
        ([1], "[1]"),
    ],
)
def test_a_value_of_a_table_keeps_what_json_knows_and_is_text_otherwise(value: object, cell: object) -> None:
    assert as_cell(value) == cell

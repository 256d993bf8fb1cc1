import json
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from hashlib import sha256

import pytest

from watchkeeper.core.fingerprint import fingerprint


class Colour(StrEnum):
    RED = "red"


def test_a_fingerprint_is_the_hash_of_its_fields_as_canonical_json():
    fields = {"b": 1.5, "a": "ü", "when": datetime(2024, 1, 1, tzinfo=UTC), "for": timedelta(hours=1), "c": Colour.RED}
    plain = {"a": "ü", "b": 1.5, "c": "red", "for": 3600.0, "when": "2024-01-01T00:00:00+00:00"}
    text = "thing.2 " + json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
    assert fingerprint("thing", 2, fields) == f"thing.2:{sha256(text.encode()).hexdigest()[:16]}"


def test_what_is_empty_is_left_out_at_every_depth():
    bare = fingerprint("thing", 1, {"columns": [{"name": "x"}], "n": 0})
    full = {"columns": [{"name": "x", "map": None, "tags": []}], "n": 0, "new": False, "words": "", "more": {"a": None}}
    assert fingerprint("thing", 1, full) == bare
    assert fingerprint("thing", 1, {"columns": [{"name": "x"}]}) != bare, "nought is a value"


def test_order_of_names_and_time_zones_do_not_matter_and_order_of_lists_does():
    east = datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    one = fingerprint("t", 1, {"a": 1, "b": [1, 2], "at": east})
    assert one == fingerprint("t", 1, {"at": datetime(2024, 1, 1, tzinfo=UTC), "b": (1, 2), "a": 1})
    assert one != fingerprint("t", 1, {"a": 1, "b": [2, 1], "at": east})


@pytest.mark.parametrize("other", [("thing", 2, {"a": 1}), ("other", 1, {"a": 1}), ("thing", 1, {"a": 2})])
def test_another_kind_version_or_value_is_another_fingerprint(other):
    assert fingerprint("thing", 1, {"a": 1}) != fingerprint(*other)


def test_what_has_no_one_way_to_be_written_is_refused():
    with pytest.raises(TypeError, match="not of a object"):
        fingerprint("thing", 1, {"a": object()})
    with pytest.raises(ValueError, match="JSON"):
        fingerprint("thing", 1, {"a": float("nan")})

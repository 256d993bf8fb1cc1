"""What a window is compared with is read from words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.core.against import parse_against
from watchkeeper.core.errors import UsageError
from watchkeeper.core.window import Window

DAY = timedelta(days=1)
WEDNESDAY = Window(datetime(2024, 5, 15, tzinfo=UTC), datetime(2024, 5, 16, tzinfo=UTC))


def days(text: str) -> list[int]:
    found = parse_against(text)
    assert found is not None
    return [(WEDNESDAY.start - window.start) // DAY for window in found.windows(WEDNESDAY)]


def test_the_window_before_the_last_ones_and_the_same_weekday():
    assert days("previous") == [1]
    assert days("last:3") == [1, 2, 3]
    assert days("season:7d") == [7, 14, 21, 28]


def test_the_models_own_reference_has_two_names():
    assert parse_against("") is None
    assert parse_against("fixed") is None


@pytest.mark.parametrize("text", ["last", "last:0", "last:x", "yesterday", "season:0d", "season:"])
def test_anything_else_is_refused(text):
    with pytest.raises(UsageError):
        parse_against(text)

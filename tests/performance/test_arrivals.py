"""How labels come in: what is usual of them is learned from the model's own windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.core.window import Window
from watchkeeper.performance.arrivals import Arrivals

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, tzinfo=UTC)


def day(n: int) -> Window:
    return Window(START + n * DAY, START + (n + 1) * DAY)


def arrivals(shares: list[float], wait: float = -1.0, rows: int = 1_000) -> Arrivals:
    starts = tuple(day(n).start.timestamp() for n in range(len(shares)))
    return Arrivals(starts, (rows,) * len(shares), tuple(round(s * rows) for s in shares), (wait,) * len(shares))


def test_windows_that_are_old_enough_tell_which_share_is_usual() -> None:
    young = [0.6, 0.4, 0.1]
    regime = arrivals([0.8] * 10 + young, wait=2.5 * 86_400).regime(DAY)
    assert (regime.share, regime.lag) == (pytest.approx(0.8), 3)
    assert regime.until(day(20)) == day(20).end + timedelta(days=2.5)


def test_without_times_of_labels_a_share_that_rises_with_age_is_not_the_last_word() -> None:
    assert arrivals([0.3] * 9).regime(DAY).share == pytest.approx(0.3)
    assert arrivals([0.9, 0.85, 0.8, 0.7, 0.5, 0.4, 0.2, 0.1]).regime(DAY).share is None
    assert arrivals([0.9] * 30 + [0.8, 0.6, 0.4, 0.2]).regime(DAY).share == pytest.approx(0.9)


def test_too_few_windows_tell_nothing() -> None:
    assert arrivals([0.8] * 3, wait=60.0).regime(DAY).share is None
    assert arrivals([0.8] * 8, wait=60.0, rows=5).regime(DAY).share is None


def test_labels_are_overdue_when_a_window_is_old_enough_and_lacks_them() -> None:
    lost = arrivals([0.9] * 8 + [0.2], wait=86_400.0)
    assert lost.overdue(DAY, day(8)) is None
    late = lost.overdue(DAY, day(9))
    assert late is not None
    assert (late.start, late.share) == (day(8).start.timestamp(), pytest.approx(0.2))
    assert arrivals([0.9] * 8 + [0.85], wait=86_400.0).overdue(DAY, day(9)) is None
    # Nobody knows how long labels without a time take.
    assert arrivals([0.9] * 8 + [0.2]).overdue(DAY, day(9)) is None


def test_a_smaller_share_becomes_usual_after_a_while() -> None:
    assert arrivals([0.9] * 20 + [0.3] * 9, wait=60.0).regime(DAY).share == pytest.approx(0.3)

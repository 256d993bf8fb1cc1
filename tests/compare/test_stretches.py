"""Windows in a row with one value: a week of working days is none too many, a second one is."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from tests.compare.test_usual_rates import DAY, START, Reference, state_of
from watchkeeper.compare.recent import newly_seen
from watchkeeper.compare.stretches import longest_by_chance, sole_value
from watchkeeper.core.window import Window

WEEK = [1.0] * 5 + [0.0] * 2


def days(values: list[float]) -> list[pl.Series]:
    return [pl.Series([value] * 48) for value in values]


@pytest.mark.parametrize("stuck", [0.0, 1.0])
def test_a_value_of_whole_days_is_stuck_after_more_days_than_it_ever_lasted(stuck: float) -> None:
    reference = Reference(days(WEEK * 30))
    recent: tuple = ()
    fired = []
    for number, now in enumerate(days([*WEEK * 2, 1.0 - stuck, *[stuck] * 9])):
        start = START + timedelta(days=210 + number)
        window = Window(start, start + DAY)
        state = state_of(now, reference.schema, window)
        signal = reference.signal("repeated_value", now, recent, window)
        fired.append(signal.fired)
        recent = (*recent, newly_seen(reference.whole, state, recent, start, trusted=True))[-8:]
    first = fired.index(True) - 14
    # Thirty stretches of five windows, or two, and none longer: each further window is 62 times less likely, and one in
    # seven windows begins to be the last of five, so that the chance is 1/434, then 1/26,908, and then below 3/100,000.
    assert first == (8 if stuck else 5)


def test_no_stretch_is_told_of_what_lasts_by_chance_or_of_a_short_reference() -> None:
    rng = np.random.default_rng(0)
    dry = [True]
    for _ in range(499):
        dry.append(bool(rng.random() < (0.8 if dry[-1] else 0.3)))
    assert longest_by_chance(["0" if one else None for one in dry]) == 0
    assert longest_by_chance(["0", *[None] * 9] * 9) == 0
    assert sole_value({"a": 99, "b": 1}, 100) == "a"
    assert sole_value({"a": 98, "b": 2}, 100) is None


def test_stretches_of_dry_days_are_called_stuck_less_than_once_in_ten_thousand_windows() -> None:
    rng, false, windows = np.random.default_rng(4), 0, 0
    for _ in range(60):
        wet = rng.random(730) < 0.2
        held = [None if one else "0" for one in (rng.random(730) < np.where(np.roll(wet, 1), 0.6, 0.95)).tolist()]
        limit = longest_by_chance(held[:365])
        length = 0
        for value in held[365:]:
            length = length + 1 if value else 0
            false += bool(limit) and length == limit
            windows += 1
    assert windows == 21_900
    assert false <= 2

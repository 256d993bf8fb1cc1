"""Impossible numbers are counted, negative ones too, and what moves as a whole is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.compare.conftest import Pair
from watchkeeper.compare.out_of_range import OutOfRange
from watchkeeper.core.measurement import Measurement

RNG = np.random.default_rng(4)
AGES = RNG.uniform(18, 90, 4_000)
NORMAL = RNG.normal(0, 1, 4_000)
SKEWED = RNG.lognormal(3, 1, 4_000)


def with_share(values: Any, share: float, bad: Callable[[int], Any], n: int = 2_000) -> Any:
    now = np.array(np.random.default_rng(9).choice(values, n))
    places = np.arange(0, n, round(1 / share))
    now[places] = bad(len(places))
    return now


def measured(pair: Pair, before: Any, now: Any) -> Measurement:
    return OutOfRange().compare(*pair(before, now))


@pytest.mark.parametrize(
    ("before", "bad"),
    [
        (AGES, lambda n: -RNG.uniform(1, 90, n)),
        (AGES, lambda n: RNG.uniform(500, 2_000, n)),
        (NORMAL, lambda n: RNG.uniform(100, 900, n)),
        (NORMAL, lambda n: -RNG.uniform(100, 900, n)),
        (SKEWED, lambda n: np.full(n, 9e9)),
        (AGES.astype(int), lambda n: np.full(n, -1)),
    ],
    ids=["negative", "far above", "outliers", "outliers below", "one value", "minus one"],
)
def test_the_share_of_impossible_values_is_counted(pair: Pair, before: Any, bad: Callable[[int], Any]) -> None:
    found = measured(pair, before, with_share(before, 0.025, bad))
    assert found.value == pytest.approx(0.025, abs=0.002)
    assert OutOfRange().describe(found).startswith("lies outside of all that was seen")


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (AGES, AGES[::2]),
        (AGES, AGES[::2] + 30),
        (RNG.uniform(10, 35, 4_000), RNG.normal(12, 6, 2_000)),
        (NORMAL, NORMAL[::2] * 1.5),
    ],
    ids=["same", "moved", "autumn", "wider"],
)
def test_what_moves_on_as_a_whole_is_left_to_drift(pair: Pair, before: Any, now: Any) -> None:
    assert measured(pair, before, now).value == 0.0

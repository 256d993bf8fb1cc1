"""A small rise of what is missing, infinite, unseen or impossible is found, and what does not rise stays silent."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from watchkeeper import check
from watchkeeper.core.alert import Cause
from watchkeeper.core.errors import UsageError

N = 3_000


def numbers(seed: int, rate: float, bad: float | None) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = pl.Series("x", rng.uniform(18, 90, N))
    return pl.DataFrame(x.set(pl.Series(rng.random(N) < rate), bad))


def faults(now: pl.DataFrame, before: pl.DataFrame, **options: Any) -> list[str]:
    return [c for a in check(now, before, **options).alerts if a.cause is Cause.DATA_FAULT for c in a.columns]


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), -float("inf"), -5.0, 800.0])
@pytest.mark.parametrize(("before", "now"), [(0.0, 0.025), (0.001, 0.02)], ids=["from none", "from one in a thousand"])
def test_a_rise_of_two_in_a_hundred_is_found(bad: float | None, before: float, now: float) -> None:
    if bad in (-5.0, 800.0) and before:
        pytest.skip("what the reference holds is not impossible")
    found = [faults(numbers(seed, now, bad), numbers(seed + 100, before, bad)) for seed in range(3)]
    assert found == [["x"]] * 3


@pytest.mark.parametrize("bad", [None, float("inf")])
@pytest.mark.parametrize("rate", [0.0, 0.004, 0.05])
def test_what_does_not_rise_is_silent(bad: float | None, rate: float) -> None:
    assert not any(faults(numbers(seed, rate, bad), numbers(seed + 100, rate, bad)) for seed in range(8))


def test_a_thousand_rows_are_enough_where_nothing_was_missing() -> None:
    found = [faults(numbers(s, 0.025, None).head(1_500), numbers(s + 100, 0.0, None)) for s in range(10)]
    assert sum(map(bool, found)) >= 9


def test_one_tolerance_for_a_share_of_all_columns_and_of_single_ones() -> None:
    before = numbers(1, 0.0, None).with_columns(z=numbers(2, 0.0, None)["x"])
    now = numbers(3, 0.025, None).with_columns(z=numbers(4, 0.025, None)["x"])
    assert sorted(faults(now, before)) == ["x", "z"]
    assert faults(now, before, tolerance=0.5) == []
    assert faults(now, before, tolerances={"x": 0.5}) == ["z"]
    assert faults(now, before, tolerance=0.5, tolerances={"z": 0.05}) == ["z"]


def test_drift_has_the_tolerance_of_its_column_too() -> None:
    rng = np.random.default_rng(0)
    before, now = (pl.DataFrame({"x": rng.normal(m, 1, N), "z": rng.normal(m, 1, N)}) for m in (0.0, 0.5))
    assert [a.columns for a in check(now, before).alerts] in ([("x", "z")], [("z", "x")])
    assert [a.columns for a in check(now, before, tolerances={"z": 0.4}).alerts] == [("x",)]


def test_the_tolerance_of_a_column_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="tolerances: there is no column 'z'; Valid: x"):
        check(numbers(1, 0, None), numbers(2, 0, None), tolerances={"z": 0.1})
    with pytest.raises(UsageError, match="tolerances must be from 0 to 1; that of 'x' is 7"):
        check(numbers(1, 0, None), numbers(2, 0, None), tolerances={"x": 7})

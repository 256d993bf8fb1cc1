"""Counts of levels against collections.Counter and hand arithmetic."""

from collections import Counter

import numpy as np
import polars as pl

from watchkeeper.core.schema import Column, Kind, Role
from watchkeeper.stats.level_index import count_levels
from watchkeeper.stats.levels import CAP, LevelCounts
from watchkeeper.stats.statistic import fold

COLUMN = Column("x", Role.FEATURE, Kind.CATEGORICAL)


def levels_of(values, dtype=None):
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})
    return fold(LevelCounts(), COLUMN, [count_levels(frame, ["x"])["x"]])


def test_counts_are_those_of_a_counter():
    values = np.random.default_rng(0).choice(["a", "b", "", "é", "NULL"], 5_000).tolist()
    assert levels_of(values).as_dict() == dict(Counter(values))


def test_a_null_is_no_level_but_an_empty_text_is_one():
    assert levels_of(["", None, ""]).as_dict() == {"": 2}


def test_one_and_one_point_zero_are_one_level():
    merged = LevelCounts().merge(levels_of([1, 2, 2]), levels_of([1.0, 2.5]))
    assert merged.as_dict() == {"1": 2, "2": 2, "2.5": 1}


def test_rows_beyond_the_cap_are_counted_together_and_never_lost():
    common = ["often"] * 500
    part = levels_of(common + [f"rare{i}" for i in range(CAP + 300)])
    assert part.as_dict()["often"] == 500
    assert len(part.names) == CAP
    assert part.other == 301
    assert part.n == 500 + CAP + 300


def test_truth_values_are_the_levels_true_and_false():
    assert levels_of([True, False, True, None]).as_dict() == {"true": 2, "false": 1}

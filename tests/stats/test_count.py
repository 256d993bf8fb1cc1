"""Rows, nulls, NaN and infinities; expected values counted by hand."""

import math

import polars as pl

from watchkeeper.core.schema import Column, Kind, Role
from watchkeeper.stats.blocks import NumberSource
from watchkeeper.stats.count import Count, CountPart
from watchkeeper.stats.level_index import count_levels
from watchkeeper.stats.statistic import fold

COLUMN = Column("x", Role.FEATURE, Kind.NUMERIC)


def test_nulls_nan_and_both_infinities_are_counted_apart():
    x = pl.Series("x", [1.0, None, math.nan, math.inf, -math.inf, -math.inf, None, 2.0])
    part = fold(Count(), COLUMN, NumberSource(x, COLUMN).blocks())
    assert part == CountPart(rows=8, nulls=2, nans=1, positive=1, negative=2)
    assert (part.missing, part.valid) == (3, 2)


def test_values_whose_sum_overflows_are_not_taken_for_infinities():
    x = pl.Series("x", [1.7e308, 1.7e308, 1.0])
    assert fold(Count(), COLUMN, NumberSource(x, COLUMN).blocks()) == CountPart(rows=3)


def test_the_missing_share_of_no_rows_is_no_number():
    assert math.isnan(Count().result(CountPart())["missing_share"])


def test_null_texts_are_counted():
    column = Column("x", Role.FEATURE, Kind.CATEGORICAL)
    levels = count_levels(pl.DataFrame({"x": ["a", None, "b", None]}), ["x"])["x"]
    assert fold(Count(), column, [levels]) == CountPart(rows=4, nulls=2)


def test_whole_numbers_and_truth_values_count_like_floats():
    for x in (pl.Series("x", [1, None, 3]), pl.Series("x", [True, None, False])):
        assert fold(Count(), COLUMN, NumberSource(x, COLUMN).blocks()) == CountPart(rows=3, nulls=1)

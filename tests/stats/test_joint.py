"""What statistics see of all numeric features together, and how rows without ids are told apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema
from watchkeeper.stats.joint import Joint, joint_columns
from watchkeeper.stats.row_identity import hash_points
from watchkeeper.stats.vectors import Vectors

A = Column("a", Role.FEATURE, Kind.NUMERIC, "Float64", NumericMap(10.0, 2.0))
B = Column("b", Role.FEATURE, Kind.NUMERIC, "Int64", NumericMap(0.0, 1.0))
LEVEL = Column("level", Role.FEATURE, Kind.CATEGORICAL, "String")
SCHEMA = Schema((Column("id", Role.ID, Kind.IDENTIFIER), A, B, LEVEL))


def test_features_are_mapped_clipped_and_filled_with_the_median():
    frame = pl.DataFrame({"id": range(6), "a": [10.0, 14.0, None, float("nan"), 1e9, -float("inf")], "b": range(6)})
    block = next(Joint.blocks(frame, SCHEMA))
    assert block.names == ("a", "b")
    assert block.z.tolist() == [[0.0, 2.0, 0.0, 0.0, 8.0, -8.0], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]


def test_a_missing_column_and_one_that_turned_into_text_stand_at_the_median():
    frame = pl.DataFrame({"id": [1, 2], "b": ["x", "y"]})
    assert next(Joint.blocks(frame, SCHEMA)).z.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_a_single_numeric_feature_goes_together_with_nothing():
    assert joint_columns(Schema((A, LEVEL))) == ()


def test_rows_are_given_out_in_their_own_units_with_their_levels():
    frame = pl.DataFrame({"id": range(3), "a": [10.0, None, 1e9], "b": [1, 2, 3], "level": ["x", None, "y"]})
    source = next(Joint.blocks(frame, SCHEMA)).source
    numbers = source.numbers(np.array([2, 1]))
    assert numbers[0].tolist() == [1e9, 3.0]
    assert np.isnan(numbers[1, 0])
    assert source.levels(np.array([2, 1]))["level"].to_list() == ["y", None]


def test_the_hash_of_a_row_is_that_of_its_id_wherever_it_stands():
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({"id": rng.permutation(9_000), "a": rng.normal(size=9_000), "b": range(9_000)})
    hashes = np.concatenate([block.hashes for block in Joint.blocks(frame, SCHEMA)])
    turned = np.concatenate([block.hashes for block in Joint.blocks(frame.reverse(), SCHEMA)])
    assert np.array_equal(hashes, turned[::-1])
    assert len(np.unique(hashes)) == 9_000


def test_rows_without_ids_are_told_apart_by_their_numbers_in_any_unit():
    rng = np.random.default_rng(2)
    frame = pl.DataFrame({"a": rng.normal(size=500), "b": rng.integers(0, 5, 500)})
    plain = Schema((A, B))
    maps = [NumericMap(column.map.anchor * 64, column.map.scale * 64) for column in plain]
    scaled = Schema(tuple(replace(column, map=m) for column, m in zip(plain, maps, strict=True)))
    one = next(Joint.blocks(frame, plain)).hashes
    assert np.array_equal(one, next(Joint.blocks(frame * 64, scaled)).hashes)
    halves = [next(Joint.blocks(frame[i : i + 250], plain)).hashes for i in (0, 250)]
    assert np.array_equal(one, np.concatenate(halves))


def test_equal_points_have_hashes_of_their_own_that_spread_evenly():
    hashes = hash_points([np.zeros(10_000)], 10_000)
    assert len(np.unique(hashes)) == 10_000
    # The share below a quarter of all hashes; a random choice would have a standard error of 43.
    assert abs(int((hashes < np.uint64(2**62)).sum()) - 2_500) <= 10


def test_vectors_keep_the_identity_of_their_rows():
    series = pl.Series("v", [[1.0, 2.0], None, [float("nan"), 0.0], [3.0, 4.0]])
    block = Vectors.of(series, np.array([11, 22, 33, 44], np.uint64))
    assert block.x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert (block.rows, block.nulls) == (4, 2)
    assert block.hashes.tolist() == [11, 44]

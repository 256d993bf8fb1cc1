"""The sample of points is uniform, whatever the order, the batches and the repeats."""

from __future__ import annotations

from functools import reduce

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema
from watchkeeper.stats.joint import JOINT_COLUMN, Joint
from watchkeeper.stats.point_sample import PointSample, PointSamplePart
from watchkeeper.stats.statistic import fold
from watchkeeper.stats.vectors import Vectors

MAP = NumericMap(0.0, 1.0)
FEATURES = (
    Column("a", Role.FEATURE, Kind.NUMERIC, "Float64", MAP),
    Column("b", Role.FEATURE, Kind.NUMERIC, "Float64", MAP),
    Column("level", Role.FEATURE, Kind.CATEGORICAL, "String"),
)
WITH_ID = Schema((Column("id", Role.ID, Kind.IDENTIFIER), *FEATURES))


def sample(frame: pl.DataFrame, schema: Schema = WITH_ID) -> PointSamplePart:
    return fold(PointSample(), JOINT_COLUMN, Joint.blocks(frame, schema))


def rows(n: int, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    level = np.array(["x", "y"])[rng.integers(0, 2, n)]
    return pl.DataFrame({"id": np.arange(n), "a": np.arange(n, dtype=float), "b": rng.normal(size=n), "level": level})


def test_a_thousand_rows_are_kept_whole_with_nulls_and_levels():
    frame = rows(20_000).with_columns(b=pl.when(pl.col("id") % 2 == 0).then(None).otherwise(pl.col("b")))
    part = sample(frame)
    assert part.x.shape == (1_000, 2)
    assert part.rows == 20_000
    chosen = frame[part.x[:, 0].astype(int)]
    assert chosen["level"].to_list() == part.levels["level"].to_list()
    assert np.array_equal(chosen["b"].fill_null(np.nan).to_numpy(), part.x[:, 1], equal_nan=True)


def test_every_row_has_the_same_chance():
    # A hash is fixed, so the chance is over ids: 40 logs of other ids, and how many of the first half are chosen.
    chosen = [
        int((sample(rows(4_000).with_columns(pl.col("id") + 10_000 * k)).x[:, 0] < 2_000).sum()) for k in range(40)
    ]
    assert binomtest(sum(chosen), 40_000, 0.5).pvalue > 0.001


def test_the_sample_does_not_depend_on_order_or_batches_and_counts_a_replayed_row_once():
    frame = rows(9_000)
    whole = sample(frame)
    pieces = [sample(frame.reverse()[i : i + 700]) for i in range(0, 9_000, 700)]
    merged = reduce(PointSample().merge, pieces)
    assert np.array_equal(merged.x, whole.x)
    twice = PointSample().merge(whole, whole)
    assert np.array_equal(twice.hashes, whole.hashes)
    assert twice.rows == 18_000


def test_without_ids_equal_points_keep_their_share_over_batches():
    schema = Schema(FEATURES)
    rng = np.random.default_rng(4)
    drawn = pl.DataFrame(
        {"a": (rng.random(24_000) < 0.01).astype(float), "b": np.zeros(24_000), "level": ["x"] * 24_000}
    )
    hours = [sample(drawn[i : i + 1_000], schema) for i in range(0, 24_000, 1_000)]
    merged = reduce(PointSample().merge, hours)
    assert len(merged.hashes) == 1_000
    # 1 % of 1,000 points have a standard error of 3.1.
    assert abs(merged.x[:, 0].sum() - 10) <= 4 * 3.1


def test_without_ids_few_rows_are_all_kept_when_batches_merge():
    schema = Schema(FEATURES)
    frame = pl.DataFrame({"a": [1.0, 1.0, 2.0] * 50, "b": [0.0] * 150, "level": ["x"] * 150})
    merged = PointSample().merge(sample(frame, schema), sample(frame, schema))
    assert merged.x[:, 0].tolist().count(1.0) == 200
    assert len(np.unique(merged.hashes)) == 300


def test_vectors_are_sampled_and_other_lengths_refused():
    column = Column("v", Role.FEATURE, Kind.VECTOR)
    one, other = (
        fold(PointSample(), column, [Vectors.of(pl.Series("v", np.arange(30.0).reshape(-1, d)))]) for d in (3, 2)
    )
    assert sorted(one.x[:, 0].tolist()) == [float(i) for i in range(0, 30, 3)]
    with pytest.raises(StateError, match="vectors of 3 and of 2 numbers"):
        PointSample().merge(one, other)

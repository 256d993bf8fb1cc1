"""Second moments against numpy, and what is kept of long vectors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema
from watchkeeper.schema.kinds import map_of
from watchkeeper.stats.covariance import Covariance, CovariancePart
from watchkeeper.stats.joint import JOINT_COLUMN, Joint
from watchkeeper.stats.statistic import fold
from watchkeeper.stats.vectors import Vectors

PLAIN = NumericMap()


def of_features(x: np.ndarray) -> tuple[CovariancePart, np.ndarray]:
    """The part, and z as the part sees it."""
    frame = pl.DataFrame({f"x{i}": x[:, i] for i in range(x.shape[1])})
    columns = tuple(Column(s.name, Role.FEATURE, Kind.NUMERIC, "Float64", map_of(s)) for s in frame.iter_columns())
    z = np.column_stack([(x[:, i] - c.map.anchor) / c.map.scale for i, c in enumerate(columns)])
    return fold(Covariance(), JOINT_COLUMN, Joint.blocks(frame, Schema(columns))), np.clip(z, -8, 8)


def of_vectors(x: np.ndarray, bins: NumericMap = PLAIN) -> CovariancePart:
    column = Column("v", Role.FEATURE, Kind.VECTOR, map=bins)
    return fold(Covariance(), column, [Vectors.of(pl.Series("v", x))])


def skewed(n: int, d: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.exp(0.6 * (rng.normal(size=(n, d)) + rng.normal(size=(n, 1))))


def test_mean_and_covariance_are_those_of_numpy():
    part, z = of_features(skewed(10_000, 4))
    assert part.names == ("x0", "x1", "x2", "x3")
    np.testing.assert_allclose(part.mean, z.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(part.covariance, np.cov(z.T), rtol=1e-10)


def test_moments_of_products_about_the_mean_are_those_of_numpy():
    part, z = of_features(skewed(10_000, 4))
    u = z - z.mean(axis=0)
    fourth, cubed = part.product_moments()
    # Single-precision products.
    np.testing.assert_allclose(fourth, (u**2).T @ u**2 / len(u), rtol=1e-4)
    np.testing.assert_allclose(cubed, u.T @ u**3 / len(u), rtol=1e-4)


def test_a_column_far_from_zero_loses_no_digits():
    x = skewed(5_000, 2)
    part, _ = of_features(x + 1e9)
    plain, _ = of_features(x)
    correlation = part.covariance[0, 1] / np.sqrt(part.covariance[0, 0] * part.covariance[1, 1])
    expected = plain.covariance[0, 1] / np.sqrt(plain.covariance[0, 0] * plain.covariance[1, 1])
    assert correlation == pytest.approx(expected, abs=1e-6)


def test_vectors_are_summed_in_their_own_units_and_map():
    x = np.random.default_rng(3).normal(2.0, 3.0, size=(6_000, 5))
    part = of_vectors(x, NumericMap(1.0, 4.0))
    np.testing.assert_allclose(part.covariance, np.cov(((x - 1) / 4).T), rtol=1e-10)
    assert of_vectors(x).product_moments()[0].shape == (5, 5)


def test_of_vectors_of_middle_length_no_moments_of_products_are_kept():
    part = of_vectors(np.random.default_rng(4).normal(size=(100, 65)))
    assert part.covariance.shape == (65, 65)
    with pytest.raises(StateError, match="of 65 numbers no moments of products"):
        part.product_moments()


def test_long_vectors_are_projected_so_that_distances_hold():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(200, 600))
    shift = rng.normal(size=600)
    near, far, truth = of_vectors(x), of_vectors(x + shift), float((shift**2).sum())
    assert (near.d, near.given) == (256, 600)
    distance = float(((far.mean - near.mean) ** 2).sum())
    # The squared length of a projected vector has a relative standard deviation of √(2/256).
    assert distance == pytest.approx(truth, rel=4 * np.sqrt(2 / 256))


def test_moments_of_other_features_lengths_and_maps_do_not_merge():
    merge = Covariance().merge
    three, four = of_vectors(np.ones((5, 3))), of_vectors(np.ones((5, 4)))
    with pytest.raises(StateError, match="vectors of 3 and of 4 numbers"):
        merge(three, four)
    with pytest.raises(StateError, match="different maps"):
        merge(three, of_vectors(np.ones((5, 3)), NumericMap(1.0, 1.0)))
    with pytest.raises(StateError, match="x0, x1 and of x0, x1, x2"):
        merge(of_features(skewed(50, 2))[0], of_features(skewed(50, 3))[0])

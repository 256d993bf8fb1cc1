"""Random Fourier features against the kernel they stand for."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics.pairwise import rbf_kernel

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema
from watchkeeper.stats.joint import JOINT_COLUMN, Joint
from watchkeeper.stats.random_features import RandomFeatures, RandomFeaturesPart, frequencies
from watchkeeper.stats.statistic import fold
from watchkeeper.stats.vectors import Vectors


def of_features(z: np.ndarray) -> RandomFeaturesPart:
    frame = pl.DataFrame({f"x{i}": z[:, i] for i in range(z.shape[1])})
    columns = (Column(name, Role.FEATURE, Kind.NUMERIC, "Float64", NumericMap(0.0, 1.0)) for name in frame.columns)
    return fold(RandomFeatures(), JOINT_COLUMN, Joint.blocks(frame, Schema(tuple(columns))))


def of_vectors(x: np.ndarray) -> RandomFeaturesPart:
    return fold(RandomFeatures(), Column("v", Role.FEATURE, Kind.VECTOR), [Vectors.of(pl.Series("v", x))])


def test_products_of_means_are_means_of_the_kernel_of_scikit_learn():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(300, 6)), rng.normal(0.5, 1.0, size=(200, 6))
    found = float(of_features(x).mean @ of_features(y).mean)
    expected = float(rbf_kernel(x, y, gamma=1 / 12).mean())
    # Each of 128 cosines has a standard deviation of at most .7 about the kernel.
    assert found == pytest.approx(expected, abs=4 * 0.7 / np.sqrt(128))


def test_the_kernel_for_vectors_is_the_mean_of_seven_bandwidths():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(300, 4)) / 10, rng.normal(0.1, 0.1, size=(200, 4))
    found = float(of_vectors(x).mean @ of_vectors(y).mean)
    expected = np.mean([rbf_kernel(x, y, gamma=4**octave / 8).mean() for octave in range(7)])
    assert found == pytest.approx(expected, abs=4 * 0.7 / np.sqrt(128))


def test_a_feature_vector_has_length_one():
    part = of_features(np.array([[0.3, -2.0]]))
    assert float(part.mean @ part.mean) == pytest.approx(1.0, abs=1e-6)
    assert part.n == 1


def test_frequencies_are_normal_with_variance_one_over_d_and_always_the_same():
    w = frequencies(50)
    assert w.shape == (128, 50)
    assert abs(w.mean()) < 4 / np.sqrt(50 * 6_400)
    assert w.var() * 50 == pytest.approx(1.0, abs=4 * np.sqrt(2 / 6_400))
    kurtosis = float((w**4).mean() / w.var() ** 2)
    assert kurtosis == pytest.approx(3.0, abs=4 * np.sqrt(24 / 6_400))
    # Worked with arbitrary-precision integers: hashes of 0 and of 128·50, then Box and Muller's formula.
    assert w[0, 0] * np.sqrt(50) == pytest.approx(by_hand(0, 6_400), rel=1e-9)


def by_hand(first: int, second: int) -> float:
    def uniform(k: int) -> float:
        mask, h = 2**64 - 1, k * 0x9E3779B97F4A7C15 & (2**64 - 1)
        for _ in range(2):
            h = (h ^ h >> 32) * 0xD6E8FEB86659FD93 & mask
        return (((h ^ h >> 32) >> 11) + 0.5) / 2**53

    return float(np.sqrt(-2 * np.log(uniform(first))) * np.cos(2 * np.pi * uniform(second)))


def test_buckets_share_the_rows_evenly():
    part = of_features(np.random.default_rng(3).normal(size=(32_000, 2)))
    # Poisson: 1,000 ± 32 in each of 32.
    assert np.abs(part.counts - 1_000).max() < 4.5 * np.sqrt(1_000)


def test_features_of_vectors_of_other_lengths_do_not_merge():
    with pytest.raises(StateError, match="vectors of 2 numbers and of vectors of 3 numbers"):
        RandomFeatures().merge(of_vectors(np.ones((4, 2))), of_vectors(np.ones((4, 3))))

"""Kernel distances and the domain classifier against closed forms and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel

from watchkeeper.compare.assess import assess_column
from watchkeeper.compare.domain_classifier import DomainClassifier
from watchkeeper.compare.mmd import Mmd
from watchkeeper.compare.mmd_test import MmdTest
from watchkeeper.core.errors import StateError
from watchkeeper.core.measurement import Status

from .points import POPULATIONS, features, normal, vectors

POINTS, MEANS = ("point_sample",), ("random_features",)


def test_mmd_of_two_normal_distributions_is_the_closed_form():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40_000, 4)), rng.normal(size=(40_000, 4)) + np.array([1.0, 0, 0, 0])
    found = Mmd().compare(*features(x, y, keep=MEANS))
    # Gretton et al. (2012): with the kernel exp(-‖x-y‖²/(2h²)) E k = (h²/(h² + 2σ²))^(d/2)·exp(-‖Δ‖²/(2(h² + 2σ²))).
    # In interquartile ranges σ = 1/1.349 and Δ = σ; h² = d = 4.
    variance = (1 / 1.349) ** 2
    width = 4 + 2 * variance
    truth = 2 * (4 / width) ** 2 * (1 - np.exp(-variance / (2 * width)))
    # 128 frequencies: the relative error of a squared distance is of the order √(2/128).
    assert found.value == pytest.approx(truth, rel=4 * np.sqrt(2 / 128))
    assert found.evidence.p_value < 1e-12


@pytest.mark.parametrize("kind", POPULATIONS)
def test_mmd_is_unbiased_and_keeps_its_level(kind):
    rng = np.random.default_rng(2)
    found = [
        Mmd().compare(*features(POPULATIONS[kind](rng, 3_000, 6), POPULATIONS[kind](rng, 800, 6), keep=MEANS))
        for _ in range(100)
    ]
    p, unbiased = (
        np.array(values)
        for values in zip(*((m.evidence.p_value, m.evidence.details["unbiased"]) for m in found), strict=True)
    )
    for alpha in (0.05, 0.01):
        rejected = int((p <= alpha).sum())
        assert stats.binomtest(rejected, len(p), alpha, alternative="greater").pvalue > 0.005, (alpha, rejected)
    assert 0.35 < np.median(p) < 0.65
    assert abs(unbiased.mean()) < 4 * unbiased.std() / 10
    assert np.mean([m.error for m in found]) == pytest.approx(unbiased.std(), rel=0.35)


def test_mmd_sees_a_change_that_leaves_means_and_covariances_alone():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20_000, 3)), rng.normal(size=(5_000, 3))
    # Four times of five the sign of the third is that of the product of the others: pairs stay uncorrelated.
    told = rng.random(5_000) < 0.8
    y[told, 2] = np.abs(y[told, 2]) * np.sign(y[told, 0] * y[told, 1])
    assert Mmd().compare(*features(x, y, keep=MEANS)).evidence.p_value < 1e-4


def test_mmd_finds_a_turned_embedding_of_any_scale():
    rng = np.random.default_rng(4)
    x, y = (
        side / np.linalg.norm(side, axis=1)[:, None]
        for side in (rng.normal(size=(2_000, 64)), rng.normal(size=(500, 64)) + 0.1)
    )
    assert Mmd().compare(*vectors(x, y, keep=MEANS)).evidence.p_value < 1e-4
    assert Mmd().compare(*vectors(x[:1_000], x[1_000:], keep=MEANS)).evidence.p_value > 0.01


def test_the_exact_discrepancy_is_that_of_the_kernel_of_scikit_learn():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(120, 3)), rng.normal(0.4, 1.0, size=(80, 3))
    found = MmdTest().compare(*vectors(x, y, keep=POINTS))
    away = euclidean_distances(np.concatenate([x, y]))
    width = np.median(away[np.triu_indices(200, 1)])
    assert found.evidence.details["bandwidth"] == pytest.approx(width, rel=1e-3)
    gamma = 1 / (2 * float(found.evidence.details["bandwidth"]) ** 2)
    inside, other, across = rbf_kernel(x, gamma=gamma), rbf_kernel(y, gamma=gamma), rbf_kernel(x, y, gamma=gamma)
    assert found.evidence.details["mmd2"] == pytest.approx(inside.mean() + other.mean() - 2 * across.mean(), abs=1e-6)
    # Gretton et al. (2012), eq. 3.
    unbiased = (inside.sum() - 120) / (120 * 119) + (other.sum() - 80) / (80 * 79) - 2 * across.mean()
    assert found.evidence.details["unbiased"] == pytest.approx(unbiased, abs=1e-9)


def test_mmd_of_two_points_a_side_is_worked_by_hand():
    x, y = np.array([[0.0], [0.0]] * 5), np.array([[1.0], [1.0]] * 5)
    found = MmdTest().compare(*vectors(x, y, keep=POINTS))
    # All distances are 0 or 1 and the median one is 1: 1 + 1 - 2·exp(-1/2).
    assert found.evidence.details["mmd2"] == pytest.approx(2 - 2 * np.exp(-0.5), abs=1e-6)


@pytest.mark.parametrize("kind", POPULATIONS)
def test_the_permutation_test_keeps_its_level_with_a_hundred_rows(kind):
    rng = np.random.default_rng(6)
    p = np.array(
        [
            MmdTest()
            .compare(*features(POPULATIONS[kind](rng, 100, 4), POPULATIONS[kind](rng, 50, 4), keep=POINTS))
            .value
            for _ in range(120)
        ]
    )
    assert stats.kstest(p, "uniform").pvalue > 0.005


def test_the_permutation_test_finds_what_a_thousand_rows_show():
    rng = np.random.default_rng(7)
    x, y = normal(rng, 5_000, 5), normal(rng, 5_000, 5)
    y[:, 0] += 0.5
    found = MmdTest().compare(*features(x, y, keep=POINTS))
    assert found.value == 1 / 500
    assert found.n == 1_000


def test_the_classifier_comes_near_the_best_possible_area_and_names_the_feature():
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(1_000, 8)), rng.normal(size=(1_000, 8))
    y[:, 3] += 1.5
    found = DomainClassifier().compare(*features(x, y, keep=POINTS))
    # The area of the likelihood ratio of two normal distributions Δ apart is Φ(Δ/√2).
    best = stats.norm.cdf(1.5 / np.sqrt(2))
    assert best - 0.08 < found.value < best + 2 * found.error
    assert found.evidence.details["tells"] == "x3"
    assert found.evidence.p_value < 1e-6


def test_the_classifier_sees_levels_nulls_and_interactions():
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(1_000, 4)), rng.normal(size=(1_000, 4))
    old, new = ({"carrier": rng.choice(names, 1_000).tolist()} for names in (["AA", "UA", "DL"], ["AA", "UA", "B6"]))
    found = DomainClassifier().compare(*features(x, y, keep=POINTS, levels=[old, new]))
    assert found.evidence.details["tells"] == "carrier"
    # A third of either side has a level of its own: 1/3 of pairs are tied in part; 1 - ½·(2/3)² = .78.
    assert found.value == pytest.approx(0.78, abs=0.04)
    y[rng.random(1_000) < 0.3, 2] = np.nan
    assert DomainClassifier().compare(*features(x, y, keep=POINTS)).evidence.details["tells"] == "x2"
    y = rng.normal(size=(1_000, 4))
    y[:, 1] = np.abs(y[:, 1]) * np.sign(y[:, 0])
    assert "x1" in str(DomainClassifier().compare(*features(x, y, keep=POINTS)).evidence.details["tells"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", POPULATIONS)
def test_the_classifier_keeps_its_level_and_covers(kind):
    rng = np.random.default_rng(10)
    found = [
        DomainClassifier().compare(
            *features(POPULATIONS[kind](rng, 400, 5), POPULATIONS[kind](rng, 300, 5), keep=POINTS)
        )
        for _ in range(60)
    ]
    exact = np.array([m.evidence.details["p_value_exact"] for m in found])
    assert stats.binomtest(int((exact <= 0.05).sum()), 60, 0.05, alternative="greater").pvalue > 0.005
    assert max(m.evidence.p_value < 0.05 for m in found) == 0
    assert np.mean([m.interval[0] <= 0.5 <= m.interval[1] for m in found]) >= 0.88
    values = np.array([m.value for m in found])
    assert abs(values.mean() - 0.5) < 4 * values.std() / np.sqrt(60)


def test_vectors_near_the_largest_number_are_compared_or_told_about():
    x = np.random.default_rng(13).normal(size=(100, 3))
    sides = vectors(x, x * 1e200)
    names = ("hotelling_t2", "mean_shift", "frechet", "pca_reconstruction", "mmd_test")
    for m in assess_column(*sides, names):
        assert m.status is Status.FAILED, m.name
        assert "too large to be squared" in m.reason
    for m in assess_column(*sides, ["mmd", "domain_classifier"]):
        assert m.status is Status.OK
        assert m.evidence.p_value < 0.01


@pytest.mark.parametrize("comparison", [MmdTest(), DomainClassifier()])
def test_other_features_and_few_rows_are_told(comparison):
    rng = np.random.default_rng(11)
    three, few = features(normal(rng, 200, 3), normal(rng, 4, 3), keep=POINTS)
    two = features(normal(rng, 200, 2), keep=POINTS)[0]
    with pytest.raises(StateError, match="x0, x1, x2 and of x0, x1"):
        comparison.compare(three, two)
    found = comparison.compare(three, few)
    assert found.status is Status.NO_DATA
    assert "200 and 4 points" in found.reason


def test_the_classifier_sees_a_shift_of_long_vectors_and_none_of_equal_ones():
    rng = np.random.default_rng(12)
    x, y = rng.normal(size=(600, 100)), rng.normal(size=(500, 100))
    x[:, 7] *= 6
    y[:, 7] = 6 * y[:, 7] + 6
    equal, moved = vectors(x[:300], x[300:], keep=POINTS), vectors(x, y, keep=POINTS)
    # The seventh number is the first component: the area of a likelihood ratio one deviation apart is Φ(1/√2) = .76.
    assert DomainClassifier().compare(*moved).value == pytest.approx(0.76, abs=0.1)
    low, high = DomainClassifier().compare(*equal).interval
    assert low < 0.5 < high

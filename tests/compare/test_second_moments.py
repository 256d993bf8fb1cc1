"""Comparisons of means and covariances against scipy, scikit-learn, numpy and hand arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg, stats
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from watchkeeper.compare.correlation_change import CorrelationChange
from watchkeeper.compare.frechet import Frechet
from watchkeeper.compare.hotelling_t2 import HotellingT2
from watchkeeper.compare.mean_shift import MeanShift
from watchkeeper.compare.pca_reconstruction import PcaReconstruction
from watchkeeper.core.errors import StateError
from watchkeeper.core.measurement import Status

from .points import POPULATIONS, features, lognormal, normal, vectors

SUMS = ("covariance",)


def test_correlation_change_is_the_difference_of_two_pearson_correlations():
    rng = np.random.default_rng(1)
    x, y = normal(rng, 4_000, 3), normal(rng, 3_000, 3)
    y[:, 2] -= y[:, 0]
    found = CorrelationChange().compare(*features(x, y, keep=SUMS))
    # scipy.stats.pearsonr.
    before, after = (stats.pearsonr(side[:, 0], side[:, 2]).statistic for side in (x, y))
    assert found.value == pytest.approx(abs(after - before), abs=1e-9)
    assert found.evidence.about == ("x0", "x2")
    assert (found.evidence.change.before, found.evidence.change.after) == (pytest.approx(before), pytest.approx(after))


def test_correlation_change_has_the_error_of_normal_theory_on_normal_rows():
    rng = np.random.default_rng(2)
    x = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 200_000)
    found = CorrelationChange().compare(*features(x[:100_000], x[100_000:], keep=SUMS))
    # Fisher (1915): the variance of a correlation is (1 - r²)²/n.
    assert found.error == pytest.approx((1 - 0.36) * np.sqrt(2 / 100_000), rel=0.03)


@pytest.mark.parametrize("kind", POPULATIONS)
def test_correlation_change_and_mean_tests_keep_their_level(kind):
    rng = np.random.default_rng(3)
    p_values: dict[str, list[float]] = {}
    for _ in range(100):
        states = features(POPULATIONS[kind](rng, 6_000, 6), POPULATIONS[kind](rng, 1_500, 6), keep=SUMS)
        for comparison in (CorrelationChange(), HotellingT2(), MeanShift()):
            p_values.setdefault(comparison.name, []).append(comparison.compare(*states).evidence.p_value)
    for name, found in p_values.items():
        p = np.array(found)
        for alpha in (0.05, 0.01):
            rejected = int((p <= alpha).sum())
            assert stats.binomtest(rejected, len(p), alpha, alternative="greater").pvalue > 0.005, (
                name,
                alpha,
                rejected,
            )
        # And not by never rejecting; the one for the largest of many leans to 1.
        assert np.mean(p <= 0.5) > 0.2, name


@pytest.mark.parametrize("kind", POPULATIONS)
def test_one_correlation_of_435_is_found_and_named_in_windows_of_5_000(kind):
    rng = np.random.default_rng(4)

    def rows(n: int, correlation: float) -> np.ndarray:
        z = rng.normal(size=(n, 30))
        z[:, 1] = correlation * z[:, 0] + np.sqrt(1 - correlation**2) * z[:, 1]
        return np.exp(z) if kind == "lognormal" else z

    reference, *windows = features(rows(50_000, 0.0), *(rows(5_000, 0.3) for _ in range(12)), keep=SUMS)
    found = [CorrelationChange().compare(reference, window) for window in windows]
    assert sum(m.evidence.p_value < 1e-4 and m.evidence.about == ("x0", "x1") for m in found) >= 11


def test_other_scales_means_and_shapes_are_no_change_of_a_correlation():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(20_000, 4)), rng.normal(size=(5_000, 4))
    y[:, 0] = 3 * y[:, 0] + 1
    y[:, 1] = np.exp(y[:, 1])
    y[:, 2] = np.sign(y[:, 2])
    assert CorrelationChange().compare(*features(x, y, keep=SUMS)).evidence.p_value > 0.01


def test_a_feature_that_stands_still_has_no_correlations():
    rng = np.random.default_rng(6)
    x, y = normal(rng, 500, 2), normal(rng, 500, 2)
    y[:, 1] = 4.0
    found = CorrelationChange().compare(*features(x, y, keep=SUMS))
    assert found.status is Status.NO_DATA
    assert "fewer than two features vary" in found.reason


def test_vectors_with_too_many_pairs_are_left_to_other_comparisons():
    x = np.random.default_rng(7).normal(size=(400, 100))
    found = CorrelationChange().compare(*vectors(x[:200], x[200:], keep=SUMS))
    assert found.status is Status.NO_DATA
    assert "100 numbers" in found.reason


def test_t2_of_one_number_is_the_squared_t_of_scipy():
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(80, 1)), rng.normal(0.3, 1.0, size=(60, 1))
    found = HotellingT2().compare(*vectors(x, y, keep=SUMS))
    t = stats.ttest_ind(x[:, 0], y[:, 0])
    assert found.evidence.details["t2"] == pytest.approx(t.statistic**2)
    assert found.evidence.p_value == pytest.approx(t.pvalue)


def test_t2_of_several_features_is_that_of_the_textbook_formula():
    rng = np.random.default_rng(9)
    x, y = normal(rng, 300, 4), normal(rng, 200, 4) + np.array([0.6, 0, 0, -0.1])
    found = HotellingT2().compare(*features(x, y, keep=SUMS))
    # Hotelling (1931) in the units of the data, by numpy.
    within = (299 * np.cov(x.T) + 199 * np.cov(y.T)) / 498
    difference = y.mean(axis=0) - x.mean(axis=0)
    distance = difference @ np.linalg.solve(within, difference)
    t2 = distance * 300 * 200 / 500
    assert found.value == pytest.approx(distance)
    assert found.evidence.p_value == pytest.approx(stats.f.sf(t2 * 495 / (4 * 498), 4, 495))
    assert found.evidence.details["feature"] == "x0"


def test_t2_drops_directions_that_cannot_be_inverted():
    rng = np.random.default_rng(10)
    x, y = normal(rng, 500, 2), normal(rng, 400, 2)
    both = [np.column_stack([side, side[:, 0] - side[:, 1]]) for side in (x, y)]
    found, plain = HotellingT2().compare(*features(*both, keep=SUMS)), HotellingT2().compare(*features(x, y, keep=SUMS))
    assert found.evidence.details["rank"] == 2
    assert found.value == pytest.approx(plain.value, rel=1e-6)


def test_t2_floor_is_what_equal_distributions_give_on_average():
    rng = np.random.default_rng(11)
    found = [HotellingT2().compare(*features(normal(rng, 300, 5), normal(rng, 150, 5), keep=SUMS)) for _ in range(150)]
    values = np.array([m.value for m in found])
    assert values.mean() == pytest.approx(found[0].floor, abs=4 * values.std() / np.sqrt(150))


def test_mean_shift_is_unbiased_and_its_error_covers_with_more_numbers_than_rows():
    rng = np.random.default_rng(12)
    shift = np.zeros(120)
    shift[:30] = 0.5
    found = [
        MeanShift().compare(*vectors(rng.normal(size=(400, 120)), rng.normal(size=(80, 120)) + shift, keep=SUMS))
        for _ in range(80)
    ]
    values = np.array([m.value for m in found])
    # 30 · .5² over a total variance of 120.
    assert values.mean() == pytest.approx(7.5 / 120, abs=4 * values.std() / np.sqrt(80))
    assert np.mean([abs(m.value - 7.5 / 120) < 1.96 * m.error for m in found]) >= 0.87
    assert all(m.evidence.p_value < 1e-4 for m in found)


def test_mean_shift_keeps_its_level_with_more_numbers_than_rows():
    rng = np.random.default_rng(13)
    p = [
        MeanShift().compare(*vectors(normal(rng, 150, 200), normal(rng, 60, 200), keep=SUMS)).evidence.p_value
        for _ in range(150)
    ]
    assert stats.binomtest(int((np.array(p) <= 0.05).sum()), 150, 0.05, alternative="greater").pvalue > 0.005
    assert 0.3 < np.median(p) < 0.7


def test_frechet_of_one_number_is_worked_by_hand():
    x, y = np.array([[-1.0], [1.0]] * 50), np.array([[1.0], [7.0]] * 50)
    found = Frechet().compare(*vectors(x, y, keep=SUMS))
    # Means 0 and 4, standard deviations √(100/99) and 3·√(100/99): 4² + (3 - 1)²·100/99.
    assert found.value == pytest.approx(16 + 400 / 99)
    assert found.evidence.details["means"] == pytest.approx(16)


def test_frechet_is_the_formula_of_the_inception_distance_by_scipy():
    rng = np.random.default_rng(14)
    x, y = normal(rng, 2_000, 8), normal(rng, 1_000, 8) @ rng.normal(size=(8, 8)) + 0.5
    found = Frechet().compare(*vectors(x, y, keep=SUMS))
    a, b = np.cov(x.T), np.cov(y.T)
    # Heusel et al. (2017), eq. 6, with scipy.linalg.sqrtm.
    expected = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum() + np.trace(a + b - 2 * linalg.sqrtm(a @ b).real)
    assert found.value == pytest.approx(expected, rel=1e-8)


def test_frechet_floor_is_what_equal_distributions_give_on_average():
    rng = np.random.default_rng(15)
    found = [Frechet().compare(*vectors(normal(rng, 800, 10), normal(rng, 400, 10), keep=SUMS)) for _ in range(60)]
    values = np.array([m.value for m in found])
    assert values.mean() == pytest.approx(np.mean([m.floor for m in found]), rel=0.05)


def factors(rng: np.random.Generator, n: int, noise: float, kind: str = "normal") -> np.ndarray:
    """Twelve features that five factors make, and noise."""
    loadings = np.random.default_rng(0).normal(size=(12, 5))
    draw = POPULATIONS[kind]
    return draw(rng, n, 5) @ loadings.T + noise * rng.normal(size=(n, 12))


def test_reconstruction_error_is_that_of_scikit_learn():
    rng = np.random.default_rng(16)
    x, y = factors(rng, 3_000, 0.3), factors(rng, 2_000, 0.5)
    found = PcaReconstruction().compare(*features(x, y, keep=(*SUMS, "point_sample")))
    scaler = StandardScaler().fit(x)
    pca = PCA(0.95).fit(scaler.transform(x))

    def error(side: np.ndarray) -> float:
        z = scaler.transform(side)
        return float(((z - pca.inverse_transform(pca.transform(z))) ** 2).sum(axis=1).mean()) / 12

    assert found.evidence.details["components"] == pca.n_components_
    assert found.evidence.change.before == pytest.approx(error(x), rel=1e-3)
    assert found.value == pytest.approx(error(y) - error(x), rel=2e-3)


@pytest.mark.parametrize(("kind", "least"), [("normal", 0.89), ("lognormal", 0.85)])
def test_the_error_of_the_reconstruction_error_covers(kind, least):
    rng = np.random.default_rng(17)
    found = [
        PcaReconstruction().compare(
            *features(factors(rng, 4_000, 0.3, kind), factors(rng, 1_000, 0.3, kind), keep=(*SUMS, "point_sample"))
        )
        for _ in range(60)
    ]
    assert np.mean([m.interval[0] <= 0 <= m.interval[1] for m in found]) >= least
    noisier = features(factors(rng, 4_000, 0.3, kind), factors(rng, 1_000, 0.4, kind), keep=(*SUMS, "point_sample"))
    moved = PcaReconstruction().compare(*noisier)
    assert moved.interval[0] > 0


@pytest.mark.parametrize("comparison", [CorrelationChange(), HotellingT2(), MeanShift(), Frechet()])
def test_other_maps_and_too_few_rows_are_told(comparison):
    rng = np.random.default_rng(18)
    first, _ = features(lognormal(rng, 50, 2), normal(rng, 50, 2), keep=SUMS)
    other, one = features(normal(rng, 50, 2), normal(rng, 1, 2), keep=SUMS)
    with pytest.raises(StateError, match="different maps"):
        comparison.compare(first, other)
    assert comparison.compare(other, one).status is Status.NO_DATA

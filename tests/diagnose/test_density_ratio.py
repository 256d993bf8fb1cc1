"""Density ratios against a known one and against scikit-learn."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from watchkeeper.core.schema import Column, Kind, Role
from watchkeeper.diagnose.density_ratio import encode, log_ratio, ratio, usable

NUMBER, LEVEL = Column("x", Role.FEATURE, Kind.NUMERIC), Column("c", Role.FEATURE, Kind.CATEGORICAL)


def even(k: int) -> np.ndarray:
    return np.full(k, 1 / k)


def test_coefficients_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    x0, x = rng.normal(size=(300, 3)), rng.normal([0.5, 0, -0.3], 1.2, size=(200, 3))
    beta = log_ratio(x0, x, even(300), even(200))
    # Each side weighs 250 rows; a ridge of 1 is C = 1.
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=1_000)
    theirs.fit(np.vstack([x0, x]), [0] * 300 + [1] * 200, sample_weight=[250 / 300] * 300 + [250 / 200] * 200)
    assert beta[1:] == pytest.approx(theirs.coef_[0], abs=1e-4)
    assert beta[0] == pytest.approx(theirs.intercept_[0], abs=1e-4)


def test_the_ratio_of_two_normals_is_the_known_one() -> None:
    # ln N(x; .6, 1)/N(x; 0, 1) = .6·x - .18.
    rng = np.random.default_rng(1)
    x0, x = rng.normal(size=(50_000, 1)), rng.normal(0.6, 1, size=(50_000, 1))
    beta = log_ratio(x0, x, even(50_000), even(50_000))
    assert beta == pytest.approx([-0.18, 0.6], abs=0.03)
    weights = ratio(x0, beta, even(50_000))
    assert weights.mean() == pytest.approx(1)
    assert np.average(x0[:, 0], weights=weights) == pytest.approx(0.6, abs=0.03)


def test_sides_that_do_not_overlap_stay_finite() -> None:
    x0, x = np.zeros((100, 1)), np.ones((100, 1))
    beta = log_ratio(x0, x, even(100), even(100))
    assert np.isfinite(beta).all()
    assert ratio(x0, beta, even(100)) == pytest.approx(1)


def test_nulls_and_levels_are_told_apart_and_broken_columns_left_out() -> None:
    a = pl.DataFrame({"x": [1.0, 2.0, None, 4.0], "c": ["u", "u", "v", None]})
    b = pl.DataFrame({"x": [1.0, 2.0, 3.0, None], "c": ["u", "w", "v", None]})
    made = encode([NUMBER, LEVEL], a, b)
    assert made.reference.shape == (4, 7)
    # x and x² of a null are those of the median, and its indicator is 1.
    assert made.reference[2, :3].tolist() == [0, 0, 1]
    assert made.only([1])[0].sum(axis=1).tolist() == [1, 1, 1, 1]
    assert usable([NUMBER, LEVEL], a, pl.DataFrame({"x": ["one"], "c": ["u"]})) == (LEVEL,)


def pair(seed: int, n: int, correlation: float) -> pl.DataFrame:
    draws = np.random.default_rng(seed).multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], n)
    return pl.DataFrame({"a": draws[:, 0], "b": draws[:, 1]})


A, B = (Column(name, Role.FEATURE, Kind.NUMERIC) for name in "ab")


def test_weights_bring_a_correlation_about() -> None:
    reference, current = pair(1, 20_000, 0.0), pair(2, 20_000, 0.5)
    made = encode([A, B], reference, current)
    assert made.of[-1].tolist() == [0, 1]
    beta = log_ratio(made.reference, made.current, even(20_000), even(20_000))
    weights = even(20_000) * ratio(made.reference, beta, even(20_000))
    # Sheppard (1899): both signs are equal in 1/2 + arcsin(.5)/pi = 2/3 of the rows.
    alike = (reference["a"] * reference["b"] > 0).to_numpy()
    assert float(weights @ alike) == pytest.approx(2 / 3, abs=0.02)
    # Of one of the columns alone nothing is known of the other.
    assert made.only([0])[0].shape[1] == 2


def test_products_are_taken_only_where_columns_go_together_otherwise() -> None:
    # At a chance of .01 in each of 100 cases more than five are seen once in 2,000 times.
    counts = [encode([A, B], pair(k, 400, 0.3), pair(1_000 + k, 300, 0.3)).of.shape[0] - 4 for k in range(100)]
    assert sum(k > 0 for k in counts) <= 5
    moved = pair(7, 3_000, 0.3).with_columns(pl.col("a") * 1.5 + 2)
    assert encode([A, B], pair(8, 3_000, 0.0), pair(9, 3_000, 0.0).with_columns(moved["a"])).of.shape[0] == 4


def test_a_level_that_goes_with_other_numbers_adds_a_product() -> None:
    rng = np.random.default_rng(5)
    level = rng.choice(["u", "v"], 4_000)
    flat = pl.DataFrame({"x": rng.normal(size=4_000), "c": level})
    # The mean of x is what it was overall, and differs between levels.
    tilted = flat.with_columns(pl.col("x") + np.where(level == "u", 0.5, -0.5))
    made = encode([NUMBER, LEVEL], flat, tilted)
    assert made.of[4:].tolist() == [[0, 1], [0, 1]]

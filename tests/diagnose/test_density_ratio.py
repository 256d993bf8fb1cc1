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

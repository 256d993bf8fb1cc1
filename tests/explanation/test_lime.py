"""Local surrogates against closed forms, scikit-learn's ridge, and what they cannot see."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import Ridge

from watchkeeper.explanation.lime import Lime, _surrogate

NAMES = list("abcdef")
BETA = np.array([2.0, -1.0, 0.0, 0.0, 0.5, 0.0])


def rows(rng: np.random.Generator, n: int) -> pl.DataFrame:
    return pl.DataFrame(rng.normal(size=(n, 6)), schema=NAMES)


def linear(frame: pl.DataFrame) -> np.ndarray:
    return 3 + frame.to_numpy() @ BETA


def test_the_surrogate_is_scikit_learns_weighted_ridge():
    rng = np.random.default_rng(1)
    z, f, near = (rng.random((300, 4)) < 0.5).astype(float), rng.normal(size=300), rng.random(300)
    base, weights, _, fidelity = _surrogate(z, f, near, 2.5, None)
    theirs = Ridge(alpha=2.5).fit(z, f, sample_weight=near)
    assert weights == pytest.approx(theirs.coef_)
    assert base == pytest.approx(theirs.intercept_)
    assert fidelity == pytest.approx(theirs.score(z, f, sample_weight=near))


def test_of_a_linear_model_against_one_row_the_weights_are_the_differences_times_the_coefficients():
    rng = np.random.default_rng(2)
    x, background = rows(rng, 3), rows(rng, 1)
    found = Lime(linear, background, samples=200, ridge=0.0).explain(x)
    assert found.values == pytest.approx(BETA * (x.to_numpy() - background.to_numpy()), abs=1e-9)
    assert found.base == pytest.approx(np.full(3, linear(background)[0]), abs=1e-9)
    assert found.fidelity == pytest.approx(np.ones(3))


def test_of_a_linear_model_the_weights_are_the_shapley_values_within_their_errors():
    rng = np.random.default_rng(3)
    x, background = rows(rng, 40), rows(rng, 50)
    found = Lime(linear, background, samples=600, ridge=0.0).explain(x)
    truth = BETA * (x.to_numpy() - background.to_numpy().mean(axis=0))
    away = np.abs(found.values - truth) / found.errors
    # 240 weights, those of a row from the same samples: 95 % within 1.96 errors, three binomial errors allowed.
    assert 0.90 < (away < 1.96).mean() < 0.99


def test_the_lasso_finds_the_features_that_matter():
    rng = np.random.default_rng(4)
    x, background = pl.DataFrame(np.full((1, 6), 2.0), schema=NAMES), rows(rng, 50)
    found = Lime(linear, background, most=2).explain(x)
    assert [c.feature for c in found.of(0)[:2]] == ["a", "b"]
    assert (found.values[0] != 0).sum() == 2
    assert not Lime(linear, background, most=0).explain(x).values.any()


def test_a_model_that_is_not_linear_around_the_row_has_a_low_fidelity():
    x, background = pl.DataFrame({"a": [1.0], "b": [1.0]}), pl.DataFrame({"a": [-1.0], "b": [-1.0]})
    product = Lime(lambda f: (f["a"] * f["b"]).to_numpy(), background, ridge=0.0).explain(x)
    total = Lime(lambda f: (f["a"] + f["b"]).to_numpy(), background, ridge=0.0).explain(x)
    # The product is 1 with both switches on or both off: the best line leaves most of that unexplained.
    assert product.fidelity[0] < 0.5
    assert total.fidelity[0] == pytest.approx(1)


def test_levels_are_switched_like_numbers_and_a_constant_model_has_no_weights():
    background = pl.DataFrame({"kind": ["x", "y"], "n": [1, 2]})
    x = pl.DataFrame({"kind": ["z"], "n": [7]})
    found = Lime(lambda f: (f["kind"] == "z").cast(pl.Float64).to_numpy(), background, ridge=0.0).explain(x)
    assert found.values[0] == pytest.approx([1.0, 0.0], abs=1e-9)
    assert not Lime(lambda f: np.ones(f.height), background).explain(x).values.any()


def test_the_same_seed_gives_the_same_weights():
    rng = np.random.default_rng(5)
    x, background = rows(rng, 1), rows(rng, 10)
    first, again, other = (Lime(linear, background, samples=50, seed=s).explain(x).values for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)

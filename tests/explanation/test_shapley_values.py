"""Shapley values against closed forms, the definition over all orders, and their own standard errors."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import polars as pl
import pytest

from watchkeeper.explanation.shapley_values import ShapleyValues, linear_attributions

NAMES = tuple("abcde")


def rows(rng: np.random.Generator, n: int, d: int = 5) -> pl.DataFrame:
    return pl.DataFrame(rng.normal(size=(n, d)), schema=list(NAMES[:d]))


def curved(frame: pl.DataFrame) -> np.ndarray:
    a, b, c, d, e = frame.to_numpy().T
    return a * b + np.maximum(c, d) + np.sin(3 * e) * a


def test_a_linear_model_has_the_closed_form():
    rng = np.random.default_rng(1)
    beta, x, background = np.array([1.0, -2.0, 0.0, 0.5, 3.0]), rows(rng, 4), rows(rng, 30)
    found = ShapleyValues(lambda f: 7 + f.to_numpy() @ beta, background).explain(x)
    # Lundberg and Lee (2017), corollary 1.
    truth = beta * (x.to_numpy() - background.to_numpy().mean(axis=0))
    assert found.values == pytest.approx(truth, abs=1e-12)
    assert linear_attributions(beta, x.to_numpy(), background.to_numpy()) == pytest.approx(truth, abs=1e-12)
    assert not found.errors.any()


def test_two_features_that_only_count_together_share_alike():
    # v(∅) = v({a}) = v({b}) = 0, v({a, b}) = 1; c does nothing.
    background = pl.DataFrame({"a": [0], "b": [0], "c": [5]})
    model = ShapleyValues(lambda f: (f["a"] * f["b"]).cast(pl.Float64).to_numpy(), background)
    found = model.explain(pl.DataFrame({"a": [1], "b": [1], "c": [9]}))
    assert found.values[0].tolist() == [0.5, 0.5, 0.0]
    assert found.base.tolist() == [0.0]
    assert found.scores.tolist() == [1.0]


def test_exact_values_are_the_mean_over_all_orders():
    rng = np.random.default_rng(2)
    x, background = rows(rng, 1), rows(rng, 7)
    found = ShapleyValues(curved, background).explain(x)

    def worth(chosen: frozenset[str]) -> float:
        return float(curved(background.with_columns(pl.lit(x[name][0]).alias(name) for name in chosen)).mean())

    truth = dict.fromkeys(NAMES, 0.0)
    for order in permutations(NAMES):
        for place, name in enumerate(order):
            before = frozenset(order[:place])
            truth[name] += (worth(before | {name}) - worth(before)) / 120
    assert found.values[0] == pytest.approx([truth[name] for name in NAMES], abs=1e-12)


def entangled(frame: pl.DataFrame) -> np.ndarray:
    a, b, c, d, e = frame.to_numpy().T
    return a * b * c + np.maximum(np.maximum(c, d), e) * np.abs(b)


def test_an_order_and_its_reverse_settle_what_pairs_of_features_do():
    # φ of a pairwise interaction is half of it for either order, so that two orders give it exactly.
    rng = np.random.default_rng(6)
    x, background = rows(rng, 3), rows(rng, 8)
    exact, drawn = (ShapleyValues(curved, background, most_exact=most).explain(x) for most in (12, 0))
    assert drawn.values == pytest.approx(exact.values, abs=1e-12)


def test_drawn_values_add_up_and_lie_within_their_errors():
    rng = np.random.default_rng(3)
    x, background = rows(rng, 25), rows(rng, 12)
    exact = ShapleyValues(entangled, background).explain(x)
    drawn = ShapleyValues(entangled, background, most_exact=0, orders=40, seed=4).explain(x)
    assert drawn.base + drawn.values.sum(axis=1) == pytest.approx(drawn.scores, abs=1e-12)
    away = np.abs(drawn.values - exact.values) / np.where(drawn.errors > 0, drawn.errors, 1.0)
    # 125 values: 95 % within two standard errors of 40 pairs.
    assert 0.88 < (away < 2.02).mean() <= 1
    assert (drawn.errors > 0).mean() > 0.9


def test_the_same_seed_gives_the_same_values_and_another_one_does_not():
    rng = np.random.default_rng(5)
    x, background = rows(rng, 2), rows(rng, 5)
    first, again, other = (
        ShapleyValues(curved, background, most_exact=0, seed=seed).explain(x).values for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_levels_and_nulls_are_features_like_others():
    worth = {"x": 1.0, "y": 5.0, None: -3.0}
    background = pl.DataFrame({"kind": ["x", "y"], "n": [1.0, 3.0]})
    model = ShapleyValues(
        lambda f: np.array([worth[k] for k in f["kind"]]) + f["n"].fill_null(0).to_numpy(), background
    )
    found = model.explain(pl.DataFrame({"kind": [None, "y"], "n": [2.0, None]}, schema=background.schema))
    # Additive: what the value is worth less its mean over the background, which is 3 for the level and 2 for n.
    assert found.values == pytest.approx(np.array([[-6.0, 0.0], [2.0, -2.0]]))
    assert [(c.feature, c.held) for c in found.of(0)] == [("kind", "null"), ("n", "2")]
    assert found.mean_absolute() == pytest.approx([4.0, 1.0])

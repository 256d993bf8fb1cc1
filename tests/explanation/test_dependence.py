"""Partial dependence against scikit-learn's, and what its errors say."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.inspection import partial_dependence as theirs

from watchkeeper.core.errors import SchemaError
from watchkeeper.explanation.dependence import QUANTILES, partial_dependence


def rows(n: int, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame({"a": rng.normal(size=n), "b": rng.integers(0, 4, n), "kind": rng.choice(["x", "y"], n)})


def test_means_and_single_curves_are_those_of_scikit_learn():
    frame = rows(200).select("a", "b").cast(pl.Float64)
    labels = frame["a"].to_numpy() * frame["b"].to_numpy()
    model = HistGradientBoostingRegressor(max_iter=20, min_samples_leaf=5).fit(frame.to_numpy(), labels)
    grid = [-1.0, 0.0, 0.5, 1.5]
    found = partial_dependence(lambda f: model.predict(f.to_numpy()), frame, "a", values=grid)
    expected = theirs(model, frame.to_numpy(), [0], kind="both", custom_values={0: np.array(grid)}, method="brute")
    assert found.mean == pytest.approx(expected["average"][0])
    own = expected["individual"][0] - expected["individual"][0].mean(axis=1, keepdims=True)
    assert found.rows == pytest.approx(np.quantile(own, QUANTILES, axis=0))
    assert found.error == pytest.approx(expected["individual"][0].std(axis=0, ddof=1) / np.sqrt(200))


def test_what_rows_have_in_common_cancels_in_the_effect():
    frame = rows(300)
    found = partial_dependence(lambda f: f["a"].to_numpy() + 2.0 * f["b"].to_numpy(), frame, "b")
    assert found.values == (0, 1, 2, 3)
    assert found.effect == pytest.approx([-3, -1, 1, 3])
    assert found.effect_error == pytest.approx(np.zeros(4), abs=1e-12)
    assert found.error == pytest.approx(np.full(4, frame["a"].std() / np.sqrt(300)))
    assert found.lower == pytest.approx(found.mean - 1.959964 * found.error)
    assert found.upper == pytest.approx(found.mean + 1.959964 * found.error)


def test_an_interaction_shows_in_curves_that_are_not_parallel():
    frame = rows(400)
    found = partial_dependence(lambda f: (f["a"] * f["b"]).to_numpy(), frame, "b")
    # Curves are a·(b - 1.5), b = 0, 1, 2, 3.
    assert found.rows[:, 3] == pytest.approx(1.5 * np.quantile(frame["a"].to_numpy(), QUANTILES))
    assert found.effect == pytest.approx(np.zeros(4), abs=4 * found.effect_error.max())


def test_levels_come_from_the_commonest_and_numbers_from_quantiles():
    frame = pl.DataFrame({"kind": ["x"] * 5 + ["y"] * 3 + [None], "a": np.arange(9.0)})
    score = lambda f: f["kind"].eq_missing("y").cast(pl.Float64).to_numpy()  # noqa: E731
    assert partial_dependence(score, frame, "kind").values == ("x", "y")
    assert partial_dependence(score, frame, "kind").mean.tolist() == [0.0, 1.0]
    many = pl.DataFrame({"a": np.arange(1_001.0)})
    found = partial_dependence(lambda f: f["a"].to_numpy(), many, "a", points=3)
    assert found.values == (20.0, 500.0, 980.0)


def test_a_feature_that_is_not_there_and_a_column_of_nulls_are_told():
    with pytest.raises(SchemaError, match="did you mean 'kind'"):
        partial_dependence(lambda f: np.zeros(f.height), rows(5), "kin")
    empty = pl.DataFrame({"a": [None, None]}, schema={"a": pl.Float64})
    with pytest.raises(SchemaError, match="2 rows with 0 values"):
        partial_dependence(lambda f: np.zeros(f.height), empty, "a")

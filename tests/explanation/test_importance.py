"""Permutation importance against a closed form, and the coverage of its intervals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.errors import UsageError
from watchkeeper.core.schema import Task
from watchkeeper.explanation.importance import default_loss, losses_by_name, permutation_importance

BETA = np.array([1.0, -0.5, 0.0])
NAMES = ["a", "b", "c"]


def linear(frame: pl.DataFrame) -> np.ndarray:
    return frame.to_numpy() @ BETA


def sample(rng: np.random.Generator, n: int) -> tuple[pl.DataFrame, np.ndarray]:
    x = rng.normal(size=(n, 3))
    return pl.DataFrame(x, schema=NAMES), x @ BETA + rng.normal(size=n)


def test_of_independent_features_it_is_twice_the_variance_they_explain():
    rows, labels = sample(np.random.default_rng(1), 4_000)
    found = permutation_importance(linear, rows, labels, NAMES, loss="squared_error")
    # E(y - f(x'))² - E(y - f(x))² = E(β(x - x'))² = 2·β²·var x.
    assert [one.feature for one in found] == NAMES
    for one, truth in zip(found, (2.0, 0.5, 0.0), strict=True):
        assert one.lower <= truth <= one.upper
        assert one.error == pytest.approx(0, abs=0.1)
        assert one.loss == pytest.approx(1, abs=0.1)
    assert found[2].value == found[2].error == 0.0


def test_its_intervals_cover_what_new_rows_would_show():
    rng = np.random.default_rng(2)
    inside, values, errors = 0, [], []
    for seed in range(150):
        rows, labels = sample(rng, 150)
        found = permutation_importance(linear, rows, labels, ["b"], loss="squared_error", repeats=8, seed=seed)[0]
        inside += found.lower <= 0.5 <= found.upper
        values.append(found.value)
        errors.append(found.error)
    # 95 %, three binomial standard errors below it and what 150 rows of a skewed loss cost.
    assert inside / 150 > 0.88
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.25)
    assert np.mean(values) == pytest.approx(0.5, abs=4 * np.std(values) / np.sqrt(150))


def test_every_row_gets_the_value_of_another_and_the_same_seed_the_same_numbers():
    rows = pl.DataFrame({"a": [0.0, 1.0, 2.0]})
    labels = np.array([0.0, 1.0, 2.0])
    # Two cycles of three rows, both of which move every value by 1, 1 and 2.
    found = permutation_importance(lambda f: f["a"].to_numpy(), rows, labels, ["a"], loss="absolute_error")[0]
    assert found.value == pytest.approx(4 / 3)
    again = permutation_importance(lambda f: f["a"].to_numpy(), rows, labels, ["a"], loss="absolute_error")[0]
    assert found == again


def test_a_loss_of_ones_own_is_one_function():
    rows, labels = sample(np.random.default_rng(3), 50)
    doubled = permutation_importance(linear, rows, labels, ["a"], loss=lambda y, f: 2 * (y - f) ** 2)[0]
    plain = permutation_importance(linear, rows, labels, ["a"], loss="squared_error")[0]
    assert doubled.value == pytest.approx(2 * plain.value)


def test_losses_are_worked_by_hand():
    label, score = np.array([1.0, 0.0]), np.array([0.25, 0.25])
    assert losses_by_name()["log_loss"](label, score) == pytest.approx([np.log(4), np.log(4 / 3)])
    assert losses_by_name()["brier"](label, score) == pytest.approx([0.5625, 0.0625])
    assert losses_by_name()["error"](label, score).tolist() == [1.0, 0.0]
    assert default_loss(Task.REGRESSION) == "absolute_error"
    assert default_loss(Task.BINARY) == "brier"


def test_an_unknown_loss_and_two_rows_are_refused():
    rows, labels = sample(np.random.default_rng(4), 2)
    with pytest.raises(UsageError, match="did you mean 'brier'"):
        permutation_importance(linear, rows, labels, NAMES, loss="brir")
    with pytest.raises(UsageError, match="at least 3 labelled rows; there are 2"):
        permutation_importance(linear, rows, labels, NAMES)

"""What predictions are worth; expected values by hand and from NumPy on the rows."""

import numpy as np
import pytest

from watchkeeper.core.measurement import Status
from watchkeeper.performance.business_value import business_value
from watchkeeper.stats.blocks import Outcomes

VALUE = {"1": {"1": 10.0, "0": -5.0}, "0": {"1": -2.0}}


def test_the_mean_value_and_its_error_are_those_of_the_rows(binary):
    rng = np.random.default_rng(0)
    label, prediction = rng.integers(0, 2, 500), rng.integers(0, 2, 500)
    worth = np.where(label == 1, np.where(prediction == 1, 10.0, -5.0), np.where(prediction == 1, -2.0, 0.0))
    found = business_value(binary(label, prediction), VALUE)
    assert found.value == pytest.approx(worth.mean(), rel=1e-12)
    assert found.evidence.details["total"] == pytest.approx(worth.sum())
    assert found.error == pytest.approx(worth.std(ddof=1) / np.sqrt(500), rel=1e-9)
    assert found.interval[0] < found.value < found.interval[1]
    assert (found.name, found.n) == ("business_value", 500)


def test_more_than_two_classes_take_a_full_matrix(state_of):
    label, prediction = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 0, -2])
    state = state_of(Outcomes(6, label, prediction, None, ("a", "b", "c")), False)
    found = business_value(state, {"a": {"a": 1.0, "b": -1.0}, "b": {"b": 2.0}, "c": {"c": 3.0, "a": -4.0}})
    # 1 - 1 + 2 + 3 - 4 over five rows; the sixth was predicted to be of no class.
    assert found.value == pytest.approx(0.2)
    assert found.evidence.details["unseen"] == 1


def test_rows_that_are_all_worth_the_same_are_not_certain(binary):
    found = business_value(binary([0] * 50, [0] * 50), VALUE)
    assert found.value == 0.0
    assert found.error > 0
    assert -5.0 < found.interval[0] < 0.0 < found.interval[1] < 10.0


def test_without_labels_there_is_no_value(binary):
    found = business_value(binary([-1] * 5, [1] * 5), VALUE)
    assert (found.status, found.value) == (Status.NO_DATA, None)


def test_the_interval_holds_the_true_mean(binary):
    cells = np.array([0.1, 0.2, 0.05, 0.65])
    truth = 10 * 0.1 - 2 * 0.2 - 5 * 0.05
    held = []
    for seed in range(300):
        drawn = np.random.default_rng(seed).choice(4, 200, p=cells)
        state = binary(np.array([1, 0, 1, 0])[drawn], np.array([1, 1, 0, 0])[drawn])
        lower, upper = business_value(state, VALUE).interval
        held.append(lower <= truth <= upper)
    assert 0.92 <= np.mean(held) <= 0.98

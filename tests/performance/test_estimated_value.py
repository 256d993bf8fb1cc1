"""The expected value of predictions against labels drawn from known probabilities."""

import numpy as np
import pytest

from tests.performance.estimation_data import BINARY, outcome_state, scored
from watchkeeper.core.measurement import Status
from watchkeeper.performance.estimated_value import estimated_value

VALUE = {"1": {"1": 10.0, "0": -4.0}, "0": {"1": -2.0}}


def realised(prediction, label):
    worth = np.array([[0.0, -2.0], [-4.0, 10.0]])
    return worth[label, prediction].mean()


def test_bands_cover_the_realised_value():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(15):
        reference = outcome_state(*scored(rng, 5_000, "overconfident"))
        for _ in range(4):
            score, prediction, label = scored(rng, 2_000, "overconfident")
            current = outcome_state(score, prediction, np.full(2_000, -1))
            lower, upper = estimated_value(reference, current, BINARY, VALUE).interval
            covered.append(lower <= realised(prediction, label) <= upper)
    assert 0.85 <= np.mean(covered) <= 1.0


def test_a_calibrated_score_gives_the_closed_form():
    rng = np.random.default_rng(1)
    reference = outcome_state(*scored(rng, 50_000))
    score, prediction, _ = scored(rng, 5_000)
    found = estimated_value(reference, outcome_state(score, prediction, np.full(5_000, -1)), BINARY, VALUE)
    by_hand = np.where(prediction == 1, 10 * score - 2 * (1 - score), -4 * score).mean()
    assert found.value == pytest.approx(by_hand, abs=0.08)
    assert found.evidence.details["total"] == pytest.approx(found.value * 5_000)


def test_without_values_or_labels_there_is_none():
    rng = np.random.default_rng(2)
    many, few = outcome_state(*scored(rng, 1_000)), outcome_state(*scored(rng, 20))
    assert estimated_value(many, many, BINARY, {}) is None
    assert estimated_value(few, many, BINARY, VALUE).status is Status.NO_DATA

from math import inf, pi

import numpy as np
import pytest
import sklearn.calibration
import sklearn.metrics

from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import NumericMap

names = pytest.mark.parametrize("name", ["log_loss", "brier", "calibration_error"])


def drawn(n, seed=0):
    rng = np.random.default_rng(seed)
    score = rng.beta(0.5, 2, n)
    return (rng.random(n) < score).astype(np.int64), score


@pytest.mark.parametrize("n", [2, 500, 70_000])
def test_log_loss_and_brier_score_equal_scikit_learn(n, binary, measure):
    label, score = drawn(n, seed=n)
    label[:2] = 0, 1
    state = binary(label, score=score)
    assert measure("log_loss", state).value == pytest.approx(sklearn.metrics.log_loss(label, score), abs=1e-10)
    assert measure("brier", state).value == pytest.approx(sklearn.metrics.brier_score_loss(label, score), abs=1e-12)


def test_certain_scores_are_clipped_as_in_scikit_learn(binary, measure):
    label, score = [0, 1, 0, 1, 1], [0.0, 1.0, 1.0, 0.0, 1e-12]
    found = measure("log_loss", binary(label, score=score))
    assert found.value == pytest.approx(sklearn.metrics.log_loss(label, score), abs=1e-9)


def test_the_errors_are_those_of_a_mean(binary, measure):
    label, score = drawn(900)
    losses = -np.log(np.where(label == 1, score, 1 - score))
    squares = (label - score) ** 2
    state = binary(label, score=score)
    assert measure("log_loss", state).error == pytest.approx(losses.std(ddof=1) / 30, rel=1e-9)
    assert measure("brier", state).error == pytest.approx(squares.std(ddof=1) / 30, rel=1e-9)


def test_the_calibration_error_is_the_weighted_gap_of_scikit_learns_curve(binary, measure):
    label, score = drawn(5_000)
    score = score**1.5
    share, mean = sklearn.calibration.calibration_curve(label, score, n_bins=15)
    rows = np.histogram(score, np.linspace(0, 1, 16))[0]
    expected = (rows[rows > 0] / 5_000 * np.abs(share - mean)).sum()
    assert measure("calibration_error", binary(label, score=score)).value == pytest.approx(expected, abs=1e-12)


def test_a_calibrated_score_shows_its_floor_on_average(binary, measure):
    found = [measure("calibration_error", binary(*drawn_pair(seed))) for seed in range(150)]
    values, floors = np.array([(m.value, m.floor) for m in found]).T
    assert values.mean() == pytest.approx(floors.mean(), rel=0.05)
    # One bin with one score: the mean of |N(0, s(1-s)/n)| by hand.
    one = measure("calibration_error", binary([0, 1] * 50, score=[0.5] * 100))
    assert one.floor == pytest.approx((2 / pi) ** 0.5 * 0.05)


def drawn_pair(seed):
    label, score = drawn(1_000, seed)
    return label, None, score


@names
def test_a_score_outside_zero_and_one_fails_the_probability_metrics(name, binary, measure):
    found = measure(name, binary([0, 1, 1], score=[0.1, 0.9, 1.2]))
    assert (found.status, found.value, found.n) == (Status.FAILED, None, 3)
    assert found.reason == "1 of 3 scores lie outside [0, 1] and are no probabilities"


@names
def test_a_score_whose_reference_is_no_probability_fails_the_probability_metrics(name, binary, measure):
    found = measure(name, binary([0, 1], score=[0.1, 0.9], scores=NumericMap(5.0, 2.0)))
    assert found.status is Status.FAILED
    assert "not a probability" in found.reason


@names
@pytest.mark.parametrize("label", [[], [-1, -1], [-2, -1]])
def test_without_labels_there_is_no_number(name, label, binary, measure):
    found = measure(name, binary(label, score=[0.5, 0.2][: len(label)]))
    assert (found.status, found.value, found.n) == (Status.NO_DATA, None, 0)


@names
def test_rows_without_a_finite_score_are_left_out_and_counted(name, binary, measure):
    label, score = drawn(600)
    clean = measure(name, binary(label, score=score))
    dirty = measure(name, binary([*label, 1, 0, 1], score=[*score, np.nan, inf, -inf]))
    assert dirty.value == pytest.approx(clean.value, rel=1e-12)
    assert (dirty.n, dirty.evidence.details["unscored"]) == (600, 3)


@names
def test_one_class_alone_has_a_loss(name, binary, measure):
    found = measure(name, binary([1, 1, 1], score=[0.9, 0.8, 0.7]))
    assert found.status is Status.OK
    assert found.interval[0] <= found.value <= found.interval[1]


def test_one_row_has_a_loss_and_no_error(binary, measure):
    found = measure("brier", binary([1], score=[0.5]))
    assert (found.value, found.error, found.interval) == (0.25, None, None)

"""Expected metrics against scikit-learn's, which takes probabilities as weights of a positive and a negative row."""

import numpy as np
import pytest
from sklearn import metrics

from watchkeeper.core.plugins import plugins
from watchkeeper.performance.expectation import Expectation, formula_of

SKLEARN = {
    "accuracy": lambda y, s, p, w: metrics.accuracy_score(y, p, sample_weight=w),
    "precision": lambda y, s, p, w: metrics.precision_score(y, p, sample_weight=w),
    "recall": lambda y, s, p, w: metrics.recall_score(y, p, sample_weight=w),
    "specificity": lambda y, s, p, w: metrics.recall_score(1 - y, 1 - p, sample_weight=w),
    "f1": lambda y, s, p, w: metrics.f1_score(y, p, sample_weight=w),
    "auroc": lambda y, s, p, w: metrics.roc_auc_score(y, s, sample_weight=w),
    "average_precision": lambda y, s, p, w: metrics.average_precision_score(y, s, sample_weight=w),
    "log_loss": lambda y, s, p, w: metrics.log_loss(y, s, sample_weight=w),
    "brier": lambda y, s, p, w: metrics.brier_score_loss(y, s, sample_weight=w),
}


EXPECTED = {name: formula for name, made in plugins("metric").items() if (formula := formula_of(made))}
BUILT_IN = [name for name in EXPECTED if type(plugins("metric")[name]).__module__.startswith("watchkeeper.")]


def example(seed=0):
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.random(60))
    rows = rng.integers(0, 9, (60, 3)).astype(float)
    rows[:, 2] = 0
    return Expectation.of(scores, rows, rng.random(60))


@pytest.mark.parametrize("name", BUILT_IN)
def test_an_expected_metric_is_that_of_rows_weighted_by_their_probabilities(name):
    e = example()
    score, prediction = np.repeat(e.scores, 2), np.tile([0, 1], len(e.scores))
    positives, rows = e.positives[:, :2].ravel(), e.rows[:, :2].ravel()
    label = np.repeat([1, 0], len(score))
    weights = np.concatenate([positives, rows - positives])
    expected = SKLEARN[name](label, np.tile(score, 2), np.tile(prediction, 2), weights)
    assert EXPECTED[name](e)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", list(EXPECTED))
def test_the_gradient_is_the_difference_quotient(name):
    e = example(1)
    gradient = EXPECTED[name](e)[1]
    for i, j in [(0, 0), (3, 1), (31, 0), (59, 1)]:
        step = np.zeros_like(e.positives)
        step[i, j] = 1e-5
        up, down = (
            EXPECTED[name](Expectation(e.scores, e.rows, e.positives + sign * step, e.variance))[0] for sign in (1, -1)
        )
        assert gradient[i, j] == pytest.approx((up - down) / 2e-5, abs=1e-7)


def test_a_metric_that_is_not_defined_on_the_rows_is_none():
    none = Expectation.of(np.array([0.1]), np.array([[5.0, 0.0, 0.0]]), np.array([0.0]))
    assert EXPECTED["precision"](none) is None
    assert EXPECTED["recall"](none) is None
    assert EXPECTED["auroc"](none) is None
    assert EXPECTED["average_precision"](none) is None
    assert EXPECTED["accuracy"](none)[0] == 1.0


def test_scores_that_no_row_has_change_nothing():
    """Warnings are errors here: the highest score of all blocks need not be in each of them."""
    e = example(2)
    rows = np.vstack([e.rows, np.zeros((2, 3))])
    wide = Expectation.of(
        np.append(e.scores, [1.5, 2.0]), rows, np.append(e.positives.sum(1) / e.rows.sum(1).clip(1), [0.5, 0.5])
    )
    for name in ("auroc", "average_precision", "precision"):
        assert EXPECTED[name](wide)[0] == pytest.approx(EXPECTED[name](e)[0], abs=1e-12)

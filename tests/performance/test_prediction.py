import numpy as np
import pytest

from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import NumericMap
from watchkeeper.stats.blocks import Outcomes


def test_mean_and_variance_are_those_of_all_scores_labelled_or_not(binary, measure):
    score = np.random.default_rng(0).beta(2, 3, 4_000)
    state = binary(np.full(4_000, -1), score=score)
    mean, variance = measure("prediction_mean", state), measure("prediction_variance", state)
    assert mean.value == pytest.approx(score.mean(), rel=1e-12)
    assert mean.error == pytest.approx(score.std(ddof=1) / 4_000**0.5, rel=1e-12)
    assert variance.value == pytest.approx(score.var(ddof=1), rel=1e-12)
    assert (mean.n, mean.evidence.details["of"]) == (4_000, "score")


def test_the_error_of_a_normal_variance_is_the_textbook_one(regression, measure):
    # Var(s²) = 2σ⁴/(n - 1) for normal values; the fourth moment of 20,000 of them is known to some 2 %.
    x = np.random.default_rng(1).normal(7, 3, 20_000)
    found = measure("prediction_variance", regression(np.full(20_000, np.nan), x))
    assert found.error == pytest.approx(9 * (2 / 19_999) ** 0.5, rel=0.06)


def test_a_classifier_without_a_score_is_averaged_by_its_positive_predictions(binary, measure):
    found = measure("prediction_mean", binary([-1] * 5, [1, 0, 0, 1, -1]))
    assert (found.value, found.n) == (0.5, 4)
    assert found.evidence.details == {"of": "class", "unpredicted": 1}


def test_predictions_that_never_came_are_no_data(binary, state_of, measure):
    found = measure("prediction_mean", binary([1, 0], score=[np.nan, np.inf]))
    assert (found.status, found.reason) == (Status.NO_DATA, "none of 2 rows has a prediction")
    assert measure("prediction_variance", binary([1], score=[0.5])).status is Status.NO_DATA
    multi = Outcomes(2, np.array([0, 1]), np.array([0, 2]), None, ("a", "b", "c"))
    assert measure("prediction_mean", state_of(multi, scored=False)).status is Status.NO_DATA


def test_constant_predictions_have_a_variance_of_zero(binary, measure):
    found = measure("prediction_variance", binary([1, 0, 1], score=[0.25] * 3))
    assert (found.value, found.error) == (0.0, 0.0)


def test_bias_is_the_mean_of_prediction_minus_label(binary, regression, measure):
    rng = np.random.default_rng(2)
    label, prediction = rng.normal(size=(2, 500))
    found = measure("bias", regression(label, prediction))
    difference = prediction - label
    assert found.value == pytest.approx(difference.mean(), abs=1e-12)
    assert found.error == pytest.approx(difference.std(ddof=1) / 500**0.5, rel=1e-9)
    classes, score = rng.integers(0, 2, 500), rng.random(500)
    found = measure("bias", binary(classes, 1 - classes, score))
    assert found.value == pytest.approx((score - classes).mean(), abs=1e-12)
    assert found.error == pytest.approx((score - classes).std(ddof=1) / 500**0.5, rel=1e-9)
    assert found.evidence.details["of"] == "score"


@pytest.mark.parametrize("scores", [None, NumericMap(3.0, 2.0)])
def test_bias_without_probabilities_counts_classes(scores, binary, measure):
    rng = np.random.default_rng(3)
    label, prediction = rng.integers(0, 2, 400), (rng.random(400) < 0.7).astype(int)
    state = binary(label, prediction) if scores is None else binary(label, prediction, 9 * rng.random(400), scores)
    found = measure("bias", state)
    assert found.value == pytest.approx((prediction - label).mean(), abs=1e-12)
    assert found.error == pytest.approx((prediction - label).std(ddof=1) / 20, rel=1e-9)


def test_bias_never_switches_to_classes_when_the_scores_of_a_window_are_bad(binary, measure):
    lost = measure("bias", binary([1, 0], [1, 0], [np.nan, np.nan]))
    assert (lost.status, lost.reason) == (Status.NO_DATA, "no row has both a label and a score")
    assert measure("bias", binary([1, 0], [1, 0], [0.5, 40.0])).status is Status.FAILED


def test_label_coverage_is_the_share_of_rows_whose_label_has_come(binary, regression, measure):
    found = measure("label_coverage", binary([1, 0, -1, -2], [1, 1, 1, 1]))
    assert (found.value, found.n, found.evidence.details) == (0.75, 4, {"unseen_labels": 1})
    # Newcombe (1998): 15 of 148 gives 0.0624 to 0.1605.
    label = np.where(np.arange(148) < 15, 1.0, np.nan)
    found = measure("label_coverage", regression(label, np.zeros(148)))
    assert found.interval == (pytest.approx(0.0624, abs=5e-5), pytest.approx(0.1605, abs=5e-5))


def test_no_labels_at_all_is_a_coverage_of_zero_and_no_rows_is_no_data(binary, measure):
    assert measure("label_coverage", binary([-1, -1, -1], [1, 0, 1])).value == 0.0
    assert measure("label_coverage", binary([], [])).status is Status.NO_DATA

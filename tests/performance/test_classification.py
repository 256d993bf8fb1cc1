import numpy as np
import pytest
import sklearn.metrics

from watchkeeper.core.measurement import Status
from watchkeeper.stats.blocks import Outcomes


def specificity(label, prediction, average="binary", zero_division=0):
    """Recall of the negatives; over classes the mean of each against the rest, of those that occur."""
    if average == "binary":
        return sklearn.metrics.recall_score(label, prediction, pos_label=0, zero_division=zero_division)
    tables = sklearn.metrics.multilabel_confusion_matrix(label, prediction)
    return np.mean([tn / (tn + fp) for (tn, fp), _ in tables])


SKLEARN = {
    "accuracy": sklearn.metrics.accuracy_score,
    "precision": sklearn.metrics.precision_score,
    "recall": sklearn.metrics.recall_score,
    "specificity": specificity,
    "f1": sklearn.metrics.f1_score,
}


@pytest.mark.parametrize("name", sorted(SKLEARN))
@pytest.mark.parametrize("n", [3, 40, 5_000])
def test_binary_metrics_equal_scikit_learn(name, n, binary, measure):
    rng = np.random.default_rng(n)
    label = np.r_[1, 0, 1, rng.integers(0, 2, n)]
    prediction = np.where(rng.random(n + 3) < 0.3, 1 - label, label)
    prediction[0] = 1
    found = measure(name, binary(label, prediction))
    assert found.value == pytest.approx(SKLEARN[name](label, prediction), abs=1e-12)
    assert found.interval[0] <= found.value <= found.interval[1]
    assert found.error > 0


@pytest.mark.parametrize("name", ["precision", "recall", "specificity", "f1"])
@pytest.mark.parametrize("classes", [3, 7])
def test_macro_averages_equal_scikit_learn(name, classes, state_of, measure):
    rng = np.random.default_rng(classes)
    label = rng.choice(classes, 3_000, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    prediction = np.where(rng.random(3_000) < 0.4, rng.integers(0, classes, 3_000), label)
    names = tuple(map(str, range(classes)))
    found = measure(name, state_of(Outcomes(3_000, label, prediction, None, names)))
    assert found.value == pytest.approx(SKLEARN[name](label, prediction, average="macro"), abs=1e-12)
    assert found.evidence.details["average"] == "macro"
    accuracy = measure("accuracy", state_of(Outcomes(3_000, label, prediction, None, names)))
    assert accuracy.value == pytest.approx(sklearn.metrics.accuracy_score(label, prediction), abs=1e-12)


@pytest.mark.parametrize("name", ["precision", "recall", "specificity", "f1"])
def test_a_class_that_occurs_on_one_side_only_counts_zero_as_in_scikit_learn(name, state_of, measure):
    # Class 0 is never predicted, class 2 is never true, class 3 does not occur.
    label, prediction = np.array([0, 0, 1, 1, 1]), np.array([1, 2, 1, 1, 2])
    found = measure(name, state_of(Outcomes(5, label, prediction, None, ("a", "b", "c", "d"))))
    expected = SKLEARN[name](label, prediction, average="macro", zero_division=0)
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.evidence.details["classes"] == 3


@pytest.mark.parametrize("name", ["precision", "recall", "specificity", "f1"])
def test_the_error_of_a_macro_average_agrees_with_the_bootstrap(name, state_of, measure):
    rng = np.random.default_rng(11)
    label = rng.choice(3, 600, p=[0.6, 0.3, 0.1])
    prediction = np.where(rng.random(600) < 0.3, rng.integers(0, 3, 600), label)
    found = measure(name, state_of(Outcomes(600, label, prediction, None, ("a", "b", "c"))))
    draws = []
    for _ in range(400):
        rows = rng.integers(0, 600, 600)
        draws.append(SKLEARN[name](label[rows], prediction[rows], average="macro", zero_division=0))
    # The standard deviation of 400 draws is known to 3.5 %.
    assert found.error == pytest.approx(np.std(draws), rel=0.12)


def test_the_error_of_f1_agrees_with_the_bootstrap(binary, measure):
    rng = np.random.default_rng(12)
    label = (rng.random(800) < 0.3).astype(int)
    prediction = np.where(rng.random(800) < 0.25, 1 - label, label)
    found = measure("f1", binary(label, prediction))
    draws = [SKLEARN["f1"](label[rows], prediction[rows]) for rows in rng.integers(0, 800, (400, 800))]
    assert found.error == pytest.approx(np.std(draws), rel=0.12)


@pytest.mark.parametrize("name", sorted(SKLEARN))
def test_a_null_label_is_never_counted_as_wrong(name, binary, measure):
    labelled = binary([1, 1, 0, 0], [1, 0, 0, 1])
    with_nulls = binary([1, 1, 0, 0, -1, -1, -1], [1, 0, 0, 1, 1, 0, 1])
    assert measure(name, with_nulls) == measure(name, labelled)


def test_a_prediction_outside_the_classes_is_wrong_and_a_missing_one_is_not_judged(binary, measure):
    found = measure("accuracy", binary([1, 1, 0, 0, 1], [1, -2, 0, -1, 1]))
    assert (found.value, found.n) == (0.75, 4)
    assert found.evidence.details["unpredicted"] == 1
    # As a false negative of class 1 it lowers recall and leaves precision alone.
    assert measure("recall", binary([1, 1, 0], [1, -2, 0])).value == 0.5
    assert measure("precision", binary([1, 1, 0], [1, -2, 0])).value == 1.0


def test_a_label_outside_the_classes_is_left_out_and_reported(binary, measure):
    found = measure("accuracy", binary([1, 0, -2], [1, 0, 1]))
    assert (found.value, found.n, found.evidence.details["unseen_labels"]) == (1.0, 2, 1)


@pytest.mark.parametrize("name", sorted(SKLEARN))
@pytest.mark.parametrize("label", [[], [-1, -1, -1]])
def test_without_labels_there_is_no_number(name, label, binary, measure):
    found = measure(name, binary(label, [1, 0, 1][: len(label)]))
    assert (found.status, found.value, found.n) == (Status.NO_DATA, None, 0)
    assert found.reason == "no row has both a label and a prediction"


@pytest.mark.parametrize(
    ("name", "label", "prediction", "reason"),
    [
        ("precision", [1, 0], [0, 0], "no labelled row was predicted positive"),
        ("recall", [0, 0], [1, 0], "no labelled row is positive"),
        ("specificity", [1, 1], [1, 0], "no labelled row is negative"),
        ("f1", [0, 0], [0, 0], "no labelled row is positive or was predicted so"),
    ],
)
def test_a_ratio_with_nothing_below_the_line_is_no_data(name, label, prediction, reason, binary, measure):
    found = measure(name, binary(label, prediction))
    assert (found.status, found.reason) == (Status.NO_DATA, reason)


@pytest.mark.parametrize("name", ["precision", "recall", "specificity", "f1"])
def test_a_perfect_macro_average_is_not_certain(name, state_of, measure):
    label = np.repeat([0, 1, 2], [50, 30, 10])
    found = measure(name, state_of(Outcomes(90, label, label, None, ("a", "b", "c"))))
    assert found.value == 1.0
    # Wilson's lower limit for 10 of 10.
    assert found.interval == (pytest.approx(0.7225, abs=5e-4), 1.0)
    assert found.error > 0


def test_the_four_counts_are_details_of_a_binary_metric(binary, measure):
    details = measure("f1", binary([1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0, 0])).evidence.details
    assert details == {"tp": 2, "fp": 1, "fn": 1, "tn": 3}

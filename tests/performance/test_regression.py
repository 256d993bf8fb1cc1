import numpy as np
import pytest
import sklearn.metrics

from watchkeeper.core.measurement import Status

SKLEARN = {
    "mae": sklearn.metrics.mean_absolute_error,
    "mse": sklearn.metrics.mean_squared_error,
    "rmse": sklearn.metrics.root_mean_squared_error,
    "mape": sklearn.metrics.mean_absolute_percentage_error,
    "r2": sklearn.metrics.r2_score,
}
names = pytest.mark.parametrize("name", sorted([*SKLEARN, "smape"]))


def drawn(n, seed=0, centre=20.0):
    rng = np.random.default_rng(seed)
    label = centre + 5 * rng.normal(size=n)
    return label, label + 2 * rng.standard_t(8, size=n) + 0.5


def score(name, label, prediction):
    if name == "smape":
        label, prediction = np.asarray(label), np.asarray(prediction)
        return np.mean(2 * np.abs(prediction - label) / (np.abs(label) + np.abs(prediction)))
    return SKLEARN[name](label, prediction)


@names
@pytest.mark.parametrize("n", [2, 300, 70_000])
def test_metrics_equal_scikit_learn(name, n, regression, measure):
    label, prediction = drawn(n, seed=n)
    found = measure(name, regression(label, prediction))
    assert found.value == pytest.approx(score(name, label, prediction), rel=1e-11)
    assert found.n == n


def test_r2_stays_right_when_labels_lie_far_from_zero(regression, measure):
    label, prediction = drawn(70_000, centre=1e9)
    expected = sklearn.metrics.r2_score(label - 1e9, prediction - 1e9)
    assert measure("r2", regression(label, prediction)).value == pytest.approx(expected, abs=1e-9)


@names
def test_the_error_agrees_with_the_bootstrap(name, regression, measure):
    label, prediction = drawn(900, seed=4)
    rng = np.random.default_rng(1)
    draws = [score(name, label[rows], prediction[rows]) for rows in rng.integers(0, 900, (400, 900))]
    assert measure(name, regression(label, prediction)).error == pytest.approx(np.std(draws), rel=0.12)


def test_the_error_of_a_mean_loss_is_the_sample_one(regression, measure):
    label, prediction = drawn(400)
    e = prediction - label
    for name, losses in (("mae", np.abs(e)), ("mse", e**2), ("mape", np.abs(e / label))):
        found = measure(name, regression(label, prediction))
        assert found.error == pytest.approx(losses.std(ddof=1) / 20, rel=1e-9)


def test_a_label_of_zero_explodes_mape_as_in_scikit_learn_and_is_counted(regression, measure):
    label, prediction = [0.0, 2.0, 0.0], [1.0, 2.0, 0.0]
    found = measure("mape", regression(label, prediction))
    assert found.value == pytest.approx(sklearn.metrics.mean_absolute_percentage_error(label, prediction), rel=1e-12)
    assert found.evidence.details["zero_labels"] == 2
    # 2·1/1 for the first row, 0 for both others.
    assert measure("smape", regression(label, prediction)).value == pytest.approx(2 / 3)


@names
@pytest.mark.parametrize("label", [[], [np.nan, np.inf]])
def test_without_labels_there_is_no_number(name, label, regression, measure):
    found = measure(name, regression(label, [1.0, 2.0][: len(label)]))
    assert (found.status, found.value) == (Status.NO_DATA, None)
    assert found.reason == "no row has both a label and a prediction"


@names
def test_rows_without_a_finite_label_or_prediction_are_left_out(name, regression, measure):
    label, prediction = drawn(50)
    clean = measure(name, regression(label, prediction))
    dirty = measure(name, regression([*label, np.nan, 1.0, np.inf, 3.0], [*prediction, 1.0, np.nan, 2.0, -np.inf]))
    assert dirty.value == pytest.approx(clean.value, rel=1e-12)
    assert (dirty.n, dirty.evidence.details["unpredicted"]) == (50, 2)


def test_r2_of_equal_labels_is_no_data(regression, measure):
    found = measure("r2", regression([3.0, 3.0], [1.0, 2.0]))
    assert (found.status, found.reason) == (Status.NO_DATA, "all 2 labels are equal")
    assert measure("r2", regression([3.0], [1.0])).status is Status.NO_DATA


def test_sums_that_overflow_fail_instead_of_giving_infinity(regression, measure):
    found = measure("mse", regression([1e200, 0.0], [-1e200, 0.0]))
    assert found.status is Status.FAILED
    assert measure("mae", regression([1e200, 0.0], [-1e200, 0.0])).value == pytest.approx(1e200)


@names
def test_one_row_has_a_value_and_no_error(name, regression, measure):
    found = measure(name, regression([2.0], [3.0]))
    if name == "r2":
        assert found.status is Status.NO_DATA
    else:
        assert found.value > 0
        assert (found.error, found.interval) == (None, None)


def test_perfect_predictions_have_no_error_to_divide_by(regression, measure):
    found = measure("rmse", regression([1.0, 2.0], [1.0, 2.0]))
    assert (found.value, found.error, found.interval) == (0.0, 0.0, (0.0, 0.0))
    assert measure("r2", regression([1.0, 2.0], [1.0, 2.0])).value == 1.0

"""Metrics of classifiers with a score for each class; expected values from scikit-learn and by simulation."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import sklearn.metrics

from watchkeeper.core.batch import Batch
from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import OUTCOME
from watchkeeper.performance.assess import assess_performance
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.blocks import Outcomes
from watchkeeper.stats.summarise import summarise

CLASSES = ("a", "b", "c")


def drawn(n, seed=0, decimals=None, sharp=1.0):
    """Labels that come true with the probabilities stated; ``sharp`` above 1 states too extreme ones."""
    rng = np.random.default_rng(seed)
    true = rng.dirichlet([1.0, 2.0, 3.0], n)
    label = (true.cumsum(axis=1) < rng.random(n)[:, None]).sum(axis=1).clip(0, 2)
    scores = true**sharp
    scores /= scores.sum(axis=1, keepdims=True)
    return label, scores if decimals is None else scores.round(decimals)


def outcomes(label, scores):
    return Outcomes(len(label), label, scores.argmax(axis=1), None, CLASSES, None, scores)


@pytest.fixture
def measured(state_of, measure):
    return lambda name, label, scores: measure(name, state_of(outcomes(label, scores), False))


@pytest.mark.parametrize("sharp", [1.0, 3.0])
def test_losses_equal_scikit_learn(sharp, measured):
    label, scores = drawn(70_000, sharp=sharp)
    one_hot = np.eye(3)[label]
    expected = {
        "log_loss": sklearn.metrics.log_loss(label, y_proba=scores),
        "brier": sklearn.metrics.brier_score_loss(label, scores, labels=[0, 1, 2]),
    }
    losses = {"log_loss": -np.log(scores[np.arange(len(label)), label]), "brier": ((scores - one_hot) ** 2).sum(axis=1)}
    for name, value in expected.items():
        found = measured(name, label, scores)
        assert found.value == pytest.approx(value, rel=1e-9)
        assert found.error == pytest.approx(losses[name].std(ddof=1) / np.sqrt(len(label)), rel=1e-6)
        assert found.evidence.details["classes"] == 3


@pytest.mark.parametrize(("n", "decimals"), [(1_500, None), (40_000, 3), (40_000, None)])
def test_ranks_equal_scikit_learn_one_against_the_rest(n, decimals, measured):
    label, scores = drawn(n, decimals=decimals)
    one_hot = np.eye(3)[label]
    expected = {
        "auroc": [sklearn.metrics.roc_auc_score(one_hot[:, k], scores[:, k]) for k in range(3)],
        "average_precision": [sklearn.metrics.average_precision_score(one_hot[:, k], scores[:, k]) for k in range(3)],
    }
    for name, values in expected.items():
        found = measured(name, label, scores)
        bound = found.evidence.bound
        assert found.value == pytest.approx(np.mean(values), abs=1e-9 + bound)
        assert bound < 0.001
        assert [found.evidence.details[f"of {c}"] for c in CLASSES] == pytest.approx(values, abs=1e-9 + 3 * bound)
    if decimals is None and n < 2_000:
        area = sklearn.metrics.roc_auc_score(label, scores, multi_class="ovr")
        assert measured("auroc", label, scores).value == pytest.approx(area, rel=1e-9)


def test_the_standard_error_of_the_mean_area_is_never_understated(measured):
    found = [measured("auroc", *drawn(400, seed)) for seed in range(150)]
    spread = np.std([m.value for m in found], ddof=1)
    # 150 draws tell a standard deviation to 6 %.
    assert 0.9 * spread <= np.mean([m.error for m in found]) <= 2.0 * spread
    truth = measured("auroc", *drawn(300_000, 999)).value
    assert np.mean([m.interval[0] <= truth <= m.interval[1] for m in found]) >= 0.93


def test_the_calibration_error_holds_the_highest_probability_against_how_often_it_is_right(measured):
    label, scores = drawn(20_000, sharp=3.0)
    top, hit = scores.max(axis=1), scores.argmax(axis=1) == label
    bins = np.ceil(top * 15)
    gaps = [abs(top[bins == b].sum() - hit[bins == b].sum()) for b in np.unique(bins)]
    found = measured("calibration_error", label, scores)
    assert found.value == pytest.approx(sum(gaps) / len(label), rel=1e-9)
    assert found.interval[0] > 0.05


def test_a_calibrated_classifier_shows_what_sampling_alone_gives(measured):
    found = [measured("calibration_error", *drawn(1_000, seed)) for seed in range(100)]
    values = [m.value for m in found]
    # The mean of 100 values is known to a tenth of their spread.
    assert np.mean(values) == pytest.approx(found[0].floor, abs=3 * np.std(values) / 10)


def test_a_class_without_rows_is_left_out_of_the_mean(measured):
    label, scores = drawn(1_000)
    seen = label != 1
    found = measured("auroc", label[seen], scores[seen])
    areas = [sklearn.metrics.roc_auc_score(label[seen] == k, scores[seen][:, k]) for k in (0, 2)]
    assert found.value == pytest.approx(np.mean(areas), abs=1e-9)
    assert found.evidence.details["classes"] == 2
    assert "of b" not in found.evidence.details


@pytest.mark.parametrize("name", ["auroc", "average_precision", "log_loss", "brier", "calibration_error"])
def test_scores_that_are_no_probabilities_fail_and_absent_ones_are_no_data(name, measured):
    label, scores = drawn(100)
    odd = scores * 100
    assert measured(name, label, odd).status is Status.FAILED
    absent = measured(name, label, np.full_like(scores, np.nan))
    assert (absent.status, absent.value) == (Status.NO_DATA, None)
    assert "every class" in absent.reason
    late = measured(name, np.full_like(label, -1), scores)
    assert (late.status, late.value) == (Status.NO_DATA, None)


def test_rows_with_one_score_missing_are_counted_and_left_out(measured):
    label, scores = drawn(1_000)
    holed = scores.copy()
    holed[:100, 1] = np.nan
    whole, found = measured("log_loss", label[100:], scores[100:]), measured("log_loss", label, holed)
    assert found.value == pytest.approx(whole.value, rel=1e-12)
    assert (found.n, found.evidence.details["unscored"]) == (900, 100)


def test_perfect_order_has_the_value_one_and_an_interval(measured):
    found = measured("auroc", np.arange(30) % 3, np.eye(3)[np.arange(30) % 3])
    assert found.value == 1.0
    assert 0.7 < found.interval[0] < found.interval[1] == 1.0
    assert found.error > 0


def test_a_log_with_class_scores_gets_them_measured_batch_by_batch():
    label, scores = drawn(5_000)
    frame = pl.DataFrame({"y": [CLASSES[code] for code in label], "p": [CLASSES[c] for c in scores.argmax(axis=1)]})
    frame = frame.with_columns(pl.Series(f"p_{name}", scores[:, code]) for code, name in enumerate(CLASSES))
    columns = [Column("y", Role.LABEL, Kind.CATEGORICAL), Column("p", Role.PREDICTION, Kind.CATEGORICAL)]
    columns += [Column(f"p_{name}", Role.CLASS_SCORE, Kind.NUMERIC) for name in CLASSES]
    pairs = tuple((name, f"p_{name}") for name in CLASSES)
    schema = Schema(tuple(columns), Task.MULTICLASS, CLASSES, class_scores=pairs)
    batches = [Batch(frame[start : start + 700], schema) for start in range(0, 5_000, 700)]
    state = {k.column: s for k, s in summarise(batches, Spec("m", schema)).items()}[OUTCOME]
    found = {m.name: m for m in assess_performance(state, schema)}
    assert {"auroc", "average_precision", "log_loss", "brier", "calibration_error", "accuracy"} <= set(found)
    assert found["log_loss"].value == pytest.approx(sklearn.metrics.log_loss(label, y_proba=scores), rel=1e-9)
    recalls = sklearn.metrics.recall_score(label, scores.argmax(axis=1), average=None)
    assert [found["recall"].evidence.details[f"of {name}"] for name in CLASSES] == pytest.approx(recalls)


@pytest.mark.validation
def test_a_published_data_set_is_measured_as_scikit_learn_does():
    path = Path(__file__).parents[3] / "shared" / "data" / "nannyml_multiclass_mc" / "mc_reference.parquet"
    if not path.exists():
        pytest.skip("the shared data sets are not beside the repository")
    frame = pl.read_parquet(path)
    schema = infer_schema(frame)
    states = summarise([Batch(frame, schema)], Spec("m", schema))
    state = next(s for k, s in states.items() if k.column == OUTCOME)
    found = {m.name: m for m in assess_performance(state, schema)}
    label = frame["y_true"].to_numpy()
    scores = frame.select(column for _, column in schema.class_scores).to_numpy()
    expected = {
        # The scores of this data set have two decimals, so that each is counted by itself.
        "auroc": sklearn.metrics.roc_auc_score(label, scores, multi_class="ovr"),
        "log_loss": sklearn.metrics.log_loss(label, y_proba=scores),
        "brier": sklearn.metrics.brier_score_loss(label, scores),
        "f1": sklearn.metrics.f1_score(label, frame["y_pred"].to_numpy(), average="macro"),
    }
    assert {name: found[name].value for name in expected} == pytest.approx(expected, rel=1e-9)

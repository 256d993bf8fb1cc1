"""Confidence-based estimation against labels that are drawn from known probabilities."""

import numpy as np
import pytest
from sklearn import metrics

from tests.performance.estimation_data import BINARY, outcome_state, scored
from watchkeeper.core.measurement import Family, Status
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.performance.calibrator import calibrator_of
from watchkeeper.performance.cbpe import Cbpe, cells_of

REALISED = {
    "accuracy": lambda y, p, s: np.mean(y == p),
    "precision": lambda y, p, s: metrics.precision_score(y, p),
    "recall": lambda y, p, s: metrics.recall_score(y, p),
    "specificity": lambda y, p, s: metrics.recall_score(1 - y, 1 - p),
    "f1": lambda y, p, s: metrics.f1_score(y, p),
    "auroc": lambda y, p, s: metrics.roc_auc_score(y, s),
    "average_precision": lambda y, p, s: metrics.average_precision_score(y, s),
    "log_loss": lambda y, p, s: metrics.log_loss(y, s),
    "brier": lambda y, p, s: metrics.brier_score_loss(y, s),
}


def estimates(reference, current, schema=BINARY):
    return {m.name: m for m in Cbpe().estimate(reference, current, schema)}


@pytest.mark.parametrize("shape", ["calibrated", "overconfident", "biased", "rare"])
def test_bands_cover_the_realised_value_at_their_level(shape):
    rng = np.random.default_rng(list(map(ord, shape)))
    covered = dict.fromkeys(REALISED, 0)
    windows = 0
    for _ in range(20):
        reference = outcome_state(*scored(rng, 6_000, shape))
        for _ in range(3):
            score, prediction, label = scored(rng, 2_000, shape)
            found = estimates(reference, outcome_state(score, prediction, np.full(2_000, -1)))
            windows += 1
            for name, realised in REALISED.items():
                lower, upper = found[name].interval
                covered[name] += lower <= realised(label, prediction, score) <= upper
    # Two standard errors of a share of 60 windows below 90 per cent, and metrics together between 90 and 99.
    for name, times in covered.items():
        assert times / windows >= 0.82, (name, times / windows)
    assert 0.90 <= sum(covered.values()) / (windows * len(covered)) <= 0.99


def test_a_calibrated_score_gives_the_closed_form():
    rng = np.random.default_rng(1)
    reference = outcome_state(*scored(rng, 50_000))
    score, prediction, _ = scored(rng, 5_000)
    found = estimates(reference, outcome_state(score, prediction, np.full(5_000, -1)))
    # With P(y = 1) = s the expected accuracy is the mean of max(s, 1 - s), its variance the Poisson-binomial's.
    assert found["accuracy"].value == pytest.approx(np.maximum(score, 1 - score).mean(), abs=0.006)
    poisson_binomial = np.sqrt(np.sum(score * (1 - score))) / 5_000
    assert found["accuracy"].evidence.estimate.sampling == pytest.approx(poisson_binomial, rel=0.02)
    assert found["brier"].value == pytest.approx(np.mean(score * (1 - score)), abs=0.004)


def test_calibration_is_used_only_where_it_helps_on_rows_it_has_not_seen():
    rng = np.random.default_rng(2)
    right = [calibrator_of(cells_of(outcome_state(*scored(rng, 5_000)))) for _ in range(20)]
    wrong = calibrator_of(cells_of(outcome_state(*scored(rng, 5_000, "overconfident"))))
    assert sum(one.isotonic for one in right) <= 2
    assert wrong.isotonic
    assert wrong.gain > 0.005


def test_covariate_shift_that_keeps_the_calibration_is_followed():
    rng = np.random.default_rng(3)
    reference = outcome_state(*scored(rng, 50_000, "overconfident"))
    score, prediction, label = scored(rng, 20_000, "overconfident", shift=1.5)
    found = estimates(reference, outcome_state(score, prediction, np.full(20_000, -1)))
    for name, realised in REALISED.items():
        lower, upper = found[name].interval
        assert lower <= realised(label, prediction, score) <= upper, name


def test_labels_of_the_window_are_not_looked_at():
    rng = np.random.default_rng(4)
    reference = outcome_state(*scored(rng, 5_000))
    score, prediction, label = scored(rng, 1_000)
    with_labels = estimates(reference, outcome_state(score, prediction, 1 - label))
    without = estimates(reference, outcome_state(score, prediction, np.full(1_000, -1)))
    assert {k: m.value for k, m in with_labels.items()} == {k: m.value for k, m in without.items()}


def test_an_estimate_says_how_it_was_made_and_what_it_assumes():
    rng = np.random.default_rng(5)
    reference = outcome_state(*scored(rng, 5_000))
    found = estimates(reference, outcome_state(*scored(rng, 1_000)))["accuracy"]
    assert found.family is Family.ESTIMATE
    assert found.evidence.estimate.method == "cbpe"
    assert "concept shift is invisible" in found.evidence.estimate.assumes


def test_too_few_labels_or_no_scores_are_no_data():
    rng = np.random.default_rng(6)
    few, many = outcome_state(*scored(rng, 30)), outcome_state(*scored(rng, 2_000))
    assert {m.status for m in Cbpe().estimate(few, many, BINARY)} == {Status.NO_DATA}
    empty = outcome_state(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
    assert {m.status for m in Cbpe().estimate(many, empty, BINARY)} == {Status.NO_DATA}


def three_classes(rng, n, shift=0.0):
    logits = rng.normal(0, 1.2, (n, 3)) + np.array([0.0, shift, -0.5])
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    label = (rng.random((n, 1)) > truth.cumsum(axis=1)).sum(axis=1)
    sharp = truth**1.7
    scores = sharp / sharp.sum(axis=1, keepdims=True)
    return scores, scores.argmax(axis=1), label


def test_several_classes_are_estimated_one_against_the_rest():
    names = ("a", "b", "c")
    columns = (Column("p", Role.PREDICTION, Kind.CATEGORICAL), Column("y", Role.LABEL, Kind.CATEGORICAL))
    scored_columns = tuple(Column(f"score_{name}", Role.CLASS_SCORE, Kind.NUMERIC) for name in names)
    schema = Schema(
        (*columns, *scored_columns), Task.MULTICLASS, names, class_scores=tuple((n, f"score_{n}") for n in names)
    )
    rng = np.random.default_rng(7)
    realised = {
        "accuracy": lambda y, p, s: np.mean(y == p),
        "precision": lambda y, p, s: metrics.precision_score(y, p, average="macro"),
        "recall": lambda y, p, s: metrics.recall_score(y, p, average="macro"),
        "f1": lambda y, p, s: metrics.f1_score(y, p, average="macro"),
        "auroc": lambda y, p, s: metrics.roc_auc_score(y, s, multi_class="ovr"),
        "log_loss": lambda y, p, s: metrics.log_loss(y, s),
    }
    scores, prediction, label = three_classes(rng, 20_000)
    reference = outcome_state(None, prediction, label, names, scores)
    covered, windows = dict.fromkeys(realised, 0), 40
    for _ in range(windows):
        scores, prediction, label = three_classes(rng, 2_000, shift=0.5)
        current = outcome_state(None, prediction, np.full(2_000, -1), names, scores)
        found = estimates(reference, current, schema)
        for name, formula in realised.items():
            lower, upper = found[name].interval
            covered[name] += lower <= formula(label, prediction, scores) <= upper
    for name, times in covered.items():
        assert times / windows >= 0.85, (name, times / windows)

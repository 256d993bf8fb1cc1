"""Prediction-powered estimates: the formula by hand, and what a few labels see of a concept shift."""

from functools import cache

import numpy as np
import pytest
from sklearn import metrics

from tests.performance.estimation_data import BINARY, applicants, outcome_state, prices, states_of, without_labels
from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import Task
from watchkeeper.performance.cbpe import Cbpe
from watchkeeper.performance.prediction_powered import PredictionPowered, powered
from watchkeeper.schema.inference import infer_schema


def test_the_formula_is_that_of_the_paper():
    rng = np.random.default_rng(0)
    f, loss = rng.random(40), rng.random(40)
    loss = 0.5 * loss + 0.5 * f
    others = rng.random(300)
    found = powered(loss, f, np.ones(40), others, np.ones(300))
    lam = found.weight
    assert 0 < lam < 1
    assert found.value == pytest.approx(lam * others.mean() + (loss - lam * f).mean())
    expected = lam**2 * others.var() / 300 + (loss - lam * f).var(ddof=1) / 40
    assert found.variance == pytest.approx(expected)


def test_useless_predictions_leave_the_mean_of_the_labels():
    loss = np.array([0.0, 1.0, 1.0, 0.0, 1.0] * 20)
    found = powered(loss, np.full(100, 0.3), np.ones(100), np.full(500, 0.3), np.ones(500))
    assert found.value == pytest.approx(0.6)
    assert found.weight == 0.0


@cache
def reference():
    frame = applicants(np.random.default_rng(0), 20_000)
    schema = infer_schema(frame)
    return schema, states_of(frame, schema)


def test_two_hundred_labels_see_a_concept_shift_that_scores_cannot():
    schema, before = reference()
    rng = np.random.default_rng(5)
    errors, blind, covered, naive = [], [], [], []
    for _ in range(40):
        frame = applicants(rng, 5_000, concept=-2.5)
        now = states_of(without_labels(frame, known=200), schema)
        truth = metrics.accuracy_score(frame["label"], frame["prediction"])
        found = next(m for m in PredictionPowered().estimate(before, now, schema) if m.name == "accuracy")
        plain = next(m for m in Cbpe().estimate(before, now, schema) if m.name == "accuracy")
        errors.append(found.value - truth)
        naive.append(metrics.accuracy_score(frame["label"][:200], frame["prediction"][:200]) - truth)
        blind.append(plain.value - truth)
        covered.append(found.interval[0] <= truth <= found.interval[1])
    assert abs(np.mean(errors)) < 0.008
    assert np.median(np.abs(errors)) < 0.02
    assert np.std(errors) <= 1.02 * np.std(naive)
    assert min(blind) > 0.05
    assert np.mean(covered) >= 0.88


def test_bands_cover_every_metric():
    schema, before = reference()
    rng = np.random.default_rng(6)
    realised = {
        "precision": lambda f: metrics.precision_score(f["label"], f["prediction"]),
        "recall": lambda f: metrics.recall_score(f["label"], f["prediction"]),
        "f1": lambda f: metrics.f1_score(f["label"], f["prediction"]),
        "log_loss": lambda f: metrics.log_loss(f["label"], f["score"]),
        "brier": lambda f: metrics.brier_score_loss(f["label"], f["score"]),
    }
    covered = {name: [] for name in realised}
    for _ in range(40):
        frame = applicants(rng, 3_000, shift=0.5)
        now = states_of(without_labels(frame, known=400), schema)
        found = {m.name: m for m in PredictionPowered().estimate(before, now, schema)}
        for name, formula in realised.items():
            lower, upper = found[name].interval
            covered[name].append(lower <= formula(frame) <= upper)
    for name, hits in covered.items():
        assert np.mean(hits) >= 0.85, (name, np.mean(hits))
    assert np.mean(list(covered.values())) <= 0.995


def test_all_labels_give_the_realised_value():
    schema, before = reference()
    frame = applicants(np.random.default_rng(7), 3_000)
    found = {m.name: m for m in PredictionPowered().estimate(before, states_of(frame, schema), schema)}
    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(frame["label"], frame["prediction"]))
    assert found["recall"].value == pytest.approx(metrics.recall_score(frame["label"], frame["prediction"]))


def test_too_few_labels_are_no_data():
    rng = np.random.default_rng(8)
    score = rng.random(2_000)
    label = (rng.random(2_000) < score).astype(np.int64)
    known = np.where(np.arange(2_000) < 20, label, -1)
    before = outcome_state(score, (score > 0.5).astype(np.int64), label)
    now = outcome_state(score, (score > 0.5).astype(np.int64), known)
    assert {m.status for m in PredictionPowered().estimate(before, now, BINARY)} == {Status.NO_DATA}


def test_losses_of_a_regressor_use_the_labels_that_are_there():
    frame = prices(np.random.default_rng(9), 3_000)
    schema = infer_schema(frame, task=Task.REGRESSION)
    before = states_of(frame, schema)
    rng = np.random.default_rng(10)
    covered = []
    for _ in range(20):
        later = prices(rng, 2_000)
        later = later.with_columns(label=later["prediction"] + 2 * (later["label"] - later["prediction"]))
        found = {
            m.name: m
            for m in PredictionPowered().estimate(before, states_of(without_labels(later, 300), schema), schema)
        }
        truth = (later["prediction"] - later["label"]).abs().mean()
        covered.append(found["mae"].interval[0] <= truth <= found["mae"].interval[1])
    assert np.mean(covered) >= 0.85

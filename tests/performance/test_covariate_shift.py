"""PAPE and multicalibrated estimation under a covariate shift that changes what a score means."""

from functools import cache

import numpy as np
import pytest
from sklearn import metrics

from tests.performance.estimation_data import applicants, states_of, without_labels
from watchkeeper.core.errors import StateError
from watchkeeper.performance.cbpe import Cbpe
from watchkeeper.performance.multicalibrated import Multicalibrated
from watchkeeper.performance.pape import Pape
from watchkeeper.schema.inference import infer_schema

REALISED = {
    "accuracy": lambda f: metrics.accuracy_score(f["label"], f["prediction"]),
    "precision": lambda f: metrics.precision_score(f["label"], f["prediction"]),
    "recall": lambda f: metrics.recall_score(f["label"], f["prediction"]),
    "f1": lambda f: metrics.f1_score(f["label"], f["prediction"]),
    "auroc": lambda f: metrics.roc_auc_score(f["label"], f["score"]),
    "brier": lambda f: metrics.brier_score_loss(f["label"], f["score"]),
}


@cache
def reference():
    frame = applicants(np.random.default_rng(0), 10_000)
    schema = infer_schema(frame)
    return schema, states_of(frame, schema)


@cache
def trial(estimator, shift):
    """Return the mean absolute error of each metric over three windows."""
    schema, before = reference()
    rng = np.random.default_rng(11)
    errors = {name: [] for name in REALISED}
    for _ in range(3):
        frame = applicants(rng, 3_000, shift=shift)
        now = states_of(without_labels(frame), schema)
        found = {m.name: m for m in estimator().estimate(before, now, schema)}
        for name, formula in REALISED.items():
            errors[name].append(abs(found[name].value - formula(frame)))
    return {k: float(np.mean(v)) for k, v in errors.items()}


@pytest.mark.parametrize("estimator", [Pape, Multicalibrated])
def test_a_shift_that_changes_the_meaning_of_scores_is_followed(estimator):
    ours = trial(estimator, 0.8)
    plain = trial(Cbpe, 0.8)
    for name in ("precision", "recall", "f1"):
        assert ours[name] < 0.7 * plain[name], (name, ours[name], plain[name])


@pytest.mark.slow
def test_bands_cover_where_the_method_claims_to_hold():
    rng = np.random.default_rng(3)
    covered = {Pape: [], Multicalibrated: []}
    for _ in range(8):
        frame = applicants(rng, 8_000)
        schema = infer_schema(frame)
        before = states_of(frame, schema)
        for shift in (0.0, 0.8):
            frame = applicants(rng, 3_000, shift=shift)
            now = states_of(without_labels(frame), schema)
            for estimator, hits in covered.items():
                found = {m.name: m for m in estimator().estimate(before, now, schema)}
                bands = [(found[name].interval, formula(frame)) for name, formula in REALISED.items()]
                hits += [lower <= truth <= upper for (lower, upper), truth in bands]
    # 16 windows of six metrics that go together: two standard errors below 95 per cent are 84.
    for estimator, hits in covered.items():
        assert 0.84 <= np.mean(hits) <= 1.0, (estimator, np.mean(hits))


def test_without_shift_the_estimate_is_that_of_cbpe():
    ours = trial(Pape, 0.0)
    plain = trial(Cbpe, 0.0)
    for name, error in ours.items():
        assert error < plain[name] + 0.004


def test_overlap_is_told_and_poor_overlap_is_called_so():
    schema, before = reference()
    found = []
    for shift in (0.0, 0.8, 3.0):
        frame = applicants(np.random.default_rng(3), 4_000, shift=shift)
        found.append(Pape().estimate(before, states_of(frame, schema), schema)[0].evidence)
    assert found[0].details["domain_auc"] == pytest.approx(0.5, abs=0.03)
    assert found[0].estimate.ess > 0.7
    # Two normals whose means are .8 apart have an area of Phi(.8/sqrt 2) = .714.
    assert found[1].details["domain_auc"] == pytest.approx(0.714, abs=0.03)
    assert found[0].estimate.ess > found[1].estimate.ess > found[2].estimate.ess
    assert found[2].details["temper"] < 1
    assert "poor" in found[2].details["overlap"]
    assert "overlap" not in found[0].details


def test_concept_shift_without_covariate_shift_is_not_claimed_to_be_seen():
    schema, before = reference()
    rng = np.random.default_rng(4)
    clean, changed = applicants(rng, 8_000), applicants(rng, 8_000, concept=-2.5)
    realised = REALISED["accuracy"](clean) - REALISED["accuracy"](changed)
    assert realised > 0.1
    for estimator in (Cbpe, Pape, Multicalibrated):
        for frame in (clean, changed):
            now = states_of(without_labels(frame), schema)
            found = next(m for m in estimator().estimate(before, now, schema) if m.name == "accuracy")
            assert found.value == pytest.approx(REALISED["accuracy"](clean), abs=0.02)
            assert "concept shift is invisible" in found.evidence.estimate.assumes


def test_states_without_a_sample_are_refused_with_what_to_keep():
    schema, before = reference()
    outcomes_alone = {k: v for k, v in before.items() if k != "@joint"}
    with pytest.raises(StateError, match="answer_sample"):
        Pape().estimate(before, outcomes_alone, schema)

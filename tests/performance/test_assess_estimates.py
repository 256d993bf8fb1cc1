"""Which estimates are made of what the states hold."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from tests.performance.estimation_data import applicants, prices, states_of, without_labels
from watchkeeper.core.errors import PluginError
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import Role, Task
from watchkeeper.core.state import JOINT, OUTCOME, State, StateKey
from watchkeeper.performance.assess_estimates import (
    assess_estimates,
    default_estimates,
    estimators_for,
    kept_for,
    kept_now_for,
)
from watchkeeper.performance.between_blocks import BetweenBlocks
from watchkeeper.performance.cbpe import Cbpe
from watchkeeper.performance.pape import Pape
from watchkeeper.schema.inference import infer_schema


@cache
def reference():
    frame = applicants(np.random.default_rng(0), 4_000)
    schema = infer_schema(frame)
    return schema, states_of(frame, schema)


def methods(current, known=0):
    schema, before = reference()
    now = states_of(without_labels(current, known), schema)
    return {m.name: m.evidence.estimate.method for m in default_estimates(before, now, schema)}


def test_without_labels_each_metric_has_one_estimate_by_the_method_chosen_for_it():
    found = methods(applicants(np.random.default_rng(1), 2_000))
    assert found["auroc"] == "cbpe"
    assert found["recall"] == "pape"
    assert found["accuracy"] == found["f1"] == "multicalibrated"
    assert len(found) == 9


def test_labels_that_have_come_are_used_where_they_can_be():
    found = methods(applicants(np.random.default_rng(2), 2_000), known=300)
    assert found["accuracy"] == found["recall"] == found["log_loss"] == "prediction_powered"
    assert found["auroc"] == "cbpe"


def test_too_few_labels_change_nothing():
    assert methods(applicants(np.random.default_rng(3), 2_000), known=10)["accuracy"] == "multicalibrated"


def test_the_band_widens_by_what_methods_disagree_about_and_the_more_the_less_is_left_in_weight():
    schema, before = reference()
    apart = []
    for shift in (0.5, 1.5):
        frame = without_labels(applicants(np.random.default_rng(7), 3_000, shift=shift))
        now = states_of(frame, schema)
        by_method = {
            name: next(m for m in assess_estimates(before, now, schema, [name]) if m.name == "auroc")
            for name in ("cbpe", "pape", "multicalibrated")
        }
        found = next(m for m in default_estimates(before, now, schema) if m.name == "auroc")
        plain, weighted = by_method["cbpe"], by_method["pape"]
        trees = 2 * by_method["multicalibrated"].value - plain.value
        squares = (trees - plain.value) ** 2, (weighted.value - plain.value) ** 2
        noise = weighted.evidence.estimate.calibration**2
        expected = (max(squares[0], squares[1] - noise) / weighted.evidence.estimate.ess) ** 0.5
        assert found.value == plain.value
        assert found.evidence.estimate.between_methods == pytest.approx(expected)
        assert found.error == pytest.approx(np.hypot(plain.error, expected))
        apart.append(expected / max(squares) ** 0.5)
    assert 1.0 < apart[0] < apart[1]


def test_the_band_widens_by_what_moves_between_blocks_of_the_reference_or_says_that_nobody_knows():
    schema, before = reference()
    now = states_of(without_labels(applicants(np.random.default_rng(7), 3_000)), schema)
    plain = {m.name: m for m in default_estimates(before, now, schema)}
    moving = BetweenBlocks(12, {"accuracy": 0.03**2})
    wide = {m.name: m for m in default_estimates(before, now, schema, moving)}
    assert wide["accuracy"].error == pytest.approx(np.hypot(plain["accuracy"].error, 0.03))
    assert wide["accuracy"].evidence.estimate.between_blocks == pytest.approx(0.03)
    assert wide["accuracy"].evidence.estimate.blocks == 12
    assert wide["accuracy"].interval[0] < plain["accuracy"].interval[0]
    assert wide["recall"].error == plain["recall"].error
    assert wide["recall"].evidence.estimate.between_blocks is None
    assert wide["recall"].evidence.estimate.blocks_lack.startswith("fewer than 10 blocks")
    assert "not cut into blocks" in plain["accuracy"].evidence.estimate.blocks_lack
    few = default_estimates(before, now, schema, BetweenBlocks(4, unknown="4 blocks have labels"))
    assert {m.evidence.estimate.blocks_lack for m in few} == {"4 blocks have labels"}


def test_without_sampled_rows_states_alone_give_the_estimates():
    schema, before = reference()
    now = states_of(without_labels(applicants(np.random.default_rng(4), 2_000)), schema)
    now.pop(JOINT)
    found = default_estimates(before, now, schema)
    assert {m.evidence.estimate.method for m in found} == {"cbpe"}
    assert {m.status for m in found} == {Status.OK}
    # Nobody was asked who could disagree.
    assert {m.evidence.estimate.silent for m in found} == {"multicalibrated, pape: no rows are sampled here"}
    assert not any(m.evidence.estimate.between_methods is not None for m in found)
    broken = {**now, JOINT: State(StateKey(column=JOINT), None, {}, "column 'x' is missing")}
    told = {m.evidence.estimate.silent for m in default_estimates(before, broken, schema)}
    assert told == {"multicalibrated, pape: column 'x' is missing"}


def test_a_regressor_without_sampled_rows_has_no_estimate():
    frame = prices(np.random.default_rng(5), 2_000)
    schema = infer_schema(frame, task=Task.REGRESSION)
    before = states_of(frame, schema)
    assert {
        m.evidence.estimate.method for m in default_estimates(before, states_of(without_labels(frame), schema), schema)
    } == {"dle"}
    before.pop(JOINT)
    assert default_estimates(before, before, schema) == []


def test_a_log_without_scores_has_no_estimator():
    frame = pl.DataFrame({"x": [1.5, 2.5, 3.5] * 50, "prediction": [0, 1, 1] * 50, "label": [0, 1, 0] * 50})
    schema = infer_schema(frame)
    assert estimators_for(schema) == ()
    assert default_estimates(states_of(frame, schema), states_of(frame, schema), schema) == []


def test_an_estimator_that_lacks_its_sample_is_one_failed_measurement():
    schema, before = reference()
    now = states_of(without_labels(applicants(np.random.default_rng(6), 500)), schema)
    now.pop(JOINT)
    (found,) = assess_estimates(before, now, schema, ["pape"])
    assert (found.status, found.family, found.name) == (Status.FAILED, Family.ESTIMATE, "pape")
    assert "answer_sample" in found.reason


@pytest.mark.parametrize(
    ("n", "without"),
    [
        (300, "multicalibrated: 300 labelled rows of the reference are sampled, 500 are needed"),
        (900, ""),
    ],
)
def test_methods_that_a_reference_is_too_small_for_are_told_beside_those_that_answer(n, without):
    frame = applicants(np.random.default_rng(13), n)
    schema = infer_schema(frame)
    now = states_of(without_labels(applicants(np.random.default_rng(14), 600)), schema)
    found = default_estimates(states_of(frame, schema), now, schema)
    assert {(m.status, m.evidence.estimate.silent) for m in found} == {(Status.OK, without)}


def test_all_methods_that_did_not_answer_are_told():
    schema, _ = reference()
    frame = applicants(np.random.default_rng(13), 150)
    now = states_of(without_labels(applicants(np.random.default_rng(14), 600)), schema)
    told = {m.evidence.estimate.silent for m in default_estimates(states_of(frame, schema), now, schema)}
    few = "150 labelled rows of the reference are sampled, 500 are needed"
    assert told == {f"multicalibrated: {few}; pape: fewer than 200 rows are sampled"}


def test_a_method_that_raises_is_told_beside_the_one_that_stands_in_for_it(monkeypatch):
    schema, before = reference()
    now = states_of(without_labels(applicants(np.random.default_rng(8), 2_000)), schema)

    def raises(self, reference, current, schema):
        raise ValueError("no weights today")

    monkeypatch.setattr(Pape, "estimate", raises)
    found = {m.name: m for m in default_estimates(before, now, schema)}
    assert found["recall"].evidence.estimate.method == "cbpe"
    assert {m.evidence.estimate.silent for m in found.values()} == {"pape: Pape raised ValueError: no weights today"}


def test_rows_that_all_have_one_id_are_not_taken_for_a_sample():
    frame = applicants(np.random.default_rng(15), 900).with_row_index("id")
    schema = infer_schema(frame, roles={Role.ID: "id"})
    now = states_of(without_labels(frame).with_columns(id=pl.lit(7, pl.UInt32)), schema)
    (accuracy,) = [m for m in default_estimates(states_of(frame, schema), now, schema) if m.name == "accuracy"]
    assert accuracy.evidence.estimate.method == "cbpe"
    assert "1 rows with different ids are sampled of 900" in accuracy.evidence.estimate.silent


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e308])
def test_values_without_bounds_silence_no_method(value):
    frame, later = (applicants(np.random.default_rng(seed), 1_500) for seed in (16, 17))
    schema = infer_schema(frame)
    wild = pl.when(pl.int_range(pl.len()) % 3 == 0).then(value).otherwise(-pl.col("w") * min(1.0, abs(value)))
    for before, now in ((frame, later.with_columns(w=wild)), (frame.with_columns(w=wild), later)):
        found = default_estimates(states_of(before, schema), states_of(without_labels(now), schema), schema)
        assert {m.evidence.estimate.method for m in found} == {"cbpe", "pape", "multicalibrated"}
        assert not any(m.evidence.estimate.silent for m in found)


def test_what_to_keep_is_what_the_estimators_need():
    schema, _ = reference()
    assert kept_for(["cbpe"]) == ()
    assert kept_for(estimators_for(schema)) == ("answer_sample",)
    assert kept_now_for(estimators_for(schema)) == ("window_answers",)


def test_an_unknown_estimator_is_refused_with_the_nearest_name():
    schema, before = reference()
    with pytest.raises(PluginError, match="cbpe"):
        assess_estimates(before, before, schema, ["cbpee"])


def graded(n, seed, seen=("a", "b", "c")):
    """Return rows of a classifier of three classes, of which labels only have those that are seen."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    odds = np.exp(np.stack([x, z, -x], axis=1))
    chance = odds / odds.sum(axis=1, keepdims=True)
    scores = {f"score_{name}": chance[:, code] for code, name in enumerate("abc")}
    told = np.array(list("abc"))
    label = told[(rng.random((n, 1)) > np.cumsum(chance, axis=1)).sum(axis=1).clip(0, 2)]
    label = np.where(np.isin(label, seen), label, seen[0])
    return pl.DataFrame({"x": x, "z": z, **scores, "prediction": told[chance.argmax(axis=1)], "label": label})


def test_a_reference_labelled_with_one_of_several_classes_teaches_nothing():
    schema = infer_schema(graded(900, 0))
    before, now = (states_of(frame, schema) for frame in (graded(900, 1, ("a",)), graded(900, 2)))
    found = default_estimates(before, now, schema)
    assert found
    assert all(m.status is not Status.OK for m in found)
    assert "two classes are needed" in found[0].reason


def test_a_metric_that_scores_leave_undefined_costs_the_others_nothing(monkeypatch):
    schema, before = reference()
    now = states_of(without_labels(applicants(np.random.default_rng(8), 2_000)), schema)

    def estimates_nothing(self, reference, current, schema):
        key = current[OUTCOME].key
        return [Measurement.missing(key, Family.ESTIMATE, "accuracy", "the metric is not defined on these rows")]

    monkeypatch.setattr(Cbpe, "estimate", estimates_nothing)
    found = {m.name: m for m in default_estimates(before, now, schema)}
    assert found["accuracy"].evidence.estimate.method == "multicalibrated"
    assert found["recall"].evidence.estimate.method == "pape"


def test_a_feature_without_a_value_in_the_reference_costs_no_estimate():
    rng = np.random.default_rng(11)
    frame, later = applicants(rng, 3_000), without_labels(applicants(rng, 2_000))
    schema = infer_schema(frame)
    before = states_of(frame.with_columns(w=pl.lit(None, pl.Float64)), schema)
    for now in (later, later.with_columns(w=pl.lit(None, pl.Float64))):
        found = default_estimates(before, states_of(now, schema), schema)
        assert {m.status for m in found} == {Status.OK}
        assert {m.evidence.estimate.method for m in found} == {"cbpe", "pape", "multicalibrated"}


@pytest.mark.parametrize("label", [1e153, 1e200, 1e300])
def test_labels_that_overflow_fail_their_estimates_and_no_window(label):
    rng = np.random.default_rng(12)
    frame = prices(rng, 3_000)
    schema = infer_schema(frame, task=Task.REGRESSION)
    wild = frame.with_columns(label=pl.when(pl.int_range(pl.len()) < 2).then(label).otherwise("label"))
    found = default_estimates(states_of(wild, schema), states_of(without_labels(prices(rng, 1_000)), schema), schema)
    assert {m.name for m in found} == {"mae", "mape", "mse", "rmse"}
    # What cannot be squared is left out of the squares, and that is told.
    assert {m.evidence.details.get("left_out") for m in found if "mse" in m.name} == {2 if label > 1e154 else None}
    for one in found:
        assert one.status is Status.FAILED or np.isfinite([one.value, one.error, *one.interval]).all()


@pytest.mark.parametrize(("classes", "method"), [(10, "multicalibrated"), (11, "cbpe")])
def test_trees_are_learnt_for_ten_classes_and_not_for_more(classes, method):
    rng = np.random.default_rng(21)
    told = np.array([f"k{code:02d}" for code in range(classes)])

    def drawn(n):
        x, z = rng.normal(size=(2, n))
        odds = np.exp(np.outer(x, np.linspace(-1, 1, classes)) + np.outer(z, np.linspace(1, -1, classes) ** 2))
        chance = odds / odds.sum(axis=1, keepdims=True)
        label = (rng.random((n, 1)) > np.cumsum(chance, axis=1)).sum(axis=1).clip(0, classes - 1)
        scores = {f"score_{name}": chance[:, code] for code, name in enumerate(told)}
        return pl.DataFrame({"x": x, "z": z, **scores, "prediction": told[chance.argmax(axis=1)], "label": told[label]})

    frame = drawn(600)
    schema = infer_schema(frame)
    now = states_of(without_labels(drawn(300)), schema)
    found = {m.name: m for m in default_estimates(states_of(frame, schema), now, schema)}
    assert found["accuracy"].evidence.estimate.method == method
    assert found["recall"].evidence.estimate.method == "pape"
    assert ("there are 11 classes" in found["accuracy"].evidence.estimate.silent) == (classes > 10)

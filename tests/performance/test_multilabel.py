"""Metrics of sets of classes; expected values from scikit-learn, by hand and by simulation."""

import json

import numpy as np
import polars as pl
import pytest
import sklearn.metrics

from watchkeeper.core.batch import Batch
from watchkeeper.core.measurement import Status
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Kind, Task
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import OUTCOME, State, StateKey
from watchkeeper.performance.assess import assess_performance
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.blocks import ClassSets, Outcomes
from watchkeeper.stats.set_sums import SetSums
from watchkeeper.stats.statistic import fold
from watchkeeper.stats.summarise import summarise

NAMES = ("art", "law", "news", "sport")


def drawn(n, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.random((n, 4)) < [0.5, 0.3, 0.2, 0.05]
    flipped = rng.random((n, 4)) < [0.1, 0.2, 0.1, 0.02]
    return label, label ^ flipped


def lists(matrix):
    return [[name for name, there in zip(NAMES, row, strict=True) if there] for row in matrix]


def measured(label, prediction, schema=None, size=None):
    frame = pl.DataFrame(
        {
            "label": pl.Series(label, dtype=pl.List(pl.String)),
            "prediction": pl.Series(prediction, dtype=pl.List(pl.String)),
        }
    )
    schema = schema or infer_schema(frame)
    size = size or len(label)
    batches = [Batch(frame[start : start + size], schema) for start in range(0, len(label), size)]
    states = {k.column: s for k, s in summarise(batches, Spec("m", schema)).items()}
    return {m.name: m for m in assess_performance(states[OUTCOME], schema)}, states


def test_every_metric_equals_scikit_learn_batch_by_batch():
    label, prediction = drawn(3_000)
    found, _ = measured(lists(label), lists(prediction), size=700)
    metrics = sklearn.metrics
    expected = {
        "subset_accuracy": metrics.accuracy_score(label, prediction),
        "hamming_loss": metrics.hamming_loss(label, prediction),
        "jaccard": metrics.jaccard_score(label, prediction, average="samples", zero_division=1.0),
        "f1_samples": metrics.f1_score(label, prediction, average="samples", zero_division=1.0),
        "f1_micro": metrics.f1_score(label, prediction, average="micro"),
        "f1_macro": metrics.f1_score(label, prediction, average="macro"),
    }
    assert {name: found[name].value for name in expected} == pytest.approx(expected, rel=1e-9)
    own = metrics.f1_score(label, prediction, average=None)
    assert [found["f1_macro"].evidence.details[f"of {name}"] for name in NAMES] == pytest.approx(own, rel=1e-9)
    assert found["label_coverage"].value == 1.0
    assert all(m.error > 0 and m.interval[0] < m.value < m.interval[1] for m in found.values() if m.name in expected)


def folded(n, seed):
    label, prediction = (np.hstack([m, np.zeros((n, 1), bool)]) for m in drawn(n, seed))
    sets = ClassSets(label, prediction, np.ones(n, bool), np.ones(n, bool))
    part = fold(SetSums(), None, [Outcomes(n, None, None, None, NAMES, sets=sets)])
    return State(StateKey(column=OUTCOME), None, {"set_sums": part})


@pytest.mark.parametrize("name", ["subset_accuracy", "hamming_loss", "jaccard", "f1_samples", "f1_micro", "f1_macro"])
def test_standard_errors_are_the_spread_between_draws_and_intervals_cover(name):
    metric = plugins("metric")[name]
    truth = metric.measure(folded(300_000, 999)).value
    runs = [metric.measure(folded(300, seed)) for seed in range(400)]
    spread, stated = np.std([m.value for m in runs], ddof=1), np.mean([m.error for m in runs])
    # 400 draws tell a standard deviation to 3.5 %; that of the macro mean is an upper limit.
    assert 0.88 * spread <= stated <= (2.2 if name == "f1_macro" else 1.12) * spread
    # A share of .94 of 400 draws is known to .012.
    assert np.mean([m.interval[0] <= truth <= m.interval[1] for m in runs]) >= 0.91


def test_empty_sets_that_are_equal_are_right():
    found, _ = measured([[], ["art"]], [[], ["law"]])
    assert found["jaccard"].value == 0.5
    assert found["f1_samples"].value == 0.5
    assert found["subset_accuracy"].value == 0.5
    # Two of four memberships differ.
    assert found["hamming_loss"].value == 0.5


def test_sets_that_have_not_come_are_not_counted_and_unknown_classes_are():
    schema = infer_schema(pl.DataFrame({"label": [["art", "law"]], "prediction": [["law"]]}))
    found, _ = measured([None, ["art"], ["new"], ["art"]], [["art"], None, ["art"], ["art", "else"]], schema)
    assert (found["subset_accuracy"].value, found["subset_accuracy"].n) == (0.0, 1)
    assert found["hamming_loss"].value == 0.5
    assert found["subset_accuracy"].evidence.details["unseen_labels"] == 1
    assert found["label_coverage"].value == 0.75


def test_labels_are_recognised_as_lists_and_as_the_json_that_the_log_makes_of_them():
    label, prediction = (lists(m) for m in drawn(50))
    plain = infer_schema(pl.DataFrame({"y_true": label, "y_pred": prediction}))
    texts = infer_schema(pl.DataFrame({"y_true": map(json.dumps, label), "y_pred": map(json.dumps, prediction)}))
    for schema in (plain, texts):
        assert (schema.task, schema.classes) == (Task.MULTILABEL, NAMES)
        assert schema["y_true"].kind is Kind.CATEGORICAL


def test_json_texts_and_lists_give_the_same_states_whatever_the_order_of_the_classes():
    label, prediction = (lists(m) for m in drawn(200))
    schema = infer_schema(pl.DataFrame({"label": label, "prediction": prediction}))
    turned = pl.DataFrame(
        {"label": [json.dumps(y[::-1]) for y in label], "prediction": [json.dumps(y) for y in prediction]}
    )
    _, states = measured(label, prediction, schema)
    again = {k.column: s for k, s in summarise([Batch(turned, schema)], Spec("m", schema)).items()}
    for column in ("label", "prediction"):
        assert again[column].problem == states[column].problem == ""
        assert again[column].parts["count"] == states[column].parts["count"]
    names = again["label"].parts["levels"]
    assert str(names) == str(states["label"].parts["levels"])
    assert again[OUTCOME].parts["set_sums"].equal == states[OUTCOME].parts["set_sums"].equal


def test_text_that_is_no_list_fails_every_metric_in_words():
    schema = infer_schema(pl.DataFrame({"label": [["art"]], "prediction": [["law"]]}))
    frame = pl.DataFrame({"label": ["art"], "prediction": ["law"]})
    state = {k.column: s for k, s in summarise([Batch(frame, schema)], Spec("m", schema)).items()}[OUTCOME]
    found = assess_performance(state, schema)
    assert {m.status for m in found} == {Status.FAILED}
    assert "text that is no list" in found[0].reason

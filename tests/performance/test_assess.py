from dataclasses import replace
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
import sklearn.metrics

import watchkeeper.performance.assess as assess_module
from watchkeeper.core.batch import Batch
from watchkeeper.core.errors import UsageError
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Column, Kind, Role, Schema, SegmentRule, Task
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import OUTCOME, State, StateKey
from watchkeeper.performance.assess import assess_performance
from watchkeeper.performance.metric import Metric
from watchkeeper.performance.stability import stability
from watchkeeper.stats.summarise import summarise

CLASSIFIER = ["accuracy", "f1", "precision", "recall", "specificity"]
RANKED = ["auroc", "average_precision"]
SCORED = ["brier", "calibration_error", "log_loss"]
NUMERIC = ["mae", "mape", "mse", "r2", "rmse", "smape"]
ANSWERED = ["prediction_mean", "prediction_variance"]


def schema(task=Task.BINARY, *, score="s", label="y", prediction="p", segments=()):
    kind = Kind.NUMERIC if task is Task.REGRESSION else Kind.BOOLEAN
    columns = [
        Column(name, role, k)
        for name, role, k in (
            (label, Role.LABEL, kind),
            (prediction, Role.PREDICTION, kind),
            (score, Role.SCORE, Kind.NUMERIC),
        )
        if name
    ]
    classes = {Task.BINARY: ("0", "1"), Task.MULTICLASS: ("a", "b", "c")}.get(task, ())
    rules = tuple(SegmentRule(name) for name in segments)
    columns += [Column(name, Role.SEGMENT, Kind.CATEGORICAL) for name in segments]
    return Schema(tuple(columns), task, classes, "1" if task is Task.BINARY else None, rules)


def outcome_states(frame, known, batches=1):
    size = -(-max(1, frame.height) // batches)
    cut = [Batch(frame[start : start + size], known) for start in range(0, max(1, frame.height), size)]
    return {k.segment: s for k, s in summarise(cut, Spec("m", known)).items() if k.column == OUTCOME}


def classified(n=6_000, seed=0):
    rng = np.random.default_rng(seed)
    score = rng.beta(2, 3, n)
    label = (rng.random(n) < score).astype(int)
    where = rng.choice(["north", "south"], n, p=[0.1, 0.9])
    return pl.DataFrame({"y": label, "p": (score > 0.5).astype(int), "s": score, "where": where})


def by_name(measurements):
    return {m.name: m for m in measurements}


@pytest.mark.parametrize("name", sorted(plugins("metric")))
def test_every_registered_metric_keeps_the_protocol_and_has_no_number_for_no_rows(name):
    metric = plugins("metric")[name]
    assert isinstance(metric, Metric)
    assert metric.larger_is_better in (True, False, None)
    assert metric.tasks
    for task in metric.tasks:
        known = schema(task)
        frame = pl.DataFrame({"y": [], "p": [], "s": []}, dict.fromkeys(("y", "p", "s"), pl.Float64))
        state = outcome_states(frame, known).get("all", State(StateKey(column=OUTCOME)))
        assert metric.measure(state).value is None
        broken = metric.measure(State(StateKey("m", column=OUTCOME), problem="column 's' is missing"))
        assert (broken.status, broken.reason) == (Status.FAILED, "column 's' is missing")


def test_a_binary_log_gets_every_metric_of_its_task():
    found = by_name(assess_performance(outcome_states(classified(), schema())["all"], schema()))
    expected = {*CLASSIFIER, *RANKED, *SCORED, *ANSWERED, "bias", "label_coverage"}
    assert expected <= set(found)
    assert not set(NUMERIC) & set(found)
    for measurement in found.values():
        assert (measurement.status, measurement.family) == (Status.OK, Family.METRIC)
        assert (measurement.model, measurement.column, measurement.segment) == ("m", OUTCOME, "all")
        assert measurement.error > 0
        assert measurement.interval[0] <= measurement.value <= measurement.interval[1]


@pytest.mark.parametrize(
    ("known", "names"),
    [
        (schema(score=None), {*CLASSIFIER, *ANSWERED, "bias", "label_coverage"}),
        (schema(prediction=None), {*CLASSIFIER, *RANKED, *SCORED, *ANSWERED, "bias", "label_coverage"}),
        (schema(label=None), {*ANSWERED}),
        (schema(Task.MULTICLASS, score=None), {*CLASSIFIER, "label_coverage"}),
        (schema(Task.REGRESSION, score=None), {*NUMERIC, *ANSWERED, "bias", "label_coverage"}),
        (schema(Task.NONE, label=None, prediction=None), {*ANSWERED}),
        (schema(Task.NONE, label=None, prediction=None, score=None), set()),
    ],
)
def test_only_metrics_whose_columns_the_log_has_are_measured(known, names):
    state = State(StateKey("m", column=OUTCOME), None, {})
    built_in = {m.name for m in assess_performance(state, known)} & {
        name for name, metric in plugins("metric").items() if type(metric).__module__.startswith("watchkeeper.")
    }
    assert built_in == names


def test_segments_equal_scikit_learn_on_their_own_rows():
    frame, known = classified(), schema(segments=["where"])
    states = outcome_states(frame, known, batches=7)
    assert set(states) == {"all", "where=north", "where=south"}
    for segment, state in states.items():
        rows = frame if segment == "all" else frame.filter(pl.col("where") == segment.split("=")[1])
        y, p, s = (rows[c].to_numpy() for c in "yps")
        found = by_name(assess_performance(state, known))
        assert found["accuracy"].value == pytest.approx(sklearn.metrics.accuracy_score(y, p), abs=1e-12)
        assert found["log_loss"].value == pytest.approx(sklearn.metrics.log_loss(y, s), abs=1e-10)
        auroc = found["auroc"]
        assert auroc.value == pytest.approx(sklearn.metrics.roc_auc_score(y, s), abs=auroc.evidence.bound or 1e-12)
        assert (auroc.evidence.bound > 0) == (len(rows) > 2_000)
        assert all(m.segment == segment for m in found.values())


def test_labels_that_have_not_come_yet_are_no_data_and_never_a_number():
    frame = classified().with_columns(y=pl.lit(None, pl.Int64))
    found = by_name(assess_performance(outcome_states(frame, schema())["all"], schema()))
    for name in (*CLASSIFIER, *RANKED, *SCORED, "bias"):
        assert (found[name].status, found[name].value) == (Status.NO_DATA, None)
    assert found["label_coverage"].value == 0.0
    assert found["prediction_mean"].value == pytest.approx(frame["s"].to_numpy().mean())


def test_labels_of_unknown_classes_and_scores_of_no_number_leave_the_rest_untouched():
    clean = classified(400)
    dirt = pl.DataFrame(
        {"y": ["7", "x", None, "1"], "p": ["1"] * 4, "s": [0.5, 0.5, 0.5, float("nan")], "where": ["north"] * 4}
    )
    frame = pl.concat([clean.with_columns(pl.col("y", "p").cast(pl.String)), dirt])
    found = by_name(assess_performance(outcome_states(frame, schema())["all"], schema()))
    plain = by_name(assess_performance(outcome_states(clean, schema())["all"], schema()))
    for name in (*RANKED, *SCORED):
        assert found[name].value == pytest.approx(plain[name].value, rel=1e-12)
    assert found["accuracy"].n == 401
    assert found["label_coverage"].evidence.details["unseen_labels"] == 2


def test_a_score_column_of_text_fails_every_metric_with_its_name():
    frame = classified(50).with_columns(s=pl.lit("high"))
    known = schema()
    known = known.with_columns(tuple(replace(c, dtype="Float64") if c.name == "s" else c for c in known))
    found = assess_performance(outcome_states(frame, known)["all"], known)
    assert found
    for measurement in found:
        assert measurement.status is Status.FAILED
        assert "'s'" in measurement.reason


class Raising:
    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "raising"
    tasks: ClassVar[frozenset[Task]] = frozenset(Task)
    larger_is_better: ClassVar[bool | None] = None

    def applies(self, known):
        return True

    def measure(self, state):
        raise ZeroDivisionError("nothing to divide by")


class Half:
    """A metric that lacks its tasks."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "half"


def test_a_metric_that_raises_is_one_failed_row_and_the_others_stand(monkeypatch):
    both = {"accuracy": plugins("metric")["accuracy"], "half": Half(), "raising": Raising()}
    monkeypatch.setattr(assess_module, "plugins", lambda kind: both)
    found = by_name(assess_performance(outcome_states(classified(100), schema())["all"], schema()))
    assert found["accuracy"].status is Status.OK
    assert found["raising"].reason == "Raising raised ZeroDivisionError: nothing to divide by"
    assert found["half"].status is Status.FAILED


def test_the_state_of_a_column_is_refused():
    with pytest.raises(UsageError, match="this is of 'age'"):
        assess_performance(State(StateKey(column="age")), schema())


def test_the_stability_of_real_windows_is_that_of_their_means():
    frames = [classified(2_000, seed).with_columns(s=pl.col("s") * factor) for seed, factor in enumerate((1, 0.8, 0.9))]
    means = [
        by_name(assess_performance(outcome_states(f, schema())["all"], schema()))["prediction_mean"] for f in frames
    ]
    found = stability(means)
    values = np.array([m.value for m in means])
    # With 2,000 rows a window, sampling explains next to nothing of a tenth.
    assert found.value == pytest.approx(values.std(ddof=1), rel=0.1)
    assert (found.family, found.n) == (Family.METRIC, 6_000)


def test_measurements_of_one_window_are_one_per_metric():
    found = assess_performance(outcome_states(classified(300), schema())["all"], schema())
    assert len({m.series for m in found}) == len(found)
    assert all(isinstance(m, Measurement) for m in found)

"""Estimates stand in for labels that have not come, and give way to those that have."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.run.invented import MODEL, day, deliver, rows, watch
from watchkeeper.config.check_options import CheckOptions
from watchkeeper.core.alert import Cause
from watchkeeper.core.batch import Batch
from watchkeeper.core.evidence import Evidence, Labels
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import ALL, Task
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Monitor, Spec
from watchkeeper.core.state import JOINT, OUTCOME, StateKey
from watchkeeper.core.window import WindowRule
from watchkeeper.run.check import check_tables
from watchkeeper.run.project import Project
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.summarise import summarise
from watchkeeper.steps.estimates import blocks_of_reference, kept_for_estimates, uncharted
from watchkeeper.words.alerts import alert_sentence

N = 20_000


def scored(n: int, seed: int, *, centre: float = 0.0, turned: bool = False) -> pl.DataFrame:
    """Return rows of a calibrated model; scores near one half, where it errs, come more often when centre is 0.

    ``turned`` is a change of concept: the features are the same, and a third of the labels is the opposite.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n) + centre * np.sign(rng.normal(size=n))
    score = 1 / (1 + np.exp(-2 * x))
    label = rng.random(n) < score
    if turned:
        label = np.where(rng.random(n) < 1 / 3, ~label, label)
    z = rng.normal(size=n)
    return pl.DataFrame(
        {"x": x, "z": z, "score": score, "prediction": (score >= 0.5).astype(int), "label": label.astype(int)}
    )


def estimated(measurements: tuple[Measurement, ...]) -> dict[str, Measurement]:
    return {m.name: m for m in measurements if m.family is Family.ESTIMATE}


def test_without_labels_a_check_estimates_and_alerts_on_an_estimated_fall() -> None:
    easy, hard = scored(N, 1, centre=2.0), scored(N, 2)
    found = check_tables(hard.drop("label"), easy)
    truth = float((hard["prediction"] == hard["label"]).mean())
    accuracy = estimated(found.measurements)["accuracy"]
    assert accuracy.interval is not None
    assert accuracy.interval[0] < truth < accuracy.interval[1]
    (harm,) = [alert for alert in found.alerts if alert.cause is Cause.PERFORMANCE]
    assert "estimated" in alert_sentence(harm)
    assert any("concept shift is invisible" in note for note in found.notes)


def test_a_change_of_concept_alone_is_not_seen_without_labels_and_nothing_else_is_claimed() -> None:
    before, turned = scored(N, 1), scored(N, 2, turned=True)
    found = check_tables(turned.drop("label"), before)
    assert found.alerts == ()
    accuracy = estimated(found.measurements)["accuracy"]
    assert "concept shift is invisible" in str(accuracy.evidence.estimate.assumes)
    with_labels = check_tables(turned, before)
    assert [alert.cause for alert in with_labels.alerts] == [Cause.PERFORMANCE]


def test_where_all_labels_are_there_nothing_is_estimated() -> None:
    assert estimated(check_tables(scored(2_000, 2), scored(2_000, 1)).measurements) == {}


@pytest.mark.parametrize(
    ("known", "method"), [(0, "multicalibrated"), (900, "multicalibrated"), (1_100, "cbpe"), (2_000, "")]
)
def test_a_check_looks_at_rows_where_most_labels_lack_and_not_only_where_all_do(known: int, method: str) -> None:
    there = pl.int_range(pl.len()) < known
    frame = scored(2_000, 2).with_columns(pl.when(there).then(pl.col("label").cast(pl.Float64)).otherwise(math.nan))
    found = estimated(check_tables(frame, scored(4_000, 1)).measurements)
    assert str(found["average_precision"].evidence.estimate.method if found else "") == method


def test_never_means_never() -> None:
    found = check_tables(scored(2_000, 2).drop("label"), scored(2_000, 1), CheckOptions(estimate="never"))
    assert estimated(found.measurements) == {}


@pytest.mark.parametrize(
    ("task", "choice", "labelled", "now"),
    [
        (Task.BINARY, "auto", True, ()), (Task.BINARY, "auto", False, ("window_answers",)),
        (Task.BINARY, "rows", True, ("window_answers",)), (Task.BINARY, "scores", False, ()),
        (Task.REGRESSION, "auto", True, ("answer_sample",)), (Task.REGRESSION, "scores", False, ()),
        (Task.BINARY, "never", False, ()),
    ],
)  # fmt: skip
def test_rows_are_sampled_only_where_estimates_rest_on_them(
    task: Task, choice: str, labelled: bool, now: tuple[str, ...]
) -> None:
    frame = scored(500, 1)
    if task is Task.REGRESSION:
        frame = frame.with_columns(prediction=pl.col("x") * 2.0, label=pl.col("x") * 2.1 + 0.3).drop("score")
    schema = check_tables(frame, frame).spec.schema
    assert schema.task is task
    assert kept_for_estimates(schema, choice, labelled=labelled) == (now, ("answer_sample",) if now else ())


def hourly(n: int, seed: int, moves: tuple[float, ...] = (0.0,)) -> pl.DataFrame:
    """Return rows over 30 days whose labels follow the score but for what is added to their log odds each day."""
    rng = np.random.default_rng(seed)
    found = scored(n, seed)
    moved = np.resize(np.repeat(moves, n // len(moves)), n)
    odds = np.log(found["score"] / (1 - found["score"])).to_numpy() + moved
    times = pl.datetime_range(
        datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC), eager=True, time_zone="UTC", interval="1m"
    )
    return found.with_columns(
        label=(rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int),
        time=times.gather(np.linspace(0, len(times) - 1, n).astype(int)),
    )


def test_a_check_learns_from_a_dated_reference_how_far_performance_moves_by_itself() -> None:
    moves = tuple(np.random.default_rng(3).normal(0.0, 1.0, 30))
    calm, moving = hourly(N, 1), hourly(N, 1, moves)
    unlabelled = hourly(4_000, 2).drop("label")
    by_name = [estimated(check_tables(unlabelled, before).measurements)["accuracy"] for before in (calm, moving)]
    assert by_name[0].evidence.estimate.between_blocks < 0.01
    assert by_name[1].evidence.estimate.between_blocks > 0.02
    undated = estimated(check_tables(unlabelled.drop("time"), calm.drop("time")).measurements)["accuracy"]
    assert undated.evidence.estimate.blocks_lack == "the rows of the reference carry no times"


def test_many_windows_of_a_reference_are_put_together_to_forty_blocks() -> None:
    frame = hourly(N, 1).with_columns(
        pl.datetime(2026, 1, 1, time_zone="UTC") + 3 * (pl.col("time") - pl.col("time").min())
    )
    schema = infer_schema(frame)
    spec = Spec("m", schema, windows=WindowRule(timedelta(days=1), timedelta(days=1)))
    found = blocks_of_reference(summarise([Batch(frame, schema)], spec), spec)
    # Three of the 90 days are a block, and the first block has none before it.
    assert found[ALL].blocks == 29
    assert blocks_of_reference({}, spec) == {}
    assert blocks_of_reference(summarise([Batch(frame, schema)], spec), replace(spec, estimate="never")) == {}


def test_segments_without_a_chart_are_not_estimated_where_their_labels_are_in() -> None:
    key = StateKey(segment="city=Rome", column=OUTCOME)
    known = [
        Measurement.of(
            replace(key, segment=segment), Family.METRIC, "accuracy", 0.9, 100, evidence=Evidence(labels=Labels(1.0))
        )
        for segment in (ALL, "city=Rome")
    ]
    schema = infer_schema(scored(500, 1))
    chart = Monitor("accuracy", "shewhart")
    assert uncharted(known, Spec("m", schema, monitors=(chart,))) == {"city=Rome"}
    assert uncharted(known, Spec("m", schema, monitors=(replace(chart, segments=(ALL, "city")),))) == frozenset()
    assert uncharted([], Spec("m", schema)) == frozenset()


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a model whose labels come for the first six days only."""
    folder = tmp_path_factory.mktemp("late")
    model = watch(folder, train="''", estimate="auto")
    deliver(folder, "all", rows(0, 9), rows(0, 6))
    model.run(MODEL, day(9).start)
    return model


def leaning(first: int, end: int, count: int = 2_500) -> pl.DataFrame:
    """Return days on which z decides too, which the score does not know; from the sixth on z is larger."""
    frame, rng = rows(first, end, count=count), np.random.default_rng([7, first])
    z = pl.col("z") + 1.5 * (pl.col("time") >= day(6).start)
    known = (pl.col("score") / (1 - pl.col("score"))).log() + 1.5 * z
    chance = 1 / (1 + (-known).exp())
    drawn = pl.Series("u", rng.random(frame.height))
    return frame.with_columns((drawn < chance).cast(pl.Int64).alias("label"), z.alias("z"))


@pytest.mark.parametrize(("choice", "method", "found"), [("auto", "multicalibrated", 3), ("scores", "cbpe", 0)])
def test_a_run_follows_features_that_change_what_a_score_means(
    tmp_path: Path, choice: str, method: str, found: int
) -> None:
    model = watch(tmp_path, train="''", estimate=choice)
    frame = leaning(0, 9)
    deliver(tmp_path, "all", frame, frame.filter(pl.col("time") < day(6).start))
    model.run(MODEL, day(9).start)
    told = {
        m.window: m
        for m in model.store.recorded(MODEL, Measurement)
        if m.family is Family.ESTIMATE and m.name == "accuracy"
    }
    inside = 0
    for number in (6, 7, 8):
        window = frame.filter(pl.col("time").is_between(day(number).start, day(number).end, closed="left"))
        one = told[day(number)]
        assert one.evidence.estimate.method == method
        assert one.interval is not None
        lower, upper = one.interval
        inside += lower <= (window["prediction"] == window["label"]).mean() <= upper
    assert inside == found


def test_windows_keep_fewer_rows_than_the_reference_that_is_learnt_from(late: Project) -> None:
    states = {**late.store.states(MODEL, day(7)), **late.store.states(MODEL, None)}
    kept = {key.window: sorted(state.parts) for key, state in states.items() if key.column == JOINT}
    assert kept == {day(7): ["window_answers"], None: ["answer_sample"]}


def test_a_run_estimates_the_windows_without_labels_and_judges_them(late: Project) -> None:
    signals = [s for s in late.store.recorded(MODEL, Signal) if s.measurement.name == "auroc"]
    realised = {s.measurement.window: s for s in signals if s.measurement.family is Family.METRIC}
    found = {s.measurement.window: s for s in signals if s.measurement.family is Family.ESTIMATE}
    assert realised[day(7)].measurement.status is Status.NO_DATA
    assert found[day(7)].measurement.status is Status.OK
    assert found[day(7)].lower is not None
    assert "blocks of the reference have labels" in str(found[day(7)].measurement.evidence.estimate.blocks_lack)
    assert found[day(5)].measurement.value == pytest.approx(realised[day(5)].measurement.value, abs=0.05)

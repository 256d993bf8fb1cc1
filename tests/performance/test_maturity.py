"""Delays of labels, and whether enough of them have come; expected values by hand, from NumPy and by simulation."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.batch import Batch
from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import OUTCOME
from watchkeeper.core.store import Table
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.performance.assess import assess_performance
from watchkeeper.performance.maturity import maturity, with_maturity
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.stats.summarise import summarise, summarise_rows
from watchkeeper.store.open import MEMORY, open_store

START = datetime(2013, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = 3_600.0


def log(n=4_000, seed=0, seen=None, rate=0.9, start=START):
    """One day of predictions; labels come after a lognormal delay of six hours in the middle, for nine rows in ten.

    With ``seen``, only the labels that have come by that moment.
    """
    rng = np.random.default_rng(seed)
    asked = np.sort(rng.uniform(0, 86_400, n))
    delay = rng.lognormal(np.log(6 * HOUR), 1.0, n)
    comes = rng.random(n) < rate
    if seen is not None:
        comes &= asked + delay <= (seen - start).total_seconds()
    label = rng.integers(0, 2, n)
    times = [start + timedelta(seconds=s) for s in asked.tolist()]
    known = [start + timedelta(seconds=s) if c else None for s, c in zip((asked + delay).tolist(), comes, strict=True)]
    frame = pl.DataFrame({"timestamp": times, "label_time": pl.Series(known, dtype=pl.Datetime("us", "UTC"))})
    frame = frame.with_columns(
        prediction=pl.Series(np.where(rng.random(n) < 0.8, label, 1 - label)),
        label=pl.Series(label).set(pl.Series(~comes), None),
    )
    return frame, delay[comes]


SCHEMA = infer_schema(log()[0])


def outcome(frame, size=700, schema=SCHEMA):
    batches = [Batch(frame[start : start + size], schema) for start in range(0, frame.height, size)]
    states = summarise(batches, Spec("m", schema, WindowRule(DAY, DAY)))
    (state,) = [s for k, s in states.items() if k.column == OUTCOME]
    return state


REFERENCE = outcome(log(20_000, 99)[0])


def test_the_time_of_the_label_is_recognised_and_is_no_feature():
    assert SCHEMA.name_of(Role.LABEL_TIME) == "label_time"
    assert SCHEMA.name_of(Role.TIME) == "timestamp"
    assert not SCHEMA.features


def test_median_and_tail_of_the_delay_are_those_of_the_rows_within_a_bin():
    frame, delay = log()
    state = outcome(frame)
    found = {m.name: m for m in assess_performance(state, SCHEMA)}["label_delay"]
    assert found.n == len(delay)
    # An eighth of a doubling is 9 %.
    assert found.value == pytest.approx(np.median(delay), rel=0.02)
    assert found.evidence.details["p95"] == pytest.approx(np.quantile(delay, 0.95), rel=0.03)
    part = state.parts["label_delay"]
    for seconds in (HOUR, 6 * HOUR, 24 * HOUR):
        assert float(part.share_within(np.array(seconds))) == pytest.approx(np.mean(delay <= seconds), abs=0.01)
    assert part.share_within(np.array([0.0, 1e-9, 1e12])).tolist() == [0.0, 0.0, 1.0]


def test_the_interval_of_the_median_delay_covers():
    held = []
    for seed in range(60):
        state = outcome(log(300, seed)[0])
        m = next(m for m in assess_performance(state, SCHEMA) if m.name == "label_delay")
        held.append(m.interval[0] <= 6 * HOUR <= m.interval[1])
    # Bins make the interval wider, never narrower.
    assert np.mean(held) >= 0.93


def test_labels_known_before_the_prediction_and_without_a_time_are_counted():
    frame, _ = log(100)
    odd = frame.with_columns(
        label=pl.lit(1),
        label_time=pl.when(pl.int_range(100) < 10)
        .then(pl.col("timestamp") - timedelta(hours=1))
        .otherwise(pl.col("label_time")),
    )
    part = outcome(odd).parts["label_delay"]
    assert part.early == 10
    assert part.undated == odd["label_time"].null_count()


def test_a_log_without_the_time_of_the_label_keeps_nothing_and_measures_no_delay():
    frame = log(100)[0].drop("label_time")
    schema = infer_schema(frame)
    state = outcome(frame, schema=schema)
    assert not len(state.parts["label_delay"].bins)
    assert "label_delay" not in {m.name for m in assess_performance(state, schema)}


@pytest.mark.parametrize("days", [1.0, 1.25, 2.0, 4.0, 9.0])
def test_the_share_that_is_due_is_the_share_that_comes(days):
    now = START + days * DAY
    found = maturity(outcome(log(20_000, 5, seen=now)[0]), REFERENCE, now)
    assert found.due * found.usual == pytest.approx(found.coverage, abs=0.015)
    assert found.usual == pytest.approx(0.9, abs=0.01)
    # A day after the end 96 % of labels are due, six hours after it 76 %.
    assert found.mature == (days >= 2.0)


def test_labels_that_should_have_come_are_overdue():
    now = START + 9 * DAY
    punctual, late = (maturity(outcome(log(seed=1, rate=rate)[0]), REFERENCE, now) for rate in (0.9, 0.5))
    assert (punctual.overdue, punctual.mature) == (0.0, True)
    assert late.overdue == pytest.approx(0.4, abs=0.03)
    assert not late.mature


def test_punctual_windows_are_rarely_called_overdue():
    now = START + 2 * DAY
    found = [maturity(outcome(log(400, seed, seen=now)[0]), REFERENCE, now).overdue > 0 for seed in range(60)]
    # One-sided at 2.5 %: 60 windows have 1.5 on average.
    assert sum(found) <= 6


def test_without_delays_the_coverage_of_the_reference_decides():
    plain = [log(seed=s, rate=r)[0].drop("label_time") for s, r in ((0, 0.6), (1, 0.58), (2, 0.3))]
    schema = infer_schema(plain[0])
    reference, near, far = (outcome(frame, schema=schema) for frame in plain)
    assert maturity(near, reference).mature
    assert not maturity(far, reference).mature
    assert not maturity(near).mature
    assert maturity(near, reference, START + 9 * DAY).due is None


def test_what_rests_on_labels_says_how_many_are_in_and_the_rest_says_nothing():
    now = START + DAY
    state = outcome(log(seed=3, seen=now)[0])
    found = with_maturity(
        assess_performance(state, SCHEMA), {("all", OUTCOME): state}, {("all", OUTCOME): REFERENCE}, now
    )
    by_name = {m.name: m for m in found}
    accuracy = by_name["accuracy"]
    assert not accuracy.evidence.labels.mature
    assert accuracy.evidence.labels.coverage == pytest.approx(by_name["label_coverage"].value)
    assert 0 < accuracy.evidence.labels.due < 1
    for name in ("prediction_mean", "label_coverage", "label_delay"):
        assert by_name[name].evidence.labels is None
    later = with_maturity(found[:0], {}, {}, now)
    assert later == []


def test_a_mature_window_is_not_provisional():
    now = START + 30 * DAY
    state = outcome(log(seed=3)[0])
    states = {("all", OUTCOME): state}, {("all", OUTCOME): REFERENCE}
    (accuracy,) = with_maturity([m for m in assess_performance(state, SCHEMA) if m.name == "accuracy"], *states, now)
    assert accuracy.evidence.labels.mature
    assert accuracy.evidence.labels.due > 0.99


def test_a_window_without_rows_has_no_maturity():
    assert maturity(outcome(log(50)[0].with_columns(label=pl.lit(None, pl.Int64))), None).coverage == 0.0
    (empty,) = (s for s in summarise_rows(log(1)[0].head(0), SCHEMA) if s.key.column == OUTCOME)
    assert maturity(empty) is None


@pytest.mark.parametrize("kind", [MEMORY, "folder"])
def test_labels_that_come_in_a_table_of_their_own_bring_their_time(kind, tmp_path):
    frame, delay = log(500)
    frame = frame.with_columns(id=pl.int_range(500))
    schema = infer_schema(frame)
    url = kind if kind == MEMORY else str(tmp_path / "store")
    store = open_store(url, encode=encode_state, decode=decode_state)
    store.append("m", Table.PREDICTIONS, frame.drop("label", "label_time"), schema, source="p")
    labels = frame.filter(pl.col("label").is_not_null()).select("id", "label", "label_time")
    store.append("m", Table.LABELS, labels, schema, source="l")
    states = summarise(store.read("m", schema, Window(START, START + DAY)), Spec("m", schema, WindowRule(DAY, DAY)))
    (state,) = [s for k, s in states.items() if k.column == OUTCOME]
    found = {m.name: m for m in assess_performance(state, schema)}
    assert found["label_delay"].status is Status.OK
    assert found["label_delay"].n == len(delay)
    assert found["label_delay"].value == pytest.approx(np.median(delay), rel=0.05)
    store.close()

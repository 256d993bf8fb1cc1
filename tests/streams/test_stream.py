"""A stream keeps its budget, finds what it should, and forgets nothing it needs."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import reduce

import msgspec
import numpy as np
import polars as pl
import pytest

import watchkeeper
from tests.streams.visits import LABEL, REFERENCE, SMALL, UNTIMED, play, visits
from watchkeeper.charts.e_detector import EDetector
from watchkeeper.compare.shares import Shares
from watchkeeper.core.alert import AlertState, Cause
from watchkeeper.core.errors import StateError, UsageError
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import Role
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merge_states
from watchkeeper.stats.summarise import summarise_rows
from watchkeeper.streams.reference import open_stream
from watchkeeper.streams.stream import Stream
from watchkeeper.words.alerts import alert_sentence


def test_the_evidence_is_that_of_the_chart_over_the_shares_of_states() -> None:
    """The one pass over all columns against ``summarise``, the comparison ``shares`` and the chart ``e_detector``."""
    names = ["x", "device", "member"]
    reference, rows = REFERENCE.select(names), visits(600, 1, mobile=0.52, nulls=0.01).select(names)
    schema = infer_schema(reference)
    whole = {s.key.column: s for s in summarise_rows(reference, schema)}
    stream, memories = Stream(list(whole.values()), schema, run_length=1e6), {}
    for start in range(0, 600, 60):
        batch = rows[start : start + 60]
        assert not stream.update(batch).signals
        states = {s.key.column: s for s in summarise_rows(batch, schema)}
        for name in names:
            point = Shares().compare(whole[name], states[name])
            options = {"run_length": 1e6, "series": 3.0}
            memories[name], signal = EDetector().step(memories.get(name), point, options)
            assert stream.scores[name] == pytest.approx(signal.score, abs=1e-9)
            ours = next(m for m in stream.measurements if m.column == name)
            assert (ours.value, ours.curve) == (point.value, point.curve)


def test_unchanged_rows_keep_the_run_length() -> None:
    """At a tolerance of 0 and one false alert in 2,000 rows, 15,000 rows allow 7.5; 18 are one in a thousand."""
    saved = open_stream(visits(40_000, 1_000), roles=LABEL, tolerance=0.0, budget=2_000).save()
    alarms = 0
    for seed in range(15):
        stream, rows = Stream.restore(saved), visits(1_000, 2_000 + seed)
        alarms += sum(len(stream.update(rows[start : start + 50]).signals) for start in range(0, 1_000, 50))
    assert alarms <= 17


@pytest.mark.parametrize(
    ("changed", "column", "cause", "most"),
    [
        ({"shift": 0.5}, "x", Cause.DRIFT, 300),
        ({"scale": 1.7}, "x", Cause.DRIFT, 500),
        ({"mobile": 0.7}, "device", Cause.DRIFT, 500),
        ({"nulls": 0.9}, "x", Cause.DATA_FAULT, 50),
        ({"wrong": 0.25}, "error", Cause.PERFORMANCE, 600),
    ],
)
def test_a_change_is_found_in_its_column_and_named_for_what_it_is(stream, changed, column, cause, most) -> None:
    assert play(stream, visits(2_000, 5)) == (None, ())
    rows, alerts = play(stream, visits(2_000, 6, **changed))
    assert rows is not None
    assert rows <= most
    assert [(alert.columns, alert.cause, alert.state) for alert in alerts] == [((column,), cause, AlertState.FIRING)]


def test_an_alert_says_what_moved_and_when(stream) -> None:
    _, (alert,) = play(stream, visits(2_000, 6, mobile=0.75, start=7_000))
    assert alert_sentence(alert).startswith("device: the level ")
    assert "50." in alert_sentence(alert)
    assert alert.since is not None
    assert alert.since >= datetime(2026, 1, 5, tzinfo=UTC)
    assert 0.65 < alert.evidence[0].measurement.evidence.change.after < 0.85 or "desktop" in alert_sentence(alert)


def test_errors_may_rise_by_the_margin_and_no_further() -> None:
    """A rise by .04 at a margin of .05 is silent over 10,000 rows, one by .1 is found."""
    saved = open_stream(REFERENCE, roles=LABEL, margin=0.05, features=["x"]).save()
    assert play(Stream.restore(saved), visits(10_000, 40, wrong=0.14), 250) == (None, ())
    assert play(Stream.restore(saved), visits(10_000, 41, wrong=0.2), 250)[1][0].columns == ("error",)


def test_new_levels_are_a_fault_and_more_rare_ones_are_drift(stream) -> None:
    new = visits(200, 42).with_columns(device=pl.lit("watch"))
    _, (alert,) = play(stream, new)
    assert (alert.cause, alert.columns) == (Cause.DATA_FAULT, ("device",))
    assert "levels that the reference does not have" in alert_sentence(alert)
    # 3,000 levels: the reference keeps the commonest thousand.
    rng = np.random.default_rng(43)
    towns = open_stream(pl.DataFrame({"town": [f"t{k}" for k in rng.integers(0, 3_000, 12_000)]}))
    assert play(towns, pl.DataFrame({"town": [f"t{k}" for k in rng.integers(0, 3_000, 2_000)]})) == (None, ())
    _, (alert,) = play(towns, pl.DataFrame({"town": [f"t{k}" for k in range(5_000, 6_000)]}))
    assert alert.cause is Cause.DRIFT
    assert alert_sentence(alert).startswith("town: rare levels")


def test_fewer_errors_are_no_harm(stream) -> None:
    assert play(stream, visits(3_000, 7, wrong=0.01)) == (None, ())


@pytest.mark.parametrize("step", [10, 37, 250, 2_000])
def test_any_cutting_into_batches_comes_to_the_same_conclusion(saved, step) -> None:
    quiet, moved = visits(2_000, 9), visits(2_000, 10, shift=0.6)
    stream = Stream.restore(saved)
    assert play(stream, quiet, step) == (None, ())
    rows, alerts = play(stream, moved, step)
    assert alerts[0].columns == ("x",)
    assert rows <= max(300, step)


def test_the_states_of_the_batches_of_a_stream_merge_to_the_state_of_the_whole() -> None:
    names = ["x", "device"]
    schema, rows = infer_schema(REFERENCE.select(names)), visits(700, 11, nulls=0.1).select(names)
    whole = {s.key.column: s for s in summarise_rows(REFERENCE.select(names), schema)}
    stream = Stream(list(whole.values()), schema, every=1)
    counts = dict.fromkeys(names, 0.0)
    pieces = []
    for start in range(0, 700, 70):
        batch = rows[start : start + 70]
        stream.update(batch)
        pieces.append({s.key.column: s for s in summarise_rows(batch, schema)})
        for m in stream.measurements:
            counts[m.column] = counts[m.column] + m.n * np.array(m.curve)[:, 1]
    for name in names:
        merged = reduce(merge_states, [piece[name] for piece in pieces])
        expected = np.array(Shares().compare(whole[name], merged).curve)[:, 1]
        assert counts[name] / 700 == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("cut", [0, 133, 395])
def test_a_restored_stream_goes_on_exactly(saved, cut) -> None:
    """Saved with single rows waiting, with evidence that has risen, and with an alert that is open."""
    rows = visits(600, 12, shift=0.6).to_dicts()
    straight, broken = Stream.restore(saved), Stream.restore(saved)
    expected = [straight.update(row) for row in rows]
    found = [broken.update(row) for row in rows[:cut]]
    broken = Stream.restore(broken.save())
    found += [broken.update(row) for row in rows[cut:]]
    assert any(step.signals for step in expected)
    assert found == expected
    assert broken.scores == straight.scores
    assert broken.save() == straight.save()


def test_an_alert_latches_until_it_is_resolved_and_evidence_starts_anew(stream) -> None:
    moved = visits(6_000, 24, shift=1.0)
    _, (alert,) = play(stream, moved)
    assert stream.scores["x"] == 0
    signals = 0
    for start in range(0, 3_000, 50):
        step = stream.update(moved[start : start + 50])
        signals += len([s for s in step.signals if s.measurement.column == "x"])
        assert not any(a.columns == ("x",) for a in step.alerts)
    assert signals >= 5
    assert [a.id for a in stream.alerts] == [alert.id]
    assert stream.resolve(alert).state is AlertState.ENDED
    assert stream.alerts == ()
    _, (again,) = play(stream, moved)
    assert again.id != alert.id
    with pytest.raises(UsageError, match="no alert 'nothing' is open"):
        stream.resolve("nothing")


def test_values_of_a_stream_can_be_given_to_any_chart(stream) -> None:
    chart, memory, found = plugin("chart", "fixed"), None, []
    for start in range(0, 1_000, 100):
        rows = visits(1_000, 25, shift=2.0)[start : start + 100]
        stream.update(rows)
        point = next(m for m in stream.measurements if m.column == "x")
        memory, signal = chart.step(memory, point, {"upper": 0.3})
        found.append(signal.fired)
    assert all(found)


def test_half_of_the_budget_is_for_the_features_and_half_for_the_answers() -> None:
    """By hand: four features share 2·A, as do score, prediction, label and errors; a score is ln M / ln(4·2A)."""
    stream = open_stream(UNTIMED, roles=LABEL, budget=1_000)
    alone = open_stream(UNTIMED.select("x", "z", "device", "member"), budget=2_000)
    rows = visits(30, 26)
    stream.update(rows)
    alone.update(rows.select("x", "z", "device", "member"))
    assert stream.scores["x"] == pytest.approx(alone.scores["x"])
    both = open_stream(UNTIMED, roles=LABEL, budget=500)
    both.update(rows)
    assert both.scores["x"] / stream.scores["x"] == pytest.approx(math.log(8_000) / math.log(4_000))


def test_a_budget_in_words_counts_rows_as_they_come_in_the_reference() -> None:
    """One row a minute: one false alert a week is 10,080 rows."""
    words, rows = (open_stream(SMALL, roles=LABEL, budget=b) for b in ("one false alert per week", 10_080))
    for stream in (words, rows):
        stream.update(visits(30, 27))
    # The outermost half percent of the times is left aside, so the pace is told to about one percent.
    assert words.scores["x"] == pytest.approx(rows.scores["x"], rel=0.002)
    with pytest.raises(UsageError, match="give rows_per_day"):
        open_stream(UNTIMED, budget="one false alert per week")
    given = open_stream(UNTIMED, roles=LABEL, budget="one false alert per week", rows_per_day=1_440)
    plain = open_stream(UNTIMED, roles=LABEL, budget=10_080)
    for stream in (given, plain):
        stream.update(visits(30, 27))
    assert given.scores == pytest.approx(plain.scores)


def test_a_design_effect_of_the_reference_slows_the_evidence() -> None:
    """Rows that come in runs of fifty equal ones: the same change takes many times the rows."""
    rng = np.random.default_rng(28)
    values = np.repeat(rng.normal(size=400), 50)
    times = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=i) for i in range(len(values))]
    clustered = pl.DataFrame({"at": times, "x": values})
    stream = open_stream(clustered)
    assert any("count for fewer" in note for note in stream.notes)
    plain = open_stream(clustered.drop("at"))
    assert any("count as independent" in note for note in plain.notes)
    rows = pl.DataFrame({"x": rng.normal(0.8, 1, 2_000)})
    slow, fast = (play(one, rows if one is plain else rows.with_columns(at=None), 10)[0] for one in (stream, plain))
    assert fast is not None
    assert slow is None or slow > 5 * fast


def test_errors_of_a_regressor_are_watched_when_they_grow() -> None:
    rng = np.random.default_rng(29)

    def prices(n: int, noise: float) -> pl.DataFrame:
        told = rng.normal(100, 20, n)
        return pl.DataFrame({"size": rng.normal(size=n), "prediction": told, "price": told + rng.normal(0, noise, n)})

    roles = {Role.LABEL: "price"}
    saved = open_stream(prices(10_000, 5.0), roles=roles).save()
    assert play(Stream.restore(saved), prices(2_000, 5.0)) == (None, ())
    assert play(Stream.restore(saved), prices(2_000, 2.0)) == (None, ())
    _, alerts = play(Stream.restore(saved), prices(2_000, 10.0))
    assert (alerts[0].cause, alerts[0].columns) == (Cause.PERFORMANCE, ("error",))


def test_free_text_is_watched_for_missing_values_only() -> None:
    rng = np.random.default_rng(30)
    words = np.array(["the", "parcel", "came", "late", "and", "box", "was", "wet", "nobody", "answered", "letters"])
    texts = [" ".join(rng.choice(words, 12)) + f" {i}" for i in range(4_000)]
    stream = open_stream(pl.DataFrame({"text": texts, "x": rng.normal(size=4_000)}))
    nulls = pl.DataFrame({"text": [None, *texts[:2]] * 30, "x": rng.normal(size=90)})
    assert stream.update(nulls).alerts[0].cause is Cause.DATA_FAULT


def test_a_stream_can_be_made_from_the_states_of_a_report() -> None:
    """Classes need no more than the states that every check and every run keeps."""
    report = watchkeeper.check(visits(2_000, 35), UNTIMED.drop("score"), label="bought")
    stream = Stream(report.reference, report.schema)
    assert set(stream.scores) == {"x", "z", "device", "member", "prediction", "bought", "error"}
    assert play(stream, visits(1_500, 36)) == (None, ())
    assert play(stream, visits(1_500, 37, wrong=0.4))[1][0].cause is Cause.PERFORMANCE


def test_states_of_several_windows_are_one_reference() -> None:
    names = ["x", "device"]
    schema = infer_schema(SMALL.select(names))
    whole, first, second = (
        summarise_rows(rows.select(names), schema) for rows in (SMALL, SMALL[:2_000], SMALL[2_000:])
    )
    one, two = Stream(whole, schema), Stream([*first, *second], schema)
    for stream in (one, two):
        stream.update(visits(100, 38))
    assert one.scores == two.scores


def test_what_is_left_out_is_told() -> None:
    rows = UNTIMED.with_columns(nested=pl.struct("x", "z"), empty=pl.lit(None, pl.Float64))
    notes = " ".join(open_stream(rows, roles={Role.LABEL: "bought"}).notes)
    assert "nested is not watched: it holds Struct" in notes
    assert "Rows count as independent" in notes


def test_scores_without_a_prediction_have_errors_too() -> None:
    """|y - score| of a score that means what it says, and of one that does not."""
    rng = np.random.default_rng(39)

    def scored(n: int, *, inverted: bool) -> pl.DataFrame:
        score = rng.beta(2, 2, n)
        truth = rng.random(n) < (1 - score if inverted else score)
        return pl.DataFrame({"x": rng.normal(size=n), "score": score, "label": truth})

    saved = open_stream(scored(10_000, inverted=False)).save()
    assert play(Stream.restore(saved), scored(2_000, inverted=False)) == (None, ())
    assert play(Stream.restore(saved), scored(2_000, inverted=True))[1][0].cause is Cause.PERFORMANCE


def test_a_reference_without_a_column_to_watch_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="no column can be watched"):
        open_stream(pl.DataFrame({"id": range(50)}))
    with pytest.raises(UsageError, match="tolerance and margin must lie in"):
        open_stream(REFERENCE, tolerance=1.5)


def test_damaged_bytes_and_newer_ones_are_refused(saved) -> None:
    for wrong in (b"", b"nonsense", saved[: len(saved) // 2]):
        with pytest.raises(StateError, match="damaged"):
            Stream.restore(wrong)
    body = msgspec.msgpack.decode(saved)
    with pytest.raises(StateError, match="format 99, this version reads up to 3"):
        Stream.restore(msgspec.msgpack.encode({**body, "format": 99}))
    with pytest.raises(StateError, match="does not fit"):
        Stream.restore(msgspec.msgpack.encode({**body, "evidence": body["evidence"][:-8]}))


def test_a_stream_saved_before_ranks_were_bet_on_goes_on_with_the_evidence_it_has(stream) -> None:
    stream.update(visits(300, 30, shift=0.1))
    body = msgspec.msgpack.decode(stream.save())
    older = Stream.restore(msgspec.msgpack.encode({**{k: v for k, v in body.items() if k != "ranked"}, "format": 1}))
    assert older.scores == stream.scores
    steps = [one.update(visits(300, 31, shift=0.1)) for one in (older, stream)]
    assert steps[0].rows == 300
    # Categories have no ranks, so nothing is lost there.
    assert older.scores["device"] == pytest.approx(stream.scores["device"])
    assert 0 < older.scores["x"] <= stream.scores["x"]


def test_what_is_saved_does_not_grow_with_the_rows(stream) -> None:
    sizes = []
    for seed in range(31, 34):
        stream.update(visits(5_000, seed))
        sizes.append(len(stream.save()))
    assert max(sizes) - min(sizes) < 20


def test_the_public_names_open_and_restore() -> None:
    stream = watchkeeper.stream(SMALL, label="bought")
    assert watchkeeper.Stream.restore(stream.save()).scores == stream.scores

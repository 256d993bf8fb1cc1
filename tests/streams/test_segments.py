"""Segments of a stream: named as everywhere, judged each by itself, within one budget."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import watchkeeper
from tests.streams.visits import LABEL, play
from watchkeeper.core.alert import Cause
from watchkeeper.core.schema import SegmentRule
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.summarise import summarise_rows
from watchkeeper.streams.arrivals import arrived, by_segment
from watchkeeper.streams.reference import open_stream
from watchkeeper.streams.series import needed
from watchkeeper.streams.stream import Stream
from watchkeeper.words.alerts import alert_sentence


def orders(n: int, seed: int, price: dict[str, float] | None = None, wrong: dict[str, float] | None = None):
    """Return orders of three countries; ``price`` and ``wrong`` change those of some."""
    rng = np.random.default_rng(seed)
    country = rng.choice(["DE", "FR", "IT"], n, p=[0.5, 0.3, 0.2])
    moved = np.array([(price or {}).get(c, 0.0) for c in country])
    error = np.array([(wrong or {}).get(c, 0.1) for c in country])
    score = rng.random(n)
    return pl.DataFrame(
        {
            "price": rng.normal(size=n) + moved,
            "country": country,
            "score": score,
            "prediction": score > 0.5,
            "bought": (score > 0.5) ^ (rng.random(n) < error),
        }
    )


@pytest.fixture(scope="module")
def saved() -> bytes:
    return open_stream(orders(20_000, 0), roles=LABEL, segments=["country"]).save()


@pytest.fixture
def stream(saved: bytes) -> Stream:
    return Stream.restore(saved)


def test_rows_fall_into_the_segments_of_their_states() -> None:
    """Among them nulls, and levels that are no segment of their own; ``summarise`` says which rows are which."""
    rng = np.random.default_rng(1)
    plan = [*rng.choice(["basic", "plus", "old", "odd"], 400).tolist(), *[None] * 9]
    frame = pl.DataFrame({"x": rng.normal(size=409), "plan": plan})
    schema = replace(infer_schema(frame), segments=(SegmentRule("plan", ("basic", "plus")),))
    expected = {s.key.segment: s.parts["count"].rows for s in summarise_rows(frame, schema) if s.key.column == "x"}
    found = {name: part.height for name, part in by_segment(arrived(frame, schema), schema).items()}
    assert set(found) == {"all", "plan=basic", "plan=plus", "plan=other", "plan=null"}
    assert found == expected


def test_a_change_in_one_segment_is_found_there(stream) -> None:
    assert play(stream, orders(3_000, 2)) == (None, ())
    rows, (alert,) = play(stream, orders(6_000, 3, price={"IT": 0.8}))
    assert rows is not None
    assert rows <= 1_000
    assert (alert.cause, alert.columns, alert.segments) == (Cause.DRIFT, ("price",), ("country=IT",))
    assert alert_sentence(alert).startswith("price: values up to ")
    assert alert_sentence(alert).endswith(" in country=IT")
    assert stream.scores["price"] < 3
    assert stream.scores["price in country=DE"] < 1


def test_errors_that_rise_in_one_segment_are_found_there(stream) -> None:
    _, (alert,) = play(stream, orders(6_000, 4, wrong={"FR": 0.3}))
    assert (alert.cause, alert.columns, alert.segments) == (Cause.PERFORMANCE, ("error",), ("country=FR",))


def test_an_alert_that_spreads_to_another_segment_is_told_again(stream) -> None:
    frame = orders(4_000, 5, price={"IT": 1.0, "FR": 0.6})
    told = [alert for start in range(0, 4_000, 50) for alert in stream.update(frame[start : start + 50]).alerts]
    assert set(told[-1].segments) >= {"country=FR", "country=IT"}
    assert len({alert.id for alert in told}) == 1


def test_a_stream_with_segments_goes_on_where_it_was_saved(stream) -> None:
    frame = orders(900, 6, price={"FR": 0.2})
    stream.update(frame[:450])
    again = Stream.restore(stream.save())
    for one in (stream, again):
        one.update(frame[450:])
    assert again.scores == stream.scores
    assert len(again.scores) == len({"price", "country", "score", "prediction", "bought", "error"}) + 3 * 5


def test_segments_share_half_of_the_budget(stream) -> None:
    """By hand: answers are score, prediction, label and error, in all rows and in three segments; features are price
    and country, and price in three segments. Each of these four kinds has a quarter of the budget."""
    wanted = dict(zip(stream.scores, needed(stream._series, 1e5), strict=True))
    assert wanted["price"] == pytest.approx(math.log(2 * 4e5))
    assert wanted["price in country=IT"] == pytest.approx(math.log(3 * 4e5))
    assert wanted["error"] == pytest.approx(math.log(4 * 4e5))
    assert wanted["error in country=IT"] == pytest.approx(math.log(12 * 4e5))


def test_unchanged_segments_keep_the_run_length() -> None:
    """At a tolerance of 0 and one false alert in 2,000 rows, 8,000 rows allow 4; 11 are three in a thousand."""
    kept = open_stream(
        orders(30_000, 7), roles=LABEL, segments=["country"], tolerance=0.0, margin=0.0, budget=2_000
    ).save()
    alarms = 0
    for seed in range(4):
        one, rows = Stream.restore(kept), orders(2_000, 100 + seed)
        alarms += sum(len(one.update(rows[start : start + 100]).signals) for start in range(0, 2_000, 100))
    assert alarms <= 10


def test_rows_without_the_column_of_segments_are_judged_as_a_whole_and_say_so() -> None:
    frame = orders(4_000, 8)
    schema = infer_schema(frame.drop("country"), roles=LABEL)
    assert "country" not in schema
    one = watchkeeper.stream(frame, label="bought", features=["price"], segments=["country"])
    step = one.update(orders(200, 9).drop("country"))
    assert [m.reason for m in step.failed] == ["column 'country' is missing, so that its segments cannot be told apart"]
    assert step.alerts[0].cause is Cause.DATA_FAULT
    assert {m.segment for m in one.measurements} == {"all"}


def test_a_segment_with_few_rows_in_the_reference_is_left_out_and_told() -> None:
    frame = pl.concat([orders(4_000, 10), orders(60, 11).with_columns(country=pl.lit("MT"))])
    one = open_stream(frame, roles=LABEL, segments=["country"])
    assert not any("MT" in place for place in one.scores)
    assert "country=MT is not watched by itself: the reference has 60 rows of it." in one.notes


def test_rows_of_a_segment_never_seen_count_for_all_rows_only(stream) -> None:
    before = stream.scores
    step = stream.update(orders(300, 12).with_columns(country=pl.lit("MT")))
    after = stream.scores
    assert [(s.measurement.column, s.measurement.segment) for s in step.signals] == [("country", "all")]
    assert {p: v for p, v in after.items() if " in " in p} == {p: v for p, v in before.items() if " in " in p}

"""Rows of a stream in any form, one by one, without labels, broken or none at all: nothing stops it."""

from __future__ import annotations

import math

import polars as pl
import pytest

from tests.streams.visits import REFERENCE, play, visits
from watchkeeper.compare.shares import Shares
from watchkeeper.core.alert import Cause
from watchkeeper.core.measurement import Status
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.summarise import summarise_rows
from watchkeeper.streams.arrivals import arrived
from watchkeeper.streams.stream import Stream
from watchkeeper.words.alerts import alert_sentence


def test_rows_without_labels_are_watched_all_the_same(stream) -> None:
    late = visits(1_000, 8).with_columns(bought=pl.lit(None, pl.Int64))
    assert play(stream, late) == (None, ())
    assert play(stream, late.drop("bought")) == (None, ())
    assert {m.column for m in stream.measurements} == {"x", "z", "device", "member", "score", "prediction"}


def test_single_rows_are_gathered_and_judged_as_the_same_batch(saved) -> None:
    rows = visits(40, 13)
    one, whole = Stream.restore(saved), Stream.restore(saved)
    steps = [one.update(row) for row in rows.to_dicts()]
    assert [step.rows for step in steps] == ([0] * 9 + [10]) * 4
    for start in range(0, 40, 10):
        whole.update(rows[start : start + 10])
    assert one.scores == whole.scores
    one.update(rows.to_dicts()[0])
    assert one.flush().rows == 1
    assert one.flush().rows == 0


def test_rows_may_come_in_any_form(saved) -> None:
    rows = visits(30, 14)
    forms = [rows, rows.to_arrow(), rows.to_pandas(), rows.to_dicts(), rows.to_dict(as_series=False), rows.lazy()]
    scores = []
    for form in forms:
        stream = Stream.restore(saved)
        assert stream.update(form).rows == 30
        scores.append(stream.scores)
    assert all(found == scores[0] for found in scores)


def test_a_missing_column_is_one_failed_row_and_an_alert_and_the_others_go_on(stream) -> None:
    step = stream.update(visits(60, 15).drop("x"))
    assert [(m.column, m.status, m.reason) for m in step.failed] == [
        ("x", Status.FAILED, "column 'x' is missing"),
    ]
    assert [(a.cause, a.columns, alert_sentence(a)) for a in step.alerts] == [
        (Cause.DATA_FAULT, ("x",), "column 'x' is missing"),
    ]
    assert "x" not in {m.column for m in stream.measurements}
    assert stream.scores["x"] == 0
    assert stream.scores["z"] > 0
    again = stream.update(visits(60, 16).drop("x"))
    assert len(again.failed) == 1
    assert not again.alerts
    assert not stream.update(visits(60, 17)).failed


@pytest.mark.parametrize("values", [["a"] * 20, [[1.0]] * 20, [object()] * 20, [1.0] * 19 + ["broken"]])
def test_a_column_of_another_type_is_one_failed_row(stream, values) -> None:
    rows = [{**row, "x": value} for row, value in zip(visits(20, 18).to_dicts(), values, strict=True)]
    step = stream.update(rows)
    assert [m.column for m in step.failed] == ["x"]
    assert step.rows == 20
    assert step.alerts[0].cause is Cause.DATA_FAULT


def test_a_broken_label_is_a_fault_of_the_label(stream) -> None:
    rows = visits(20, 19).with_columns(bought=pl.lit("no idea"))
    assert stream.update(rows).alerts[0].cause is Cause.LABEL_FAULT


@pytest.mark.parametrize("rows", [5, "table.parquet.missing", [1, 2], {"x": [1, 2], "z": [1]}, {"unknown": 1}, None])
def test_what_is_no_rows_at_all_is_a_failed_row_and_never_an_exception(stream, rows) -> None:
    before = stream.rows
    first, second = stream.update(rows), stream.flush()
    failed = [*first.failed, *second.failed]
    assert [(m.name, m.status) for m in failed] == [("rows", Status.FAILED)]
    assert stream.alerts[0].cause is Cause.NO_DATA
    assert stream.rows == before
    assert not stream.update(visits(50, 20)).failed


@pytest.mark.parametrize("nothing", [REFERENCE.clear(), [], {}])
def test_no_rows_change_nothing(saved, nothing) -> None:
    stream = Stream.restore(saved)
    before = stream.scores
    step = stream.update(nothing)
    assert (step.rows, step.signals) == (0, ())
    assert stream.scores == before


def test_columns_that_the_reference_does_not_have_are_left_alone(saved) -> None:
    rows = visits(100, 21)
    plain, more = Stream.restore(saved), Stream.restore(saved)
    plain.update(rows)
    assert not more.update(rows.with_columns(extra=pl.lit(1), other=pl.lit("x"))).failed
    assert plain.scores == more.scores


def test_a_broken_column_in_some_rows_is_still_judged_in_the_others(saved) -> None:
    stream = Stream.restore(saved)
    assert stream.update(visits(5, 22).drop("x")).rows == 0
    step = stream.update(visits(50, 23))
    assert step.rows == 55
    assert [(m.column, m.n) for m in step.failed] == [("x", 5)]
    assert next(m.n for m in stream.measurements if m.column == "x") == 50


def test_shares_of_rows_are_those_of_their_state_at_edges() -> None:
    """Values beyond the reference, infinities, NaN and nulls."""
    reference = pl.DataFrame({"x": [0.0, 1.0, 2.0, 3.0, 5.5] * 40})
    schema = infer_schema(reference)
    whole = next(s for s in summarise_rows(reference, schema) if s.key.column == "x")
    rows = pl.DataFrame({"x": [-9.0, 0.0, 2.0, 2.5, 99.0, math.inf, -math.inf, math.nan, None, 3.0]})
    stream = Stream([whole], schema)
    stream.update(rows)
    state = next(s for s in summarise_rows(rows, schema) if s.key.column == "x")
    assert stream.measurements[0].curve == Shares().compare(whole, state).curve
    assert arrived(rows, schema).rows == 10

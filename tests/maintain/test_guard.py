"""The data guard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tests.alerts.said import said
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.window import Window
from watchkeeper.maintain.guard import guard, leave_out
from watchkeeper.words.actions import ground_sentence

START = datetime(2024, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
WORDS = said("90 % nulls instead of 1 %", "origin")


def alert(cause: Cause, state: AlertState, since: datetime = START, last: datetime = START + WEEK) -> Alert:
    return Alert(f"{cause}-{since:%j}", "m", cause, Severity.PAGE, state, since, last, ("origin",), (), WORDS)


def measured(column: str, week: int, status: Status, family: Family = Family.COMPARISON) -> Measurement:
    window = Window(START + week * WEEK, START + (week + 1) * WEEK)
    return Measurement(
        family, "psi", None, 0, status=status, reason=f"column {column!r} is missing", window=window, column=column
    )


@pytest.mark.parametrize("cause", [Cause.DATA_FAULT, Cause.LABEL_FAULT, Cause.NO_DATA])
@pytest.mark.parametrize("state", [AlertState.PENDING, AlertState.FIRING, AlertState.MUTED])
def test_an_open_fault_blocks_and_is_named_with_column_and_time(
    cause: Cause, state: AlertState, binary: Schema
) -> None:
    verdict = guard([alert(cause, state)], [], Spec("m", binary))
    assert verdict.blocked
    (fault,) = verdict.faults
    assert (fault.code, fault.cause, fault.columns, fault.at) == ("fault", cause.value, ("origin",), START)
    assert fault.observations[0].reason == "90 % nulls instead of 1 %"


@pytest.mark.parametrize("cause", [Cause.DRIFT, Cause.PERFORMANCE, Cause.TRAFFIC_MIX, Cause.RUNTIME])
def test_a_change_that_is_no_fault_does_not_block(cause: Cause, binary: Schema) -> None:
    assert not guard([alert(cause, AlertState.FIRING)], [], Spec("m", binary)).blocked


def sized(column: str, measure: str = "unit_change") -> Alert:
    """A data fault whose one piece of evidence is about a column."""
    found = Measurement(Family.COMPARISON, measure, 1.5, 500, column=column)
    evidence = (Signal(found, "fixed", rule="above_upper", fired=True),)
    return replace(alert(Cause.DATA_FAULT, AlertState.FIRING), columns=(column,), evidence=evidence)


@pytest.mark.parametrize("column", ["prediction", "score", "label"])
@pytest.mark.parametrize("measure", ["unit_change", "out_of_range"])
def test_predictions_scores_and_labels_that_grow_do_not_block(column: str, measure: str, binary: Schema) -> None:
    grown = sized(column, measure)
    assert not guard([grown], [], Spec("m", binary)).blocked
    ended = replace(grown, state=AlertState.ENDED)
    assert guard([ended], [], Spec("m", binary)).excluded == ()


@pytest.mark.parametrize(("column", "measure"), [("x", "unit_change"), ("label", "null_rate"), ("gone", "null_rate")])
def test_a_feature_of_another_unit_or_a_label_that_is_missing_blocks(column: str, measure: str, binary: Schema) -> None:
    assert guard([sized(column, measure)], [], Spec("m", binary)).blocked


def test_a_fault_of_a_feature_and_of_the_prediction_blocks(binary: Schema) -> None:
    both = replace(sized("prediction"), columns=("prediction", "x"))
    assert guard([both], [], Spec("m", binary)).blocked


def test_a_fault_that_is_over_leaves_its_windows_out(binary: Schema) -> None:
    first = alert(Cause.DATA_FAULT, AlertState.ENDED)
    second = alert(Cause.DATA_FAULT, AlertState.ENDED, START + WEEK, START + 2 * WEEK)
    later = alert(Cause.NO_DATA, AlertState.ENDED, START + 5 * WEEK, START + 6 * WEEK)
    verdict = guard([later, second, first], [], Spec("m", binary))
    assert not verdict.blocked
    assert verdict.excluded == (Window(START, START + 2 * WEEK), Window(START + 5 * WEEK, START + 6 * WEEK))


def test_a_feature_missing_in_the_newest_window_blocks_before_there_is_an_alert(binary: Schema) -> None:
    found = [measured("x", 0, Status.OK), measured("x", 1, Status.FAILED)]
    verdict = guard([], found, Spec("m", binary))
    assert verdict.blocked
    assert [ground_sentence(fault) for fault in verdict.faults] == [
        "data fault in x (2024-01-08/2024-01-15): column 'x' is missing"
    ]


def test_a_feature_missing_in_an_older_window_leaves_that_window_out(binary: Schema) -> None:
    found = [measured("x", 0, Status.FAILED), measured("x", 1, Status.OK)]
    verdict = guard([], found, Spec("m", binary))
    assert not verdict.blocked
    assert verdict.excluded == (Window(START, START + WEEK),)


def test_no_data_and_a_failed_metric_are_no_data_fault(binary: Schema) -> None:
    found = [
        measured("x", 1, Status.NO_DATA),
        measured("label", 1, Status.FAILED, Family.METRIC),
        measured("id", 1, Status.FAILED),
    ]
    assert not guard([], found, Spec("m", binary)).blocked


def test_rows_of_left_out_windows_are_gone_and_only_those(binary: Schema, log: Callable[..., pl.DataFrame]) -> None:
    rows = log(210, days=21)
    window = Window(START + WEEK, START + 2 * WEEK)
    inside = rows.filter((pl.col("time") >= window.start) & (pl.col("time") < window.end))["id"]
    for frame in (rows, rows.with_columns(pl.col("time").dt.replace_time_zone(None))):
        left = leave_out(frame, binary, [window])
        assert left.height == 140
        assert not set(left["id"]) & set(inside)

"""Whether the data may be learned from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.ground import Ground
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.window import Window
from watchkeeper.maintain.grounds import of_alert

__all__ = ["FAULTS", "GuardVerdict", "guard", "leave_out", "spoils_training"]

FAULTS = (Cause.DATA_FAULT, Cause.LABEL_FAULT, Cause.NO_DATA)
"""The causes that forbid learning."""

_ANSWERS = (Role.PREDICTION, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE)
_SIZES = frozenset({"unit_change", "out_of_range"})
"""Comparisons that see how large values are: of a label, more of what is measured is no fault."""


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """What the guard says.

    Parameters
    ----------
    blocked
        Whether training must wait.
    faults
        What is wrong, with column and time, while it is open.
    excluded
        Windows of faults that have ended: their rows are to be left out of training.
    """

    blocked: bool
    faults: tuple[Ground, ...] = ()
    excluded: tuple[Window, ...] = ()


def guard(alerts: Sequence[Alert], measurements: Sequence[Measurement], spec: Spec) -> GuardVerdict:
    """Block training while a data fault, a label fault or blindness is open, and say which.

    An alert is open until it has ended; a muted one is open too, because silence repairs nothing. A column that
    could not be measured in the newest window (missing, of another type) blocks even before there is an alert. Windows
    of faults that are over are named, so that their rows can be left out.

    Parameters
    ----------
    alerts
        The newest state of each alert of the model, ended ones included.
    measurements
        Of the windows that training would use.
    spec
        Which columns matter: the features and the label.
    """
    faults: list[Ground] = []
    excluded: set[Window] = set()
    for alert in alerts:
        if not spoils_training(alert, spec.schema):
            continue
        if alert.state is not AlertState.ENDED:
            faults.append(of_alert("fault", alert))
        elif alert.since is not None and alert.last is not None and alert.since < alert.last:
            excluded.add(Window(alert.since, alert.last))
    named = {column for alert in alerts if alert.state is not AlertState.ENDED for column in alert.columns}
    # A column that one comparison fails on and another measures is not at fault: the comparison is.
    read = {(m.window, m.column) for m in measurements if m.family is Family.COMPARISON and m.status is Status.OK}
    broken = [m for m in measurements if _unreadable(m, spec.schema) and (m.window, m.column) not in read]
    newest = max((m.window for m in measurements if m.window is not None), default=None)
    for measurement in broken:
        if measurement.window != newest:
            if measurement.window is not None:
                excluded.add(measurement.window)
        elif measurement.column not in named:
            named.add(measurement.column)
            when = str(newest) if newest else ""
            faults.append(Ground("unreadable", when, columns=(measurement.column,), text=measurement.reason))
    return GuardVerdict(bool(faults), tuple(faults), _joined(excluded))


def spoils_training(alert: Alert, schema: Schema) -> bool:
    """Return whether what an alert tells of would teach a model something wrong.

    A fault in what the model answers does not: no training sees answers. Nor does a label that is larger or smaller
    than it was: that is what a model has to learn when demand grows.
    """
    if alert.cause is not Cause.DATA_FAULT:
        return alert.cause in FAULTS
    columns = {*alert.columns, *(signal.measurement.column for signal in alert.evidence if signal.fired)}
    return not columns or any(_may_spoil(alert, column, schema) for column in columns)


def _may_spoil(alert: Alert, column: str, schema: Schema) -> bool:
    role = schema[column].role if column in schema else None
    if role is Role.LABEL:
        measures = {s.measurement.name for s in alert.evidence if s.fired and s.measurement.column == column}
        return not measures or not measures <= _SIZES
    return role not in _ANSWERS


def leave_out(rows: pl.DataFrame, schema: Schema, windows: Iterable[Window]) -> pl.DataFrame:
    """Return the rows that lie in none of the windows.

    Raises
    ------
    SchemaError
        When there are windows but no time column to find them by.
    """
    left = rows
    for window in windows:
        name = schema.name_of(Role.TIME)
        if name is None or name not in rows.columns:
            raise SchemaError("rows of faulty windows cannot be left out without a time column")
        zoned = getattr(rows.schema[name], "time_zone", None) is not None
        start, end = (t if zoned else t.replace(tzinfo=None) for t in (window.start, window.end))
        left = left.filter((series_named(left, name) < start) | (series_named(left, name) >= end))
    return left


def _unreadable(measurement: Measurement, schema: Schema) -> bool:
    if measurement.status is not Status.FAILED or measurement.family not in (Family.COMPARISON, Family.QUALITY):
        return False
    name = measurement.column
    return name in schema and schema[name].role in (Role.FEATURE, Role.LABEL)


def _joined(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Return the windows in order, touching and overlapping ones as one."""
    joined: list[Window] = []
    for window in sorted(windows):
        if joined and window.start <= joined[-1].end:
            joined[-1] = Window(joined[-1].start, max(joined[-1].end, window.end))
        else:
            joined.append(window)
    return tuple(joined)

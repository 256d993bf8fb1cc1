"""The numbers of a report as a table for further work."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import polars as pl

from watchkeeper.core.errors import UsageError
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.signal import Signal
from watchkeeper.core.state import OUTCOME
from watchkeeper.views.findings import Findings
from watchkeeper.views.series import mark_of

__all__ = ["measurement_frame", "pandas_frame"]

_TYPES = {
    "family": pl.String(), "name": pl.String(), "column": pl.String(), "segment": pl.String(),
    "version": pl.String(), "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC"),
    "value": pl.Float64(), "error": pl.Float64(), "interval_lower": pl.Float64(), "interval_upper": pl.Float64(),
    "before": pl.Float64(), "after": pl.Float64(), "quantity": pl.String(), "n": pl.Int64(), "p_value": pl.Float64(),
    "chart": pl.String(), "lower": pl.Float64(), "upper": pl.Float64(), "fired": pl.Boolean(), "state": pl.String(),
    "status": pl.String(), "reason": pl.String(),
}  # fmt: skip


def measurement_frame(findings: Findings) -> pl.DataFrame:
    """Return every measurement of the findings as a row: judged ones first, worst first, then those no chart judges.

    Columns
    -------
    family, name, column, segment, version
        What was measured of what; ``column`` is null where the number is about the whole model.
    start, end
        The window, null where the rows were taken as a whole.
    value, error, interval_lower, interval_upper, n
        The number, its standard error, its 95 % interval, and the rows it rests on.
    before, after, quantity
        The same quantity (a mean, a share) of the reference and of the window, where one is told.
    chart, lower, upper, fired, state, p_value
        What the chart says of it: its limits, whether it signals, and the same in words.
    status, reason
        ``ok``, ``no_data`` or ``failed``, and why there is no number.
    """
    return pl.DataFrame([_row(one) for one in _listed(findings)], schema=_TYPES, orient="row")


def pandas_frame(frame: pl.DataFrame) -> Any:
    """Return a table as a pandas DataFrame; it needs pandas and nothing else.

    Raises
    ------
    UsageError
        When pandas is not installed.
    """
    try:
        pd = import_module("pandas")
    except ImportError:
        raise UsageError(
            "pandas is not installed; install it, or use to_frame(), which returns a Polars table"
        ) from None
    made = pd.DataFrame(frame.to_dict(as_series=False))
    for name, dtype in frame.schema.items():
        if isinstance(dtype, pl.Datetime):
            made[name] = pd.to_datetime(made[name], utc=True)
        elif dtype == pl.Float64():
            made[name] = made[name].astype("float64")
    return made


def _listed(findings: Findings) -> Iterator[Signal]:
    order = sorted(findings.signals, key=lambda s: (mark_of(s).weight, -abs(s.score), _start(s.measurement)))
    yield from order
    judged = {(s.measurement.series, s.measurement.window) for s in findings.signals}
    yield from (Signal(m, "") for m in findings.measurements if (m.series, m.window) not in judged)


def _start(measurement: Measurement) -> float:
    return -measurement.window.start.timestamp() if measurement.window else 0.0


def _row(signal: Signal) -> tuple[Any, ...]:
    m = signal.measurement
    change, window = m.evidence.change, m.window
    low, high = m.interval or (None, None)
    return (
        m.family.value, m.name, None if m.column in ("", OUTCOME) else m.column, m.segment, m.version or None,
        window.start if window else None, window.end if window else None, m.value, m.error, low, high,
        change.before, change.after, change.quantity.value or None, m.n,
        m.evidence.p_value if signal.p_value is None else signal.p_value,
        signal.chart or None, signal.lower, signal.upper, signal.fired, mark_of(signal).value,
        m.status.value, m.reason or None,
    )  # fmt: skip

"""How a table is cut into windows of time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, SourceError
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.window import WindowRule
from watchkeeper.ingest.sources import Source

__all__ = ["SAMPLE", "STATES", "pace", "span", "timed"]

SAMPLE = 50_000
"""Rows that the schema and the span of a table are read off."""

STATES = 10_000
"""States, at most, that the windows of a table cost."""

_PACES = 30
"""Windows that a reference with times is cut into, to learn its design effect."""


def timed(source: Source, schema: Schema) -> Source:
    """Return the source with its time column read as UTC; what is odd about the times is among its problems."""
    time = schema.name_of(Role.TIME)
    if time is None or time not in source.columns:
        return source
    read = replace(source, time=time)
    try:
        next(read.batches(columns=[time]), None)
    except SchemaError as error:
        raise SourceError(f"{source.name}: {error}") from error
    return read


def pace(source: Source, schema: Schema) -> WindowRule | None:
    """Cut the reference into windows enough to tell how much they differ; None for wide tables."""
    ends = span(source, schema)
    if ends is None or _PACES * len(schema.columns) > STATES:
        return None
    length = timedelta(seconds=ceil((ends[1] - ends[0]).total_seconds() / _PACES))
    return WindowRule(length, length, ends[0]) if length else None


def span(source: Source, schema: Schema) -> tuple[datetime, datetime] | None:
    """Return the first and last moment, less the outermost half percent: a few rows of 1970 must not stretch it."""
    time = schema.name_of(Role.TIME)
    if time is None or time not in source.columns:
        return None
    times = series_named(source.sample(SAMPLE, [time]), time).drop_nulls().sort()
    aside = len(times) // 200
    first, last = (times[aside], times[-1 - aside]) if len(times) else (None, None)
    return (first, last) if isinstance(first, datetime) and isinstance(last, datetime) else None

"""The shapes that columns had in the last windows, and what they were turned by, from window to window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from watchkeeper.compare.unit_step import turned_back
from watchkeeper.compare.window_shape import Lately, shape_of
from watchkeeper.core.evidence import TransformationKind
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import ALL, Kind, Role, Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.state import State
from watchkeeper.core.window import Window

__all__ = ["lately_before", "lately_with"]

_WINDOWS = 8
_OLDEST = 4
"""Times as far back as eight windows reach that a window may be and still count as one of the last."""

_SPOILS = frozenset({"out_of_range", "silent_default", "repeated_value"})
"""What moves the shape of a column and is none of its own."""

States = Mapping[tuple[str, str], State]


def lately_before(lately: Mapping[str, Lately], window: Window, every: timedelta) -> dict[str, Lately]:
    """Return what is known of the windows before one, not too long ago."""
    since = window.start - _OLDEST * _WINDOWS * every
    return {
        column: replace(one, shapes=tuple(s for s in one.shapes if since <= s.start < window.start)[-_WINDOWS:])
        for column, one in lately.items()
    }


def lately_with(
    lately: Mapping[str, Lately],
    current: States,
    measured: Iterable[Measurement],
    signals: Iterable[Signal],
    schema: Schema,
    window: Window,
) -> dict[str, Lately]:
    """Return the same with a window that was judged; windows with another fault are left out."""
    does = {m.column: m.evidence.transformation for m in measured if m.name == "unit_change" and m.segment == ALL}
    faulty = {s.measurement.column for s in signals if s.fired and s.measurement.name in _SPOILS}
    found = dict(lately)
    for column in schema:
        state = current.get((ALL, column.name))
        watched = column.role is Role.FEATURE and column.kind is Kind.NUMERIC and column.name not in schema.moving
        if not watched or state is None or state.problem:
            continue
        named = does.get(column.name)
        shape = shape_of(state, window.start)
        if shape is None or (named is None and column.name in faulty):
            continue
        own = found.get(column.name, Lately()).shapes
        if named is None or named.kind is not TransformationKind.SWAP:
            shape = turned_back(shape, named) if named else shape
            own = (*own, shape)[-_WINDOWS:]
        found[column.name] = Lately(own, named)
    return found

"""What an alert is as a ground of an action."""

from __future__ import annotations

from watchkeeper.core.alert import Alert
from watchkeeper.core.ground import Ground, Observation
from watchkeeper.core.measurement import Family
from watchkeeper.core.schema import ALL
from watchkeeper.core.signal import Signal

__all__ = ["of_alert", "same_grounds"]

_MOST = 4
"""Judged numbers of an alert that a ground keeps."""


def of_alert(code: str, alert: Alert) -> Ground:
    """Return a ground that rests on an alert, with the worst of the numbers that were judged."""
    fired = [signal for signal in alert.evidence if signal.fired]
    return Ground(
        code, cause=alert.cause.value, columns=alert.columns, at=alert.since,
        observations=tuple(_observed(signal) for signal in fired[:_MOST]), more=max(0, len(fired) - _MOST),
    )  # fmt: skip


def same_grounds(grounds: tuple[Ground, ...]) -> str:
    """Return what grounds have in common with the same ones in a repeated run, for the identity of an action."""
    return "\n".join(f"{one.code} {one.name} {one.version}".rstrip() for one in grounds)


def _observed(signal: Signal) -> Observation:
    m = signal.measurement
    return Observation(
        m.name, m.column, "" if m.segment == ALL else m.segment, m.value, signal.centre, signal.lower, signal.upper,
        m.family is Family.ESTIMATE, m.reason if m.value is None else "",
    )  # fmt: skip

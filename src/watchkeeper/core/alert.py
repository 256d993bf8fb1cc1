"""Something a person should know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from watchkeeper.core.signal import Signal

__all__ = ["OPEN", "Alert", "AlertEnd", "AlertState", "Cause", "Severity"]


class Severity(IntEnum):
    """How much it matters: page needs harm, a data fault that reaches the model, or a runtime breach."""

    NOTICE = 1
    WARNING = 2
    PAGE = 3

    def __str__(self) -> str:
        return self.name.lower()


class AlertState(StrEnum):
    """Where an alert is in its life."""

    PENDING = "pending"
    FIRING = "firing"
    MUTED = "muted"
    ENDED = "ended"


OPEN = (AlertState.PENDING, AlertState.FIRING, AlertState.MUTED)
"""The states of an alert that has not ended."""


class AlertEnd(StrEnum):
    """How an alert ended: quiet windows cleared it, it never fired, or late data showed that it was none."""

    CLEARED = "cleared"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class Cause(StrEnum):
    """What kind of thing went wrong."""

    DATA_FAULT = "data_fault"
    TRAFFIC_MIX = "traffic_mix"
    DRIFT = "drift"
    JOINT_DRIFT = "joint_drift"
    PERFORMANCE = "performance"
    LABEL_FAULT = "label_fault"
    RUNTIME = "runtime"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person should know: one per cause, with the evidence grouped.

    Parameters
    ----------
    id
        Stable identity: the same cause in the same episode keeps its id through every state.
    since
        Start of the first window that showed it; ``last`` is the end of the newest one.
    columns, segments
        What is affected, worst first.
    evidence
        The signals of the newest window that showed it, worst first; of an alert that was withdrawn those it was made
        of.
    end
        How it ended; None until it has.
    """

    id: str
    model: str
    cause: Cause
    severity: Severity
    state: AlertState
    since: datetime | None = None
    last: datetime | None = None
    columns: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    evidence: tuple[Signal, ...] = ()
    end: AlertEnd | None = None

"""Something done or proposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from watchkeeper.core.ground import Ground

__all__ = ["Action", "ActionKind", "Outcome"]


class ActionKind(StrEnum):
    """What is done."""

    RETRAIN = "retrain"
    VALIDATE = "validate"
    REGISTER = "register"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    ROLL_OUT = "roll_out"
    HOLD = "hold"
    FORGET = "forget"
    RELEASE = "release"
    DROP = "drop"
    ACKNOWLEDGE = "acknowledge"
    MUTE = "mute"
    UNMUTE = "unmute"


class Outcome(StrEnum):
    """How it went."""

    PROPOSED = "proposed"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Action:
    """Something done or proposed: what, to which version, by whom, why and with which outcome.

    Parameters
    ----------
    why
        What the person who did it says; empty where nobody did, and in records since 0.2.0 nothing else.
    because
        The grounds it was decided by.
    """

    id: str
    model: str
    kind: ActionKind
    outcome: Outcome
    why: str
    who: str
    at: datetime | None = None
    version: str = ""
    alert: str = ""
    facts: Mapping[str, float | str] = field(default_factory=dict)
    because: tuple[Ground, ...] = ()

"""Retrain at an interval: a stated one, or one that follows what retraining has gained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert
from watchkeeper.core.errors import ConfigError, UsageError
from watchkeeper.core.ground import Ground
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.core.window import WindowRule, parse_duration
from watchkeeper.maintain.trigger import MaintenanceMemory, Proposal

__all__ = ["FIRST", "LONGEST", "Schedule", "due", "interval"]

FIRST = 4
"""Windows between trainings of which nothing is known yet."""

LONGEST = 16

_WORTH = 0.02
"""Share of the champion's loss that a training has to gain to make the next one come sooner."""

_ENDED = (Outcome.DONE, Outcome.FAILED, Outcome.REFUSED)


class Schedule:
    """Proposes to retrain when the interval of ``maintenance.schedule`` has passed since the last training.

    ``adaptive`` starts with four windows; the interval halves where the last training gained more than 2 % on the
    champion at the gate, by more than chance does, and doubles where it did not, within one and sixteen windows.
    """

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "schedule"

    def propose(self, alerts: Sequence[Alert], memory: MaintenanceMemory, spec: Spec) -> Proposal | None:
        """Return since when nothing was trained, when that is long enough ago."""
        moment = due(memory, spec)
        if moment is None or memory.now < moment:
            return None
        last = last_training(memory)
        name = "adaptive" if spec.maintenance.schedule == "adaptive" else "fixed"
        return Proposal(Ground("training_due", name, at=last, until=moment, n=_windows(memory, spec)))

    def trial(self) -> tuple[Sequence[Alert], MaintenanceMemory, Spec]:
        """Return a champion of six months ago, whose loss nobody has tried to lower since."""
        now = datetime(2024, 7, 1, tzinfo=UTC)
        end = now - timedelta(days=180)
        facts = {"trained_from": (end - timedelta(days=60)).isoformat(), "trained_until": end.isoformat()}
        known = Action("1", "m", ActionKind.REGISTER, Outcome.DONE, "first", "us", end, "v1", "", dict(facts))
        spec = Spec("m", Schema(()), WindowRule(timedelta(days=7)), maintenance=Maintenance("training:train"))
        return (), MaintenanceMemory(now, (known,), "v1"), spec


def due(memory: MaintenanceMemory, spec: Spec) -> datetime | None:
    """Return when the schedule asks for the next training; None where there is no schedule or nothing to keep.

    Raises
    ------
    ConfigError
        When ``maintenance.schedule`` is neither ``adaptive``, ``never`` nor a duration.
    """
    last, chosen = last_training(memory), spec.maintenance.schedule
    if chosen == "never" or last is None:
        return None
    if chosen != "adaptive":
        return last + stated(chosen)
    if spec.windows is None or _undecided(memory, spec, last):
        return None
    return last + _windows(memory, spec) * spec.windows.every


def stated(schedule: str) -> timedelta:
    """Read an interval that is stated as a duration.

    Raises
    ------
    ConfigError
        When it is none.
    """
    try:
        return parse_duration(schedule)
    except UsageError:
        raise ConfigError(
            f"maintain.schedule: {schedule!r} is not understood. Valid: adaptive, never, or a duration such as 4w"
        ) from None


def interval(actions: Sequence[Action]) -> int:
    """Return after how many windows the next training pays, by what the trainings so far have gained; oldest first.

    A challenger that was too good to be true has gained nothing, and one that too few rows judged tells nothing.

    Examples
    --------
    >>> interval([])
    4
    """
    length = FIRST
    for action in actions:
        gained = action.facts.get("relative_gain")
        if action.kind is not ActionKind.VALIDATE or not isinstance(gained, int | float):
            continue
        error = action.facts.get("relative_error", 0.0)
        sure = gained > float(error) and action.facts.get("decision") != "leakage"
        length = max(1, length // 2) if gained > _WORTH and sure else min(LONGEST, 2 * length)
    return length


def last_training(memory: MaintenanceMemory) -> datetime | None:
    """Return when the model was last trained, or a training was last tried; None where there is no champion."""
    version = memory.version
    if version is None:
        return None
    known = version.trained.end if version.trained else None
    tried = [a.at for a in memory.actions if a.kind is ActionKind.RETRAIN and a.outcome in _ENDED and a.at]
    return max([*tried, *([known] if known else [])], default=None)


def _windows(memory: MaintenanceMemory, spec: Spec) -> int:
    if spec.maintenance.schedule == "adaptive":
        return interval(memory.actions)
    every = spec.windows.every if spec.windows else timedelta(days=1)
    return max(1, round(stated(spec.maintenance.schedule) / every))


def _undecided(memory: MaintenanceMemory, spec: Spec, last: datetime) -> bool:
    """Whether the last training made a challenger that waits for a person: another one would only wait behind it."""
    waiting = memory.last(ActionKind.PROMOTE, outcome=Outcome.PROPOSED)
    if waiting is None or waiting.at is None or spec.windows is None:
        return False
    return waiting.at >= last and memory.now < waiting.at + LONGEST * spec.windows.every

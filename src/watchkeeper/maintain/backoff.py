"""Waiting longer after each training that failed."""

from __future__ import annotations

from datetime import timedelta

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.ground import Ground
from watchkeeper.core.spec import Spec
from watchkeeper.maintain.trigger import MaintenanceMemory

__all__ = ["backing_off", "failed_ground"]

_MOST_DOUBLED = 4
"""How often the waiting time is doubled at most: after that it is sixteen times the cool-down."""


def backing_off(spec: Spec, memory: MaintenanceMemory) -> Ground | None:
    """Return why nothing is trained again yet: the last trainings failed; None where it may be tried.

    After ``n`` failures in a row nothing is tried for ``cooldown`` · 2ⁿ⁻¹ windows, sixteen cool-downs at most.
    """
    failures = _failures_in_a_row(memory)
    since = failures[-1].at if failures else None
    if since is None:
        return None
    until = since + _pause(spec, len(failures))
    if memory.now >= until:
        return None
    return Ground("failed_lately", n=len(failures), at=since, until=until)


def failed_ground(spec: Spec, memory: MaintenanceMemory, text: str) -> Ground:
    """Return the ground of a training that has just failed, with the date from which on the next one is tried."""
    count = len(_failures_in_a_row(memory)) + 1
    return Ground("failed", n=count, until=memory.now + _pause(spec, count), text=text)


def _pause(spec: Spec, failures: int) -> timedelta:
    every = spec.windows.every if spec.windows else timedelta(days=1)
    cooldowns: int = 2 ** min(failures - 1, _MOST_DOUBLED)
    return max(1, spec.maintenance.cooldown) * cooldowns * every


def _failures_in_a_row(memory: MaintenanceMemory) -> list[Action]:
    ended = [a for a in memory.actions if a.kind is ActionKind.RETRAIN and a.outcome in (Outcome.DONE, Outcome.FAILED)]
    failures: list[Action] = []
    for action in ended:
        failures = [] if action.outcome is Outcome.DONE else [*failures, action]
    return failures

"""How many trainings a month may see, and what they may cost."""

from __future__ import annotations

from datetime import timedelta

from watchkeeper.core.action import ActionKind, Outcome
from watchkeeper.core.ground import Ground
from watchkeeper.core.spec import Spec
from watchkeeper.maintain.trigger import MaintenanceMemory

__all__ = ["spent"]

_MONTH = timedelta(days=30)


def spent(spec: Spec, memory: MaintenanceMemory) -> Ground | None:
    """Return which budget another training would exceed, and from when on it no longer does; None where none would.

    Trainings that ended count, and those that failed.
    """
    rule = spec.maintenance
    allowed = [] if rule.most_trainings is None else [("trainings", rule.most_trainings, float(rule.most_trainings))]
    if rule.most_money is not None and rule.cost:
        allowed.append(("money", int(rule.most_money / rule.cost + 1e-9), rule.most_money))
    if not allowed:
        return None
    name, most, limit = min(allowed, key=lambda one: one[1])
    ended = (Outcome.DONE, Outcome.FAILED)
    times = sorted(
        a.at
        for a in memory.actions
        if a.kind is ActionKind.RETRAIN and a.outcome in ended and a.at and a.at > memory.now - _MONTH
    )
    if len(times) < most:
        return None
    until = times[len(times) - most] + _MONTH if most else memory.now + _MONTH
    return Ground("budget_spent", name, n=len(times), limit=limit, at=times[0] if times else None, until=until)

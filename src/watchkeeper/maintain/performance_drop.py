"""Retrain when the model has come to do harm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from watchkeeper.core.action import ActionKind
from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.measurement import Family
from watchkeeper.core.spec import Spec
from watchkeeper.maintain.grounds import of_alert
from watchkeeper.maintain.trigger import MaintenanceMemory, Proposal

__all__ = ["PerformanceDrop", "about_champion", "estimated"]


class PerformanceDrop:
    """Proposes to retrain while a performance alert is firing that labels have shown.

    An alert whose newest window ended before the champion was put in charge is about its predecessor and proposes
    nothing.
    """

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "performance_drop"

    def propose(self, alerts: Sequence[Alert], memory: MaintenanceMemory, spec: Spec) -> Proposal | None:
        """Return the worst firing performance alert."""
        firing = [alert for alert in about_champion(alerts, memory) if not estimated(alert)]
        if not firing:
            return None
        worst = max(firing, key=lambda a: (a.severity, a.id))
        return Proposal(of_alert("alert_firing", worst), worst.id)


def about_champion(alerts: Sequence[Alert], memory: MaintenanceMemory) -> list[Alert]:
    """Return the firing performance alerts that are not about a predecessor of the champion."""
    put = memory.last(ActionKind.PROMOTE, ActionKind.ROLL_BACK)
    return [
        a
        for a in alerts
        if a.cause is Cause.PERFORMANCE
        and a.state is AlertState.FIRING
        and not (put and put.at and a.last and a.last <= put.at)
    ]


def estimated(alert: Alert) -> bool:
    """Whether all that an alert rests on is estimated without labels."""
    fired = [signal.measurement.family for signal in alert.evidence if signal.fired]
    return bool(fired) and all(family is Family.ESTIMATE for family in fired)

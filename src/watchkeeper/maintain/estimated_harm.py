"""Retrain when estimates say that the model does harm, before labels can."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.maintain.grounds import of_alert
from watchkeeper.maintain.performance_drop import about_champion, estimated
from watchkeeper.maintain.trigger import MaintenanceMemory, Proposal

__all__ = ["EstimatedHarm"]


class EstimatedHarm:
    """Proposes to retrain while a performance alert fires that rests on estimates alone, as drift without labels does.

    A training that it starts has to be shown better on labelled rows, as any that answers harm: an estimate promotes
    nothing.
    """

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "estimated_harm"

    def propose(self, alerts: Sequence[Alert], memory: MaintenanceMemory, spec: Spec) -> Proposal | None:
        """Return the worst firing performance alert that rests on estimates."""
        firing = [alert for alert in about_champion(alerts, memory) if estimated(alert)]
        if not firing:
            return None
        worst = max(firing, key=lambda a: (a.severity, a.id))
        return Proposal(of_alert("alert_firing", worst), worst.id)

    def trial(self) -> tuple[Sequence[Alert], MaintenanceMemory, Spec]:
        """Return an alert about an estimated log loss."""
        now = datetime(2024, 7, 1, tzinfo=UTC)
        signal = Signal(Measurement(Family.ESTIMATE, "log_loss", 0.6, 500), "shewhart", fired=True, rule="beyond")
        alert = Alert(
            "a", "m", Cause.PERFORMANCE, Severity.PAGE, AlertState.FIRING, now, now, (), (), (signal,),
        )  # fmt: skip
        spec = Spec("m", Schema(()), maintenance=Maintenance("training:train", schedule="never"))
        return (alert,), MaintenanceMemory(now), spec

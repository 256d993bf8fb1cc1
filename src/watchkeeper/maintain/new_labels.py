"""Retrain when a batch of labels has come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from watchkeeper.core.action import ActionKind
from watchkeeper.core.alert import Alert
from watchkeeper.core.ground import Ground
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.core.window import WindowRule
from watchkeeper.maintain.trigger import MaintenanceMemory, Proposal, WindowLoss

__all__ = ["NewLabels"]


class NewLabels:
    """Proposes to retrain when ``maintenance.new_labels`` labelled rows have come since the last training."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "new_labels"

    def propose(self, alerts: Sequence[Alert], memory: MaintenanceMemory, spec: Spec) -> Proposal | None:
        """Return how many labelled rows there are that nothing has learned from, when they are enough."""
        wanted = spec.maintenance.new_labels
        if wanted is None:
            return None
        tried = memory.last(ActionKind.RETRAIN)
        rows = sum(w.n for w in memory.losses if tried is None or tried.at is None or w.end > tried.at)
        return Proposal(Ground("new_labels", n=rows, needed=wanted)) if rows >= wanted else None

    def trial(self) -> tuple[Sequence[Alert], MaintenanceMemory, Spec]:
        """Return a champion after whose training a thousand labels have come."""
        now = datetime(2024, 7, 1, tzinfo=UTC)
        rule = Maintenance("training:train", new_labels=1_000)
        spec = Spec("m", Schema(()), WindowRule(timedelta(days=7)), maintenance=rule)
        return (), MaintenanceMemory(now, (), "v1", (WindowLoss(now, 0.4, 1_000),)), spec

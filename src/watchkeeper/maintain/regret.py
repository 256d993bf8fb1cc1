"""Retrain when what the champion loses costs more than a training does."""

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

__all__ = ["Regret"]


class Regret:
    """Proposes to retrain when v·Σ n·(ℓ - L)₊ over the windows since the last training reaches its cost.

    ℓ is the mean loss of a window with n labelled rows, L what the champion loses when it is well, v
    ``maintenance.loss_value`` and the cost ``maintenance.cost``. L does not rise after a repair that failed.
    """

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "regret"

    def propose(self, alerts: Sequence[Alert], memory: MaintenanceMemory, spec: Spec) -> Proposal | None:
        """Return what was lost since the last training, when that is more than a training costs."""
        cost, value, healthy = spec.maintenance.cost, spec.maintenance.loss_value, memory.healthy
        if cost is None or value is None or healthy is None:
            return None
        tried = memory.last(ActionKind.RETRAIN)
        since = [w for w in memory.losses if tried is None or tried.at is None or w.end > tried.at]
        lost = value * sum(w.n * max(0.0, w.loss - healthy) for w in since)
        if not since or lost < cost:
            return None
        rows = sum(w.n for w in since)
        return Proposal(Ground("regret", before=healthy, value=lost, limit=cost, n=rows, at=since[0].end))

    def trial(self) -> tuple[Sequence[Alert], MaintenanceMemory, Spec]:
        """Return a champion that lost .1 more than it should on a thousand rows."""
        now = datetime(2024, 7, 1, tzinfo=UTC)
        rule = Maintenance("training:train", cost=50.0, loss_value=1.0)
        spec = Spec("m", Schema(()), WindowRule(timedelta(days=7)), maintenance=rule)
        return (), MaintenanceMemory(now, (), "v1", (WindowLoss(now, 0.4, 1_000),), 0.3), spec

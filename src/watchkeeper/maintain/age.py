"""Retrain when the champion has grown old."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from watchkeeper.core.alert import Alert
from watchkeeper.core.ground import Ground
from watchkeeper.core.spec import Spec
from watchkeeper.maintain.trigger import MaintenanceMemory, Proposal

__all__ = ["Age"]


class Age:
    """Proposes to retrain when the champion's newest training row is older than ``maintenance.max_age``."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "age"

    def propose(self, alerts: Sequence[Alert], memory: MaintenanceMemory, spec: Spec) -> Proposal | None:
        """Return how old the champion is, when that is too old."""
        limit, version = spec.maintenance.max_age, memory.version
        if limit is None or version is None or version.trained is None:
            return None
        end = version.trained.end
        if memory.now - end <= limit:
            return None
        return Proposal(Ground("champion_old", version=version.name, until=end, needed=limit.days))

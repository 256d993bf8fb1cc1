"""What a trigger is, and what it may know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol, runtime_checkable

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert
from watchkeeper.core.ground import Ground
from watchkeeper.core.spec import Spec
from watchkeeper.maintain.registry import Version, versions

__all__ = ["MaintenanceMemory", "Proposal", "TriedTrigger", "Trigger", "WindowLoss"]


@dataclass(frozen=True, slots=True)
class WindowLoss:
    """What the champion lost in a window: the end of the window, the mean loss and the labelled rows."""

    end: datetime
    loss: float
    n: int


@dataclass(frozen=True, slots=True)
class MaintenanceMemory:
    """What maintenance remembers.

    Parameters
    ----------
    now
        End of the judged window; not the clock.
    actions
        Recorded actions that bear on training, oldest first: hundreds of the newest, and what registered the champion.
    champion
        What the pointer ``champion`` holds.
    losses
        What the champion lost in each window since its newest training row, oldest first; empty where no trigger asks.
    healthy
        What it loses when it is well; None where nothing tells.
    """

    now: datetime
    actions: tuple[Action, ...] = ()
    champion: str | None = None
    losses: tuple[WindowLoss, ...] = ()
    healthy: float | None = None

    def last(self, *kinds: ActionKind, outcome: Outcome = Outcome.DONE) -> Action | None:
        """Return the newest action of the kinds with the outcome and a time, or None."""
        found = [a for a in self.actions if a.kind in kinds and a.outcome is outcome and a.at is not None]
        return max(found, key=lambda a: a.at or self.now, default=None)

    @property
    def version(self) -> Version | None:
        """The champion, or None where none is registered."""
        return next((v for v in versions(self.actions, self.champion) if v.name == self.champion), None)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Why to retrain, and the alert it comes from."""

    ground: Ground
    alert: str = ""


@runtime_checkable
class Trigger(Protocol):
    """Proposes to retrain.

    Attributes
    ----------
    plugin
        Always ``"trigger"``.
    name
        Registry key.
    """

    plugin: ClassVar[str]
    name: ClassVar[str]

    def propose(self, alerts: Sequence[Alert], memory: MaintenanceMemory, spec: Spec) -> Proposal | None:
        """Return why the model should be retrained now, or None."""


@runtime_checkable
class TriedTrigger(Trigger, Protocol):
    """A trigger that shows on what it proposes, where that is neither a firing alert nor the age of the champion."""

    def trial(self) -> tuple[Sequence[Alert], MaintenanceMemory, Spec]:
        """Return what it is to be asked about to propose something."""

"""Triggers, each of which breaks one promise; ``sound`` and ``tried`` keep them all."""

from datetime import UTC, datetime
from typing import ClassVar

from watchkeeper.core.alert import AlertState, Cause
from watchkeeper.core.ground import Ground
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Spec
from watchkeeper.maintain.trigger import MaintenanceMemory, Proposal


def _proposal(text, alert=""):
    return Proposal(Ground("features_drift" if text else "", text=text), alert)


class Sound:
    """Proposes while features drift."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "sound"

    def propose(self, alerts, memory, spec):
        firing = sorted(a.id for a in alerts if a.cause is Cause.DRIFT and a.state is AlertState.FIRING)
        return _proposal("features drift", firing[0]) if firing else None


class Tried(Sound):
    """Proposes in a month that ends in the year 2020."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "tried"

    def propose(self, alerts, memory, spec):
        return _proposal("it is 2020") if memory.now.year == 2020 else None

    def trial(self):
        return (), MaintenanceMemory(datetime(2020, 1, 1, tzinfo=UTC)), Spec("m", Schema(()))


class Mistried(Tried):
    """Has a trial that is none."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "mistried"

    def propose(self, alerts, memory, spec):
        return _proposal("it is 2021") if memory.now.year == 2021 else None


class Eager(Sound):
    """Proposes whatever happens."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "eager"

    def propose(self, alerts, memory, spec):
        return _proposal("why not")


class Ended(Sound):
    """Proposes when all is over."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "ended"

    def propose(self, alerts, memory, spec):
        return _proposal("features drifted") if any(a.cause is Cause.DRIFT for a in alerts) else None


class Deaf(Sound):
    """Proposes nothing."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "deaf"

    def propose(self, alerts, memory, spec):
        return None


class Mute(Sound):
    """Does not say why."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "mute"

    def propose(self, alerts, memory, spec):
        return _proposal("") if super().propose(alerts, memory, spec) else None


class Lengthy(Sound):
    """Takes two lines to say why."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "lengthy"

    def propose(self, alerts, memory, spec):
        return _proposal("features\ndrift") if super().propose(alerts, memory, spec) else None


class Stranger(Sound):
    """Names an alert that nobody has."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "stranger"

    def propose(self, alerts, memory, spec):
        return _proposal("features drift", "another") if super().propose(alerts, memory, spec) else None


class Once(Sound):
    """Proposes but once."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "once"

    def __init__(self):
        self.done = False

    def propose(self, alerts, memory, spec):
        found = None if self.done else super().propose(alerts, memory, spec)
        self.done = self.done or found is not None
        return found


class Numbered(Sound):
    """Says which of its kind it is."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "numbered"
    made = 0

    def __init__(self):
        Numbered.made += 1
        self.number = Numbered.made

    def propose(self, alerts, memory, spec):
        found = super().propose(alerts, memory, spec)
        return _proposal(f"number {self.number} says that features drift", found.alert) if found else None


class Arbitrary(Sound):
    """Names the alert that comes first."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "arbitrary"

    def propose(self, alerts, memory, spec):
        firing = [a.id for a in alerts if a.cause is Cause.DRIFT and a.state is AlertState.FIRING]
        return _proposal("features drift", firing[0]) if firing else None


class Meddling(Sound):
    """Leaves a mark on the actions."""

    plugin: ClassVar[str] = "trigger"
    name: ClassVar[str] = "meddling"

    def propose(self, alerts, memory, spec):
        found = super().propose(alerts, memory, spec)
        for action in memory.actions if found else ():
            action.facts["asked"] = float(action.facts.get("asked", 0)) + 1
        return found

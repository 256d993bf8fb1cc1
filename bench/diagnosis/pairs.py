"""Two causes in one log: every alert must name the one that raises it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.diagnosis.planted import Cause, World, alone
from bench.diagnosis.watched import Seen, Watched
from watchkeeper.core.alert import Alert

__all__ = ["Owned", "both", "owned"]


@dataclass(frozen=True)
class Owned:
    """One alert of a log with two causes.

    Attributes
    ----------
    seen
        The alert and its diagnosis; its cause has the other one in ``also``.
    owners
        Those of the two that raise an alert of this cause, on a series of this one, when the other is left out and
        all else is drawn as it was. None where it takes both.
    """

    seen: Seen
    owners: tuple[Cause, ...]

    @property
    def right(self) -> bool:
        """Whether the kind ranked first is that of an owner."""
        return any(self.seen.kind == one.kind for one in self.owners)

    @property
    def placed(self) -> bool:
        """Whether it names the column or segment of that owner first as well."""
        if self.seen.diagnosis is None:
            return False
        first = self.seen.diagnosis.hypotheses[0]
        named = first.columns[:1] + first.segments[:1]
        return any(self.seen.kind == one.kind and one.where in named for one in self.owners)


def owned(watched: Watched, causes: Iterable[Cause]) -> list[Owned]:
    """Return every alert that pairs of causes raise, with those of the two that raise it alone."""
    found: list[Owned] = []
    for cause in causes:
        if cause.also is None:
            continue
        parts = tuple(zip((cause, cause.also), alone(cause), strict=True))
        by_owner = [(own, [one.alert for one in watched.alerts(part, told=False)]) for own, part in parts]
        found += [
            Owned(one, tuple(own for own, alerts in by_owner if _raised(one.alert, alerts)))
            for one in watched.alerts(cause)
        ]
    return found


def both(seed: int, causes: Sequence[Cause]) -> tuple[list[Seen], list[Owned]]:
    """Plant each of the causes in the log of one seed; of pairs return every alert too."""
    watched = Watched(World(seed))
    return [watched.see(cause) for cause in causes], owned(watched, causes)


def _raised(alert: Alert | None, alerts: Sequence[Alert | None]) -> bool:
    """Return whether one of the alerts has the cause of ``alert`` and a series that fired in both."""
    if alert is None:
        return False
    return any(
        other is not None and other.cause is alert.cause and not _series(other).isdisjoint(_series(alert))
        for other in alerts
    )


def _series(alert: Alert) -> set[tuple[str, ...]]:
    return {signal.measurement.series for signal in alert.evidence if signal.fired}

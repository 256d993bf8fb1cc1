"""Which recorded alert is meant, and what the run that judged it recorded of its causes."""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.errors import UsageError, near_miss
from watchkeeper.core.query import Query
from watchkeeper.core.store import Store

__all__ = ["find_alert", "recorded_diagnoses"]


def find_alert(alerts: Iterable[Alert], id: str = "") -> Alert:
    """Return the alert whose id begins with ``id``; without one the worst that fires, else the newest.

    Raises
    ------
    UsageError
        When there is none, or more than one.
    """
    told = list(alerts)
    if not told:
        raise UsageError("there is no alert to explain")
    if not id:
        firing = [alert for alert in told if alert.state is AlertState.FIRING]
        return max(firing or told, key=lambda a: (a.severity if firing else 0, a.last.timestamp() if a.last else 0.0))
    found = [alert for alert in told if alert.id.startswith(id)]
    if not found:
        raise UsageError(f"there is no alert {id!r}; {near_miss(id, [alert.id for alert in told])}")
    if len(found) > 1:
        raise UsageError(f"{len(found)} alerts begin with {id!r}: {', '.join(alert.id for alert in found)}")
    return found[0]


def recorded_diagnoses(store: Store, model: str, alerts: Iterable[Alert]) -> tuple[Diagnosis, ...]:
    """Return what runs recorded of the causes of some alerts, in the order of their first record."""
    ids = tuple(alert.id for alert in alerts)
    return tuple(store.recorded(model, Diagnosis, Query(ids=ids))) if ids else ()

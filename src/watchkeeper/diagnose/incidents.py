"""Alerts of several models or measurements that have one cause upstream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.diagnosis import Diagnosis, Incident, Onset

__all__ = ["Change", "change_of", "group_incidents", "incidents_of"]

_SURE = 0.2
"""Confidence of a hypothesis from which its columns count as touched."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an alert says of when and where something changed.

    Parameters
    ----------
    alert, model
        Its id and its model.
    onset
        When the change began, with its interval.
    columns
        What it touches, by the names they have upstream.
    """

    alert: str
    model: str
    onset: Onset
    columns: tuple[str, ...]


def change_of(
    alert: Alert, diagnosis: Diagnosis | None = None, names: Mapping[str, str] | None = None
) -> Change | None:
    """Return when and where an alert says that something changed; None where it is not known since when.

    Parameters
    ----------
    diagnosis
        Of the alert: its onset has an interval, and its likely causes name columns the alert does not.
    names
        Name upstream by column, where models call the same source by other names.
    """
    onset = diagnosis.onset if diagnosis else None
    if onset is None:
        if alert.since is None:
            return None
        onset = Onset(alert.since, alert.since, alert.since)
    likely = [h for h in diagnosis.hypotheses if h.confidence >= _SURE] if diagnosis else []
    found = [*(c for h in likely for c in h.columns), *alert.columns]
    columns = tuple(dict.fromkeys((names or {}).get(c, c) for c in found))
    return Change(alert.id, alert.model, onset, columns)


def group_incidents(changes: Sequence[Change]) -> tuple[Incident, ...]:
    """Group changes whose intervals all meet and that share a column, each change once, the largest group first.

    The column that the most changes name while their intervals have a moment in common makes the first group; its
    changes are taken out, and so on. A change without company is no incident. Two changes of one alert, or two alerts
    that name no common column, are not joined, however close in time they are: what begins together by chance would
    be.
    """
    left = list(dict.fromkeys(changes))
    found: list[Incident] = []
    while True:
        groups = [group for column in _columns(left) for group in [_together(left, column)] if len(group) > 1]
        if not groups:
            return tuple(found)
        best = max(groups, key=lambda group: (len(group), len({c.model for c in group})))
        found.append(_incident(best))
        left = [change for change in left if change not in best]


def incidents_of(told: Iterable[tuple[Alert, Diagnosis | None]]) -> tuple[Incident, ...]:
    """Return the firing alerts, of one model or several, that began together and share a column.

    Parameters
    ----------
    told
        Alerts, each with its diagnosis where there is one.
    """
    changes = [change_of(alert, found) for alert, found in told if alert.state is AlertState.FIRING]
    return group_incidents([change for change in changes if change is not None])


def _columns(changes: Sequence[Change]) -> list[str]:
    return sorted({column for change in changes for column in change.columns})


def _together(changes: Sequence[Change], column: str) -> list[Change]:
    """Return the most changes of a column that have a moment in common."""
    own = [c for c in changes if column in c.columns]
    best: list[Change] = []
    for moment in sorted({c.onset.earliest for c in own}):
        met = [c for c in own if c.onset.earliest <= moment <= c.onset.latest]
        if len(met) > len(best) and len({c.alert for c in met}) > 1:
            best = met
    return best


def _incident(changes: Sequence[Change]) -> Incident:
    ordered = sorted(changes, key=lambda c: (c.onset.at, c.alert))
    times = Counter(column for change in changes for column in change.columns)
    shared = tuple(sorted((c for c, k in times.items() if k == len(changes)), key=lambda c: _rank(c, changes)))
    models = tuple(sorted({change.model for change in changes}))
    earliest, latest = max(c.onset.earliest for c in changes), min(c.onset.latest for c in changes)
    return Incident(shared, models, tuple(c.alert for c in ordered), earliest, latest)


def _rank(column: str, changes: Sequence[Change]) -> tuple[int, str]:
    """Order columns by how far down the lists of their changes they stand."""
    return sum(change.columns.index(column) for change in changes), column

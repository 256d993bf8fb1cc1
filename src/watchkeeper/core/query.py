"""Which records are wanted: what is left open is not asked for."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.core.action import ActionKind, Outcome
from watchkeeper.core.alert import AlertState, Cause, Severity
from watchkeeper.core.delivery import DeliveryState
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.window import Window

__all__ = ["Query"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which records of a kind are wanted, in which order and how many; a store reads no others.

    None leaves a condition open; an empty tuple is met by nothing.

    Parameters
    ----------
    window
        Measurements and signals lie in it, alerts and diagnoses overlap it, actions and audit events happen in it.
    families, names, columns, segments, versions, statuses
        Of measurements, and of what signals judge.
    charts, fired
        Of signals: the chart that judged, and whether a rule fired.
    causes, severity, states
        Of alerts; ``severity`` is the least one.
    kinds, outcomes
        Of actions.
    deliveries
        Of messages in the outbox: their states.
    ids, prefix
        Of alerts, actions and deliveries: any of these ids, or what an id begins with; of diagnoses that of the alert.
    changed_after
        Of alerts: recorded otherwise than before since the pointer ``alerts`` held this number.
    newest_first, limit
        The newest come first, and at most so many.

    Examples
    --------
    >>> Query(states=(AlertState.FIRING,), severity=Severity.PAGE, newest_first=True, limit=10).limit
    10
    """

    window: Window | None = None
    families: tuple[Family, ...] | None = None
    names: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    segments: tuple[str, ...] | None = None
    versions: tuple[str, ...] | None = None
    statuses: tuple[Status, ...] | None = None
    charts: tuple[str, ...] | None = None
    fired: bool | None = None
    causes: tuple[Cause, ...] | None = None
    severity: Severity | None = None
    states: tuple[AlertState, ...] | None = None
    kinds: tuple[ActionKind, ...] | None = None
    outcomes: tuple[Outcome, ...] | None = None
    deliveries: tuple[DeliveryState, ...] | None = None
    ids: tuple[str, ...] | None = None
    prefix: str = ""
    changed_after: int | None = None
    newest_first: bool = False
    limit: int | None = None

    @classmethod
    def of_series(cls, measurement: Measurement, window: Window | None = None) -> Query:
        """Return the query for the series that a measurement belongs to, as far as records are searched by it."""
        return cls(
            window=window,
            families=(measurement.family,),
            names=(measurement.name,),
            columns=(measurement.column,),
            segments=(measurement.segment,),
        )

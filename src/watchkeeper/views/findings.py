"""What a report says, before it has any form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.metric import UNLABELLED
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.state import State, StateKey
from watchkeeper.steps.sight import ColumnsSeen, columns_seen

__all__ = ["UNKNOWN", "Findings", "Verdict"]


UNKNOWN = "Performance was not looked at: no labels are in, and nothing estimates it."
"""Said where rows are as they were and nothing is known of how good the answers are."""


class Verdict(StrEnum):
    """The one word a report opens with."""

    OK = "ok"
    ALERT = "alert"
    NO_DATA = "no_data"
    FAILED = "failed"
    BLIND = "blind"


@dataclass(frozen=True)
class Findings:
    """What is known of one model: the verdict, what changed, since when, and what was done.

    Parameters
    ----------
    title, model
        Heading of the report and name of the model.
    verdict, headline
        The answer in one word and in one sentence.
    made
        When it was made, an aware datetime.
    alerts
        Every alert worth telling, in any order and any state.
    diagnoses
        What some of the alerts come from.
    actions
        What was done or proposed, in any order; ``action.alert`` ties it to an alert.
    signals
        The judged measurements of all windows, in any order: the newest window is judged, the others are history.
    measurements
        Further measurements that no chart judges.
    reference, current
        The states to lay over one another; only those of the segment ``all`` are shown.
    schema
        The columns and how their roles were found.
    notes
        What a reader must know to trust the report: what was inferred, what was injected.
    """

    title: str
    model: str
    verdict: Verdict
    made: datetime
    headline: str = ""
    alerts: tuple[Alert, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    actions: tuple[Action, ...] = ()
    signals: tuple[Signal, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    reference: Mapping[StateKey, State] = field(default_factory=dict)
    current: Mapping[StateKey, State] = field(default_factory=dict)
    schema: Schema | None = None
    notes: tuple[str, ...] = ()

    @property
    def worst_alerts(self) -> tuple[Alert, ...]:
        """The alerts, worst first: open before closed, then by severity, then the newest."""
        order = {AlertState.FIRING: 0, AlertState.PENDING: 1, AlertState.MUTED: 2, AlertState.ENDED: 3}
        newest = {alert.id: alert.since.timestamp() if alert.since else 0.0 for alert in self.alerts}
        return tuple(sorted(self.alerts, key=lambda a: (order[a.state], -a.severity, -newest[a.id], a.id)))

    @property
    def actions_in_order(self) -> tuple[Action, ...]:
        """The actions, oldest first; those without a moment come last, in the order given."""
        return tuple(sorted(self.actions, key=lambda a: (a.at is None, a.at.timestamp() if a.at else 0.0)))

    @property
    def performance_unknown(self) -> bool:
        """Whether a model answers and no number of the newest window, from labels or estimated, tells how well."""
        answers = (Role.PREDICTION, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE)
        if self.schema is None or not any(column.role in answers for column in self.schema):
            return False
        numbers = (*self.measurements, *(signal.measurement for signal in self.signals))
        newest = max((m.window for m in numbers if m.window is not None), default=None)
        known = (m for m in numbers if m.window in (None, newest) and m.status is Status.OK)
        return not any(m.family in (Family.METRIC, Family.ESTIMATE) and m.name not in UNLABELLED for m in known)

    @property
    def columns_seen(self) -> ColumnsSeen:
        """Which columns the newest window was judged for drift in, and which of those are blind."""
        newest = max((s.measurement.window for s in self.signals if s.measurement.window is not None), default=None)
        return columns_seen(s for s in self.signals if s.measurement.window == newest)

    @property
    def heading(self) -> str:
        """The headline; where columns are blind, or nothing is known of performance though all is well, it says so."""
        told, seen = self.headline, self.columns_seen
        if seen.blind and self.verdict is not Verdict.NO_DATA:
            told = f"{told.removesuffix('.')}. {seen.judged} of {len(seen.columns)} columns judged."
        if self.verdict is not Verdict.OK or not self.performance_unknown:
            return told
        return f"{told.removesuffix('.')}. {UNKNOWN}"

    def diagnosis_of(self, alert: Alert) -> Diagnosis | None:
        """Return what an alert comes from, where that was looked into."""
        return next((found for found in self.diagnoses if found.alert == alert.id), None)

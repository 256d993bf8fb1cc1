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
from watchkeeper.core.schema import ALL, Role, Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.state import State, StateKey
from watchkeeper.steps.sight import ColumnsSeen, columns_seen
from watchkeeper.words.roles import unknown_sentence, unmeasured_sentence

__all__ = ["UNKNOWN", "Findings", "Verdict"]


UNKNOWN = unknown_sentence(0, ())
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
    unnamed
        Which roles no column has, and which columns may be meant, in words.
    doubts
        Which labels and scores were probably meant in another way, and how to declare it, in words.
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
    unnamed: str = ""
    doubts: str = ""

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
        families = (Family.METRIC, Family.ESTIMATE)
        known = (m for m in self._newest if m.status is Status.OK and m.family in families)
        return all(m.name in UNLABELLED for m in known)

    @property
    def columns_seen(self) -> ColumnsSeen:
        """Which columns the newest window was judged for drift in, and which of those are blind."""
        newest = max((s.measurement.window for s in self.signals if s.measurement.window is not None), default=None)
        return columns_seen(s for s in self.signals if s.measurement.window == newest)

    @property
    def heading(self) -> str:
        """The headline; it says which columns are blind, and where all is well what nobody named or could measure."""
        told, seen, newest = self.headline, self.columns_seen, self._newest
        if seen.blind and self.verdict is not Verdict.NO_DATA:
            told = f"{told.removesuffix('.')}. {seen.judged} of {len(seen.columns)} columns judged."
        if self.doubts and self.verdict is not Verdict.ALERT:
            told = f"{told.removesuffix('.')}. {self.doubts}"
        if self.verdict is not Verdict.OK:
            return told
        failed = [m for m in newest if m.status is Status.FAILED and m.segment == ALL]
        unknown = ""
        if self.performance_unknown:
            metrics = [m.reason for m in failed if m.family is Family.METRIC]
            unknown = unknown_sentence(self._labels, metrics)
            failed = [m for m in failed if m.family is not Family.METRIC]
        parts = (f"{told.removesuffix('.')}.", unknown, unmeasured_sentence(failed, len(newest)), self.unnamed)
        return " ".join(filter(None, parts)) if any(parts[1:]) else told

    @property
    def _newest(self) -> list[Measurement]:
        """The measurements of the newest window, each once."""
        numbers = (*self.measurements, *(signal.measurement for signal in self.signals))
        newest = max((m.window for m in numbers if m.window is not None), default=None)
        return list({m.series: m for m in numbers if m.window in (None, newest)}.values())

    @property
    def _labels(self) -> int:
        """Rows of the newest window whose label is in, as far as that is known."""
        from watchkeeper.stats.count import CountPart

        label = self.schema.name_of(Role.LABEL) if self.schema else None
        states = (state for key, state in self.current.items() if key.column == label and key.segment == ALL)
        parts = (state.parts.get("count") for state in states)
        counts = [part.rows - part.missing for part in parts if isinstance(part, CountPart)]
        covered = (m for m in self._newest if m.name == "label_coverage" and m.segment == ALL and m.value)
        return sum(counts) or round(next(((m.value or 0.0) * m.n for m in covered), 0.0))

    def diagnosis_of(self, alert: Alert) -> Diagnosis | None:
        """Return what an alert comes from, where that was looked into."""
        return next((found for found in self.diagnoses if found.alert == alert.id), None)

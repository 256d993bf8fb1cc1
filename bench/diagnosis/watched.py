"""The log through the real steps: states, measurements, signals, alerts, and the diagnosis of the gravest alert."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from bench.diagnosis.planted import CHANGED, DAY, NOTHING, QUIET, REFERENCE, START, Cause, World, days
from watchkeeper.core.alert import Alert, AlertState, Severity
from watchkeeper.core.alert import Cause as AlertCause
from watchkeeper.core.batch import Batch
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Role, SegmentRule
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.spec import AlertRule, Monitor, Spec
from watchkeeper.core.state import ROWS, State, StateKey
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.diagnose.diagnose import diagnose
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise
from watchkeeper.steps.assess import assess
from watchkeeper.steps.judge import JudgeMemory, judge
from watchkeeper.steps.monitors import default_monitors, kept
from watchkeeper.steps.reference import design_effects

States = dict[tuple[str, str], State]
Pieces = Mapping[StateKey, State]

ROLES = {Role.ID: "id", Role.TIME: "at", Role.VERSION: "version", Role.PREDICTION: "prediction", Role.LABEL: "label"}


@dataclass(frozen=True)
class Seen:
    """What came of one planted cause.

    Attributes
    ----------
    cause
        What was planted.
    alert
        The gravest alert of the first window in which one fired; None where none did.
    delay
        Days from the change to that window.
    diagnosis
        Of that alert.
    """

    cause: Cause
    alert: Alert | None = None
    delay: int = 0
    diagnosis: Diagnosis | None = None

    @property
    def kind(self) -> str:
        """The kind ranked first."""
        return self.diagnosis.hypotheses[0].kind.value if self.diagnosis else ""

    @property
    def right(self) -> bool:
        """Whether the right kind is ranked first."""
        return self.kind == self.cause.kind

    @property
    def placed(self) -> bool:
        """Whether the hypothesis ranked first names the right column or segment first."""
        if self.diagnosis is None:
            return False
        first = self.diagnosis.hypotheses[0]
        return self.cause.where in (first.columns[:1] + first.segments[:1])


class Watched:
    """A model that was watched up to the day of the change."""

    def __init__(self, world: World) -> None:
        self.world = world
        before = pl.concat(days(world, 0, REFERENCE + QUIET))
        reference = before.filter(pl.col("at") < START + REFERENCE * DAY)
        roles = ROLES if world.regression else {**ROLES, Role.SCORE: "score"}
        schema = infer_schema(reference, roles=roles)
        schema = replace(schema, segments=(SegmentRule("region"),))
        rule = AlertRule(budget=1_000)
        late = Monitor("null_rate", "tolerance", ("label",), options={"always": 0.1}, cause=AlertCause.LABEL_FAULT)
        monitors = (*default_monitors(schema, rule, history=True), late)
        self.spec = Spec("planted", schema, WindowRule(DAY, DAY, START), None, monitors, rule, keep=kept(monitors))
        pieces = self.fold(before)
        first = {key: s for key, s in pieces.items() if key.window is not None and _number(key.window) < REFERENCE}
        self.reference = merged(first.values(), None, "planted")
        self.effects = design_effects(first, self.spec)
        self.pieces, self.history, self.watch = dict(pieces), list[Measurement](), JudgeMemory()
        for number in range(REFERENCE + QUIET):
            self.watch, _ = self.judge(pieces, number, self.watch, self.history)

    def fold(self, frame: pl.DataFrame) -> Pieces:
        """Return the states of each day and version."""
        return summarise([Batch(frame, self.spec.schema)], self.spec)

    def judge(
        self,
        pieces: Pieces,
        number: int,
        watch: JudgeMemory,
        history: list[Measurement],
        signals: list[Signal] | None = None,
    ) -> tuple[JudgeMemory, tuple[Alert, ...]]:
        """Measure and judge one day; add its measurements to the history, its signals to the signals."""
        window = Window(START + number * DAY, START + (number + 1) * DAY)
        states = merged([s for key, s in pieces.items() if key.window == window], window, "planted")
        measured = [replace(m, window=window) for m in assess(states, self.reference, self.spec, effects=self.effects)]
        history += measured
        done = judge(measured, self.spec, watch, window, learning=number < REFERENCE)
        if signals is not None:
            signals += done.signals
        return done.watch, done.alerts

    def see(self, cause: Cause, *, attributed: bool = False) -> Seen:
        """Plant a cause, watch until an alert fires, and diagnose the gravest."""
        first = REFERENCE + QUIET
        pieces = {**self.pieces, **self.fold(pl.concat(days(self.world, first, CHANGED, cause)))}
        watch, history, signals = self.watch, list(self.history), list[Signal]()
        for number in range(first, first + CHANGED):
            watch, alerts = self.judge(pieces, number, watch, history, signals)
            if cause.name == NOTHING and number == first + 1:
                return self._explained(cause, _false_alarm(signals, number), number, pieces, history)
            firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
            if firing:
                return self._explained(cause, firing[0], number, pieces, history, attributed=attributed)
        return Seen(cause)

    def alerts(self, cause: Cause, *, told: bool = True) -> list[Seen]:
        """Plant a cause and return every alert in the window in which it first fires; ``told`` with its diagnosis."""
        first = REFERENCE + QUIET
        pieces = {**self.pieces, **self.fold(pl.concat(days(self.world, first, CHANGED, cause)))}
        watch, history, found = self.watch, list(self.history), dict[str, Seen]()
        for number in range(first, first + CHANGED):
            watch, alerts = self.judge(pieces, number, watch, history)
            for alert in alerts:
                if alert.state is AlertState.FIRING and alert.id not in found:
                    seen = Seen(cause, alert, number - first)
                    found[alert.id] = self._explained(cause, alert, number, pieces, history) if told else seen
        return list(found.values())

    def _explained(
        self,
        cause: Cause,
        alert: Alert,
        number: int,
        pieces: Pieces,
        history: Sequence[Measurement],
        *,
        attributed: bool = False,
    ) -> Seen:
        since = alert.since or START
        held = [s for k, s in pieces.items() if k.window and k.window.start >= since and _number(k.window) <= number]
        current, versions = merged(held, None, "planted"), versions_of(pieces, number)
        found = diagnose(
            alert, self.spec, self.reference, current, history=history, versions=versions, effects=self.effects,
            attributed=attributed,
        )  # fmt: skip
        return Seen(cause, alert, number - REFERENCE - QUIET, found)


def _false_alarm(signals: Sequence[Signal], number: int) -> Alert:
    """Return an alert about the strongest signals of quiet days."""
    judged = [s for s in signals if s.zone in (Zone.WITHIN_1, Zone.WITHIN_2, Zone.WITHIN_3, Zone.BEYOND)]
    worst = sorted(judged, key=lambda s: -abs(s.score))[:3]
    cause = AlertCause.PERFORMANCE if worst[0].measurement.family is Family.METRIC else AlertCause.DRIFT
    evidence = tuple(replace(s, rule="taken for one") for s in worst)
    since = START + (number - 1) * DAY
    columns = tuple(s.measurement.column for s in worst if not s.measurement.column.startswith("@"))
    return Alert("false", "planted", cause, Severity.WARNING, AlertState.FIRING, since, None, columns, (), evidence)


def versions_of(pieces: Pieces, last: int) -> dict[Window, dict[str, int]]:
    """Return the rows of each version by day."""
    found: dict[Window, Counter[str]] = {}
    for key, state in pieces.items():
        if key.column == ROWS and key.segment == "all" and key.window is not None and _number(key.window) <= last:
            found.setdefault(key.window, Counter())[key.version] += state.parts["row_sample"].rows
    return {window: dict(counts) for window, counts in found.items()}


def _number(window: Window) -> int:
    return (window.start - START) // DAY


def seen(seed: int, causes: Sequence[Cause]) -> list[Seen]:
    """Plant each of the causes in the log of one seed."""
    watched = Watched(World(seed))
    return [watched.see(cause) for cause in causes]

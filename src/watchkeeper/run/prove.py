"""Planting faults into a replay, one at a time, to see which of them an alert finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from zlib import crc32

import numpy as np
import polars as pl

from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.errors import STOPS, UsageError, near_miss
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.plugins import plugins
from watchkeeper.core.proof import FalseAlarm, ProofResult, Trial, TrialOutcome
from watchkeeper.core.schema import ALL, Column, Role, Schema
from watchkeeper.core.window import Window
from watchkeeper.faults.fault import Fault, Indirect, Site
from watchkeeper.run.diagnoses import diagnosed
from watchkeeper.run.judging import Judging
from watchkeeper.run.proving import ROWS_CHANGED, CleanJudging, PlantedJudging, PlantedStates
from watchkeeper.run.remembering import recalled
from watchkeeper.run.replay import Replayed, replay
from watchkeeper.stats.codec import merged
from watchkeeper.stats.count import CountPart
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.judge import JudgeMemory

__all__ = ["HORIZON", "ProofGround", "ProofRequest", "prove_on"]

HORIZON = 8
"""Windows with a fault after which it counts as missed."""

LEARNED = 8
"""Windows of a replay that charts of metrics learn from before a fault begins."""

_QUICK_HORIZON, _QUICK_TRIALS, _QUICK_COLUMNS = 2, 40, 8
_HISTORY = 60

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, kw_only=True)
class ProofRequest:
    """What a proof is asked to try.

    Parameters
    ----------
    faults
        Registry keys, or keys and sizes such as ``nulls@0.1``; empty for the whole catalogue.
    columns
        Columns to plant faults in; empty for all.
    seeds
        How often each is planted, each time beginning in another window.
    horizon
        Windows with a fault after which it counts as missed.
    limit
        Trials at most, drawn evenly from all; None for no limit.
    quick
        The faults that everybody should see, once, in a few columns and for two windows: takes seconds.
    """

    faults: Sequence[str] = ()
    columns: Sequence[str] = ()
    seeds: int = 3
    horizon: int = HORIZON
    limit: int | None = None
    quick: bool = False

    def __post_init__(self) -> None:
        for name, value in (("seeds", self.seeds), ("horizon", self.horizon), ("limit", self.limit)):
            if value is not None and value < 1:
                raise UsageError(f"{name} is 1 or more; this is {value}")
        known = plugins("fault")
        for name in self.faults:
            key, _, size = name.partition("@")
            if key not in known:
                raise UsageError(f"there is no fault {key!r}; {near_miss(key, known)}")
            if size and _number(size) is None:
                raise UsageError(f"the size of {name!r} is no number; valid: {key}, or {key}@{known[key].sizes[0]:g}")


@dataclass(frozen=True)
class ProofGround:
    """Windows to replay, and what they are judged by.

    Attributes
    ----------
    judging
        The model's specification, its reference, and the store that holds the states of the windows.
    logged
        The schema of the rows, without the vectors that ``embedding`` adds.
    windows
        The windows to replay, in order; the first ones teach.
    rows
        Returns the rows of a window.
    sample
        Rows of the reference.
    basis, reference, count
        See ``ProofResult``.
    memory
        What judging remembers before the first window.
    """

    judging: Judging
    logged: Schema
    embedding: Embedding
    windows: tuple[Window, ...]
    rows: Callable[[Window], pl.DataFrame]
    sample: pl.DataFrame
    basis: str
    reference: Window | None
    count: int
    memory: JudgeMemory = field(default_factory=JudgeMemory)


def prove_on(ground: ProofGround, asked: ProofRequest, *, progress: Progress | None = None) -> ProofResult:
    """Replay windows as they are, then with one fault at a time, and return what was found.

    A fault is found by a firing alert that is absent from the replay without it, and names a column that the fault
    changed; where the fault shows elsewhere (in labels, in latency), also by one of the causes it states.
    """
    model = ground.judging.spec.model
    horizon = min(asked.horizon, _QUICK_HORIZON) if asked.quick else asked.horizon
    short = ProofResult(model, ground.basis, ground.reference, ground.windows, ground.count, horizon)
    if len(ground.windows) <= LEARNED:
        why = f"{len(ground.windows)} windows can be replayed, and {LEARNED + 1} are needed"
        return replace(short, why=f"{why}: shorter windows (--every), or more rows")
    proof = _Proof.of(ground, min(horizon, len(ground.windows) - LEARNED), progress)
    wanted = list(_wanted(ground, asked))
    tried = wanted if asked.limit is None and not asked.quick else _drawn(wanted, asked)
    trials = []
    for done, (fault, size, column, seed) in enumerate(tried):
        if progress:
            progress(f"planting {fault.says(size)} in {column.name}"[:60], done, len(tried))
        trials.append(proof.trial(fault, size, column, seed))
    why = "" if wanted else "no fault of those asked for can be planted in a column of those asked for"
    return replace(
        short, horizon=proof.horizon, false_alarms=proof.false_alarms(), trials=tuple(trials),
        untried=len(wanted) - len(tried), why=why,
    )  # fmt: skip


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


Wanted = tuple[Fault, float, Column, int]


def _wanted(ground: ProofGround, asked: ProofRequest) -> Iterator[Wanted]:
    """Yield every trial that is asked for: fault by fault, column by column."""
    schema = ground.logged
    for name in asked.columns:
        _ = schema[name]
    chosen = [name.partition("@") for name in asked.faults] or [(name, "", "") for name in plugins("fault")]
    for name, _, size in chosen:
        fault: Fault = plugins("fault")[name]
        usual = fault.quick if asked.quick and not asked.faults else fault.sizes
        columns = [c for c in fault.columns(schema) if not asked.columns or c.name in asked.columns]
        for column in columns[: _QUICK_COLUMNS if asked.quick else None]:
            for one in [float(size)] if size else usual:
                for seed in range(1 if asked.quick else asked.seeds):
                    yield fault, one, column, seed


def _drawn(wanted: Sequence[Wanted], asked: ProofRequest) -> list[Wanted]:
    """Return as many trials as the limit allows, drawn evenly from all, in order."""
    most = asked.limit if asked.limit is not None else _QUICK_TRIALS
    if len(wanted) <= most:
        return list(wanted)
    drawn = np.random.default_rng(0).permutation(len(wanted))[:most]
    return [wanted[place] for place in sorted(drawn.tolist())]


@dataclass
class _Proof:
    """The replay without faults, and how each fault is tried against it."""

    ground: ProofGround
    horizon: int
    clean: CleanJudging
    steps: list[Replayed]
    memories: list[JudgeMemory]
    frames: dict[Window, pl.DataFrame] = field(default_factory=dict)

    @classmethod
    def of(cls, ground: ProofGround, horizon: int, progress: Progress | None) -> _Proof:
        """Replay the windows as they are."""
        clean = CleanJudging.like(_settled(ground))
        steps: list[Replayed] = []
        memories = [ground.memory]
        for step in replay(clean, ground.windows, ground.memory):
            steps.append(step)
            memories.append(recalled(step.after, ()))
            if progress:
                progress("replaying without faults", len(steps), len(ground.windows))
        return cls(ground, horizon, clean, steps, memories)

    def false_alarms(self) -> tuple[FalseAlarm, ...]:
        """Return the alerts that began to fire without a fault."""
        known: set[str] = {e.alert.id for e in self.ground.memory.episodes.values() if e.alert}
        found = []
        for step in self.steps:
            for alert in step.judged.alerts:
                if alert.state is AlertState.FIRING and alert.id not in known:
                    known.add(alert.id)
                    found.append(FalseAlarm(alert.cause, step.window, alert.columns))
        return tuple(found)

    def rows(self, window: Window) -> pl.DataFrame:
        """Return the rows of a window; those of windows with faults are kept, since each fault is planted there."""
        if window not in self.frames:
            self.frames[window] = self.ground.rows(window)
        return self.frames[window]

    def start(self, seed: int) -> int:
        """Return the number of the first window with a fault: the same for all faults of a seed."""
        last = len(self.ground.windows) - self.horizon
        places = np.random.default_rng(20_260_000).permutation(np.arange(LEARNED, last + 1))
        return int(places[seed % len(places)])

    def trial(self, fault: Fault, size: float, column: Column, seed: int) -> Trial:
        """Plant a fault, judge the windows with it, and return what came of it."""
        kept = Trial(fault.name, size, fault.kinds[0], fault.says(size), column.name, seed, TrialOutcome.NOT_PLANTABLE)
        try:
            return self._tried(kept, fault, column)
        except STOPS:
            raise
        except BaseException as error:  # noqa: BLE001 - one fault, of another package perhaps, costs itself
            return replace(kept, outcome=TrialOutcome.FAILED, reason=f"{type(error).__name__}: {error}"[:300])

    def _tried(self, kept: Trial, fault: Fault, column: Column) -> Trial:
        start = self.start(kept.seed)
        windows = self.ground.windows[start : start + self.horizon]
        words = f"{fault.name}\x00{column.name}\x00{kept.size:g}".encode()
        site = Site(self.ground.logged, column, self.ground.sample, self.rows(self.ground.windows[start - 1]))
        plant = fault.plant(site, kept.size, np.random.default_rng([kept.seed, crc32(words)]))
        if plant is None:
            return replace(kept, reason="the column does not allow it")
        states = PlantedStates(self.clean, self.ground.logged, self.ground.embedding, self.rows, plant, windows)
        judging = PlantedJudging.with_fault(self.clean, states)
        causes = fault.causes if isinstance(fault, Indirect) else frozenset[Cause]()
        steps: list[Replayed] = []
        since: int | None = None
        for number, step in enumerate(replay(judging, windows, self.memories[start])):
            steps.append(step)
            if since is None and states.changed.get(step.window):
                since = number
            names = frozenset().union(*states.changed.values()) - {ROWS_CHANGED} or {column.name}
            alert = self._new(step, start + number, names, causes) if since is not None else None
            if alert is not None and since is not None:
                found = replace(
                    kept, outcome=TrialOutcome.FOUND, since=windows[since], windows=number + 1,
                    delay=number - since + 1, cause=alert.cause,
                )  # fmt: skip
                return _named(found, self._diagnosis(alert, states, judging, start, steps), alert, names, fault)
        if since is None:
            return replace(kept, reason="it changes nothing here")
        return replace(kept, outcome=TrialOutcome.MISSED, since=windows[since], windows=len(windows))

    def _new(
        self, step: Replayed, place: int, names: frozenset[str] | set[str], causes: frozenset[Cause]
    ) -> Alert | None:
        """Return the gravest firing alert that is news because of the fault, and about it."""
        clean = {a.id: a for a in self.steps[place].judged.alerts if a.state is AlertState.FIRING}
        for alert in step.judged.alerts:
            if alert.state is not AlertState.FIRING:
                continue
            before = clean.get(alert.id)
            # Who has been told of drift is not told again; a fault that spreads is told anew.
            fresh = set(alert.columns) - set(before.columns if before else ())
            if before is not None and alert.cause is not Cause.DATA_FAULT:
                continue
            if fresh & names or (before is None and alert.cause in causes):
                return alert
        return None

    def _diagnosis(
        self, alert: Alert, states: PlantedStates, judging: PlantedJudging, start: int, steps: Sequence[Replayed]
    ) -> Diagnosis:
        """Return what a run would have recorded as the diagnosis of an alert."""
        spec, every = judging.spec, judging.rule.every
        since = alert.since or steps[0].window.start
        affected = Window(since, max(alert.last or since, since + every))
        held = sorted(states.states(spec.model, affected).items())
        current = merged((state for _, state in held), affected, spec.model)
        names = {signal.measurement.name for signal in alert.evidence if signal.fired}
        before = self.steps[max(0, start - _HISTORY) : start]
        history = [m for step in (*before, *steps) for m in step.measured if _told(m, names)]
        thorough = alert.cause is Cause.PERFORMANCE
        return diagnosed(
            alert, spec, judging.reference, current, history=history, versions={}, effects=judging.effects,
            rates=judging.rates,
            attributed=thorough,
        )  # fmt: skip


def _settled(ground: ProofGround) -> Judging:
    """Return what windows are judged by; without estimates where labels are in, which then signal for themselves."""
    judging, label = ground.judging, ground.logged.name_of(Role.LABEL)
    if label is None:
        return judging
    store, model = judging.store, judging.spec.model
    states = [s for w in ground.windows for s in store.states(model, w, [label]).values() if s.key.segment == ALL]
    counts = [count for state in states if isinstance(count := state.parts.get("count"), CountPart)]
    late = any(2 * count.valid < count.rows for count in counts)
    return judging if late else replace(judging, spec=replace(judging.spec, estimate="never"))


def _told(measurement: Measurement, names: set[str]) -> bool:
    return measurement.name in names or (measurement.family is Family.METRIC and measurement.segment == ALL)


def _named(trial: Trial, diagnosis: Diagnosis, alert: Alert, names: frozenset[str] | set[str], fault: Fault) -> Trial:
    first = diagnosis.hypotheses[0] if diagnosis.hypotheses else None
    kind = first is not None and first.kind in fault.kinds
    about = (first.columns if first else ()) or alert.columns
    column = about[0] in names if about else None
    return replace(trial, kind_first=kind, column_first=column)

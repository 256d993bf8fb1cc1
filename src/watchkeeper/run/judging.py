"""One window of a model's log: assessed, judged and recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import polars as pl

from watchkeeper.alerts.mutes import as_heard
from watchkeeper.alerts.policy import withdraw
from watchkeeper.compare.recent import Recent
from watchkeeper.compare.season_model import SeasonModel
from watchkeeper.compare.usual_rates import UsualRates
from watchkeeper.compare.window_shape import Lately
from watchkeeper.core.against import parse_against
from watchkeeper.core.alert import Alert
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import OUTCOME, ROWS, State, StateKey
from watchkeeper.core.store import Noun, SetsAside, Store
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.performance.arrivals import LabelRegime
from watchkeeper.performance.association import turned_labels
from watchkeeper.performance.between_blocks import BetweenBlocks
from watchkeeper.performance.stability import stability
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.diagnoses import Casebook
from watchkeeper.run.reach import rows_moves
from watchkeeper.run.remembering import newest_remembered, recalled
from watchkeeper.run.replay import Replayed, replay
from watchkeeper.stats.codec import merged
from watchkeeper.steps.assess import assess
from watchkeeper.steps.bands import with_learned_bands
from watchkeeper.steps.chart_step import Earlier
from watchkeeper.steps.judge import Judged, JudgeMemory, judge
from watchkeeper.steps.label_faults import labels_overdue, settled_turn
from watchkeeper.steps.lately import lately_before, lately_with
from watchkeeper.steps.recent import recent_before, with_window
from watchkeeper.steps.reference import reference_blocks
from watchkeeper.steps.season import read_season
from watchkeeper.steps.set_aside import set_aside
from watchkeeper.steps.stored_reference import reference_effects, reference_rates, reference_states

__all__ = ["Judging", "Measured"]

_STEADY = "prediction_mean"
_STEADY_WINDOWS = 12
_VERSIONS = 100
"""Versions whose order is remembered."""
_BEGINNING = datetime(1, 1, 2, tzinfo=UTC)

States = Mapping[tuple[str, str], State]
Measured = Callable[[States, States, StateKey], list[Measurement]]


@dataclass(frozen=True)
class Judging:
    """What all windows of one run are judged by.

    Attributes
    ----------
    reference, effects, rates, between
        States, design effects, usual rates of faults and spreads between blocks of the reference.
    behaviour
        Measures what needs the model itself, given the states of reference and window and the window's key.
    aside
        What the store says of predictions in quarantine; None where that is nothing.
    season
        What each season expects of the columns; None where the reference cannot tell.
    muted
        Alerts, by id, that nobody wants to be told of now.
    """

    spec: Spec
    store: Store
    rule: WindowRule
    reference: States
    effects: Mapping[str, float]
    rates: Mapping[str, UsualRates]
    between: Mapping[str, BetweenBlocks]
    behaviour: Measured | None = None
    aside: pl.DataFrame | None = None
    season: SeasonModel | None = None
    muted: frozenset[str] = frozenset()

    @classmethod
    def of(cls, spec: Spec, store: Store, rule: WindowRule, behaviour: Measured | None = None) -> Judging:
        """Read the reference of a model."""
        reference = reference_states(spec, store)
        aside = store.set_aside(spec.model) if isinstance(store, SetsAside) else None
        return cls(
            spec, store, rule, reference, reference_effects(spec, store), reference_rates(spec, store),
            reference_blocks(spec, store), behaviour, aside, read_season(spec, store)[0],
        )  # fmt: skip

    def memory_before(self, window: Window, place: Checkpoint, alerts: Iterable[Alert] = ()) -> JudgeMemory:
        """Return what judging remembered before a window.

        Where that is not kept, the windows since the newest one that is are judged again, which gives the same; nothing
        of it is recorded.

        Parameters
        ----------
        alerts
            The open ones, for a memory that is damaged.
        """
        before = place.before(window)
        if before is None:
            return JudgeMemory()
        stored = newest_remembered(self.store, self.spec.model, before)
        known = stored is not None and stored.window in place.judged
        memory = recalled(stored, alerts) if stored and known else JudgeMemory()
        lost, damaged = memory.lost, memory.damaged
        since = stored.window.start if stored and known else _BEGINNING
        again = sorted(w for w in place.judged if since < w.start <= before.start)
        for step in replay(self, again, memory, lambda one: place.revisions[one], recorded=False):
            # What was damaged is told of the next window that is recorded.
            memory = replace(recalled(step.after, ()), lost=lost, damaged=damaged)
        return memory

    def heard(self, alerts: Iterable[Alert]) -> tuple[Alert, ...]:
        """Return alerts as people hear of them."""
        return tuple(as_heard(alert, self.muted) for alert in alerts)

    def record(
        self, step: Replayed, place: Checkpoint, alerts: Iterable[Alert], casebook: Casebook
    ) -> tuple[list[Alert], Checkpoint]:
        """Record everything about a judged window in one transaction; also return alerts that it no longer gives."""
        window, judged = step.window, step.judged
        # An alert is named after its first window, so judging it again gives it again or shows that it was none.
        kept = {alert.id for alert in judged.alerts}
        gone = [withdraw(a) for a in alerts if a.since == window.start and a.id not in kept]
        moved = place.judge(window, step.revision, bool(step.states))
        stored = [replace(m, curve=(), departures=()) for m in step.measured]
        diagnoses = casebook.begun(judged.alerts, moved, stored)
        nouns: list[Noun] = [*stored, *judged.signals, *self.heard(judged.alerts), *gone, *diagnoses, step.after]
        moves = {**moved.moves(place), **rows_moves(self.store, self.spec.model, self.reference, step.states)}
        self.store.record(self.spec.model, nouns, moves)
        return gone, moved

    def judged(self, window: Window, memory: JudgeMemory, revision: int) -> tuple[list[Measurement], Judged, States]:
        """Return what is measured of a window, what that is judged to be, and the states of its rows."""
        spec = self.spec
        # Sums depend on their order in the last digits; sorted, they are the same whatever came when and lies where.
        held = sorted(self.store.states(spec.model, window).items())
        states = merged((state for _, state in held), window, spec.model)
        recent = recent_before(memory.recent, window, self.rule.every)
        lately = lately_before(memory.lately, window, self.rule.every)
        regime = memory.arrivals.regime(self.rule.every, self.reference.get((ALL, OUTCOME)))
        measured = self._measured(window, states, recent, lately, regime=regime) or [_nothing(spec, window)]
        inside = _inside(window, spec.reference)
        measured, bands = with_learned_bands(measured, memory.bands, self.between, lag=regime.lag, learning=inside)
        measured += self._label_faults(memory, window, states, measured)
        measured += self._set_aside(window, measured)
        steady = _steady(memory, self.rule, window, measured)
        if steady and steady[-1].window == window:
            measured.append(stability(steady))
        measured = [replace(m, window=window, revision=revision) for m in measured]
        known, version = _versions(memory.versions, (state for _, state in held))
        judged = judge(
            measured, spec, replace(memory, steady=steady, versions=known), window,
            learning=inside, version=version, earlier=self._history(window),
        )  # fmt: skip
        recent = with_window(recent, self.reference, states, judged.signals, window)
        lately = lately_with(lately, states, measured, judged.signals, spec.schema, window)
        outcome = states.get((ALL, OUTCOME))
        arrivals = memory.arrivals if outcome is None else memory.arrivals.after(outcome)
        watch = replace(judged.watch, recent=recent, lately=lately, arrivals=arrivals, bands=bands)
        return measured, replace(judged, watch=watch), states

    def _measured(
        self,
        window: Window,
        states: States,
        recent: Mapping[str, Recent],
        lately: Mapping[str, Lately],
        only: Collection[str] | None = None,
        regime: LabelRegime | None = None,
    ) -> list[Measurement]:
        """Return what is measured of the rows of a window; nothing of none, whatever rules ask for.

        Parameters
        ----------
        only
            Comparisons to make, of the states that are there and of nothing else; None for everything.
        regime
            What is usual of labels.
        """
        if not states:
            return []
        found = assess(
            states, self.reference, self.spec, effects=self.effects, rates=self.rates, recent=recent, lately=lately,
            earlier=self._earlier(window), now=window.end, between=self.between, only=only,
            season=self.season, regime=regime,
        )  # fmt: skip
        if self.behaviour and only is None:
            found.extend(self.behaviour(self.reference, states, StateKey(self.spec.model, "", window)))
        return found

    def _set_aside(self, window: Window, measured: Iterable[Measurement]) -> list[Measurement]:
        """Return the share of the window's rows that are in quarantine; nothing where none is."""
        inside = pl.col("filed").is_between(window.start, window.end, closed="left")
        codes = self.aside.filter(inside)["code"].value_counts() if self.aside is not None else None
        if codes is None or codes.is_empty():
            return []
        rows = sum(m.n for m in measured if m.name == "rows" and m.segment == ALL)
        return [set_aside(self.spec.model, window, dict(codes.iter_rows()), rows)]

    def _label_faults(
        self, memory: JudgeMemory, window: Window, states: States, measured: Sequence[Measurement]
    ) -> list[Measurement]:
        """Return what is measured of labels only where they are at fault: overdue, or turned."""
        label = self.spec.schema.name_of(Role.LABEL)
        if label is None:
            return []
        late = memory.arrivals.overdue(self.rule.every, window, self.reference.get((ALL, OUTCOME)))
        turned = settled_turn(turned_labels(self.reference, states, self.spec.schema), measured)
        return [*turned, *([labels_overdue(self.spec.model, window, label, late)] if late else [])]

    def _history(self, window: Window) -> Earlier:
        """Return what tells the measurements of a series in the windows before, oldest first."""

        def of_series(point: Measurement) -> list[Measurement]:
            query = Query.of_series(point, Window(_BEGINNING, window.start))
            own = window.end - window.start
            return [
                m
                for m in self.store.recorded(self.spec.model, Measurement, query)
                # Windows that were cut otherwise once would count their rows twice.
                if m.series == point.series and m.window and m.window.end - m.window.start == own
            ]

        return of_series

    def _earlier(self, window: Window) -> dict[str, States]:
        """Return the states of the earlier windows that monitors compare with, by what they call them."""
        found: dict[str, States] = {}
        for name in sorted({monitor.against for monitor in self.spec.monitors} - {""}):
            against = parse_against(name)
            before = against.windows(window) if against else ()
            held = [s for one in before for _, s in sorted(self.store.states(self.spec.model, one).items())]
            found[name] = merged(held, None, self.spec.model)
        return found


def _versions(before: tuple[str, ...], held: Iterable[State]) -> tuple[tuple[str, ...], str]:
    """Return the versions that have answered by now, and of those in this window the one that came last.

    A window that a release divides counts for the new version, and one with a canary in it for the canary.
    """
    keys = sorted((s.key for s in held if s.key.column == ROWS and s.key.version), key=lambda k: (k.window, k.version))
    present = dict.fromkeys(key.version for key in keys)
    known = tuple(dict.fromkeys((*before, *present)))
    return known[-_VERSIONS:], max(present, key=known.index, default="")


def _steady(
    memory: JudgeMemory, rule: WindowRule, window: Window, measured: Sequence[Measurement]
) -> tuple[Measurement, ...]:
    """Return the mean prediction of this window and of those before it that its stability is measured over."""
    means = [m for m in measured if m.name == _STEADY and m.segment == ALL]
    own = tuple(replace(m, window=window, evidence=Evidence()) for m in means)
    since = window.start - _STEADY_WINDOWS * rule.every
    return (*(m for m in memory.steady if m.window is not None and m.window.start >= since), *own)


def _inside(window: Window, reference: Window | None) -> bool:
    middle = window.start + (window.end - window.start) / 2
    return reference is not None and middle in reference


def _nothing(spec: Spec, window: Window) -> Measurement:
    return Measurement(Family.QUALITY, "rows", 0.0, 0, model=spec.model, window=window, column=ROWS)

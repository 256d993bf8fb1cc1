"""Windows judged with a planted fault: what is the same as without it is taken over and not made again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from watchkeeper.compare.recent import Recent
from watchkeeper.compare.window_shape import Lately
from watchkeeper.core.batch import Batch
from watchkeeper.core.columns import series_named
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.spec import DEPARTURE, Spec
from watchkeeper.core.state import JOINT, ROWS, State, StateKey
from watchkeeper.core.window import Window
from watchkeeper.performance.arrivals import LabelRegime
from watchkeeper.run.judging import Judging
from watchkeeper.stats.summarise import summarise
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.season import departures_of

if TYPE_CHECKING:
    from watchkeeper.faults.fault import Plant

__all__ = ["ROWS_CHANGED", "CleanJudging", "PlantedJudging", "PlantedStates", "States"]

T = TypeVar("T")

States = Mapping[tuple[str, str], State]

ROWS_CHANGED = "*"
"""What stands for a fault that adds rows, or takes some away."""


@dataclass(frozen=True)
class CleanJudging(Judging):
    """Judges windows as they are and keeps what was measured of each."""

    kept: dict[Window, list[Measurement]] = field(default_factory=dict)

    @classmethod
    def like(cls, judging: Judging) -> CleanJudging:
        """Return what judges as another does."""
        return cls(**{one.name: getattr(judging, one.name) for one in fields(Judging)})

    def _measured(
        self,
        window: Window,
        states: States,
        recent: Mapping[str, Recent],
        lately: Mapping[str, Lately],
        only: Collection[str] | None = None,
        regime: LabelRegime | None = None,
    ) -> list[Measurement]:
        found = super()._measured(window, states, recent, lately, only, regime)
        self.kept[window] = list(found)
        return found


@dataclass
class PlantedStates:
    """The states of windows with a fault in them, where there is one; a store as far as judging reads one.

    Parameters
    ----------
    clean
        The store that holds the states without.
    logged
        The schema of the rows, without the vectors that ``embedding`` adds to that of ``spec``.
    rows
        Returns the rows of a window.
    plant
        Puts the fault into rows; called for one window after the other.
    within
        The windows that it is put into.
    """

    clean: Judging
    logged: Schema
    embedding: Embedding
    rows: Callable[[Window], pl.DataFrame]
    plant: Plant
    within: Sequence[Window]
    changed: dict[Window, frozenset[str]] = field(default_factory=dict)
    _states: dict[Window, dict[StateKey, State]] = field(default_factory=dict)

    def states(self, model: str, window: Window | None, columns: Sequence[str] = ()) -> dict[StateKey, State]:
        """Return the states whose window lies in ``window``, of all or some columns."""
        if window is None:
            return self.clean.store.states(model, window, columns)
        found = self.clean.store.states(model, window, columns)
        for own in (w for w in self.within if window.start <= w.start and w.end <= window.end):
            if own not in self._states:
                self._states[own] = self._planted(own)
            gone = {key for key in found if key.window and own.start <= key.window.start < own.end}
            if self.changed[own] or not self._states[own]:
                found = {key: state for key, state in found.items() if key not in gone}
                found |= {k: s for k, s in self._states[own].items() if not columns or k.column in columns}
        return found

    def recorded(self, model: str, kind: type[T], query: Query | None = None) -> list[T]:
        """Return what the clean store has recorded, for charts whose memory is lost."""
        return self.clean.store.recorded(model, kind, query)

    def _planted(self, window: Window) -> dict[StateKey, State]:
        """Return all states of a window with the fault, and note which columns it changed."""
        spec = self.clean.spec
        before = self.rows(window)
        clean = self.clean.store.states(spec.model, window)
        after = self.plant(before)
        self.changed[window] = changed = _changed(before, after)
        if not changed:
            return clean
        if not _by_itself(changed, spec):
            made = self.embedding.summarise([Batch(after, self.logged)], spec)
            return {key: state for key, state in made.items() if _inside(key, window)}
        some = summarise([Batch(after, self.logged)], spec, only=changed)
        kept = (*changed, ROWS, JOINT)
        return {**clean, **{key: s for key, s in some.items() if key.column in kept and _inside(key, window)}}


def _changed(before: pl.DataFrame, after: pl.DataFrame) -> frozenset[str]:
    if before.height != after.height:
        return frozenset({ROWS_CHANGED})
    names = [n for n in after.columns if not series_named(before, n).equals(series_named(after, n), check_dtypes=True)]
    return frozenset(names)


def _by_itself(changed: frozenset[str], spec: Spec) -> bool:
    """Return whether nothing but the states of features that changed, of the rows and of all features can have."""
    split = {rule.column for rule in spec.schema.segments}
    features = all(name in spec.schema and spec.schema[name].role is Role.FEATURE for name in changed)
    return features and not (changed & split) and not (changed & spec.embed.keys()) and not spec.rules


def _inside(key: StateKey, window: Window) -> bool:
    return key.window is not None and window.start <= key.window.start and key.window.end <= window.end


@dataclass(frozen=True)
class PlantedJudging(Judging):
    """Judges windows with a fault; measures anew only what the fault can have changed.

    Attributes
    ----------
    clean
        What was measured of each window without the fault.
    planted
        The store, which knows what changed.
    whole
        Whether to measure everything anew all the same.
    """

    clean: Mapping[Window, list[Measurement]] = field(default_factory=dict)
    planted: PlantedStates | None = None
    whole: bool = False

    @classmethod
    def with_fault(cls, clean: CleanJudging, planted: PlantedStates, *, whole: bool = False) -> PlantedJudging:
        """Return what judges windows with a fault as ``clean`` does those without."""
        as_clean = {one.name: getattr(clean, one.name) for one in fields(Judging)}
        return cls(**{**as_clean, "store": planted}, clean=clean.kept, planted=planted, whole=whole)

    def _measured(
        self,
        window: Window,
        states: States,
        recent: Mapping[str, Recent],
        lately: Mapping[str, Lately],
        only: Collection[str] | None = None,
        regime: LabelRegime | None = None,
    ) -> list[Measurement]:
        known = self.clean.get(window)
        changed = self.planted.changed.get(window, frozenset()) if self.planted else frozenset[str]()
        if known is None or self.whole or not self._apart(changed, known):
            return super()._measured(window, states, recent, lately, only, regime)
        # What was usual of these columns before may have come from windows with the fault.
        spoilt = frozenset().union(*self.planted.changed.values()) if self.planted else changed
        if not spoilt:
            return list(known)
        columns = {*spoilt, JOINT, ROWS}
        some = {place: state for place, state in states.items() if place[1] in columns}
        # Nothing else can signal, and nothing that rests on other columns is made anew.
        judged = {monitor.measure for monitor in self.spec.monitors if not monitor.against}
        made = super()._measured(window, some, recent, lately, judged - {DEPARTURE}, regime)
        # What a column departs by rests on those that go with it, and on the times.
        away = departures_of(self.season, states, self.spec) if DEPARTURE in judged else []
        order = {place: number for number, place in enumerate(states)}
        kept = [m for m in known if m.column not in columns and m.name != DEPARTURE]
        found = [*kept, *made, *away]
        return sorted(found, key=lambda m: order.get((m.segment, m.column), len(order)))

    def _apart(self, changed: frozenset[str], known: Sequence[Measurement]) -> bool:
        """Return whether what was measured of the other columns stays as it was."""
        estimated = any(m.family is Family.ESTIMATE for m in known)
        return _by_itself(changed, self.spec) and not estimated and self.behaviour is None

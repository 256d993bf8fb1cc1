"""The seasons of a model's reference: fitted when it is summarised, and kept beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.departures import coverage, departures
from watchkeeper.compare.design_effect import LEAST_WINDOWS, tells_effect
from watchkeeper.compare.season_model import Reference, SeasonModel, fit_season
from watchkeeper.compare.usual_rates import unused
from watchkeeper.compare.window_statistics import WindowStatistics, followed
from watchkeeper.core.errors import StateError
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window
from watchkeeper.stats.codec import merged

__all__ = ["SEASON", "departures_of", "read_season", "reference_windows", "season_of_reference", "stored_season"]

SEASON = "season"
"""The pointer that holds what each season expects of the columns."""

_VERSION = 1
_SAMPLED = 60
"""Windows by which it is decided which statistics of a column are followed."""

_STRETCHED = 3

States = dict[tuple[str, str], State]


class _Stored(msgspec.Struct):
    version: int
    season: SeasonModel | None


def reference_windows(
    pieces: Mapping[StateKey, State], spec: Spec, length: Callable[[datetime], Window]
) -> dict[Window, States]:
    """Return the states of the windows that a reference is made of, in order, cut by ``length``.

    Only columns that are judged window by window are there, and the time.
    """
    found: dict[Window, list[State]] = {}
    for key, state in pieces.items():
        if key.window is None or key.segment != ALL or state.spec is None or state.spec.role is Role.ID:
            continue
        if tells_effect(state.spec) or state.spec.role is Role.TIME:
            found.setdefault(length(key.window.start), []).append(state)
    return {window: merged(found[window], window, spec.model) for window in sorted(found)}


def season_of_reference(pieces: Mapping[StateKey, State], spec: Spec) -> SeasonModel | None:
    """Return the seasons of the columns; None for fewer than 20 windows of the length that is judged."""
    rule = spec.windows
    if rule is None:
        return None
    windows = reference_windows(pieces, spec, rule.window_of)
    if len(windows) < LEAST_WINDOWS:
        return None
    held = [(window.start.timestamp(), states) for window, states in windows.items()]
    length = rule.every.total_seconds()
    starts = _every(np.array([start for start, _ in held]), length)
    at = np.round((np.array([start for start, _ in held]) - starts[0]) / length).astype(int)
    if len(starts) == len(held):
        at = np.arange(len(held))
    moving = spec.schema.moving
    names = [column.name for column in spec.schema if followed(column) and column.name not in moving]
    references = {}
    for name in names:
        own = [(place, states.get((ALL, name))) for place, (_, states) in zip(at.tolist(), held, strict=True)]
        one = _reference([(place, s) for place, s in own if s is not None and not s.problem], len(starts), spec)
        if one is not None:
            references[name] = one
    if not references:
        return None
    return fit_season(starts, length, references, _covered(held, length, spec))


def departures_of(
    season: SeasonModel | None, current: Mapping[tuple[str, str], State], spec: Spec
) -> list[Measurement]:
    """Measure what the columns of a window differ by from their season; nothing of one of another length."""
    window = next((state.key.window for state in current.values() if state.key.window), None)
    if season is None or window is None or (window.end - window.start).total_seconds() != season.length:
        return []
    return departures(season, current, window.start.timestamp(), spec.schema.name_of(Role.TIME))


def stored_season(season: SeasonModel | None) -> str:
    """Return the seasons as they are stored."""
    return msgspec.json.encode(_Stored(_VERSION, season), order="deterministic").decode()


def read_season(spec: Spec, store: Store) -> tuple[SeasonModel | None, bool]:
    """Return the stored seasons, and whether there are any to be read: those of an earlier form are fitted anew."""
    held = store.pointer(spec.model, SEASON)
    try:
        stored = msgspec.json.decode(held, type=_Stored) if held else None
    except msgspec.MsgspecError:
        stored = None
    if stored is None or stored.version != _VERSION:
        return None, False
    return stored.season, True


def _every(starts: NDArray[np.float64], length: float) -> NDArray[np.float64]:
    """Return the starts with those of missing windows between them, unless most would be missing."""
    count = round((starts[-1] - starts[0]) / length) + 1
    return starts if count > _STRETCHED * len(starts) else starts[0] + length * np.arange(count)


def _reference(own: Sequence[tuple[int, State]], windows: int, spec: Spec) -> Reference | None:
    own = own[unused([state for _, state in own]) :]
    if not own:
        return None
    try:
        whole = next(iter(merged((state for _, state in own), None, spec.model).values()))
        sample = [state for _, state in own[:: max(1, len(own) // _SAMPLED)]]
        statistics = WindowStatistics.of(whole, sample)
        if statistics is None:
            return None
        values, rows = np.full((windows, len(statistics.names)), np.nan), np.zeros(windows)
        for place, state in own:
            rows[place], values[place] = statistics.measure(state)
    except StateError:
        return None
    there = np.isfinite(values).all(axis=1)
    return Reference(statistics, values, rows) if int(there.sum()) >= LEAST_WINDOWS else None


def _covered(held: Sequence[tuple[float, States]], length: float, spec: Spec) -> tuple[float, float] | None:
    time = spec.schema.name_of(Role.TIME)
    states = [(start, states.get((ALL, time or ""))) for start, states in held]
    parts = [coverage(state, start, length) for start, state in states if state is not None and not state.problem]
    known = np.array([part for part in parts if part is not None])
    if len(known) < LEAST_WINDOWS:
        return None
    share, middle = np.median(known, axis=0).round(6).tolist()
    return share, middle

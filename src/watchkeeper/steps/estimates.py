"""Which estimates of performance are made of a log, and where realised performance takes over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import ALL, Role, Schema
from watchkeeper.core.spec import BUSINESS_VALUE, Spec
from watchkeeper.core.state import JOINT, OUTCOME, State, StateKey
from watchkeeper.core.window import Window
from watchkeeper.performance.assess_estimates import default_estimates, estimators_for, kept_for, kept_now_for
from watchkeeper.performance.between_blocks import BetweenBlocks, between_blocks
from watchkeeper.performance.estimated_value import estimated_value
from watchkeeper.performance.unlabelled import unlabelled
from watchkeeper.stats.codec import merge_states

__all__ = ["blocks_of_reference", "estimates", "kept_for_estimates", "settled", "uncharted"]

States = Mapping[tuple[str, str], State]

_MOST_BLOCKS = 40
_NO_TIMES = BetweenBlocks(unknown="the rows of the reference carry no times")


def kept_for_estimates(
    schema: Schema, choice: str, *, labelled: bool = False
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the optional statistics that estimates rest on: of the rows to judge, and of the reference.

    Parameters
    ----------
    choice
        ``Spec.estimate``.
    labelled
        Whether the rows to judge come with their labels: ``auto`` then samples rows of regressors only, of which
        nothing can be estimated otherwise where some labels lack.
    """
    rows = choice == "rows" or (choice == "auto" and not (labelled and not schema.task.spec.estimated_from_rows))
    if not rows or schema.of(Role.LABEL) is None:
        return (), ()
    names = estimators_for(schema)
    return kept_now_for(names), kept_for(names)


def blocks_of_reference(pieces: Mapping[StateKey, State], spec: Spec) -> dict[str, BetweenBlocks]:
    """Return by segment how much performance moves between the windows that a reference is made of.

    Windows have the length that is judged, whatever the states are stored in. Of more than 40 windows those next to
    each other are put together; rows without a time are in none, and a reference without times tells nothing.
    """
    if spec.estimate == "never" or not estimators_for(spec.schema):
        return {}
    read = (OUTCOME, JOINT) if spec.schema.task.spec.estimated_from_rows else (OUTCOME,)
    found: dict[str, BetweenBlocks] = {}
    held: dict[str, dict[Window | None, dict[str, State]]] = {}
    for key, state in sorted(pieces.items(), key=lambda item: repr(item[0])):
        if key.column in read:
            window = spec.windows.window_of(key.window.start) if spec.windows and key.window else key.window
            states = held.setdefault(key.segment, {}).setdefault(window, {})
            states[key.column] = merge_states(states[key.column], state) if key.column in states else state
    for segment, by_window in held.items():
        dated = {window: states for window, states in by_window.items() if window is not None}
        if not dated:
            found[segment] = _NO_TIMES
            continue
        size = -(-len(dated) // _MOST_BLOCKS)
        ordered = [dated[window] for window in sorted(dated)]
        blocks = [_together(ordered[start : start + size]) for start in range(0, len(ordered), size)]
        try:
            found[segment] = between_blocks(_together(blocks), blocks, spec.schema)
        except Exception as error:  # noqa: BLE001 - a band that lacks a part, and says so, is better than no window
            found[segment] = BetweenBlocks(unknown=f"{type(error).__name__}: {error}")
    return found


def _together(parts: Iterable[Mapping[str, State]]) -> dict[str, State]:
    states: dict[str, list[State]] = {}
    for part in parts:
        for column, state in part.items():
            states.setdefault(column, []).append(state)
    return {column: merge_states(*listed) for column, listed in states.items()}


def estimates(
    reference: States,
    current: States,
    spec: Spec,
    between: Mapping[str, BetweenBlocks] | None = None,
    without: Iterable[str] = (),
    hidden: Collection[str] = (),
) -> list[Measurement]:
    """Return the estimates of every segment that the reference has labels of.

    Parameters
    ----------
    between
        By segment how much performance moves between the blocks of the reference.
    without
        Segments of which nobody reads an estimate, for their labels are in.
    hidden
        Segments whose labels no estimate may rest on: they are in, so that it can be compared with them, or they are
        partly in, and nobody knows whether those that came first are like the others.
    """
    if spec.estimate == "never" or not estimators_for(spec.schema):
        return []
    found: list[Measurement] = []
    left_out = frozenset(without)
    for segment in dict.fromkeys(segment for segment, column in current if column == OUTCOME):
        if (segment, OUTCOME) in reference and segment not in left_out:
            before, now = _of(reference, segment), _of(current, segment)
            now = unlabelled(now) if segment in hidden else now
            found.extend(default_estimates(before, now, spec.schema, (between or {}).get(segment)))
            found.extend(_worth(before, now, spec))
    return found


def uncharted(measurements: Iterable[Measurement], spec: Spec) -> frozenset[str]:
    """Return the segments whose labels are in and of which no chart takes in what is estimated."""
    charted = {s for monitor in spec.monitors if monitor.chart for s in monitor.segments}
    known = {segment for _, segment in settled(measurements)}
    return frozenset(s for s in known if s not in charted and (s == ALL or s.split("=", 1)[0] not in charted))


def _worth(before: Mapping[str, State], now: Mapping[str, State], spec: Spec) -> list[Measurement]:
    try:
        worth = estimated_value(before, now, spec.schema, spec.value)
    except WatchkeeperError as error:
        return [Measurement.failed(now[OUTCOME].key, Family.ESTIMATE, BUSINESS_VALUE, str(error))]
    return [worth] if worth else []


def _of(states: States, segment: str) -> dict[str, State]:
    return {column: state for (place, column), state in states.items() if place == segment}


def settled(measurements: Iterable[Measurement]) -> frozenset[tuple[str, str]]:
    """Return the metrics, with their segments, whose labels are in: there the realised value is judged alone."""
    known = (m for m in measurements if m.family is Family.METRIC and m.status is Status.OK)
    return frozenset((m.name, m.segment) for m in known if m.evidence.labels is not None and m.evidence.labels.mature)

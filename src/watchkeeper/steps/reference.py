"""The states that current rows are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

import msgspec

from watchkeeper.compare.correlation_effect import correlation_effect
from watchkeeper.compare.design_effect import LEAST_WINDOWS, design_effect, rank_effect, tells_effect
from watchkeeper.compare.usual_rates import UsualRates, usual_rates
from watchkeeper.core.batch import Batch
from watchkeeper.core.schema import ALL, Kind, Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import JOINT, RANKS, State, StateKey
from watchkeeper.core.store import Changes, Store
from watchkeeper.core.window import Window
from watchkeeper.performance.between_blocks import BetweenBlocks
from watchkeeper.stats.codec import merge_alike, merge_states, merged
from watchkeeper.stats.covariance import CovariancePart
from watchkeeper.stats.summarise import gathered
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.estimates import blocks_of_reference
from watchkeeper.steps.marks import reference_basis
from watchkeeper.steps.season import SEASON, read_season, season_of_reference, stored_season
from watchkeeper.steps.stored_reference import EFFECTS, RATES, REFERENCE, reference_mark
from watchkeeper.store.nouns import from_json

__all__ = [
    "design_effects",
    "rates_of_reference",
    "reference_blocks",
    "reference_pieces",
    "refresh_reference",
    "summarise_reference",
]

_BLOCKS = "between_blocks"
_FEWEST = 8
"""Windows of a reference from which it tells how much rates vary; with fewer, shorter ones are looked at."""


def refresh_reference(spec: Spec, store: Store, changes: Changes, embedding: Embedding, logged: Schema) -> None:
    """Summarise a reference that is a part of the log: at first, and again when its rows or labels have changed.

    Parameters
    ----------
    logged
        The schema of the log, without the vectors that ``embedding`` adds to that of ``spec``.
    """
    window = spec.reference
    if window is None:
        return
    touched = any(grain.start < window.end and window.start < grain.end for grain in changes.windows)
    if touched or not reference_mark(spec, store).startswith(_mark(spec, f"{window} ")):
        batches = (Batch(b.frame, b.schema) for b in store.read(spec.model, logged, window))
        summarise_reference(spec, store, batches, f"{window} {changes.cursor}", embedding)
    elif not _learned(spec, store):
        # A reference that an earlier version stored: its windows tell the rest, and its rows may be gone.
        pieces = {state.key: state for _, state in store.states(spec.model, window).items()}
        store.record(spec.model, [], _lessons(pieces, spec, store))


def summarise_reference(
    spec: Spec, store: Store, batches: Iterable[Batch], what: str, embedding: Embedding | None = None
) -> None:
    """Store the states of the reference's rows, unless they were stored for the same schema before.

    Parameters
    ----------
    what
        Names the rows: other rows have another name.
    """
    held, mark = store.pointer(spec.model, REFERENCE), _mark(spec, what)
    known = held == mark
    if known and _learned(spec, store):
        return
    # Rules are for the rows that arrive.
    learning = replace(spec, rules=(), keep=spec.reference_keep or spec.keep)
    pieces = reference_pieces(batches, learning, embedding or Embedding())
    lessons = _lessons(pieces, spec, store)
    if known:
        # An earlier version stored the reference and not how its windows vary.
        store.record(spec.model, [], lessons)
        return
    ordered = sorted(pieces.items(), key=lambda item: _place(item[0]))
    whole = merge_alike(replace(state, key=replace(key, window=None)) for key, state in ordered)
    effects = msgspec.json.encode(design_effects(pieces, spec), order="deterministic").decode()
    store.put_states(spec.model, {None: whole.values()})
    between = msgspec.json.encode(blocks_of_reference(pieces, spec), order="deterministic").decode()
    moves = {name: (store.pointer(spec.model, name), text) for name, text in ((EFFECTS, effects), (_BLOCKS, between))}
    store.record(spec.model, [], {REFERENCE: (held, mark), **moves, **lessons})


def _learned(spec: Spec, store: Store) -> bool:
    """Return whether all is stored that the windows of a reference tell."""
    return store.pointer(spec.model, RATES) is not None and read_season(spec, store)[1]


def _lessons(pieces: Mapping[StateKey, State], spec: Spec, store: Store) -> dict[str, tuple[str | None, str]]:
    """Return what the windows of a reference tell of rates and seasons, as moves of the pointers that keep it."""
    rates, season = _as_json(rates_of_reference(pieces, spec)), stored_season(season_of_reference(pieces, spec))
    return {name: (store.pointer(spec.model, name), text) for name, text in ((RATES, rates), (SEASON, season))}


def reference_pieces(
    batches: Iterable[Batch], spec: Spec, embedding: Embedding, *, progress: Callable[[int], None] | None = None
) -> dict[StateKey, State]:
    """Return the states of the windows that a reference is made of.

    Sampled rows are kept of all windows together: a sample of each would hold most rows of a long reference. Only
    regressors are estimated block by block from them. How features go together is kept of each window besides, for up
    to 64 of them.
    """
    pieces: dict[StateKey, State] = {}
    apart = spec.schema.task.spec.estimated_from_rows
    for group in gathered(batches):
        held: dict[StateKey, list[State]] = {}
        for key, state in embedding.summarise(group, spec, progress=progress).items():
            whole = apart or key.column != JOINT
            for place, part in [(key, state)] if whole else _parted(key, state):
                held.setdefault(place, [pieces[place]] if place in pieces else []).append(replace(part, key=place))
        pieces.update((place, merge_states(*states)) for place, states in held.items())
        group.clear()  # or these rows would stay in memory while the next ones are read
    return pieces


def _parted(key: StateKey, state: State) -> Iterator[tuple[StateKey, State]]:
    """Yield what is kept of all windows together, and of the window."""
    products = state.parts.get("covariance")
    if key.window is None or not isinstance(products, CovariancePart) or not products.fourth.size:
        yield replace(key, window=None), state
        return
    rest = {name: part for name, part in state.parts.items() if name != "covariance"}
    yield replace(key, window=None), replace(state, parts=rest)
    yield key, replace(state, parts={"covariance": products})


def _place(key: StateKey) -> tuple[object, ...]:
    """Order keys where some have a window and others none."""
    return key.model, key.version, (key.window,) if key.window else (), key.segment, key.column


def reference_blocks(spec: Spec, store: Store) -> dict[str, BetweenBlocks]:
    """Return by segment how much performance moves between the blocks of the reference."""
    held = store.pointer(spec.model, _BLOCKS)
    return from_json(held, dict[str, BetweenBlocks]) if held else {}


def design_effects(pieces: Mapping[StateKey, State], spec: Spec) -> dict[str, float]:
    """Return the design effect by column, from the states of the windows that a reference is made of.

    Windows have the length that is judged if there are 20 of them, else that of the stored states; with fewer than 20
    of those too, or without times, nothing can be told and rows count as independent.
    """
    cut = _cut(pieces, spec, LEAST_WINDOWS)
    if cut is None:
        return {}
    found: dict[str, float] = {}
    for column, (whole, own) in cut.items():
        if whole.spec is not None and tells_effect(whole.spec):
            for name, told in ((column, design_effect(whole, own)), (RANKS + column, rank_effect(whole, own))):
                found |= {} if told is None else {name: round(told, 6)}
    numeric = [found[c.name] for c in spec.schema.features if c.kind is Kind.NUMERIC and c.name in found]
    joint = correlation_effect(*cut[JOINT]) if JOINT in cut else None
    numeric += [] if joint is None else [round(joint, 6)]
    return found | ({JOINT: max(numeric)} if numeric else {})


def rates_of_reference(pieces: Mapping[StateKey, State], spec: Spec) -> dict[str, UsualRates]:
    """Return how large the rates of faults get by themselves, by column, in the windows of a reference.

    Windows have the length that is judged if there are 8 of them, else that of the stored states.
    """
    cut = _cut(pieces, spec, _FEWEST) or _cut(pieces, spec, 2) or {}
    # Of all features together, which regressors keep window by window, there are no values to count.
    counted = {column: pair for column, pair in cut.items() if "count" in pair[0].parts}
    parts = dict(spec.schema.calendar)
    made = {column: usual_rates(whole, own, parts.get(column, "")) for column, (whole, own) in counted.items()}
    return {column: rates for column, rates in made.items() if rates is not None}


def _cut(pieces: Mapping[StateKey, State], spec: Spec, least: int) -> dict[str, tuple[State, list[State]]] | None:
    """Return the whole reference and its windows in order, by column; None where there are fewer than ``least``."""
    rule = spec.windows
    if rule is None:
        return None
    held = [(key.window, state) for key, state in pieces.items() if key.window is not None and key.segment == ALL]
    for length in (rule.window_of, rule.grain_of):
        if len({length(window.start) for window, _ in held}) < least:
            continue
        by_window: dict[Window, list[State]] = {}
        for window, state in held:
            if state.spec is not None and state.spec.role not in (Role.TIME, Role.ID):
                by_window.setdefault(length(window.start), []).append(state)
        merges = [merged(by_window[window], window, spec.model) for window in sorted(by_window)]
        whole = merged((state for states in by_window.values() for state in states), None, spec.model)
        return {
            place[1]: (state, [m[place] for m in merges if place in m and not m[place].problem])
            for place, state in whole.items()
            if not state.problem
        }
    return None


def _as_json(rates: Mapping[str, UsualRates]) -> str:
    return msgspec.json.encode(rates, order="deterministic").decode()


def _mark(spec: Spec, what: str) -> str:
    return f"{reference_basis(spec)} {what}"

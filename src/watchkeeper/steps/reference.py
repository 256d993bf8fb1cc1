"""The states that current rows are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import msgspec

from watchkeeper.compare.design_effect import LEAST_WINDOWS, design_effect, rank_effect, tells_effect
from watchkeeper.core.batch import Batch
from watchkeeper.core.schema import Kind, Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import JOINT, RANKS, State, StateKey
from watchkeeper.core.store import Changes, Store
from watchkeeper.performance.between_blocks import BetweenBlocks
from watchkeeper.stats.codec import merge_alike, merge_states, merged
from watchkeeper.stats.summarise import gathered
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.estimates import blocks_of_reference
from watchkeeper.steps.marks import reference_basis
from watchkeeper.steps.season import SEASON, read_season, reference_windows, season_of_reference, stored_season
from watchkeeper.steps.stored_reference import EFFECTS, REFERENCE, reference_mark

__all__ = [
    "design_effects",
    "reference_blocks",
    "reference_pieces",
    "refresh_reference",
    "summarise_reference",
]

_BLOCKS = "between_blocks"
_UNJUDGED = (Role.TIME, Role.ID)


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
    known = reference_mark(spec, store)
    fresh = touched or not known.startswith(_mark(spec, f"{window} "))
    if fresh or _lacks_season(spec, store):
        batches = (Batch(b.frame, b.schema) for b in store.read(spec.model, logged, window))
        what = f"{window} {changes.cursor}" if fresh else known.removeprefix(_mark(spec, ""))
        summarise_reference(spec, store, batches, what, embedding)


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
    if held == mark and not _lacks_season(spec, store):
        return
    # Rules are for the rows that arrive.
    learning = replace(spec, rules=(), keep=spec.reference_keep or spec.keep)
    pieces = reference_pieces(batches, learning, embedding or Embedding())
    before, season = store.pointer(spec.model, SEASON), stored_season(season_of_reference(pieces, spec))
    if held == mark:
        # Its states are as they were; the seasons were not kept then, or in an earlier form.
        store.record(spec.model, [], {SEASON: (before, season)})
        return
    ordered = sorted(pieces.items(), key=lambda item: _place(item[0]))
    whole = merge_alike(replace(state, key=replace(key, window=None)) for key, state in ordered)
    effects = msgspec.json.encode(design_effects(pieces, spec), order="deterministic").decode()
    store.put_states(spec.model, {None: whole.values()})
    between = msgspec.json.encode(blocks_of_reference(pieces, spec), order="deterministic").decode()
    told = {name: (store.pointer(spec.model, name), text) for name, text in ((EFFECTS, effects), (_BLOCKS, between))}
    store.record(spec.model, [], {REFERENCE: (held, mark), SEASON: (before, season), **told})


def _lacks_season(spec: Spec, store: Store) -> bool:
    return spec.windows is not None and not read_season(spec, store)[1]


def reference_pieces(
    batches: Iterable[Batch], spec: Spec, embedding: Embedding, *, progress: Callable[[int], None] | None = None
) -> dict[StateKey, State]:
    """Return the states of the windows that a reference is made of.

    Sampled rows are kept of all windows together: a sample of each would hold most rows of a long reference. Only
    regressors are estimated block by block from them.
    """
    pieces: dict[StateKey, State] = {}
    apart = spec.schema.task.spec.estimated_from_rows
    for group in gathered(batches):
        held: dict[StateKey, list[State]] = {}
        for key, state in embedding.summarise(group, spec, progress=progress).items():
            place = key if apart or key.column != JOINT else replace(key, window=None)
            held.setdefault(place, [pieces[place]] if place in pieces else []).append(replace(state, key=place))
        pieces.update((place, merge_states(*states)) for place, states in held.items())
        group.clear()  # or these rows would stay in memory while the next ones are read
    return pieces


def _place(key: StateKey) -> tuple[object, ...]:
    """Order keys where some have a window and others none."""
    return key.model, key.version, (key.window,) if key.window else (), key.segment, key.column


def reference_blocks(spec: Spec, store: Store) -> dict[str, BetweenBlocks]:
    """Return by segment how much performance moves between the blocks of the reference."""
    held = store.pointer(spec.model, _BLOCKS)
    return msgspec.json.decode(held, type=dict[str, BetweenBlocks]) if held else {}


def design_effects(pieces: Mapping[StateKey, State], spec: Spec) -> dict[str, float]:
    """Return the design effect by column, from the states of the windows that a reference is made of.

    Windows have the length that is judged if there are 20 of them, else that of the stored states; with fewer than 20
    of those too, or without times, nothing can be told and rows count as independent.
    """
    rule = spec.windows
    if rule is None:
        return {}
    found: dict[str, float] = {}
    for length in (rule.window_of, rule.grain_of):
        windows = reference_windows(pieces, spec, length)
        if len(windows) < LEAST_WINDOWS:
            continue
        whole = merged((s for states in windows.values() for s in states.values()), None, spec.model)
        for place, state in whole.items():
            if state.problem or state.spec is None or not tells_effect(state.spec) or state.spec.role in _UNJUDGED:
                continue
            own = [m[place] for m in windows.values() if place in m and not m[place].problem]
            for name, told in ((place[1], design_effect(state, own)), (RANKS + place[1], rank_effect(state, own))):
                found |= {} if told is None else {name: round(told, 6)}
        break
    numeric = [found[c.name] for c in spec.schema.features if c.kind is Kind.NUMERIC and c.name in found]
    return found | ({JOINT: max(numeric)} if numeric else {})


def _mark(spec: Spec, what: str) -> str:
    return f"{reference_basis(spec)} {what}"

"""Labels and scores that were probably meant in another way than they are taken, by what the reference holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import floor, log10

from watchkeeper.core.role_gaps import Doubt, RoleDoubt
from watchkeeper.core.schema import ALL, Column, Kind, Role, Schema
from watchkeeper.core.state import State
from watchkeeper.core.tasks import Labels
from watchkeeper.schema.kinds import ROUNDING
from watchkeeper.schema.unnamed import called_a_chance
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.moments import MomentsPart

__all__ = ["infinite_labels", "role_doubts"]

States = Mapping[tuple[str, str], State]

_PAIRS = ({"0", "1"}, {"false", "true"}, {"no", "yes"}, {"n", "y"}, {"f", "t"}, {"0.0", "1.0"}, {"-", "+"})
_CODE = re.compile(r"-?9{1,9}(\.0)?|-1(\.0)?|[-+]?inf(inity)?")
_WORD = re.compile(
    r"unk(nown)?|pending|open|missing|n/?a|none|null|undefined|undetermined|not[ _-].*|no[ _-]?(label|answer|response)|"
    r"tbd|to be .*|waiting|unlabell?ed|other|error|invalid|\?+|-+|x",
    re.IGNORECASE,
)
_RARE = 0.2
"""Share of labels up to which a third class beside a pair such as 0 and 1 is probably none, whatever it is called."""

_MOST = 3


def role_doubts(schema: Schema, before: States, now: States | None = None) -> tuple[RoleDoubt, ...]:
    """Return what is doubtful about label and answers.

    Parameters
    ----------
    before, now
        States of the reference, by segment and column, and of the rows beside it.
    """
    sides = [before] if now is None else [before, now]
    found = [*_stray(schema, before), *_infinite(schema, sides), *_numbers(schema, before)]
    return (*found, *_improbable(schema, before))


def infinite_labels(states: States, schema: Schema) -> int:
    """Return the rows whose label is an infinite number."""
    state = states.get((ALL, schema.name_of(Role.LABEL) or ""))
    count = state.parts.get("count") if state else None
    return count.positive + count.negative if isinstance(count, CountPart) else 0


def _stray(schema: Schema, before: States) -> Iterable[RoleDoubt]:
    """Yield the classes beside a pair such as 0 and 1 that are rare, or called as what is missing is."""
    label, prediction = schema.of(Role.LABEL), schema.of(Role.PREDICTION)
    if label is None or schema.task.spec.labels is not Labels.CLASS or schema.task.spec.two_classes:
        return
    state = before.get((ALL, label.name))
    part = state.parts.get("levels") if state else None
    if not isinstance(part, LevelsPart) or part.other or not 3 <= len(part.names) <= 2 + _MOST:
        return
    counts = part.as_dict()
    pair = [name for name in counts if any(name.lower() in each for each in _PAIRS)]
    stray = [name for name in counts if name not in pair]
    if len(pair) != 2 or {name.lower() for name in pair} not in _PAIRS or not stray:
        return
    answers = before.get((ALL, prediction.name)) if prediction else None
    answered = answers.parts.get("levels") if answers else None
    if isinstance(answered, LevelsPart) and not set(stray).isdisjoint(answered.names):
        return
    rows = sum(counts[name] for name in stray)
    coded = all(_CODE.fullmatch(name) or _WORD.fullmatch(name) for name in stray)
    if rows <= _RARE * part.n or (coded and schema.of(Role.SCORE) is not None):
        yield RoleDoubt(Doubt.STRAY_CLASS, Role.LABEL, label.name, tuple(stray), tuple(sorted(pair)), rows, part.n)


def _infinite(schema: Schema, sides: Iterable[States]) -> Iterable[RoleDoubt]:
    """Yield the label of numbers of which some are infinite, by the side with more of them."""
    label = schema.of(Role.LABEL)
    if label is None or label.kind is not Kind.NUMERIC:
        return
    rows = [(infinite_labels(states, schema), _held(states, label.name)) for states in sides]
    worst, of = max(rows, default=(0, 0))
    if worst:
        yield RoleDoubt(Doubt.INFINITE, Role.LABEL, label.name, rows=worst, of=of)


def _held(states: States, column: str) -> int:
    state = states.get((ALL, column))
    count = state.parts.get("count") if state else None
    return count.rows - count.missing if isinstance(count, CountPart) else 0


def _numbers(schema: Schema, before: States) -> Iterable[RoleDoubt]:
    """Yield the prediction of numbers beside a label that holds but 0 and 1, which was taken for a regression."""
    label, prediction = schema.of(Role.LABEL), schema.of(Role.PREDICTION)
    if label is None or prediction is None or schema.task.spec.labels is not Labels.NUMBER:
        return
    state = before.get((ALL, label.name))
    atoms, moments = (state.parts.get(name) if state else None for name in ("atoms", "moments"))
    if not isinstance(atoms, AtomsPart) or not isinstance(moments, MomentsPart) or not moments.n:
        return
    if {*atoms.values.tolist()} != {0.0, 1.0} or int(atoms.counts.sum()) != atoms.n:
        return
    span = _span(before, prediction.name)
    if span is not None:
        yield RoleDoubt(
            Doubt.NUMBERS_FOR_CLASSES, Role.PREDICTION, prediction.name, _written(span), ("0", "1"), label=label.name
        )  # fmt: skip


def _improbable(schema: Schema, before: States) -> Iterable[RoleDoubt]:
    """Yield the column that is called a score of two classes, or named as one, and holds no probabilities."""
    label, score = schema.of(Role.LABEL), schema.of(Role.SCORE)
    if label is None or not schema.task.spec.two_classes:
        return
    free = [c for c in schema if c.role in (Role.FEATURE, Role.IGNORED) and c.kind is Kind.NUMERIC]
    columns: Iterable[Column] = [score] if score is not None else [c for c in free if called_a_chance(c)]
    for column in columns:
        span = _span(before, column.name)
        if span is None or (span[0] >= -ROUNDING and span[1] <= 1 + ROUNDING):
            continue
        kind = Doubt.PERCENT if span[0] >= 0 and span[1] <= 100 + ROUNDING else Doubt.NO_PROBABILITY
        yield RoleDoubt(kind, column.role, column.name, _written(span), schema.classes[:2], label=label.name)


def _span(states: States, column: str) -> tuple[float, float] | None:
    state = states.get((ALL, column))
    part = state.parts.get("moments") if state else None
    return (part.smallest, part.largest) if isinstance(part, MomentsPart) and part.n else None


def _written(span: tuple[float, float]) -> tuple[str, ...]:
    """Return both ends, rounded by how far they are from one another."""
    size = span[1] - span[0]
    digits = max(0, 1 - floor(log10(size))) if size > 0 else 3
    return tuple(f"{end:.{min(digits, 6)}f}" for end in span)

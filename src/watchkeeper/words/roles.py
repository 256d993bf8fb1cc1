"""What is said of roles that no column has, and of columns that were named and could not be judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.role_gaps import Doubt, RoleDoubt, Unjudged, UnnamedRole
from watchkeeper.core.schema import Role

__all__ = [
    "configured",
    "doubt_sentence",
    "flagged",
    "unjudged_sentence",
    "unknown_sentence",
    "unmeasured_sentence",
    "unnamed_sentence",
]

_MOST = 4

_NOT_JUDGED = {
    (True, False): "no labels are in",
    (True, True): "{:,} labels are in, and no answer that can be held against them",
    (False, False): "it holds nothing that can be compared",
    (False, True): "it holds nothing that can be compared",
}
"""Why, by whether it is a label and whether rows have one."""

_ROLES = {Role.LABEL: "label", Role.SCORE: "score", Role.PREDICTION: "prediction", Role.TIME: "time"}


def flagged(role: Role, column: str) -> str:
    """Return how a column is named on the command line."""
    return f"--{_ROLES[role]} {column!r}" if not column.isprintable() or " " in column else f"--{_ROLES[role]} {column}"


def configured(role: Role, column: str) -> str:
    """Return how a column is named in the configuration."""
    return f"columns.{_ROLES[role]}: {column}"


def unnamed_sentence(unnamed: Sequence[UnnamedRole], how: Callable[[Role, str], str] = flagged) -> str:
    """Say which roles no column has and what may be meant; empty where all have one.

    Examples
    --------
    >>> unnamed_sentence([UnnamedRole(Role.LABEL, ("churned",)), UnnamedRole(Role.TIME)])
    'No label is named or recognised (did you mean --label churned?), and no time.'
    """
    parts = []
    for one in unnamed:
        meant = " or ".join(how(one.role, name) for name in one.candidates)
        parts.append(f"no {_ROLES[one.role]}" + (f" (did you mean {meant}?)" if meant else ""))
    if not parts:
        return ""
    first, _, likely = parts[0].partition(" (")
    parts[0] = f"{first.capitalize()} is named or recognised" + (f" ({likely}" if likely else "")
    return (", ".join(parts[:-1]) + ", and " + parts[-1] if len(parts) > 1 else parts[0]) + "."


def doubt_sentence(doubts: Sequence[RoleDoubt], how: Callable[[Role, str], str] = flagged) -> str:
    """Say what of labels and scores was probably meant in another way, and how to declare it; empty for no doubt.

    Examples
    --------
    >>> told = doubt_sentence([RoleDoubt(Doubt.STRAY_CLASS, Role.LABEL, "y", ("-1",), ("0", "1"), 20, 1000)])
    >>> told.partition(": ")[2]
    'if that is no class, declare it missing (--missing -1).'
    """
    return " ".join(_DOUBTS[one.kind](one, how) for one in doubts)


def _stray(one: RoleDoubt, how: Callable[[Role, str], str]) -> str:
    that, it = ("those are no classes", "them") if len(one.values) > 1 else ("that is no class", "it")
    values = ", ".join(map(repr, one.values))
    if how is configured:
        remedy = f"columns.missing: [{values}]"
    else:
        remedy = " ".join(f"--missing {value if ' ' not in value else repr(value)}" for value in one.values)
    return (
        f"The label {one.column} holds {values} in {one.rows:,} of {one.of:,} rows beside {one.beside[0]} and "
        f"{one.beside[1]}, and was taken for {2 + len(one.values)} classes: if {that}, declare {it} missing ({remedy})."
    )


def _infinite(one: RoleDoubt, _: Callable[[Role, str], str]) -> str:
    return f"{one.rows:,} of {one.of:,} labels in {one.column} are infinite, and no number was measured from them."


def _percent(one: RoleDoubt, how: Callable[[Role, str], str]) -> str:
    return f"{_between(one)}, which may be per cents: divide them by 100{_named(one, how)}."


def _no_probability(one: RoleDoubt, how: Callable[[Role, str], str]) -> str:
    told = "turn them into probabilities, logits by 1 / (1 + exp(-x))"
    return f"{_between(one)}, which are no probabilities: {told}{_named(one, how)}."


def _between(one: RoleDoubt) -> str:
    which = "score" if one.role is Role.SCORE else "column"
    span = " to ".join(one.values)
    return f"The {which} {one.column} holds {span} beside the label {one.label} of two classes"


def _named(one: RoleDoubt, how: Callable[[Role, str], str]) -> str:
    return "" if one.role is Role.SCORE else f", or name it ({how(Role.SCORE, one.column)}) to judge how it ranks"


def _numbers(one: RoleDoubt, how: Callable[[Role, str], str]) -> str:
    named = how(Role.SCORE, one.column)
    return (
        f"The label {one.label} holds 0 and 1 alone, and the prediction {one.column} {one.values[0]} to "
        f"{one.values[1]}: that was taken for a regression; a score of two classes is named with {named}."
    )


_DOUBTS: Mapping[Doubt, Callable[[RoleDoubt, Callable[[Role, str], str]], str]] = {
    Doubt.STRAY_CLASS: _stray,
    Doubt.INFINITE: _infinite,
    Doubt.PERCENT: _percent,
    Doubt.NO_PROBABILITY: _no_probability,
    Doubt.NUMBERS_FOR_CLASSES: _numbers,
}


def unjudged_sentence(unjudged: Sequence[Unjudged]) -> str:
    """Say which columns could not be judged at all, and why."""
    told = []
    for one in unjudged:
        why = one.reason or _NOT_JUDGED.get((one.role is Role.LABEL, one.rows > 0), "").format(one.rows)
        told.append(f"The {_ROLES[one.role]} {one.column} could not be judged: {why.rstrip('.')}.")
    return " ".join(told)


def unknown_sentence(labels: int, reasons: Sequence[str]) -> str:
    """Say why nothing is known of how good the answers are; that no labels are in, only where none are."""
    if not labels:
        return "Performance was not looked at: no labels are in, and nothing estimates it."
    told = next(iter(reasons), "too few rows have both a label and an answer")
    return f"Performance could not be judged, though {labels:,} labels are in: {told.rstrip('.')}."


def unmeasured_sentence(unmeasured: Sequence[Measurement], of: int) -> str:
    """Say how much of what was asked for could not be measured, and the first reason; empty where all was."""
    if not unmeasured:
        return ""
    columns = dict.fromkeys(filter(None, (m.column for m in unmeasured)))
    names = list(columns) or list(dict.fromkeys(m.name.replace("_", " ") for m in unmeasured))
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    reason = next((m.reason for m in unmeasured if m.reason), "")
    told = f"{len(unmeasured):,} of {of:,} measures could not be made, about {', '.join(names[:_MOST])}{more}"
    return f"{told}: {reason.rstrip('.')}." if reason else f"{told}."

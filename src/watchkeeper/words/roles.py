"""What is said of roles that no column has, and of columns that were named and could not be judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.role_gaps import Unjudged, UnnamedRole
from watchkeeper.core.schema import Role

__all__ = [
    "configured",
    "flagged",
    "unjudged_sentence",
    "unknown_sentence",
    "unmeasured_sentence",
    "unnamed_sentence",
]

_MOST = 4

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


def unjudged_sentence(unjudged: Sequence[Unjudged]) -> str:
    """Say which columns could not be judged at all, and why."""
    told = []
    for one in unjudged:
        why = one.reason or ("no labels are in" if one.role is Role.LABEL else "it holds nothing that can be compared")
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

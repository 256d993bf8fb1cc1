"""Roles that no column has, values that do not fit a role, and columns with a role that nothing could be said of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from watchkeeper.core.schema import Role

__all__ = ["Doubt", "RoleDoubt", "Unjudged", "UnnamedRole"]


@dataclass(frozen=True, slots=True)
class UnnamedRole:
    """A role that no column was named for and none was recognised for, and the columns that may be meant."""

    role: Role
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A label, score or prediction that was there to be judged and was not.

    Attributes
    ----------
    reason
        Why its measurements failed; empty where there was nothing to measure.
    rows
        Of a label, how many are in.
    """

    role: Role
    column: str
    reason: str = ""
    rows: int = 0


class Doubt(StrEnum):
    """What of a label or a score was probably meant in another way."""

    STRAY_CLASS = "stray_class"
    INFINITE = "infinite"
    PERCENT = "percent"
    NO_PROBABILITY = "no_probability"
    NUMBERS_FOR_CLASSES = "numbers_for_classes"


@dataclass(frozen=True, slots=True)
class RoleDoubt:
    """Values that decide how a label or an answer is taken, and that were probably meant in another way.

    Attributes
    ----------
    kind, role, column
        What is doubtful, and of which column.
    values
        The values that make it so: the classes that are none, or the smallest and the largest number.
    beside
        The two classes beside them.
    rows, of
        Rows that carry such a value, and all with one.
    label
        Of an answer, the label that it does not go with.
    """

    kind: Doubt
    role: Role
    column: str
    values: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    rows: int = 0
    of: int = 0
    label: str = ""

"""Roles that no column has, and columns with a role that nothing could be said of."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.core.schema import Role

__all__ = ["Unjudged", "UnnamedRole"]


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
    """

    role: Role
    column: str
    reason: str = ""

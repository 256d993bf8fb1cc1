"""Mergeable summaries of rows, and the protocol of the statistics that make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import ALL, Column
from watchkeeper.core.window import Window

__all__ = ["JOINT", "OUTCOME", "RANKS", "ROWS", "RULES", "State", "StateKey", "missing_column"]

OUTCOME = "@outcome"
"""The state over label, prediction and score together."""

ROWS = "@rows"
"""The state over whole rows: their number, doubled ids and the row sample."""

JOINT = "@joint"
"""The state over all numeric features together."""

RULES = "@rules"
"""The state over the quality rules that look at rows."""

RANKS = "@ranks "
"""Before the name of a column, what the design effect of its ranks is kept under beside that of its shares."""

P = TypeVar("P")


@dataclass(frozen=True, slots=True, order=True)
class StateKey:
    """What a state is about; every part of the key is needed to merge two states."""

    model: str = ""
    version: str = ""
    window: Window | None = None
    segment: str = ALL
    column: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """A mergeable summary of one column (or of outcomes, or of rows) in one window and segment.

    Parameters
    ----------
    key
        What the rows are.
    spec
        The column as the schema knows it; None for outcomes and rows.
    parts
        The part of each statistic by its registry key.
    problem
        Why the column could not be summarised, in words; empty when it could.
    """

    key: StateKey
    spec: Column | None = None
    parts: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def column_missing(self) -> bool:
        """Whether the problem is that the rows lack the column."""
        return self.problem == missing_column(self.key.column)

    def part(self, name: str, kind: type[P]) -> P:
        """Return the part of the statistic ``name``.

        Raises
        ------
        StateError
            When the column could not be summarised or the statistic was not kept.
        """
        if self.problem:
            raise StateError(self.problem)
        found = self.parts.get(name)
        if found is None:
            raise StateError(f"column {self.key.column!r} keeps no {name}; it keeps {', '.join(sorted(self.parts))}")
        if not isinstance(found, kind):
            raise StateError(f"{name} of {self.key.column!r} is a {type(found).__name__}, not a {kind.__name__}")
        return found


def missing_column(name: str) -> str:
    """Return the problem of a state whose rows lack the column; it is stored and must stay as it is."""
    return f"column {name!r} is missing"

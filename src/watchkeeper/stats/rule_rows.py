"""The form in which the counts of quality rules see rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from watchkeeper.core.rule import Rule

__all__ = ["RuleRows"]


@dataclass(frozen=True, slots=True)
class RuleRows:
    """Whole rows and the rules they are held against.

    Attributes
    ----------
    frame
        The rows, in the order of their arrival.
    rules
        The rules that are counted row by row.
    id
        The column that names a row; empty where there is none.
    place
        Where the first row stands among all rows: start of the window in seconds since 1970, and rows before it.
    settled
        By digest of rules that no row is known to break, the rows that each speaks of.
    """

    frame: pl.DataFrame
    rules: tuple[Rule, ...]
    id: str = ""
    place: tuple[float, int] = (0.0, 0)
    settled: Mapping[str, int] = field(default_factory=dict)

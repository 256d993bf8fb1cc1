"""Which comparisons are rates of faults in a column."""

from __future__ import annotations

__all__ = ["RATES"]

RATES = frozenset({"null_rate", "out_of_range", "repeated_value", "silent_default", "unseen_levels", "encoding_change"})
"""Comparisons of a rate that has a variation of its own; that of the column's values says nothing of it."""

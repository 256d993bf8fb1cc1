"""A change in words: what was, and what is."""

from __future__ import annotations

from watchkeeper.core.evidence import Change, Quantity

__all__ = ["from_to", "value_words"]

_SHARES = (Quantity.SHARE, Quantity.NULL_SHARE, Quantity.RESIDUAL)


def from_to(change: Change) -> str:
    """Return both numbers as they are read, ``1.2% → 3.4%``; empty where one is missing."""
    before, after = (value_words(change, value) for value in (change.before, change.after))
    return f"{before} → {after}" if before and after else ""


def value_words(change: Change, value: float | None) -> str:
    """Return one of the numbers of a change: a share as per cent, with its unit where it has one of its own."""
    if value is None:
        return ""
    if change.quantity in _SHARES:
        return f"{value:.1%}"
    if change.quantity is Quantity.CORRELATION:
        return f"{value:.2f}"
    return f"{value:.4g} {change.unit}".rstrip()

"""A change in words: what was, and what is."""

from __future__ import annotations

from datetime import UTC, datetime

from watchkeeper.core.evidence import Change, Quantity
from watchkeeper.core.rounding import brief, pair

__all__ = ["change_words", "from_to", "moment", "value_words"]

_LONGEST = 40
_SHARES = (Quantity.SHARE, Quantity.NULL_SHARE, Quantity.RESIDUAL)


def change_words(change: Change) -> str:
    """Return what was and what is, with what it is: ``mean 1.4 → 2.3``, ``mobile 20.0% → 31.0%``."""
    numbers, about = from_to(change), "".join(change.levels[:1])
    about = about if len(about) <= _LONGEST else f"{about[: _LONGEST - 1]}…"
    if not numbers or change.quantity is Quantity.METRIC:
        return numbers
    if change.quantity is Quantity.SHARE and about:
        return f"{about} {numbers}"
    if change.quantity is Quantity.QUANTILE and about:
        return f"{float(about):.0%} quantile {numbers}"
    return " ".join(filter(None, (change.quantity.value, f"of {about}" if about else "", numbers)))


def from_to(change: Change) -> str:
    """Return both numbers as they are read, ``1.2% → 3.4%``; empty where one is missing."""
    if change.before is None or change.after is None:
        return ""
    before, after = (value_words(change, value) for value in (change.before, change.after))
    if _plain(change):
        before, after = (f"{text} {change.unit}".rstrip() for text in pair(change.before, change.after))
    elif change.quantity in _SHARES and before == after and change.before != change.after:
        before, after = (f"{value:.2%}" for value in (change.before, change.after))
    return f"{before} → {after}"


def _plain(change: Change) -> bool:
    return change.quantity not in (*_SHARES, Quantity.CORRELATION) and change.unit != "time"


def value_words(change: Change, value: float | None) -> str:
    """Return one of the numbers of a change: a share as per cent, with its unit where it has one of its own."""
    if value is None:
        return ""
    if change.quantity in _SHARES:
        return f"{value:.1%}"
    if change.quantity is Quantity.CORRELATION:
        return f"{value:.2f}"
    if change.unit == "time":
        return moment(value)
    return f"{brief(value)} {change.unit}".rstrip()


def moment(seconds: float) -> str:
    """Return seconds since 1970 as a date and time of UTC, and as they are beyond the years 1 to 9999."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(" ", "seconds").removesuffix("+00:00")
    except (OverflowError, OSError, ValueError):
        return f"{seconds:.4g} s since 1970"

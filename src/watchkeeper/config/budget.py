"""A false-alarm budget in words, as the average number of windows to a false alarm."""

from __future__ import annotations

import re
from datetime import timedelta

from watchkeeper.core.errors import UsageError

__all__ = ["parse_budget"]

_NUMBERS = {
    word: number
    for number, word in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], start=1
    )
} | {"a": 1, "an": 1}
_PERIODS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "quarter": 365.25 / 4, "year": 365.25, "decade": 3652.5}
_NUMBER = rf"(?:{'|'.join(_NUMBERS)}|\d+)"
_WORDS = re.compile(
    rf"(?P<alerts>{_NUMBER})\s+(?:false\s+)?(?:alerts?|alarms?)\s+"
    rf"(?:(?:per|a|for\s+each)\s+model\s+(?:and|per|a|in)|per|a|in)\s+"
    rf"(?:(?P<periods>{_NUMBER})\s+)?(?P<period>{'|'.join(_PERIODS)})s?",
    re.IGNORECASE,
)


def parse_budget(text: str, every: timedelta) -> float:
    """Return the average run length to a false alarm, in windows of length ``every``.

    Parameters
    ----------
    text
        Words such as ``one false alert per model and year`` or ``two false alerts in 5 years``, or a number of windows.
    every
        Length of a judged window.

    Raises
    ------
    UsageError
        When the words are not understood, or leave less than one window to a false alarm.

    Examples
    --------
    >>> parse_budget("one false alert per model and year", timedelta(days=7))
    52.17857142857143
    """
    try:
        windows = float(text)
    except ValueError:
        match = _WORDS.fullmatch(" ".join(text.split()))
        if match is None:
            raise UsageError(
                f"the budget {text!r} is not understood. Valid: words such as 'one false alert per model and year' or "
                f"'two false alerts per model and 5 years' with {', '.join(_PERIODS)}, or a number of windows"
            ) from None
        alerts, periods = _count(match["alerts"]), _count(match["periods"] or "one")
        if not alerts:
            raise UsageError(f"the budget {text!r} allows no false alert at all, which no chart can promise") from None
        windows = periods * _PERIODS[match["period"].lower()] / alerts / (every / timedelta(days=1))
    if not 1 <= windows < 1e12:
        raise UsageError(f"the budget {text!r} means a false alert every {windows:.3g} windows; at least 1 is needed")
    return windows


def _count(word: str) -> int:
    return int(word) if word.isdigit() else _NUMBERS[word.lower()]

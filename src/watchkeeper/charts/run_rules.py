"""Runs rules: patterns of points inside the limits that chance makes rarely."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import UsageError, near_miss

__all__ = ["LONGEST", "RULES", "SETS", "broken", "rules_named"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LONGEST = 15
"""Points the longest rule looks back."""


def _of(count: int, among: int, sigma: float) -> Callable[[Floats], Bools]:
    """Return the rule that ``count`` of the last ``among`` points, the newest one of them, lie beyond on one side."""

    def rule(z: Floats) -> Bools:
        last = z[..., -among:]
        up, down = last > sigma, last < -sigma
        return np.asarray((up[..., -1] & (up.sum(-1) >= count)) | (down[..., -1] & (down.sum(-1) >= count)))

    return rule


def _trend(z: Floats) -> Bools:
    steps = np.diff(z[..., -6:], axis=-1)
    return _whole(z, 6) & ((steps > 0).all(-1) | (steps < 0).all(-1))


def _alternating(z: Floats) -> Bools:
    steps = np.diff(z[..., -14:], axis=-1)
    return _whole(z, 14) & (steps[..., 1:] * steps[..., :-1] < 0).all(-1)


def _hugging(z: Floats) -> Bools:
    return np.asarray((np.abs(z[..., -15:]) < 1).all(-1))


def _mixture(z: Floats) -> Bools:
    return np.asarray((np.abs(z[..., -8:]) > 1).all(-1))


def _whole(z: Floats, count: int) -> Bools:
    return np.asarray(np.isfinite(z[..., -count:]).all(-1))


RULES = MappingProxyType({
    "two_of_three": _of(2, 3, 2.0),
    "four_of_five": _of(4, 5, 1.0),
    "eight_in_a_row": _of(8, 8, 0.0),
    "nine_in_a_row": _of(9, 9, 0.0),
    "six_in_a_trend": _trend,
    "fourteen_alternating": _alternating,
    "fifteen_within_one_sigma": _hugging,
    "eight_beyond_one_sigma": _mixture,
})  # fmt: skip
"""Each rule, told from the last 15 standardised points (NaN before the first), by its code."""

SETS = MappingProxyType({
    "western_electric": ("two_of_three", "four_of_five", "eight_in_a_row"),
    "nelson": (
        "nine_in_a_row", "six_in_a_trend", "fourteen_alternating", "two_of_three", "four_of_five",
        "fifteen_within_one_sigma", "eight_beyond_one_sigma",
    ),
})  # fmt: skip
"""Rules that go by one name, beside the limits themselves.

References: Western Electric (1956), Statistical quality control handbook. Nelson (1984), The Shewhart control chart:
tests for special causes, doi:10.1080/00224065.1984.11978921.
"""


def rules_named(words: str) -> tuple[str, ...]:
    """Return the rules of a text such as ``western_electric`` or ``two_of_three, eight_in_a_row``.

    Raises
    ------
    UsageError
        When there is no such rule.

    Examples
    --------
    >>> rules_named("western_electric")
    ('two_of_three', 'four_of_five', 'eight_in_a_row')
    """
    found: list[str] = []
    for word in filter(None, (part.strip() for part in words.split(","))):
        if word not in SETS and word not in RULES:
            raise UsageError(f"there is no run rule {word!r}; {near_miss(word, [*SETS, *RULES])}")
        found.extend(SETS.get(word, (word,)))
    return tuple(dict.fromkeys(found))


def broken(z: Floats, rule: str) -> Bools:
    """Return whether the newest point breaks a rule.

    Parameters
    ----------
    z
        Standardised points, oldest first along the last axis, at least as many as the rule looks back; NaN where there
        is none.
    """
    return RULES[rule](z)

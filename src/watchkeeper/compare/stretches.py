"""Windows in a row that hold one value: how many come by themselves, and how many are a column that is stuck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

__all__ = ["longest_by_chance", "sole_value"]

_ALL = 0.99
_CHANCE = 3e-5
_CAPPED = 10
_ENOUGH = 100
_LONGEST = 8


def sole_value(counts: Mapping[str, int], rows: int) -> str | None:
    """Return the value that 99 % of the rows of a window hold; None where none does."""
    value = max(counts, key=lambda name: (counts[name], name), default=None)
    return value if value is not None and rows and counts[value] >= _ALL * rows else None


def longest_by_chance(held: Sequence[str | None]) -> int:
    """Return from how many windows in a row with one value on a column is stuck, from those of a reference in order.

    Let m of the R windows begin stretches of M windows, the longest there are. That such a stretch goes on has a chance
    of h = .5/(m + 1), the mean of Jeffreys' posterior where none did; that it goes on further one of h again, where
    m is 10 at least, as of the days of a week, else of the share in which any window went on, if that is more. The
    length is the shortest that windows begin to reach with a chance below 3 in 100,000.

    Parameters
    ----------
    held
        The value that each window holds; None where it holds several.

    Returns
    -------
    int
        0 where no window holds one value, so that its share tells; and, where stretches have no length that they keep,
        below 100 windows and above 8: what lasts so long by chance lasts longer in another season.

    Examples
    --------
    >>> longest_by_chance([None] * 500)
    0
    >>> longest_by_chance(["work", "work", "work", "work", "work", None, None] * 60)
    7
    >>> longest_by_chance(["calm", *[None] * 99] * 5)
    4
    """
    runs = [len(list(group)) for value, group in groupby(held) if value is not None]
    if not runs:
        return 0
    most = max(runs)
    times = runs.count(most)
    ends = 0.5 / (times + 1)
    on = ends if times >= _CAPPED else max(ends, (sum(runs) - len(runs) + 0.5) / (sum(runs) + 1))
    chance, length = times / len(held) * ends, most + 1
    while chance > _CHANCE:
        chance, length = chance * on, length + 1
    return length if times >= _CAPPED or (length <= _LONGEST and len(held) >= _ENOUGH) else 0

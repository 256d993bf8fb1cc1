"""How much the rows of one day have in common, from a few numbers of each day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.maintain.paired import correlation_of_sums, design_effect

__all__ = ["DaySums", "day_effect"]

_MOST_DAYS = 56


@dataclass(frozen=True, slots=True)
class DaySums:
    """Rows, sum and sum of squares of each of the last 56 days."""

    days: tuple[tuple[int, int, float, float], ...] = ()

    def after(self, values: NDArray[np.float64], days: NDArray[np.int64]) -> DaySums:
        """Return the sums with further rows.

        Parameters
        ----------
        values
            Shape (n,).
        days
            Number of the day of each.
        """
        held = {day: np.array(rest) for day, *rest in self.days}
        for day in np.unique(days):
            own = values[days == day]
            found = np.array([len(own), own.sum(), np.square(own).sum()])
            held[int(day)] = held.get(int(day), np.zeros(3)) + found
        last = sorted(held)[-_MOST_DAYS:]
        return DaySums(tuple((day, int(held[day][0]), float(held[day][1]), float(held[day][2])) for day in last))


def day_effect(before: DaySums, since: DaySums) -> float | None:
    """Return an upper bound of the design effect of a day's rows: 1 + (m - 1)·ρ, m the rows of a row's day.

    None where there are fewer than three days. Rows with a weekly pattern seem to depend on their day, and are bounded
    so too.

    Parameters
    ----------
    before, since
        The days before something began, and those since; each day is compared with those of its own period, because
        their means may differ for good.
    """
    days = [*before.days, *since.days]
    if not days:
        return None
    _, counts, sums, squares = np.array(days, dtype=np.float64).T
    periods = np.repeat([0, 1], [len(before.days), len(since.days)])
    correlation = correlation_of_sums(counts.astype(np.int64), sums, squares, periods)
    if correlation is None:
        return None
    rows = np.array([day[1] for day in since.days or before.days])
    return max(1.0, design_effect(round(float(np.square(rows).sum() / rows.sum())), correlation))

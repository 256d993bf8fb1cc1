"""Times that lie decades from all others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

__all__ = ["far_times"]


def far_times(times: pl.Series, apart: timedelta, dates: Mapping[date, int]) -> pl.Series | None:
    """Return which times are separated from the rest by more than ``apart``; None where none is.

    The rest is the largest of the groups that such gaps leave of the times and the stored rows together, of two equal
    ones the later.

    Parameters
    ----------
    times
        Moments in UTC without nulls.
    dates
        Stored rows by UTC date.

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> import polars as pl
    >>> times = pl.Series([datetime(1990, 1, 1), datetime(2026, 1, 1), datetime(2026, 1, 2)])
    >>> far_times(times, timedelta(3_653), {}).to_list()
    [True, False, False]
    """
    if times.is_empty():
        return None
    days = times.dt.date()
    known = pl.DataFrame({"day": list(dates), "n": list(dates.values())}, schema={"day": pl.Date, "n": pl.Int64})
    came = days.alias("day").value_counts(name="n").cast({"n": pl.Int64})
    counted = pl.concat([known, came]).group_by("day").agg(pl.col("n").sum()).sort("day")
    groups = counted.with_columns(group=(pl.col("day").diff() > apart).fill_null(False).cum_sum())
    if groups["group"][-1] == 0:
        return None
    sizes = groups.group_by("group").agg(pl.col("n").sum(), pl.col("day").min().alias("low"), pl.col("day").max())
    _, _, low, high = sizes.sort("n", "group").row(-1)
    far = ~days.is_between(low, high)
    return far if far.any() else None

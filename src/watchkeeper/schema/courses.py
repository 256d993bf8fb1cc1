"""Columns that move by themselves: parts of the calendar, and numbers that count on."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import series_named
from watchkeeper.core.schema import Kind, Role
from watchkeeper.schema.event_time import to_utc

__all__ = ["calendar_part", "calendar_range", "counts_on", "moment_of"]

_PARTS: Mapping[str, tuple[str, float, float, int]] = {
    "year": (r"ye?a?r|jahr", 0, 2_200, 0),
    "quarter": (r"quarter|qtr", 0, 4, 4),
    "month": (r"mo?nt?h?s?|month_?(num|number|of_year)|month_?no|monat", 0, 12, 12),
    "week": (r"we?e?k|week_?(num|number|of_year)|calendar_?week|iso_?week", 0, 53, 53),
    "ordinal_day": (r"day_?of_?(the_)?year|doy|yday|julian_?day", 0, 366, 366),
    "day": (r"day|dom|mday|day_?of_?month|tag", 0, 31, 31),
    "weekday": (r"week_?day|dow|wday|day_?of_?(the_)?week", 0, 7, 7),
    "hour": (r"ho?u?rs?|hour_?of_?day|stunde", 0, 24, 24),
    "minute": (r"minutes?|minute_?of_?hour", 0, 60, 60),
    "season": (r"season", 0, 4, 4),
}
"""By part of a date the names it goes by, its smallest and largest number, and after how many it begins anew."""

_NAMES = (
    frozenset(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    frozenset(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
)
_COUNTER = re.compile(
    r"(?i)(^|[_\W])(row|index|idx|seq|sequence|no|nr|num|number|counter|instant|record|serial|unnamed)([_\W\d]|$)"
)
_AGREES, _ONE_HOUR = 0.98, 0.5
_LEAST, _DISTINCT, _RISES, _STRAIGHT = 100, 20, 0.999, 0.999


def moment_of(frame: pl.DataFrame, roles: Mapping[str, Role]) -> pl.Series | None:
    """Return the times of the rows; None where there is no column of them."""
    name = next((name for name, role in roles.items() if role is Role.TIME), None)
    return to_utc(series_named(frame, name)) if name is not None else None


def calendar_part(series: pl.Series, kind: Kind, time: pl.Series | None) -> str:
    """Return which part of the calendar a column holds, such as ``month``; empty where it holds none.

    With times, a column of whole numbers is a part of them when it differs from that part by one constant in 98 % of
    the rows, counted round the clock, or by two that are neighbours, as hours do where clocks are changed. Without
    times, and for seasons and a single year, its name and its numbers decide. Names of months and weekdays are known
    whatever the column is called.
    """
    known = series.drop_nulls()
    if not len(known):
        return ""
    if kind is Kind.CATEGORICAL and series.dtype in (pl.String, pl.Categorical, pl.Enum):
        return _named_part(known.cast(pl.String).unique())
    if not series.dtype.is_numeric() or kind not in (Kind.NUMERIC, Kind.CATEGORICAL):
        return ""
    values = series.cast(pl.Float64)
    whole = values.drop_nulls().drop_nans().to_numpy()
    if not len(whole) or not (whole == whole.round()).all():
        return ""
    lowest, highest, several = float(whole.min()), float(whole.max()), len(np.unique(whole))
    for part, (names, low, high, period) in _PARTS.items():
        inside = low <= lowest and highest <= high
        called = re.fullmatch(rf"(?i)({names})", series.name.strip()) is not None
        if not inside or (several < 2 and not called):
            continue
        if time is None or part == "season" or (part == "year" and several < 2):
            if called:
                return part
        elif _agrees(values, time, part, period, called=called):
            return part
    return ""


def calendar_range(part: str) -> tuple[float, float] | None:
    """Return the smallest and the largest number of a part of the calendar; None of years, which have no end."""
    _, low, high, period = _PARTS.get(part, ("", 0, 0, 0))
    return (low, high) if period else None


def _named_part(names: pl.Series) -> str:
    short = {name.strip().lower()[:3] for name in names.to_list()}
    lengths = {len(name.strip()) for name in names.to_list()}
    # "Marble" is no month; "may" may be anything, two months are not.
    plain = all(re.fullmatch(r"(?i)[a-z]{3}\.?|[a-z]*(day|ary|ch|il|e|y|st|er)", name.strip()) for name in names)
    if len(short) < 2 or not plain or max(lengths) > len("september"):
        return ""
    return next((part for part, one in zip(("month", "weekday"), _NAMES, strict=True) if short <= one), "")


def _agrees(values: pl.Series, time: pl.Series, part: str, period: int, *, called: bool) -> bool:
    """Return whether a column is a part of the times of its rows, but for where counting begins."""
    of_time = getattr(time.dt, part)().cast(pl.Float64)
    both = pl.DataFrame({"own": values, "part": of_time}).drop_nulls()
    if both.height < 2 or both["part"].n_unique() < 2:
        # One day of a log says nothing of months.
        return called
    apart = (both["own"] - both["part"]).to_numpy()
    gaps, counts = np.unique(apart % period if period else apart, return_counts=True)
    order = np.argsort(-counts)
    first, share = gaps[order[0]], counts[order[0]] / counts.sum()
    if share >= _AGREES:
        return True
    if part != "hour" or len(order) < 2 or share < _ONE_HOUR:
        return False
    step = abs(first - gaps[order[1]]) % (period - 1) if period > 1 else 0
    return bool(share + counts[order[1]] / counts.sum() >= _AGREES and step in (0, 1))


def counts_on(series: pl.Series, kind: Kind, time: pl.Series | None) -> bool:
    """Return whether a column of numbers counts on from row to row: a sequence number, an odometer, a date as number.

    With times, its values never fall from one time to the next, but for one step in 1,000, and there are at least 20 of
    both. Without, a table may be sorted by anything: then they are whole, all different and evenly spaced in the order
    of the rows, and the column is called like a counter.
    """
    if kind is not Kind.NUMERIC or not series.dtype.is_numeric():
        return False
    if time is not None:
        pairs = pl.DataFrame({"own": series.cast(pl.Float64), "time": time}).drop_nulls()
        pairs = pairs.filter(pl.col("own").is_finite())
        # Rows of one time have no order: whatever they hold must lie between those before and after.
        ends = pairs.group_by("time").agg(low=pl.col("own").min(), high=pl.col("own").max()).sort("time")
        if not _enough(pairs["own"].to_numpy()) or ends.height < _DISTINCT:
            return False
        return float((ends["low"].to_numpy()[1:] >= ends["high"].to_numpy()[:-1]).mean()) >= _RISES
    values = series.cast(pl.Float64).drop_nulls().to_numpy()
    if (
        not _COUNTER.search(series.name)
        or not series.dtype.is_integer()
        or not _enough(values)
        or len(np.unique(values)) < len(values)
    ):
        return False
    return float(np.corrcoef(values, np.arange(len(values)))[0, 1]) >= _STRAIGHT


def _enough(values: NDArray[np.float64]) -> bool:
    return len(values) >= _LEAST and len(np.unique(values)) >= _DISTINCT

"""Rows whose time cannot be, left out of a table that is compared as a run sets them aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import polars as pl

from watchkeeper.core.columns import column_named, series_named
from watchkeeper.core.intake import Refusal, TimeLimits
from watchkeeper.core.schema import Role, Schema
from watchkeeper.ingest.sources import Source

__all__ = ["PossibleTimes", "possible_times"]

_SAMPLE = 20_000
_AHEAD = timedelta(days=1)
_FIRST = datetime(1, 1, 2, tzinfo=UTC)
_OUTER = 0.05
"""Share of the rows on each side that may lie far from the rest."""


@dataclass(frozen=True)
class PossibleTimes:
    """Leaves out rows by their time, and counts them.

    Attributes
    ----------
    time
        The column, whose values are moments in UTC; None where there is none.
    limits
        Which times can be.
    first, last
        Between which most rows lie; None where no row has a time.
    codes
        How many rows were left out, by reason.
    """

    time: str | None
    limits: TimeLimits
    first: datetime | None = None
    last: datetime | None = None
    codes: Counter[str] = field(default_factory=Counter)

    def among(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Return the rows whose time can be, or is not there."""
        for frame in frames:
            yield self._kept(frame)

    def _kept(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self.time is None or self.time not in frame.columns:
            return frame
        left_out = pl.lit(value=False)
        for refusal, test in self._tests(column_named(self.time)):
            found = test.fill_null(value=False) & ~left_out
            count = int(frame.select(found.sum()).item())
            self.codes.update({refusal.value: count} if count else {})
            left_out = left_out | found
        return frame.filter(~left_out)

    def _tests(self, time: pl.Expr) -> Iterator[tuple[Refusal, pl.Expr]]:
        yield Refusal.EARLY, time < self.limits.earliest
        if self.limits.latest is not None:
            yield Refusal.AHEAD, time > self.limits.latest
        if self.limits.apart is not None and self.first is not None and self.last is not None:
            # Farther from both ends, in whole seconds: no calendar overflows on the way.
            apart, seconds = self.limits.apart.total_seconds(), time.dt.epoch("s")
            yield Refusal.APART, (seconds < self.first.timestamp() - apart) | (seconds > self.last.timestamp() + apart)


def possible_times(
    source: Source, schema: Schema, now: datetime, usual: tuple[datetime, datetime] | None = None
) -> PossibleTimes:
    """Return what leaves out rows of a table that lie where no time can be, or years from nearly all others.

    Parameters
    ----------
    usual
        When the rows of the reference were; times like theirs can be, history and invented years alike.
    """
    name, limits = schema.name_of(Role.TIME), _limits(now, usual)
    if name is None or name not in source.columns:
        return PossibleTimes(None, limits)
    times = series_named(source.sample(_SAMPLE, [name]), name).drop_nulls().sort()
    times = times.filter(times >= limits.earliest)
    times = times.filter(times <= limits.latest) if limits.latest is not None else times
    if not len(times):
        return PossibleTimes(name, limits)
    outer = int(_OUTER * len(times))
    return PossibleTimes(name, limits, times[outer], times[-1 - outer])


def _limits(now: datetime, usual: tuple[datetime, datetime] | None) -> TimeLimits:
    limits = TimeLimits(latest=now + _AHEAD)
    first, last = usual or (limits.earliest, now)
    if limits.latest is not None and last > limits.latest:
        limits = replace(limits, latest=None)
    return replace(limits, earliest=_FIRST) if first < limits.earliest else limits

"""The numbers of a column in the reference and now, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watchkeeper.core.rounding import pair
from watchkeeper.core.schema import Kind
from watchkeeper.core.state import State
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.moments import MomentsPart
from watchkeeper.views.wording import share, shown

__all__ = ["Beside", "beside"]

_QUANTILES = ((0.05, "5 % quantile"), (0.5, "median"), (0.95, "95 % quantile"))
_MOST_LEVELS = 3


@dataclass(frozen=True)
class Beside:
    """One number of a column: what it is, of the reference, and now."""

    name: str
    before: str
    now: str


def beside(reference: State | None, current: State | None) -> tuple[Beside, ...]:
    """Return rows, missing values, and the moments and quantiles or the commonest levels of both sides.

    Nothing where a side is missing or could not be summarised, or where the column holds times.
    """
    if reference is None or current is None or reference.problem or current.problem:
        return ()
    column = reference.spec or current.spec
    if column is not None and column.kind is Kind.TIME:
        return ()
    return tuple(_rows(reference, current))


def _rows(reference: State, current: State) -> Iterator[Beside]:
    counts = [state.parts.get("count") for state in (reference, current)]
    before, now = counts
    if isinstance(before, CountPart) and isinstance(now, CountPart):
        yield Beside("rows", f"{before.rows:,}", f"{now.rows:,}")
        yield Beside("missing", *(share(c.missing / c.rows if c.rows else None) for c in (before, now)))
    yield from _moments(reference.parts.get("moments"), current.parts.get("moments"))
    yield from _quantiles(reference.parts.get("histogram"), current.parts.get("histogram"))
    yield from _levels(reference.parts.get("levels"), current.parts.get("levels"))


def _moments(before: object, now: object) -> Iterator[Beside]:
    if isinstance(before, MomentsPart) and isinstance(now, MomentsPart) and before.n and now.n:
        yield Beside("mean", *pair(before.mean, now.mean))
        yield Beside("standard deviation", *pair(before.deviation, now.deviation))


def _quantiles(before: object, now: object) -> Iterator[Beside]:
    if isinstance(before, HistogramPart) and isinstance(now, HistogramPart) and before.n and now.n:
        for q, name in _QUANTILES:
            yield Beside(name, *pair(float(before.quantile(q)), float(now.quantile(q))))


def _levels(before: object, now: object) -> Iterator[Beside]:
    if not (isinstance(before, LevelsPart) and isinstance(now, LevelsPart) and before.n and now.n):
        return
    sides = (before.as_dict(), now.as_dict())
    totals = (before.n, now.n)
    weight = {name: max(side.get(name, 0) / n for side, n in zip(sides, totals, strict=True))
              for name in {**sides[0], **sides[1]}}  # fmt: skip
    for name in sorted(weight, key=lambda one: (-weight[one], one))[:_MOST_LEVELS]:
        yield Beside(
            shown(name, 60) or "(empty)", *(share(s.get(name, 0) / n) for s, n in zip(sides, totals, strict=True))
        )

"""How large the rates of faults get by themselves in the windows of a reference: each judged by its own variation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import asin, pi, sin, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from watchkeeper.compare.calendar_course import CalendarCourse, calendar_course, off_dates
from watchkeeper.compare.rates import RATES
from watchkeeper.compare.stretches import longest_by_chance, sole_value
from watchkeeper.compare.value_range import ValueRange, beyond, extent, value_range
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.state import State
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.moments import MomentsPart

__all__ = ["UsualRates", "highest_usual", "unused", "usual_rates", "with_usual"]

HEAVY = 0.05
"""Share of a reference from which a value has a rate of its own."""

_MARGIN, _CHANCE = 1.25, 1e-5
_BLOCK = timedelta(days=28)
_RECENT = 8
_FEWEST = 2
_UNUSED = 20
_WHOLLY, _NEAR, _SELDOM, _HALF = 0.99, 0.7, 0.01, 0.5


@dataclass(frozen=True, slots=True)
class UsualRates:
    """The share of rows up to which something happens by itself in windows like those of a reference.

    Attributes
    ----------
    windows
        Windows of the reference that tell it.
    null, beyond, unseen
        Of rows without a value, of values outside of what the other windows hold, and of levels they lack.
    repeated
        Of rows that share any one value that is not among ``values``.
    values
        Of rows with a value that has 5 % of the reference's rows, by value as text.
    stretches
        By value as text that windows held alone, after how many in a row that is no chance, 0 where that is unknown;
        "" for those that are not among ``values``.
    course
        Of a part of the calendar, how it follows the dates of the rows; ``beyond`` is then of rows that do not.
    """

    windows: int = 0
    null: float = 0.0
    beyond: float = 0.0
    unseen: float = 0.0
    repeated: float = 0.0
    values: Mapping[str, float] = field(default_factory=dict)
    course: CalendarCourse | None = None
    stretches: Mapping[str, int] = field(default_factory=dict)

    def of_value(self, value: str) -> float:
        """Return up to which share the rows of a window share this value."""
        return self.values.get(value, self.repeated)

    def stretch_of(self, value: str) -> int:
        """Return after how many windows in a row that hold this value it is stuck; 0 where that cannot be told."""
        return self.stretches.get(value if value in self.values else "", 0)

    def alone(self, value: str) -> bool:
        """Return whether some window of the reference held such a value alone."""
        return (value if value in self.values else "") in self.stretches


def highest_usual(counts: ArrayLike, rows: ArrayLike, *, centred: bool = True) -> float:
    """Return the share up to which a rate may go by itself, from its counts in the R windows of a reference.

    On the scale x = asin √((k + 3/8)/(n + 3/4)), on which the sampling variance is about 1/(4n + 2), it is

        c + max(1.25·(m - c), s·t),

    with c of all windows together, m of the largest share that surely occurred: the lower limit of Clopper and Pearson
    at a level of 1/R, s² the variance of x between windows less that of sampling, and t the quantile of Student's
    distribution with R - 1 degrees of freedom at a chance of 1e-5. The sampling of the window that is judged comes on
    top of it. Windows that are wholly so, and those of which .7 is, are incidents of the reference where they are at
    most one of a hundred, and are left out: it is as much a fault when it happens again.

    Parameters
    ----------
    counts, rows
        Of each window, shape (R,).
    centred
        Whether the counts are of one and the same thing. Those of whatever is commonest are high by choice: then c = 0
        and s = 0.

    References
    ----------
    Clopper and Pearson (1934), The use of confidence or fiducial limits, doi:10.1093/biomet/26.4.404. Anscombe (1948),
    The transformation of Poisson, binomial and negative-binomial data, doi:10.1093/biomet/35.3-4.246.

    Examples
    --------
    >>> highest_usual([0] * 52, [168] * 52)
    0.0
    >>> round(highest_usual([2] * 51 + [40], [168] * 52), 2)
    0.23
    """
    from scipy.special import betaincinv, stdtrit

    k, n = np.asarray(counts, float), np.asarray(rows, float)
    k, n = k[n > 0], n[n > 0]
    usual = ~_incidents(k / n)
    k, n = k[usual], n[usual]
    if len(n) == 0 or not k.any():
        return 0.0
    hit = k > 0
    surely = betaincinv(k[hit], n[hit] - k[hit] + 1, 1 / max(len(n), _FEWEST))
    largest = asin(sqrt(float(surely.max())))
    if not centred:
        return sin(min(_MARGIN * largest, pi / 2)) ** 2
    centre, spread = asin(sqrt(float(k.sum() / n.sum()))), 0.0
    if len(n) >= _FEWEST:
        x = np.arcsin(np.sqrt((k + 0.375) / (n + 0.75)))
        between = float(x.var(ddof=1) - (1 / (4 * n + 2)).mean())
        spread = sqrt(max(0.0, between)) * float(stdtrit(len(n) - 1, 1 - _CHANCE))
    return sin(min(centre + max(_MARGIN * (largest - centre), spread), pi / 2)) ** 2


def _incidents(shares: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which windows are wholly so, or nearly as an incident's first and last are, where these are few."""
    near = shares > _NEAR
    few = bool((shares >= _WHOLLY).any()) and near.sum() <= _SELDOM * len(shares)
    return near if few else np.zeros(len(shares), bool)


def usual_rates(whole: State, windows: Sequence[State], calendar: str = "") -> UsualRates | None:
    """Return the usual rates of a column, from the states of the windows that a reference is made of, in order.

    Windows in which the column was not in use yet tell nothing, see ``unused``. What a window has that the others lack
    is counted against the windows outside of its block of 28 days and the eight before it, as a season's values are new
    each year to a reference that is shorter; of levels also against all windows before it, in the second half of the
    reference.

    Parameters
    ----------
    calendar
        Which part of the calendar the column holds; empty where it holds none.

    Returns
    -------
    UsualRates or None
        None below two windows with rows, and for a column that could not be summarised.
    """
    kept = [one for one in windows if not one.problem and one.part("count", CountPart).rows]
    kept = kept[unused(kept) :]
    if whole.problem or len(kept) < _FEWEST:
        return None
    counts = [one.part("count", CountPart) for one in kept]
    null = highest_usual([c.rows - c.valid for c in counts], [c.rows for c in counts])
    rates = UsualRates(len(kept), null=null)
    blocks = _blocks([one.key.window.start if one.key.window else None for one in kept])
    if "levels" in whole.parts:
        parts = [one.part("levels", LevelsPart) for one in kept]
        own = [part.as_dict() for part in parts]
        rows = [part.n for part in parts]
        rates = replace(rates, unseen=highest_usual(_unseen(own, blocks), rows))
        return _with_repeated(rates, whole.part("levels", LevelsPart).as_dict(), own, rows)
    if "atoms" in whole.parts:
        atoms = [one.part("atoms", AtomsPart) for one in kept]
        rates = _with_repeated(rates, _texts(whole.part("atoms", AtomsPart)), [_texts(a) for a in atoms],
                               [a.n for a in atoms])  # fmt: skip
    if "histogram" in whole.parts:
        span = value_range(whole.part("histogram", HistogramPart))
        if span is not None:
            parts_of = [one.part("histogram", HistogramPart) for one in kept]
            rates = replace(rates, beyond=highest_usual(_beyond(parts_of, span, blocks), [p.n for p in parts_of]))
    return _with_course(rates, kept, calendar) if calendar else rates


def _with_course(rates: UsualRates, windows: Sequence[State], calendar: str) -> UsualRates:
    """Return the rates with how a part of the calendar follows the dates, and how many rows usually do not."""
    course = calendar_course(windows, calendar)
    if course is None:
        return rates
    dated = [(one.part("atoms", AtomsPart), one.key.window) for one in windows if "atoms" in one.parts]
    off = [off_dates(part, course.shares(window)) if window else 0 for part, window in dated]
    return replace(rates, course=course, beyond=max(rates.beyond, highest_usual(off, [part.n for part, _ in dated])))


def unused(windows: Sequence[State]) -> int:
    """Return how many windows, in order, come before a column of numbers was in use: all of them hold one value.

    They are at least a quarter of all and 20, and at least 20 are left; else there are none. Windows right after them
    that hold one value too, such as days on which it was set up, belong to them.
    """
    value, count = None, 0
    for one in windows:
        part = one.parts.get("moments")
        if not isinstance(part, MomentsPart) or (part.n and part.smallest != part.largest):
            break
        if part.n and value is not None and part.smallest != value and count < _UNUSED:
            break
        value, count = part.smallest if part.n else value, count + 1
    enough = count >= max(_UNUSED, len(windows) / 4) and len(windows) - count >= _UNUSED
    return count if enough else 0


def with_usual(measurement: Measurement, rates: UsualRates | None) -> Measurement:
    """Return the measurement of a rate, held to what is usual of it in the windows of the reference, if that is known.

    Its rows are then no longer discounted by the design effect of the column's values.
    """
    name, evidence = measurement.name, measurement.evidence
    change = evidence.change
    if rates is None or name not in RATES or measurement.status is not Status.OK or change.before_upper is None:
        return measurement
    value = change.levels[0] if change.levels else ""
    usual = {
        "null_rate": rates.null, "out_of_range": rates.beyond, "unseen_levels": rates.unseen,
        "repeated_value": rates.of_value(value), "silent_default": rates.of_value(value),
    }.get(name, 0.0)  # fmt: skip
    among = evidence.among
    if name == "repeated_value":
        stretch = rates.stretch_of(value)
        if stretch and int(evidence.details.get("windows", 0)) >= stretch:
            # Windows that hold one value come, but not so many in a row: rows are held to what is half of that.
            usual = min(usual, _HALF)
        # The values that could have been the commonest are at most 1/u, if none has a larger share than u by itself.
        among = max(among, round(1 / max(usual, change.before_upper, 1e-3)))
    change = replace(change, before_upper=min(1.0, max(change.before_upper, usual)))
    size = replace(evidence.size, design_effect=None)
    return replace(measurement, evidence=replace(evidence, change=change, size=size, among=among))


def _blocks(starts: Sequence[datetime | None]) -> list[int]:
    """Return the block of 28 days that each window lies in; one each where that leaves fewer than two."""
    known = [start for start in starts if start is not None]
    if len(known) < len(starts) or known[-1] - known[0] < _BLOCK:
        return list(range(len(starts)))
    return [(start - known[0]) // _BLOCK for start in known]


def _unseen(windows: Sequence[Mapping[str, int]], blocks: Sequence[int]) -> list[int]:
    """Return how many rows of each window have a level that the reference would lack without them."""
    first: dict[str, int] = {}
    places: dict[str, set[int]] = {}
    for at, (levels, block) in enumerate(zip(windows, blocks, strict=True)):
        for name in levels:
            first.setdefault(name, at)
            places.setdefault(name, set()).add(block)
    late = len(windows) // 2
    return [
        max(
            sum(n for name, n in levels.items() if len(places[name]) == 1 and first[name] >= at - _RECENT),
            sum(n for name, n in levels.items() if first[name] == at) if at >= late else 0,
        )
        for at, levels in enumerate(windows)
    ]


def _texts(part: AtomsPart) -> dict[str, int]:
    return {f"{value:.15g}": count for value, count in zip(part.values.tolist(), part.counts.tolist(), strict=True)}


def _with_repeated(
    rates: UsualRates, whole: Mapping[str, int], windows: Sequence[Mapping[str, int]], rows: Sequence[int]
) -> UsualRates:
    """Return the rates with those of single values: of each heavy one, and of the commonest of the others."""
    heavy = [name for name, count in whole.items() if count >= HEAVY * sum(rows)]
    values = {name: highest_usual([w.get(name, 0) for w in windows], rows) for name in heavy}
    others = [max((count for name, count in w.items() if name not in values), default=0) for w in windows]
    held = [sole_value(counts, n) for counts, n in zip(windows, rows, strict=True)]
    named = {"": [one if one not in values else None for one in held]}
    named |= {name: [one if one == name else None for one in held] for name in values}
    stretches = {name: longest_by_chance(one) for name, one in named.items() if any(one)}
    return replace(
        rates, repeated=highest_usual(others, rows, centred=False), values=values, stretches=stretches
    )  # fmt: skip


def _beyond(parts: Sequence[HistogramPart], span: ValueRange, blocks: Sequence[int]) -> NDArray[np.int64]:
    """Return how many rows of each window lie outside of the range of the others."""
    extents = [extent(part, span) for part in parts]
    low = np.array([e.lower if e else np.inf for e in extents])
    high = np.array([e.upper if e else -np.inf for e in extents])
    block = np.array(blocks)
    found = np.zeros(len(parts), np.int64)
    for at, part in enumerate(parts):
        others = block != block[at]
        others[max(0, at - _RECENT) : at] = True
        lower, upper = float(low[others].min(initial=np.inf)), float(high[others].max(initial=-np.inf))
        if lower < upper:
            found[at] = beyond(part, ValueRange(lower, upper))
    return found

"""The series that a stream adds evidence up for: one for each column, and one for the errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.compare.cells import effective_size
from watchkeeper.compare.cuts import Cuts
from watchkeeper.core.alert import Cause
from watchkeeper.core.columns import series_named
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import ALL, Column, Kind, Role, Schema
from watchkeeper.core.state import OUTCOME, State, StateKey
from watchkeeper.stats.blocks import NumberSource
from watchkeeper.stats.confusion import ConfusionPart
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.histogram import bin_edges
from watchkeeper.stats.level_index import count_levels
from watchkeeper.streams.arrivals import ERROR, watched_columns

__all__ = ["Series", "needed", "series_of"]

Shares = NDArray[np.float64]
States = Mapping[tuple[str, str], State]

_COUNTED = (Kind.NUMERIC, Kind.TIME, Kind.CATEGORICAL, Kind.BOOLEAN)
_FEW = 0.01
"""Share of rows with levels that are new, up to which new levels are rare enough to be a fault when they come."""

_LEAST_ROWS = 100
"""Rows of the reference below which a segment is not watched by itself."""

_FIRST = Column(ERROR, Role.LABEL, Kind.NUMERIC)


@dataclass(frozen=True, slots=True)
class Series:
    """The shares of one column that are compared with those of the reference.

    Attributes
    ----------
    column
        The column; that of the errors is named ``@error``.
    cuts
        Where shares are taken; None where only one share is: rows without a value, or rows that are wrong.
    reference
        Shares that new rows have if nothing changed, float64, shape (k,).
    n_reference
        Rows that they rest on.
    side
        Which way a share must move to count.
    segment
        The rows that are counted.
    """

    column: Column
    cuts: Cuts | None
    reference: Shares
    n_reference: int
    side: str = "both"
    segment: str = ALL

    @property
    def name(self) -> str:
        """What to call it: the column, or ``error``."""
        return self.column.name.removeprefix("@")

    @property
    def place(self) -> str:
        """The name, and for a segment which one: ``price in country=DE``."""
        return self.name if self.segment == ALL else f"{self.name} in {self.segment}"

    @property
    def late(self) -> bool:
        """Whether rows without a value are left out, because it is yet to come."""
        return self.column.role is Role.LABEL

    @property
    def answers(self) -> bool:
        """Whether it belongs to what the model answers and what is true, not to what it is asked."""
        return self.column.role is not Role.FEATURE

    @property
    def rate(self) -> bool:
        """Whether it is the share of wrong answers."""
        return self.column.name == ERROR and self.cuts is None

    @property
    def ordered(self) -> bool:
        """Whether its shares are those up to rising values."""
        return self.cuts is not None and self.cuts.bins is not None

    def read(self, frame: pl.DataFrame) -> tuple[Shares, int]:
        """Return the shares of rows, shape (k,), and the number of rows they rest on."""
        series = series_named(frame, self.column.name)
        if self.cuts is None:
            return _mean(series.drop_nulls() if self.rate else ~series.fill_null(False))
        if self.late:
            series = series.drop_nulls()
        if self.cuts.bins is None:
            found = self.cuts.in_levels(count_levels(series.to_frame(), [series.name])[series.name])
        else:
            source = NumberSource(series, Column(series.name, self.column.role, Kind.NUMERIC, map=self.cuts.map))
            found = self.cuts.in_numbers(source.blocks())
        return found, len(series)

    def measurement(self, key: StateKey, shares: Shares, n: int) -> Measurement:
        """Return how far shares are from those of the reference, with both as a curve."""
        size = Size(self.n_reference, effective_size(self.n_reference, n), rank_effect=1.0 if self.ordered else None)
        evidence = Evidence(size=size)
        if self.rate:
            found = Measurement.of(key, Family.METRIC, "accuracy", 1 - float(shares[0]), n, evidence=evidence)
        else:
            before = self.reference if self.cuts is None or self.late else self.cuts.reference
            value = float(np.abs(shares - before).max())
            found = Measurement.of(key, Family.COMPARISON, "shares", value, n, evidence=evidence)
        return found.with_curve(self.reference, shares)

    def moved(self, point: int) -> tuple[Cause, str]:
        """Return what kind of change a share that rose at ``point`` is, and in words what it is the share of."""
        if self.column.name == ERROR:
            return Cause.PERFORMANCE, "wrong answers" if self.rate else self._place(point, "errors")
        if point == len(self.reference) - 1 and not self.late:
            return Cause.DATA_FAULT, "rows without a value"
        if self.cuts is None or self.cuts.bins is None:
            levels = self.cuts.levels if self.cuts else ()
            if point < len(levels):
                return Cause.DRIFT, f"the level {levels[point]!r}"
            if self.reference[point] > _FEW:
                # Where levels are many some were never seen before, and more of them are no fault.
                return Cause.DRIFT, "rare levels"
            return Cause.LABEL_FAULT if self.late else Cause.DATA_FAULT, "levels that the reference does not have"
        return Cause.DRIFT, self._place(point, "values")

    def _place(self, point: int, what: str) -> str:
        if self.cuts is None or self.cuts.bins is None or point >= len(self.cuts.bins):
            return what
        bin_before = np.array([max(int(self.cuts.bins[point]) - 1, 0)], np.uint16)
        edge = self.cuts.map.anchor + self.cuts.map.scale * float(bin_edges(bin_before)[1][0])
        return f"{what} up to {edge:.4g}"


def series_of(reference: States, schema: Schema) -> tuple[list[Series], list[str]]:
    """Return the series that a reference allows to watch, features first, and in words what is left out.

    Those of all rows come first, then those of each segment that the schema declares.
    """
    unusable = [c for c in schema.features if c.kind is Kind.UNUSABLE]
    left = [f"{c.name} is not watched: it {c.why.rpartition('unusable: ')[2]}." for c in unusable]
    found, why = _of_segment(reference, schema, ALL)
    left += [f"{name} is not watched: {told}." for name, told in why.items()]
    if schema.of(Role.LABEL) is not None and all(one.column.name != ERROR for one in found):
        left.append("Errors are not watched: the reference does not tell them.")
    rows: dict[str, int] = {}
    for (segment, _), state in reference.items():
        count = state.parts.get("count")
        rows[segment] = max(rows.get(segment, 0), count.rows if isinstance(count, CountPart) else 0)
    for rule in schema.segments:
        for segment in sorted(name for name in rows if name.startswith(f"{rule.column}=")):
            if rows[segment] < _LEAST_ROWS:
                left.append(f"{segment} is not watched by itself: the reference has {rows[segment]} rows of it.")
            else:
                # Within a segment its own column is one level.
                own, _ = _of_segment(reference, schema, segment)
                found += [one for one in own if one.column.name != rule.column]
    return found, left


def _of_segment(reference: States, schema: Schema, segment: str) -> tuple[list[Series], dict[str, str]]:
    """Return the series of a segment, and why columns have none."""
    found: list[Series] = []
    why: dict[str, str] = {}
    for column in sorted(watched_columns(schema), key=lambda c: c.role is not Role.FEATURE):
        state = reference.get((segment, column.name))
        if state is None or state.problem:
            why[column.name] = state.problem if state else "the reference has no rows of it"
            continue
        one = _of_column(column, state)
        if one is None:
            why[column.name] = "the reference has no values to compare with"
        else:
            found.append(one)
    errors = _of_errors(reference, schema, segment)
    found += [errors] if errors is not None else []
    return [replace(one, segment=segment) for one in found], why


def needed(series: Sequence[Series], run_length: float) -> Shares:
    """Return ln of the evidence each series must reach.

    Half of the budget is for features, half for answers and label; where segments are watched, half of each half is for
    them and half for all rows together.
    """
    groups = [(one.answers, one.segment == ALL) for one in series]
    sizes = Counter(groups)
    halves = {side: len({whole for answers, whole in sizes if answers == side}) for side, _ in sizes}
    return np.array([log(sizes[group] * run_length * len(halves) * halves[group[0]]) for group in groups])


def _mean(series: pl.Series) -> tuple[Shares, int]:
    total = float(series.sum() or 0.0)
    return np.array([total / max(len(series), 1)]), len(series)


def _of_column(column: Column, state: State) -> Series | None:
    count = state.part("count", CountPart)
    if not count.rows:
        return None
    if column.kind not in _COUNTED:
        if column.role is Role.LABEL:
            return None
        return Series(column, None, np.array([count.missing / count.rows]), count.rows, "upper")
    cuts = Cuts.of(state)
    if column.role is not Role.LABEL:
        return Series(column, cuts, cuts.fresh, cuts.n_reference)
    return _labelled(column, cuts, count.rows - count.missing)


def _labelled(column: Column, cuts: Cuts, n: int, side: str = "both") -> Series | None:
    """Return the series of the rows that have a value."""
    if not n:
        return None
    reference = cuts.fresh * cuts.n_reference / n
    reference[-1] = 0.0
    return Series(column, cuts, np.minimum(reference, 1.0), n, side)


def _of_errors(reference: States, schema: Schema, segment: str) -> Series | None:
    if schema.of(Role.LABEL) is None:
        return None
    outcome = reference.get((segment, OUTCOME))
    confusion = outcome.parts.get("confusion") if outcome else None
    if schema.classes and schema.of(Role.PREDICTION) is not None and isinstance(confusion, ConfusionPart):
        matrix = confusion.matrix()
        n = int(matrix.sum())
        wrong = np.array([1 - float(np.trace(matrix)) / n]) if n else np.empty(0)
        return Series(_FIRST, None, wrong, n, "upper") if n else None
    state = reference.get((segment, ERROR))
    if state is None or state.problem:
        return None
    cuts, count = Cuts.of(state), state.part("count", CountPart)
    # Errors that grow are shares up to a value that fall.
    return _labelled(_FIRST, cuts, count.rows - count.missing, "lower")

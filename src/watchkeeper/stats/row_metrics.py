"""Means of numbers that a user's own functions make of label, prediction and score, row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, UsageError
from watchkeeper.core.schema import Column, Role, Schema
from watchkeeper.core.user_code import function_named
from watchkeeper.stats.blocks import Outcomes
from watchkeeper.stats.prediction_sums import CentralSums

__all__ = ["RowMetric", "RowMetrics", "RowMetricsPart", "metric_name", "row_metric", "row_values"]

RowMetric = Callable[[NDArray[Any], "NDArray[Any] | None", "NDArray[np.float64] | None"], Any]
"""Takes label, prediction and score of m rows and returns m numbers; NaN for a row that is not to count."""

_LONGEST = 200


def metric_name(place: str) -> str:
    """Return the name under which the function at ``module:function`` is measured.

    Examples
    --------
    >>> metric_name("ours.metrics:late_minutes")
    'late_minutes'
    """
    return place.partition(":")[2]


def row_values(frame: pl.DataFrame, schema: Schema) -> dict[str, NDArray[np.float64] | str]:
    """Return what each function of the schema makes of the rows, float64, shape (rows,), or why it could not.

    A function sees the rows whose label is known and, where the log has predictions, whose prediction is: values as
    they were logged, the score as float64. The other rows are NaN. Whatever a function raises costs its own metric
    and nothing else.
    """
    if not schema.metrics:
        return {}
    columns = [schema.name_of(role) for role in (Role.LABEL, Role.PREDICTION, Role.SCORE)]
    label, prediction, score = (
        series_named(frame, name) if name and name in frame.columns else None for name in columns
    )
    if label is None:
        return {metric_name(place): np.full(frame.height, np.nan) for place in schema.metrics}
    known = _known(label) if prediction is None else _known(label) & _known(prediction)
    there = known.to_numpy()
    given = (
        label.filter(known).to_numpy(),
        None if prediction is None else prediction.filter(known).to_numpy(),
        None if score is None else score.filter(known).cast(pl.Float64, strict=False).to_numpy(),
    )
    found: dict[str, NDArray[np.float64] | str] = {}
    for place in schema.metrics:
        try:
            values = np.full(frame.height, np.nan)
            values[there] = _made(place, given)
            found[metric_name(place)] = values
        except Exception as error:  # noqa: BLE001 - a user's function may raise anything
            words = str(error) if isinstance(error, SchemaError) else f"{place} raised {type(error).__name__}: {error}"
            found[metric_name(place)] = words[:_LONGEST]
    return found


def _known(series: pl.Series) -> pl.Series:
    return series.is_not_null() & series.is_not_nan() if series.dtype.is_float() else series.is_not_null()


def row_metric(place: str) -> RowMetric:
    """Return the function that ``module:function`` names.

    Raises
    ------
    SchemaError
        When the module holds no such function.
    """
    try:
        return function_named(place)
    except UsageError as error:
        raise SchemaError(str(error)) from None


def _made(place: str, given: tuple[Any, Any, Any]) -> NDArray[np.float64]:
    if not len(given[0]):
        return np.empty(0)
    function = row_metric(place)
    values = np.asarray(function(*given), np.float64)
    if values.shape != (len(given[0]),):
        raise SchemaError(f"{place} returned {values.shape} numbers for {len(given[0])} rows; return one for each row")
    return values


@dataclass(frozen=True, slots=True)
class RowMetricsPart:
    """Sums of each metric over the rows for which its function returned a finite number.

    Attributes
    ----------
    names
        The metrics in sorted order.
    counts
        Rows of each, int64, shape (k,), in that order.
    numbers
        Mean, and central sums of the second to the fourth power, of each, float64, shape (k, 4).
    left_out
        Labelled rows without a finite number, in that order.
    problems
        Why a metric could not be made; empty where it could, in that order.
    """

    names: tuple[str, ...] = ()
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    numbers: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 4)))
    left_out: tuple[int, ...] = ()
    problems: tuple[str, ...] = ()

    def rows_of(self) -> dict[str, tuple[CentralSums, int, str]]:
        """Return sums, rows left out and problem by metric."""
        sums = [CentralSums(int(n), *row) for n, row in zip(self.counts, self.numbers.tolist(), strict=True)]
        return dict(zip(self.names, zip(sums, self.left_out, self.problems, strict=True), strict=True))


_NONE = (CentralSums(), 0, "")
_Row = tuple[CentralSums, int, str]


def _part(rows: Mapping[str, _Row]) -> RowMetricsPart:
    found = sorted(rows.items())
    sums = [one for _, (one, _, _) in found]
    return RowMetricsPart(
        tuple(name for name, _ in found),
        np.array([one.n for one in sums], np.int64),
        np.array([(one.mean, one.second, one.third, one.fourth) for one in sums], np.float64).reshape(-1, 4),
        tuple(lost for _, (_, lost, _) in found),
        tuple(problem for _, (_, _, problem) in found),
    )


def _merged(a: RowMetricsPart, b: RowMetricsPart) -> RowMetricsPart:
    ours, theirs = a.rows_of(), b.rows_of()
    pairs = {name: (ours.get(name, _NONE), theirs.get(name, _NONE)) for name in {*ours, *theirs}}
    # Of two problems the same whichever side comes first.
    return _part({name: (p[0].merged(q[0]), p[1] + q[1], max(p[2], q[2])) for name, (p, q) in pairs.items()})


class _Work:
    def __init__(self) -> None:
        self.known = RowMetricsPart()

    def add(self, block: Outcomes) -> None:
        for name, values in block.row_values.items():
            if isinstance(values, str):
                row: _Row = (CentralSums(), 0, values)
            else:
                finite = np.isfinite(values)
                lost = int(np.count_nonzero(block.labelled & ~finite))
                row = (CentralSums.of(values[finite]), lost, "")
            self.known = _merged(self.known, _part({name: row}))

    def part(self) -> RowMetricsPart:
        return self.known


class RowMetrics:
    """Sums of what the user's own metrics make of each row; empty where the configuration names none. Exact."""

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "row_metrics"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Outcomes,)
    part_type: ClassVar[type] = RowMetricsPart

    def applies(self, column: Column) -> bool:
        """No single column: it is kept for outcomes."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: RowMetricsPart, b: RowMetricsPart) -> RowMetricsPart:
        """Merge metric by metric; one that only a part has is kept."""
        return _merged(a, b)

    def result(self, part: RowMetricsPart) -> dict[str, float]:
        """Return the mean of each metric that has rows."""
        return {name: sums.mean for name, (sums, _, _) in part.rows_of().items() if sums.n}

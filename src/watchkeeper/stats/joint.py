"""The form in which statistics see all numeric features together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import has_column, series_named
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.state import JOINT
from watchkeeper.stats.blocks import Outcomes, to_float, to_text
from watchkeeper.stats.outcomes import outcomes
from watchkeeper.stats.row_identity import hash_points, id_hashes

__all__ = ["FAR", "JOINT_COLUMN", "MOST_COLUMNS", "Joint", "JointSource", "joint_columns"]

JOINT_COLUMN = Column(JOINT, Role.FEATURE, Kind.JOINT)
"""What stands for all numeric features together."""

MOST_COLUMNS = 200
"""Numeric features that are looked at together; of wider tables the first ones."""

_ROWS = 4_096
FAR = 8.0
"""Interquartile ranges from the median at which a value is taken to lie if it lies farther."""


class JointSource:
    """The rows that blocks are cut from; statistics that keep single rows take them from here.

    Attributes
    ----------
    schema
        What the columns of the rows mean.
    columns
        The d numeric features.
    leveled
        The categorical and boolean features.
    by_id
        Whether rows are told apart by ids.
    """

    def __init__(self, frame: pl.DataFrame, schema: Schema) -> None:
        self._frame, self.schema = frame, schema
        self.columns = joint_columns(schema)
        self.by_id = schema.name_of(Role.ID) in frame.columns
        kinds = (Kind.CATEGORICAL, Kind.BOOLEAN)
        self.leveled = tuple(column for column in schema.features if column.kind in kinds)[:MOST_COLUMNS]

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """A 64-bit hash of each row's id; in a log without ids of its numeric features and its time; shape (rows,)."""
        found = id_hashes(self._frame, self.schema)
        return hash_points(self._coordinates(), self._frame.height) if found is None else found

    def _coordinates(self) -> Iterator[NDArray[np.float64]]:
        """Tell rows apart by numbers that do not depend on the units of the features."""
        for column in self.columns:
            series = _numeric(self._frame, column)
            if series is not None:
                x = to_float(series).fill_null(np.nan).to_numpy()
                with np.errstate(over="ignore", invalid="ignore"):
                    yield (x - column.map.anchor) * (1.0 / column.map.scale)
        time = self.schema.of(Role.TIME)
        if time is not None and time.name in self._frame.columns and self._frame[time.name].dtype.is_temporal():
            yield to_float(series_named(self._frame, time.name)).fill_null(np.nan).to_numpy()

    def numbers(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the numeric features of some rows in their own units, NaN where there is none, shape (rows, d)."""
        found = np.full((len(rows), len(self.columns)), np.nan)
        for place, column in enumerate(self.columns):
            series = _numeric(self._frame, column)
            if series is not None:
                found[:, place] = to_float(series[rows]).fill_null(np.nan).to_numpy()
        return found

    def outcomes(self, rows: NDArray[np.intp]) -> Outcomes:
        """Return label, prediction and score of some rows; SchemaError when they cannot be read."""
        return outcomes(self._frame[rows], self.schema)

    def levels(self, rows: NDArray[np.intp]) -> pl.DataFrame:
        """Return the categorical and boolean features of some rows as text."""
        found = {}
        for column in self.leveled:
            known = column.name in self._frame.columns and not self._frame[column.name].dtype.is_nested()
            lost = pl.repeat(None, len(rows), dtype=pl.String, eager=True)
            found[column.name] = to_text(series_named(self._frame, column.name)[rows]) if known else lost
        return pl.DataFrame(found)


@dataclass(frozen=True, slots=True)
class Joint:
    """Up to 4,096 rows of all numeric features.

    Attributes
    ----------
    names
        The d features.
    z
        float64, shape (d, m): (x - anchor) / scale of each feature's own map, clipped to [-8, 8]; a null, NaN or
        missing column is 0, the reference median. The array is reused: it is valid until the next block.
    source, start
        What the block was cut from, and its first row there.
    """

    names: tuple[str, ...]
    z: NDArray[np.float64]
    source: JointSource
    start: int = 0

    @property
    def hashes(self) -> NDArray[np.uint64]:
        """A 64-bit hash of each row's identity, shape (m,)."""
        return self.source.hashes[self.start : self.start + self.z.shape[1]]

    @classmethod
    def blocks(cls, frame: pl.DataFrame, schema: Schema) -> Iterator[Joint]:
        """Cut a frame into blocks."""
        source = JointSource(frame, schema)
        names = tuple(column.name for column in source.columns)
        found = [(_numeric(frame, column), column) for column in source.columns]
        buffer = np.zeros((len(names), _ROWS))
        for start in range(0, frame.height, _ROWS):
            z = buffer[:, : min(_ROWS, frame.height - start)]
            with np.errstate(over="ignore", invalid="ignore"):
                for row, (series, column) in zip(z, found, strict=True):
                    if series is not None:
                        _fill(row, series.slice(start, len(row)), column)
            yield cls(names, z, source, start)


def joint_columns(schema: Schema) -> tuple[Column, ...]:
    """Return the features that are looked at together; fewer than two give none."""
    found = tuple(column for column in schema.features if column.kind is Kind.NUMERIC)[:MOST_COLUMNS]
    return found if len(found) > 1 else ()


def _numeric(frame: pl.DataFrame, column: Column) -> pl.Series | None:
    series = series_named(frame, column.name) if has_column(frame, column.name) else None
    if series is None or series.dtype.is_nested() or series.dtype in (pl.String, pl.Object, pl.Binary):
        return None
    return None if series.dtype in (pl.Categorical, pl.Enum) else series


def _fill(row: NDArray[np.float64], series: pl.Series, column: Column) -> None:
    np.subtract(to_float(series).to_numpy(), column.map.anchor, out=row)
    np.multiply(row, 1.0 / column.map.scale, out=row)
    np.minimum(row, FAR, out=row)
    np.maximum(row, -FAR, out=row)
    if np.isnan(np.add.reduce(row)):
        row[np.isnan(row)] = 0.0

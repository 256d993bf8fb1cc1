"""The form in which statistics see all numeric features together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.state import JOINT
from watchkeeper.stats.blocks import to_float, to_text
from watchkeeper.stats.row_identity import row_hashes

__all__ = ["JOINT_COLUMN", "MOST_COLUMNS", "Joint", "JointSource", "joint_columns"]

JOINT_COLUMN = Column(JOINT, Role.FEATURE, Kind.JOINT)
"""What stands for all numeric features together."""

MOST_COLUMNS = 200
"""Numeric features that are looked at together; of wider tables the first ones."""

_ROWS = 4_096
_FAR = 8.0


class JointSource:
    """The rows that blocks are cut from; statistics that keep single rows take them from here.

    Attributes
    ----------
    columns
        The d numeric features.
    leveled
        The categorical and boolean features.
    """

    def __init__(self, frame: pl.DataFrame, schema: Schema) -> None:
        self._frame, self._schema = frame, schema
        self.columns = joint_columns(schema)
        kinds = (Kind.CATEGORICAL, Kind.BOOLEAN)
        self.leveled = tuple(column for column in schema.features if column.kind in kinds)[:MOST_COLUMNS]

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """A 64-bit hash of each row's identity, shape (rows,)."""
        return row_hashes(self._frame, self._schema)

    def numbers(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the numeric features of some rows in their own units, NaN where there is none, shape (rows, d)."""
        found = np.full((len(rows), len(self.columns)), np.nan)
        for place, column in enumerate(self.columns):
            series = _numeric(self._frame, column)
            if series is not None:
                found[:, place] = to_float(series[rows]).fill_null(np.nan).to_numpy()
        return found

    def levels(self, rows: NDArray[np.intp]) -> pl.DataFrame:
        """Return the categorical and boolean features of some rows as text."""
        found = {}
        for column in self.leveled:
            known = column.name in self._frame.columns and not self._frame[column.name].dtype.is_nested()
            lost = pl.repeat(None, len(rows), dtype=pl.String, eager=True)
            found[column.name] = to_text(self._frame[column.name][rows]) if known else lost
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
        columns = source.columns
        names = tuple(column.name for column in columns)
        buffer = np.zeros((len(columns), _ROWS))
        for start in range(0, frame.height, _ROWS):
            m = min(_ROWS, frame.height - start)
            z = buffer[:, :m]
            for row, column in zip(z, columns, strict=True):
                _fill(row, frame, column, start)
            yield cls(names, z, source, start)


def joint_columns(schema: Schema) -> tuple[Column, ...]:
    """Return the features that are looked at together; fewer than two give none."""
    found = tuple(column for column in schema.features if column.kind is Kind.NUMERIC)[:MOST_COLUMNS]
    return found if len(found) > 1 else ()


def _numeric(frame: pl.DataFrame, column: Column) -> pl.Series | None:
    series = frame[column.name] if column.name in frame.columns else None
    if series is None or series.dtype.is_nested() or series.dtype in (pl.String, pl.Object, pl.Binary):
        return None
    return None if series.dtype in (pl.Categorical, pl.Enum) else series


def _fill(row: NDArray[np.float64], frame: pl.DataFrame, column: Column, start: int) -> None:
    series = _numeric(frame, column)
    if series is None:
        row[:] = 0.0
        return
    x = to_float(series.slice(start, len(row))).to_numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        np.subtract(x, column.map.anchor, out=row)
        row *= 1.0 / column.map.scale
    np.clip(row, -_FAR, _FAR, out=row)
    np.nan_to_num(row, copy=False, nan=0.0)

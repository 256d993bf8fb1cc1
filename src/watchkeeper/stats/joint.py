"""The form in which statistics see all numeric features together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.state import JOINT
from watchkeeper.stats.blocks import to_float

__all__ = ["JOINT_COLUMN", "MOST_COLUMNS", "Joint", "joint_columns"]

JOINT_COLUMN = Column(JOINT, Role.FEATURE, Kind.JOINT)
"""What stands for all numeric features together."""

MOST_COLUMNS = 200
"""Numeric features that are looked at together; of wider tables the first ones."""

_ROWS = 4_096
_FAR = 8.0


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
    """

    names: tuple[str, ...]
    z: NDArray[np.float64]

    @classmethod
    def blocks(cls, frame: pl.DataFrame, schema: Schema) -> Iterator[Joint]:
        """Cut a frame into blocks."""
        columns = joint_columns(schema)
        names = tuple(column.name for column in columns)
        buffer = np.zeros((len(columns), _ROWS))
        for start in range(0, frame.height, _ROWS):
            m = min(_ROWS, frame.height - start)
            z = buffer[:, :m]
            for row, column in zip(z, columns, strict=True):
                _fill(row, frame, column, start)
            yield cls(names, z)


def joint_columns(schema: Schema) -> tuple[Column, ...]:
    """Return the features that are looked at together; fewer than two give none."""
    found = tuple(column for column in schema.features if column.kind is Kind.NUMERIC)[:MOST_COLUMNS]
    return found if len(found) > 1 else ()


def _fill(row: NDArray[np.float64], frame: pl.DataFrame, column: Column, start: int) -> None:
    series = frame[column.name].slice(start, len(row)) if column.name in frame.columns else None
    if series is None or series.dtype.is_nested() or series.dtype in (pl.String, pl.Object, pl.Binary):
        row[:] = 0.0
        return
    x = to_float(series).to_numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        np.subtract(x, column.map.anchor, out=row)
        row *= 1.0 / column.map.scale
    np.clip(row, -_FAR, _FAR, out=row)
    row[np.isnan(row)] = 0.0

"""What a fault is, and what it may know of the rows it is planted in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import polars as pl

from watchkeeper.core.alert import Cause
from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Role, Schema

__all__ = ["Fault", "Indirect", "Plant", "Site", "of_kinds", "put", "some", "spread", "written_as"]

Plant = Callable[[pl.DataFrame], pl.DataFrame]
"""Takes the rows of one window and returns them with the fault; called for one window after another."""

_WATCHED = (Role.FEATURE, Role.SCORE, Role.PREDICTION)


@dataclass(frozen=True, slots=True)
class Site:
    """Where a fault is planted.

    Parameters
    ----------
    schema
        The columns of the rows.
    column
        The column it is planted in.
    reference
        Rows from a time when all was well, a sample.
    before
        The rows of the window before the first one with the fault.
    """

    schema: Schema
    column: Column
    reference: pl.DataFrame
    before: pl.DataFrame

    @property
    def usual(self) -> pl.Series:
        """The values that the reference has in the column."""
        return series_named(self.reference, self.column.name).drop_nulls()


@runtime_checkable
class Fault(Protocol):
    """Something that goes wrong with the rows of a model.

    Attributes
    ----------
    plugin
        Always ``"fault"``.
    name
        Registry key.
    sizes
        How much of it is planted, one trial for each; what the number means the fault says.
    quick
        The sizes of a quick proof; empty where it is none of those that everybody should see.
    kinds
        What a diagnosis may call it, the rightest first.
    """

    plugin: ClassVar[str]
    name: ClassVar[str]
    sizes: ClassVar[tuple[float, ...]]
    quick: ClassVar[tuple[float, ...]]
    kinds: ClassVar[tuple[HypothesisKind, ...]]

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Return the columns that it can be in."""

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what puts the fault into the rows of a window; None where the column does not allow it.

        What is drawn once, such as which level gets another name, is the same in all windows.
        """

    def says(self, size: float) -> str:
        """Return the fault and its size in a few words, such as ``10 % nulls``."""


@runtime_checkable
class Indirect(Fault, Protocol):
    """A fault that shows elsewhere than in its column: an alert of one of these causes finds it too.

    Attributes
    ----------
    causes
        The causes.
    """

    causes: ClassVar[frozenset[Cause]]


def of_kinds(schema: Schema, *kinds: Kind, roles: tuple[Role, ...] = _WATCHED) -> tuple[Column, ...]:
    """Return the columns of some kinds; unless others are named, those that features and answers are in."""
    return tuple(c for c in schema if c.role in roles and (not kinds or c.kind in kinds))


def some(rows: pl.DataFrame, share: float, rng: np.random.Generator) -> pl.Series:
    """Return a mask of rows, each of which is in with a probability."""
    return pl.Series(rng.random(rows.height) < share)


def put(rows: pl.DataFrame, name: str, values: pl.Series, where: pl.Series | None = None) -> pl.DataFrame:
    """Return the rows with other values of a column, in all rows or in some."""
    kept = series_named(rows, name)
    return rows.with_columns((values if where is None else values.zip_with(where, kept)).alias(name))


def spread(values: pl.Series) -> float:
    """Return the standard deviation of values; 0 where they have none."""
    numbers = values.cast(pl.Float64)
    found = numbers.filter(numbers.is_finite()).std()
    return float(found) if isinstance(found, float) else 0.0


def written_as(values: pl.Series, like: pl.DataType, rng: np.random.Generator | None = None) -> pl.Series:
    """Return numbers in the type that a column has: whole ones where it is whole, rounded up or down by chance."""
    if not like.is_integer():
        return values.cast(like, strict=False) if like.is_float() else values
    whole = values.round() if rng is None else (values + pl.Series(rng.random(len(values)))).floor()
    cast = whole.cast(like, strict=False)
    # What does not fit its type is written in a wider one, as a program would.
    return cast if cast.null_count() == whole.null_count() else whole.cast(pl.Int64, strict=False)

"""States made from plain values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pytest

from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema
from watchkeeper.core.state import State
from watchkeeper.schema.kinds import map_of
from watchkeeper.stats.summarise import summarise_rows

Pair = Callable[..., tuple[State, State]]


def _state(values: Sequence[Any] | pl.Series, kind: Kind, map: NumericMap, dtype: str) -> State:
    schema = Schema((Column("x", Role.FEATURE, kind, dtype, map),))
    states = summarise_rows(pl.DataFrame({"x": values}, strict=False), schema)
    return next(state for state in states if state.key.column == "x")


@pytest.fixture
def pair() -> Pair:
    """Return the states of a reference and of current values under one map."""

    def make(reference: Any, current: Any, kind: Kind = Kind.NUMERIC) -> tuple[State, State]:
        first = pl.Series("x", reference, strict=False)
        bins = map_of(first) if kind is Kind.NUMERIC else NumericMap()
        dtype = str(first.dtype)
        return _state(reference, kind, bins, dtype), _state(current, kind, bins, dtype)

    return make

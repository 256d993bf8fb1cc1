"""What every fault must obey."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl

from watchkeeper.core.alert import Cause
from watchkeeper.core.columns import columns_named, series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Column, Kind, Role, Schema, SegmentRule, Task
from watchkeeper.faults.fault import Fault, Indirect, Plant, Site

__all__ = ["check_fault", "fault_rows", "fault_schema"]

_START = datetime(2024, 1, 1, tzinfo=UTC)
_PATTERN = "^amount$"


def fault_schema() -> Schema:
    """Return the columns that faults are tried on: every kind and role, one with a name that reads as a pattern."""
    columns = [
        ("id", Role.ID, Kind.IDENTIFIER), ("at", Role.TIME, Kind.TIME), (_PATTERN, Role.FEATURE, Kind.NUMERIC),
        ("count", Role.FEATURE, Kind.NUMERIC), ("temp", Role.FEATURE, Kind.NUMERIC),
        ("plan", Role.FEATURE, Kind.CATEGORICAL), ("code", Role.FEATURE, Kind.CATEGORICAL),
        ("new", Role.FEATURE, Kind.BOOLEAN), ("note", Role.FEATURE, Kind.TEXT), ("score", Role.SCORE, Kind.NUMERIC),
        ("prediction", Role.PREDICTION, Kind.CATEGORICAL), ("latency", Role.LATENCY, Kind.NUMERIC),
        ("label", Role.LABEL, Kind.CATEGORICAL),
    ]  # fmt: skip
    rows = fault_rows(1, 0)
    return Schema(
        tuple(Column(name, role, kind, str(rows.schema[name])) for name, role, kind in columns),
        Task.BINARY, ("0", "1"), "1", (SegmentRule("plan"),),
    )  # fmt: skip


def fault_rows(count: int, seed: int) -> pl.DataFrame:
    """Return rows of that schema."""
    rng = np.random.default_rng(seed)
    score = rng.beta(2, 3, count)
    return pl.DataFrame(
        {
            "id": np.arange(count) + seed * 100_000,
            "at": pl.Series([_START + timedelta(minutes=n) for n in range(count)], dtype=pl.Datetime("us", "UTC")),
            _PATTERN: rng.lognormal(3, 0.5, count),
            "count": rng.poisson(4, count).astype(np.int32),
            "temp": rng.normal(15, 5, count),
            "plan": rng.choice(["basic", "plus", "pro"], count, p=[0.5, 0.3, 0.2]),
            "code": rng.integers(1, 5, count),
            "new": rng.random(count) < 0.3,
            "note": [f"call {n} back" for n in rng.integers(0, 50, count)],
            "score": score,
            "prediction": (score > 0.5).astype(np.int64),
            "latency": rng.gamma(2, 0.1, count),
            "label": (rng.random(count) < score).astype(np.int64),
        }
    )


def check_fault(fault: Fault) -> None:
    """Assert that a fault obeys its contract.

    Checked: the protocol; sizes, and how each is said; the columns it names exist, and none do where there are none;
    what it plants is the same for the same seed, leaves the rows that it was given as they were, keeps the columns and
    their order, changes something where it says that it can be planted in ordinary rows, and takes a window without
    rows, with one, with nulls alone and with one value alone.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    assert isinstance(fault, Fault), "it lacks a member of the protocol Fault"
    assert fault.plugin == "fault", f"plugin is {fault.plugin!r}"
    assert fault.__doc__, "it has no docstring"
    assert type(plugins("fault").get(fault.name)) is type(fault), f"{fault.name!r} is not registered"
    assert fault.sizes, "it has no size"
    assert set(fault.quick) <= set(fault.sizes), f"of its quick sizes {fault.quick} not all are among {fault.sizes}"
    assert fault.kinds, "it does not say what it is"
    assert all(isinstance(kind, HypothesisKind) for kind in fault.kinds), f"kinds are no kinds: {fault.kinds}"
    if isinstance(fault, Indirect):
        assert all(isinstance(cause, Cause) for cause in fault.causes), f"causes are no causes: {fault.causes}"
    said = [fault.says(size) for size in fault.sizes]
    assert all(words and words.isprintable() for words in said), f"a size is said in no words, or over lines: {said}"
    assert len(set(said)) == len(said), f"two sizes are said alike: {said}"
    schema = fault_schema()
    assert fault.columns(Schema(())) == (), "it names columns where there are none"
    columns = fault.columns(schema)
    assert set(columns) <= set(schema), "it names a column that does not exist"
    assert columns, "it can be planted in none of the usual columns"
    changed = [_check_planted(fault, column, size) for column in columns for size in fault.sizes]
    assert any(changed), "it changes nothing in any column"


def _check_planted(fault: Fault, column: Column, size: float) -> bool:
    where = f"{fault.says(size)} in {column.name}"
    before = [fault_rows(400, seed) for seed in (1, 2)]
    whole, again = (_planted(fault, column, size, before) for _ in range(2))
    assert (whole is None) == (again is None), f"{where}: it can be planted once and not twice"
    if whole is None or again is None:
        return False
    for one, same, rows in zip(whole, again, before, strict=True):
        assert one.equals(same), f"{where}: the same seed gives something else"
        assert one.columns == rows.columns, f"{where}: the columns are not what they were: {one.columns}"
    fresh = [fault_rows(400, seed) for seed in (1, 2)]
    assert all(a.equals(b) for a, b in zip(before, fresh, strict=True)), f"{where}: it changes the rows it was given"
    for name, rows in _degenerate(column):
        made = _plant(fault, column, size, _usual_rows(400, 3))
        assert made is not None, f"{where}: it can be planted once and not twice"
        after = made(rows)
        assert after.columns == rows.columns, f"{where}, {name}: the columns are not what they were"
    assert not all(a.equals(b) for a, b in zip(whole, before, strict=True)), f"{where}: it changes nothing"
    _check_elsewhere(where, column, before[0], whole[0])
    return True


def _check_elsewhere(where: str, column: Column, before: pl.DataFrame, after: pl.DataFrame) -> None:
    """Assert that at most two columns change where rows stay in their places."""
    if before.height != after.height or not series_named(before, "id").equals(series_named(after, "id")):
        return
    names = [n for n in before.columns if not series_named(before, n).equals(series_named(after, n))]
    own = {column.name, "label"} if len(names) == 1 else set(names)
    assert set(names) <= own, f"{where}: it changes {names} too"
    assert len(names) <= 2, f"{where}: it changes {names}"
    kept = columns_named([n for n in before.columns if n not in names])
    assert before.select(kept).equals(after.select(kept)), f"{where}: rows have moved"


def _planted(fault: Fault, column: Column, size: float, windows: list[pl.DataFrame]) -> list[pl.DataFrame] | None:
    plant = _plant(fault, column, size, _usual_rows(400, 3))
    return None if plant is None else [plant(rows) for rows in windows]


def _plant(fault: Fault, column: Column, size: float, earlier: pl.DataFrame) -> Plant | None:
    site = Site(_usual_schema(), column, _usual_rows(2_000, 4), earlier)
    return fault.plant(site, size, np.random.default_rng(7))


# Only what a fault puts something into must be fresh, for whether it was changed in its place is looked at.
_usual_rows, _usual_schema = cache(fault_rows), cache(fault_schema)


def _degenerate(column: Column) -> Iterator[tuple[str, pl.DataFrame]]:
    rows = _usual_rows(30, 5)
    values = series_named(rows, column.name)
    yield "no rows", rows.clear()
    yield "one row", rows.head(1)
    yield "nulls alone", rows.with_columns(pl.Series(column.name, [None] * rows.height, values.dtype))
    yield "one value", rows.with_columns(pl.Series(column.name, [values[0]] * rows.height, values.dtype))

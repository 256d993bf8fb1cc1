"""States of features taken together and of vectors, made from arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.state import State, StateKey
from watchkeeper.schema.kinds import map_of
from watchkeeper.stats.hashing import hash_numbers
from watchkeeper.stats.piece import fold_joint
from watchkeeper.stats.statistic import fold
from watchkeeper.stats.vectors import Vectors

KEEP = ("covariance", "random_features", "point_sample")


def features(
    reference: np.ndarray,
    *currents: np.ndarray,
    keep: Sequence[str] = KEEP,
    levels: Sequence[Mapping[str, Sequence[str | None]]] = (),
) -> list[State]:
    """Return the states of all features together under the maps of the reference; every row has an id of its own."""
    frames, first = [], 0
    for number, x in enumerate((reference, *currents)):
        # The sample is chosen by the ids, so that they are the same whichever test runs first.
        ids, first = range(first, first + len(x)), first + len(x)
        frame = pl.DataFrame({"id": ids} | {f"x{i}": x[:, i] for i in range(x.shape[1])}).fill_nan(None)
        frames.append(frame.with_columns(**{k: pl.Series(v) for k, v in (levels[number] if levels else {}).items()}))
    columns = [Column("id", Role.ID, Kind.IDENTIFIER)]
    for series in frames[0].iter_columns():
        if series.name != "id":
            numeric = series.dtype.is_numeric()
            kind = Kind.NUMERIC if numeric else Kind.CATEGORICAL
            columns.append(Column(series.name, Role.FEATURE, kind, str(series.dtype), map_of(series)))
    schema = Schema(tuple(columns))
    return [fold_joint(frame, schema, StateKey(), keep)[0] for frame in frames]


def vectors(*sides: np.ndarray, keep: Sequence[str] = KEEP) -> list[State]:
    """Return the states of a column of vectors."""
    column, found, first = Column("v", Role.FEATURE, Kind.VECTOR), [], 0
    for x in sides:
        ids, first = hash_numbers(np.arange(first, first + len(x))), first + len(x)
        block = Vectors.of(pl.Series("v", x), ids)
        parts = {name: fold(plugin("statistic", name), column, [block]) for name in keep}
        found.append(State(StateKey(column="v"), column, parts))
    return found


def normal(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Correlated normal rows."""
    return rng.normal(size=(n, d)) + 0.7 * rng.normal(size=(n, 1))


def lognormal(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Correlated lognormal rows, sigma 1."""
    return np.exp(normal(rng, n, d) / 1.22)


POPULATIONS = {"normal": normal, "lognormal": lognormal}

"""Rows of every kind of column, unchanged, a little changed and grossly changed, and their states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema
from watchkeeper.core.state import JOINT, State
from watchkeeper.schema.kinds import map_of
from watchkeeper.stats.joint import JOINT_COLUMN
from watchkeeper.stats.summarise import summarise_rows

__all__ = ["POPULATIONS", "Pairs", "Population", "pairs", "schema_of", "state_of"]

Pairs = tuple[tuple[State, State], ...]
Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, float], pl.DataFrame]

_WORDS = np.array(["parcel", "late", "thank", "you", "wet", "box", "12", "ok!", "the", "a", "was", "very"])
_OTHER_WORDS = np.array(["REFUND", "schade", "NaÃ¯ve", "Ã©tat", "配達", "{'code': 500}", "??", "unsubscribe"])


@dataclass(frozen=True)
class Population:
    """Where rows come from.

    Attributes
    ----------
    name
        For the message when a law is broken.
    column
        The column that is compared.
    draw
        Returns n rows, changed by a strength from 0 (not at all) to 1 (grossly). A change is one of everything: place,
        spread, shape, levels, words, correlations, the unit, and the share of nulls.
    sizes
        Rows of the reference and of the current data in each of the simulated pairs, unequal on purpose.
    count
        Simulated pairs without a change.
    tied
        Whether the values repeat, so that what holds for continuous ones need not hold.
    """

    name: str
    column: Column
    draw: Draw
    sizes: tuple[int, int] = (600, 300)
    count: int = 200
    tied: bool = False

    @property
    def kind(self) -> Kind:
        """What kind of column it is."""
        return self.column.kind


def schema_of(frame: pl.DataFrame, kind: Kind) -> Schema:
    """Return the schema that makes ``frame`` the reference."""
    own = Kind.NUMERIC if kind is Kind.JOINT else kind
    maps = [map_of(series) if own is Kind.NUMERIC else NumericMap() for series in frame.iter_columns()]
    columns = zip(frame.iter_columns(), maps, strict=True)
    return Schema(tuple(Column(s.name, Role.FEATURE, own, str(s.dtype), m) for s, m in columns))


def state_of(frame: pl.DataFrame, schema: Schema, column: str, needs: tuple[str, ...]) -> State:
    """Return the state of one column."""
    return next(state for state in summarise_rows(frame, schema, keep=needs) if state.key.column == column)


@cache
def pairs(name: str, needs: tuple[str, ...], strength: float, count: int, seed: int = 0, shared: bool = False) -> Pairs:
    """Return independent pairs of a reference and a current state; the current rows are changed by ``strength``.

    With ``shared`` the references are the same ones whatever the strength, so that what is learnt from one is learnt
    once.
    """
    population = next(p for p in POPULATIONS if p.name == name)
    if shared and strength:
        unchanged = pairs(name, needs, 0.0, population.count, seed, True)[:count]
        drawn_anew = pairs(name, needs, strength, count, seed)
        return tuple((first, second) for (first, _), (_, second) in zip(unchanged, drawn_anew, strict=False))
    rng = np.random.default_rng([seed, round(strength * 100)])
    n0, n = population.sizes
    drawn = [(population.draw(rng, n0, 0.0), population.draw(rng, n, strength)) for _ in range(count)]
    if population.kind is Kind.JOINT:
        found = []
        for first, second in drawn:
            schema = schema_of(first, Kind.JOINT)
            found.append((state_of(first, schema, JOINT, needs), state_of(second, schema, JOINT, needs)))
        return tuple(found)
    # One frame with a column for each pair costs one summary and not one for each pair.
    sides = [pl.DataFrame({f"x{i}": side["x"] for i, side in enumerate(frames)}) for frames in zip(*drawn, strict=True)]
    schema = schema_of(sides[0], population.kind)
    before, now = ({s.key.column: s for s in summarise_rows(side, schema, keep=needs)} for side in sides)
    return tuple((before[name], now[name]) for name in sides[0].columns)


def _lose(rng: np.random.Generator, values: pl.Series, strength: float) -> pl.DataFrame:
    """Make one row in fifty null, and up to one in three."""
    lost = rng.random(len(values)) < 0.02 + 0.3 * strength
    return pl.DataFrame({"x": values.set(pl.Series(lost), None)})


def _numbers(rng: np.random.Generator, n: int, strength: float) -> pl.DataFrame:
    # 1.6 at a quarter of the strength, and another unit at all of it.
    return _lose(rng, pl.Series("x", rng.lognormal(2.0, 0.5, n) * 1_000.0 ** (strength**2)), strength)


def _tied(rng: np.random.Generator, n: int, strength: float) -> pl.DataFrame:
    frame = _numbers(rng, n, strength)
    # Nine values or so and, a fifth of the rows, zeros.
    return frame.select(pl.when(pl.int_range(n) % 5 == 4).then(0.0).otherwise((pl.col("x") / 3).floor() * 3).alias("x"))


def _shares(k: int, strength: float) -> Floats:
    weights = np.arange(1, k + 1, dtype=float)
    mixed: Floats = (1 - strength) * weights + strength * weights[::-1]
    return mixed / float(mixed.sum())


def _levels(rng: np.random.Generator, n: int, strength: float) -> pl.DataFrame:
    drawn = rng.choice(np.array(["a", "b", "c", "d"], dtype="<U3"), n, p=_shares(4, strength))
    drawn[(drawn == "a") & (rng.random(n) < strength)] = "new"
    return _lose(rng, pl.Series("x", drawn), strength)


def _truths(rng: np.random.Generator, n: int, strength: float) -> pl.DataFrame:
    return _lose(rng, pl.Series("x", rng.random(n) < _shares(2, strength)[1]), strength)


def _texts(rng: np.random.Generator, n: int, strength: float) -> pl.DataFrame:
    lengths = rng.poisson(6 + 12 * strength, n) + 1
    strange = rng.random(n) < strength
    texts = [" ".join(rng.choice(_OTHER_WORDS if s else _WORDS, m)) for m, s in zip(lengths, strange, strict=True)]
    return _lose(rng, pl.Series("x", texts), strength)


def _points(rng: np.random.Generator, n: int, d: int, strength: float) -> Floats:
    z = rng.normal(size=(n, d))
    # The first two are correlated by .8, and by -.8 in the end.
    z[:, 1] = 0.8 * (1 - 2 * strength) * z[:, 0] + 0.6 * z[:, 1]
    z[:, 2] = np.exp(0.5 * z[:, 2])
    return z * (1 + strength) + 1.5 * strength


def _vectors(rng: np.random.Generator, n: int, strength: float) -> pl.DataFrame:
    return _lose(rng, pl.Series("x", _points(rng, n, 5, strength).tolist(), dtype=pl.List(pl.Float64)), strength)


def _features(rng: np.random.Generator, n: int, strength: float) -> pl.DataFrame:
    return pl.DataFrame(_points(rng, n, 4, strength), schema=["a", "b", "c", "d"])


def _x(kind: Kind) -> Column:
    return Column("x", Role.FEATURE, kind)


def _identifiers(rng: np.random.Generator, n: int, strength: float) -> pl.DataFrame:
    return _lose(rng, pl.Series([f"c{i:x}" for i in rng.integers(0, 2**40, n)]), strength)


POPULATIONS = (
    Population("numbers", _x(Kind.NUMERIC), _numbers),
    Population("tied numbers", _x(Kind.NUMERIC), _tied, tied=True),
    Population("levels", _x(Kind.CATEGORICAL), _levels),
    Population("truth values", _x(Kind.BOOLEAN), _truths, (800, 500)),
    Population("texts", _x(Kind.TEXT), _texts, (300, 150), 60),
    Population("identifiers", _x(Kind.IDENTIFIER), _identifiers, (300, 200), 60),
    Population("vectors", _x(Kind.VECTOR), _vectors, (300, 200), 60),
    Population("features together", JOINT_COLUMN, _features, (300, 200), 60),
)
"""One for each kind of column that can be compared, two for numbers."""

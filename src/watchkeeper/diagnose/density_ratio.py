"""By how much a row is likelier among the current rows than in the reference, from a classifier of the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import Column, Kind
from watchkeeper.stats.blocks import to_float, to_text

__all__ = ["Encoded", "covered", "encode", "log_ratio", "ratio", "usable"]

Matrix = NDArray[np.float64]

_FAR = 4.0
_COMMON = 0.01
_MOST_LEVELS = 20
_MOST_COLUMNS = 30
_RIDGE = 1.0
_STEPS = 25
_MOST = 20.0
_MOST_PRODUCTS = 10
_LEAST_ROWS = 100
_CHANCE = 0.01


@dataclass(frozen=True, slots=True)
class Encoded:
    """Two sides in the numbers a linear classifier sees.

    Attributes
    ----------
    reference, current
        float64, shapes (k0, d) and (k, d).
    of
        The places of the one or two columns that each number comes from, in the order asked for, shape (d, 2); of one
        column its place twice.
    """

    reference: Matrix
    current: Matrix
    of: NDArray[np.intp]

    def only(self, places: Sequence[int]) -> tuple[Matrix, Matrix]:
        """Return the numbers that come from some columns and from no others."""
        chosen = np.isin(self.of, list(places)).all(axis=1)
        return self.reference[:, chosen], self.current[:, chosen]


def usable(columns: Sequence[Column], *frames: pl.DataFrame) -> tuple[Column, ...]:
    """Return the columns of numbers and levels that all frames have in a form that can be read."""
    kinds = (Kind.NUMERIC, Kind.TIME, Kind.CATEGORICAL, Kind.BOOLEAN)
    return tuple(c for c in columns if c.kind in kinds and all(_read(f, c) is not None for f in frames))


def encode(columns: Sequence[Column], reference: pl.DataFrame, current: pl.DataFrame) -> Encoded:
    """Turn columns into numbers.

    A number x becomes z = (x - median)/interquartile range of both sides, clipped at ±4, and z²; a null counts as the
    median and has an indicator of its own. A level becomes one indicator for each of up to 20 levels that either side
    has at 1 % of its rows. Of more than 30 columns those count whose means differ most between the sides: the others
    would add more noise than they explain.

    Columns that go together otherwise than before add the product z_a·z_b, of numbers and of indicators alike: up to
    ten whose covariance differs between the sides, |c - c0|/√(v/n + v0/n0) with v the variances of the products of
    deviations, beyond what chance reaches in one of a hundred cases among all pairs of the columns.
    """
    n0, found = reference.height, list[tuple[float, int, Matrix]]()
    for place, column in enumerate(columns):
        a, b = _read(reference, column), _read(current, column)
        if a is not None and b is not None:
            made = _numbers(a, b) if _numeric(column) else _levels(a, b)
            found.append((_apart(made, n0), place, made))
    if not found:
        return Encoded(np.empty((n0, 0)), np.empty((current.height, 0)), np.empty((0, 2), np.intp))
    kept = sorted(sorted(found, key=lambda one: -one[0])[:_MOST_COLUMNS], key=lambda one: one[1])
    whole = np.hstack([made for _, _, made in kept])
    of = np.repeat([place for _, place, _ in kept], [made.shape[1] for _, _, made in kept])
    products, pairs = _products(kept, n0)
    both = np.vstack([np.column_stack([of, of]), pairs]).astype(np.intp)
    whole = np.hstack([whole, products])
    return Encoded(whole[:n0], whole[n0:], both)


def _products(kept: Sequence[tuple[float, int, Matrix]], n0: int) -> tuple[Matrix, NDArray[np.intp]]:
    """Return the products of columns that go together otherwise on the two sides, and the places of their columns."""
    # The first number of a column of numbers is z itself, and all of a column of levels are indicators.
    parts = [(place, made if _indicators(made) else made[:, :1]) for _, place, made in kept]
    x = np.hstack([made for _, made in parts])
    of = np.repeat([place for place, _ in parts], [made.shape[1] for _, made in parts])
    none = np.empty((len(x), 0)), np.empty((0, 2), np.intp)
    rows, columns = np.nonzero(np.triu(of[:, None] != of[None, :]))
    if not len(rows) or min(n0, len(x) - n0) < _LEAST_ROWS:
        return none
    with np.errstate(divide="ignore", invalid="ignore"):
        (c0, v0), (c, v) = (_covariances(side) for side in (x[:n0], x[n0:]))
        apart = np.nan_to_num(np.abs(c - c0) / np.sqrt(v / (len(x) - n0) + v0 / n0), posinf=0.0)[rows, columns]
    chosen = np.argsort(-apart, kind="stable")[:_MOST_PRODUCTS]
    chosen = chosen[apart[chosen] > float(ndtri(1 - _CHANCE / 2 / len(rows)))]
    if not len(chosen):
        return none
    a, b = rows[chosen], columns[chosen]
    made = (x[:, a] - x[:, a].mean(axis=0)) * (x[:, b] - x[:, b].mean(axis=0))
    return made / np.maximum(made.std(axis=0), 1e-12), np.column_stack([of[a], of[b]]).astype(np.intp)


def _indicators(made: Matrix) -> bool:
    return bool(((made == 0) | (made == 1)).all())


def _covariances(side: Matrix) -> tuple[Matrix, Matrix]:
    """Return the covariances of a side, and the variances of the products of deviations that they are means of."""
    away = side - side.mean(axis=0)
    covariance = away.T @ away / len(side)
    return covariance, (away**2).T @ (away**2) / len(side) - covariance**2


def _apart(made: Matrix, n0: int) -> float:
    """Return the largest difference of a mean of the two sides in standard deviations."""
    if not n0 or n0 == len(made):
        return 0.0
    spread = made.std(axis=0)
    gaps = np.abs(made[n0:].mean(axis=0) - made[:n0].mean(axis=0))
    return float((gaps / np.where(spread > 0, spread, 1.0)).max(initial=0.0))


def _numeric(column: Column) -> bool:
    return column.kind in (Kind.NUMERIC, Kind.TIME)


def _read(frame: pl.DataFrame, column: Column) -> pl.Series | None:
    if column.name not in frame.columns:
        return None
    try:
        series = series_named(frame, column.name)
        return to_float(series) if _numeric(column) else to_text(series)
    except (SchemaError, pl.exceptions.PolarsError):
        return None


def _numbers(a: pl.Series, b: pl.Series) -> Matrix:
    x = np.concatenate([s.fill_null(float("nan")).to_numpy() for s in (a, b)]).astype(float)
    known = np.isfinite(x)
    if not known.any():
        return np.ones((len(x), 1))
    low, middle, high = np.quantile(x[known], [0.25, 0.5, 0.75])
    scale = high - low if high > low else float(np.abs(x[known] - middle).mean()) or 1.0
    z = np.where(known, np.clip((np.where(known, x, middle) - middle) / scale, -_FAR, _FAR), 0.0)
    made = [z, z**2] if len(np.unique(z)) > 2 else [z]
    return np.asarray(np.column_stack(made if known.all() else [*made, (~known).astype(float)]))


def _levels(a: pl.Series, b: pl.Series) -> Matrix:
    sides = [np.array(["\x00" if v is None else v for v in s.to_list()], dtype=object) for s in (a, b)]
    share: dict[str, float] = {}
    for side in sides:
        names, counts = np.unique(side.astype(str), return_counts=True)
        for name, count in zip(names.tolist(), counts.tolist(), strict=True):
            share[name] = max(share.get(name, 0.0), count / len(side))
    kept = sorted((n for n, s in share.items() if s >= _COMMON), key=lambda n: (-share[n], n))[:_MOST_LEVELS]
    both = np.concatenate(sides).astype(str)
    return np.column_stack([both == name for name in kept]).astype(float) if kept else np.zeros((len(both), 1))


def log_ratio(
    reference: Matrix,
    current: Matrix,
    weights0: Matrix,
    weights: Matrix,
    start: Matrix | None = None,
    steps: int = _STEPS,
) -> Matrix:
    """Return the coefficients of ln q(x)/p(x), a constant first, by logistic regression of the side on x.

    Both sides weigh one half, so that the log odds are the log ratio of the densities. A ridge of one row on every
    coefficient but the constant keeps sides that do not overlap finite. Newton's method.

    Parameters
    ----------
    weights0, weights
        Shares of the rows of each side, each adding up to 1.
    start, steps
        Where to start, and how many steps to take at most.

    References
    ----------
    Sugiyama, Suzuki, Kanamori (2012), Density ratio estimation in machine learning, chapter 4,
    doi:10.1017/CBO9781139035613.
    """
    n = len(reference) + len(current)
    x = np.vstack([reference, current])
    x = np.hstack([np.ones((n, 1)), x])
    y = np.repeat([0.0, 1.0], [len(reference), len(current)])
    w = np.concatenate([weights0, weights]) * (n / 2)
    ridge = np.full(x.shape[1], _RIDGE)
    ridge[0] = 1e-6
    beta = np.zeros(x.shape[1]) if start is None else start.copy()
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        slope = x.T @ (w * (y - p)) - ridge * beta
        curve = (x.T * (w * np.maximum(p * (1 - p), 1e-6))) @ x + np.diag(ridge)
        move = np.linalg.solve(curve, slope)
        longest = float(np.abs(move).max())
        beta += move * min(1.0, 5.0 / longest) if longest > 0 else 0.0
        if longest < 1e-6:
            break
    return beta


def covered(x: Matrix, beta: Matrix, weights: Matrix) -> float:
    """Return the share of the current rows that rows like the reference's stand for: E_reference[q/p], at most 1.

    Where the sides overlap the mean of q/p over the reference is 1. Where many current rows lie in places that the
    reference has no rows in, the classifier tells the sides apart and it is less.
    """
    return min(1.0, float(weights @ np.exp(np.clip(beta[0] + x @ beta[1:], -30, np.log(_MOST)))))


def ratio(x: Matrix, beta: Matrix, weights: Matrix) -> Matrix:
    """Return q/p of each row, at most 20 and 1 on average, shape (k,)."""
    found = np.exp(np.clip(beta[0] + x @ beta[1:], -30, np.log(_MOST)))
    return np.asarray(found / float(weights @ found))

"""Means, covariances and the moments that say how surely correlations are known."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Kind
from watchkeeper.stats.hashing import hash_numbers
from watchkeeper.stats.joint import Joint
from watchkeeper.stats.threads import single_threaded
from watchkeeper.stats.vectors import Vectors

__all__ = ["MOST_DIMENSIONS", "Covariance", "CovariancePart", "check_alike", "projected"]

Matrix = NDArray[np.float64]

MOST_DIMENSIONS = 512
"""Length of a vector beyond which it is projected at random to half that length."""

_MOST_FOR_PRODUCTS = 64
_PIECE = 4_096


def _nothing() -> Matrix:
    return np.empty(0)


def _square() -> Matrix:
    return np.empty((0, 0))


@dataclass(frozen=True, slots=True)
class CovariancePart:
    """Sums of products of z = (x - anchor) / scale over the rows that are there.

    Attributes
    ----------
    names
        The d features; empty for vectors.
    anchors, scales
        The map of each feature, or of all numbers of a vector, shape (d,).
    n
        Rows.
    first, second
        Σ z, shape (d,), and Σ z zᵀ, shape (d, d).
    mixed, cubed, fourth
        Σ z_i² z_j, Σ z_i z_j³ and Σ z_i² z_j², shape (d, d); (0, 0) for vectors of more than 64 numbers.
    given
        Length of the vectors before they were projected at random; 0 when they were not.
    """

    names: tuple[str, ...] = ()
    anchors: Matrix = field(default_factory=_nothing)
    scales: Matrix = field(default_factory=_nothing)
    n: int = 0
    first: Matrix = field(default_factory=_nothing)
    second: Matrix = field(default_factory=_square)
    mixed: Matrix = field(default_factory=_square)
    cubed: Matrix = field(default_factory=_square)
    fourth: Matrix = field(default_factory=_square)
    given: int = 0

    @property
    def d(self) -> int:
        """Number of features, or of numbers in a (projected) vector."""
        return len(self.first)

    @property
    def mean(self) -> Matrix:
        """Mean of z, shape (d,); NaN without rows."""
        return self.first / self.n if self.n else np.full(self.d, np.nan)

    @property
    def covariance(self) -> Matrix:
        """Sample covariance of z (n - 1), shape (d, d); NaN below two rows."""
        if self.n < 2:
            return np.full((self.d, self.d), np.nan)
        found = (self.second - np.outer(self.first, self.first) / self.n) / (self.n - 1)
        return np.asarray((found + found.T) / 2)

    def product_moments(self) -> tuple[Matrix, Matrix]:
        """Return E[u_i² u_j²] and E[u_i u_j³] of u = z - mean, both of shape (d, d).

        Raises
        ------
        StateError
            When they were not kept because the vectors are too long.
        """
        if self.fourth.shape != self.second.shape:
            raise StateError(
                f"of vectors of {self.given or self.d} numbers no moments of products are kept; "
                f"they are up to {_MOST_FOR_PRODUCTS} numbers"
            )
        n, m = max(self.n, 1), self.mean
        a, b = m[:, None], m[None, :]
        s, mixed = self.second / n, self.mixed / n
        square = np.diag(s)
        other = mixed.T  # E z_i z_j²
        fourth = (
            self.fourth / n
            - 2 * b * mixed
            - 2 * a * other
            + b**2 * square[:, None]
            + a**2 * square[None, :]
            + 4 * a * b * s
            - 3 * a**2 * b**2
        )
        third = np.diag(mixed)[None, :]  # E z_j³
        cubed = self.cubed / n - 3 * b * other + 3 * b**2 * s - a * third + 3 * a * b * square[None, :] - 3 * a * b**3
        return np.asarray(fourth), np.asarray(cubed)


class _Work:
    def __init__(self, column: Column) -> None:
        self.column = column
        self.sums = CovariancePart()
        self._powers: NDArray[Any] = np.empty((0, 0))

    def add(self, block: Joint | Vectors) -> None:
        if isinstance(block, Joint):
            columns = block.source.columns
            anchors = np.array([column.map.anchor for column in columns])
            scales = np.array([column.map.scale for column in columns])
            self._take(block.z, _empty(block.names, anchors, scales), np.dtype(np.float32))
            return
        bins = self.column.map
        z = (block.x.T - bins.anchor) / bins.scale
        given = len(z) if len(z) > MOST_DIMENSIONS else 0
        if given:
            z = projected(z)
        empty = _empty((), np.full(len(z), bins.anchor), np.full(len(z), bins.scale), given)
        for start in range(0, z.shape[1], _PIECE):
            self._take(np.ascontiguousarray(z[:, start : start + _PIECE]), empty, np.dtype(np.float64))

    def _take(self, z: Matrix, empty: CovariancePart, dtype: np.dtype[Any]) -> None:
        if not self.sums.n:
            self.sums = empty
        check_alike(self.sums, empty)
        d, sums = len(z), self.sums
        with single_threaded(), np.errstate(over="ignore", invalid="ignore"):
            sums.first[:] += z.sum(axis=1)
            sums.second[:] += z @ z.T
            if sums.fourth.size:
                # The higher moments serve standard errors, for which six digits are enough.
                powers = self._room(3 * d, z.shape[1], dtype)
                powers[:d] = z
                np.multiply(powers[:d], powers[:d], out=powers[d : 2 * d])
                np.multiply(powers[d : 2 * d], powers[:d], out=powers[2 * d :])
                low = powers[: 2 * d] @ powers[: 2 * d].T
                sums.mixed[:] += low[d:, :d]
                sums.fourth[:] += low[d:, d:]
                sums.cubed[:] += powers[:d] @ powers[2 * d :].T
        self.sums = replace(sums, n=sums.n + z.shape[1])

    def _room(self, d: int, n: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        if self._powers.shape[0] != d or self._powers.shape[1] < n:
            self._powers = np.empty((d, n), dtype)
        return self._powers[:, :n]

    def part(self) -> CovariancePart:
        sums = self.sums
        return replace(
            sums, first=sums.first.copy(), second=sums.second.copy(),
            mixed=sums.mixed.copy(), cubed=sums.cubed.copy(), fourth=sums.fourth.copy(),
        )  # fmt: skip


class Covariance:
    """Mean and covariance of all numeric features, or of a column of vectors, with the moments of their products.

    Features are mapped by their own median and interquartile range and clipped at eight of them; a null counts as the
    median. Sums of the map are anchored there, so that nothing cancels; first and second moments are float64, those
    of higher order (which only serve standard errors) are added from single-precision products. Vectors are neither
    clipped nor centred beyond the column's map. Of vectors of more than 64 numbers the higher moments are not kept.
    Longer ones than 512 are projected at random to 256 numbers, which keeps distances to about 6 %.

    References
    ----------
    Chan, Golub, LeVeque (1983), doi:10.1080/00031305.1983.10483115. Projection: Achlioptas (2003), Database-friendly
    random projections, doi:10.1016/S0022-0000(03)00025-4.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "covariance"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Joint, Vectors)
    part_type: ClassVar[type] = CovariancePart
    optional: ClassVar[bool] = True

    def applies(self, column: Column) -> bool:
        """All numeric features together, and vectors."""
        return column.kind in (Kind.JOINT, Kind.VECTOR)

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work(column)

    def merge(self, a: CovariancePart, b: CovariancePart) -> CovariancePart:
        """Add the sums; StateError when features, maps or lengths differ."""
        if not a.n or not b.n:
            return a if a.n else b
        check_alike(a, b)
        return CovariancePart(
            a.names, a.anchors, a.scales, a.n + b.n, a.first + b.first, a.second + b.second,
            a.mixed + b.mixed, a.cubed + b.cubed, a.fourth + b.fourth, a.given,
        )  # fmt: skip

    def result(self, part: CovariancePart) -> dict[str, int | Matrix]:
        """Return n, the mean and the covariance in units of the maps."""
        return {"n": part.n, "mean": part.mean, "covariance": part.covariance}


def _empty(names: tuple[str, ...], anchors: Matrix, scales: Matrix, given: int = 0) -> CovariancePart:
    d = len(anchors)
    higher = d if names or d <= _MOST_FOR_PRODUCTS else 0
    mixed, cubed, fourth = (np.zeros((higher, higher)) for _ in range(3))
    return CovariancePart(names, anchors, scales, 0, np.zeros(d), np.zeros((d, d)), mixed, cubed, fourth, given)


def check_alike(a: CovariancePart, b: CovariancePart) -> None:
    """Raise StateError unless both are about the same features, or vectors of one length, under the same maps."""
    if a.names != b.names:
        raise StateError(f"moments of {', '.join(a.names)} and of {', '.join(b.names)} do not belong together")
    if a.d != b.d or a.given != b.given:
        lengths = a.given or a.d, b.given or b.d
        raise StateError(f"moments of vectors of {lengths[0]} and of {lengths[1]} numbers do not belong together")
    if not (np.array_equal(a.anchors, b.anchors) and np.array_equal(a.scales, b.scales)):
        raise StateError("moments about different maps do not belong together; summarise both with one reference")


def projected(z: Matrix) -> Matrix:
    """Multiply vectors, one a column, by a fixed matrix of random signs; shape (d, n) becomes (256, n)."""
    rows = MOST_DIMENSIONS // 2
    bits = hash_numbers(np.arange(rows * len(z), dtype=np.int64)) >> np.uint64(63)
    signs = (2.0 * bits - 1.0).reshape(rows, len(z)) / np.sqrt(rows)
    with single_threaded():
        return np.asarray(signs @ z)

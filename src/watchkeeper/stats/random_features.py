"""Mean random Fourier features: a kernel mean embedding that merges."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Kind
from watchkeeper.stats.hashing import hash_numbers
from watchkeeper.stats.joint import Joint
from watchkeeper.stats.threads import single_threaded
from watchkeeper.stats.vectors import Vectors

__all__ = ["BUCKETS", "FEATURES", "RandomFeatures", "RandomFeaturesPart", "check_alike", "frequencies"]

Matrix = NDArray[np.float64]

FEATURES = 256
"""Number of features: cosine and sine of 128 frequencies."""

BUCKETS = 32
"""Groups that rows are put in by their hash; their means tell how surely the mean is known."""

_PIECE = 4_096
_FARTHEST = 1e30
"""Numbers of vectors are taken to lie here if they lie farther, because an angle must be finite as a single float."""

_OCTAVES = 7
"""Bandwidths that vectors are looked at with, each half of the one before: their scale is not known beforehand."""


@dataclass(frozen=True, slots=True)
class RandomFeaturesPart:
    """Sums of φ(z) = [cos(Wz), sin(Wz)]/√128 over the rows of each bucket.

    Attributes
    ----------
    names
        The d features; empty for vectors.
    d
        Number of features, or of numbers in a vector.
    anchors, scales
        The map of each feature, or of all numbers of a vector, shape (d,).
    counts
        Rows of each bucket, int64, shape (32,).
    sums
        Sums of φ of each bucket, shape (32, 256).
    """

    names: tuple[str, ...] = ()
    d: int = 0
    anchors: Matrix = field(default_factory=lambda: np.empty(0))
    scales: Matrix = field(default_factory=lambda: np.empty(0))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BUCKETS, np.int64))
    sums: Matrix = field(default_factory=lambda: np.zeros((BUCKETS, FEATURES)))

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.counts.sum())

    @property
    def mean(self) -> Matrix:
        """Mean of φ, shape (256,); zeros without rows."""
        return np.asarray(self.sums.sum(axis=0) / max(self.n, 1))


@lru_cache(maxsize=8)
def frequencies(d: int, octaves: int = 1) -> Matrix:
    """Return the fixed frequencies W for points z of d numbers: normal with variance 1/d, shape (128, d).

    Their kernel is exp(-‖z - z'‖² / (2d)). With more octaves it is the mean of such kernels with bandwidths √d, √d/2,
    √d/4 and so on. They come from a hash, so that every machine and version has the same.
    """
    count = FEATURES // 2 * d
    words = hash_numbers(np.arange(2 * count, dtype=np.int64)) >> np.uint64(11)
    uniform = ((words.astype(np.float64) + 0.5) / 2.0**53).reshape(2, FEATURES // 2, d)
    normal = np.sqrt(-2 * np.log(uniform[0])) * np.cos(2 * np.pi * uniform[1])  # Box and Muller (1958)
    return np.asarray(normal / sqrt(d) * 2.0 ** (np.arange(FEATURES // 2) % octaves)[:, None])


class _Work:
    def __init__(self, column: Column) -> None:
        self.column = column
        self.held = RandomFeaturesPart()

    def add(self, block: Joint | Vectors) -> None:
        if isinstance(block, Joint):
            columns = block.source.columns
            anchors = np.array([column.map.anchor for column in columns])
            scales = np.array([column.map.scale for column in columns])
            self._take(block.z, block.hashes, RandomFeaturesPart(block.names, len(columns), anchors, scales))
            return
        bins, d, hashes = self.column.map, block.x.shape[1], block.hashes
        empty = RandomFeaturesPart((), d, np.full(d, bins.anchor), np.full(d, bins.scale))
        for start in range(0, len(block.x), _PIECE):
            with np.errstate(over="ignore"):
                z = np.clip((block.x[start : start + _PIECE].T - bins.anchor) / bins.scale, -_FARTHEST, _FARTHEST)
            self._take(z, hashes[start : start + _PIECE], empty)

    def _take(self, z: Matrix, hashes: NDArray[np.uint64], empty: RandomFeaturesPart) -> None:
        if not self.held.n:
            self.held = replace(empty, counts=self.held.counts.copy(), sums=self.held.sums.copy())
        check_alike(self.held, empty)
        bucket = (hashes >> np.uint64(59)).astype(np.uint8)
        order = np.argsort(bucket, kind="stable")
        counts = np.bincount(bucket, minlength=BUCKETS)
        with single_threaded(), np.errstate(over="ignore", invalid="ignore"):
            # The product is float64, so that it does not depend on how rows were cut into blocks.
            octaves = 1 if empty.names else _OCTAVES
            angles = (frequencies(empty.d, octaves) @ z[:, order]).astype(np.float32)
        some = np.flatnonzero(counts)
        starts = (np.cumsum(counts) - counts)[some]
        half = FEATURES // 2
        for turn, place in ((np.cos, slice(0, half)), (np.sin, slice(half, FEATURES))):
            found = np.add.reduceat(turn(angles), starts, axis=1, dtype=np.float64)
            self.held.sums[some, place] += found.T / sqrt(half)
        self.held.counts[:] += counts

    def part(self) -> RandomFeaturesPart:
        return replace(self.held, counts=self.held.counts.copy(), sums=self.held.sums.copy())


class RandomFeatures:
    """Mean random Fourier features of all numeric features together, or of vectors.

    The squared distance of two means is the squared maximum mean discrepancy under the kernel
    exp(-‖z - z'‖²/(2d)) up to an error of the order 1/√128 of itself. Features are mapped by median and interquartile
    range and clipped as in ``covariance``; for vectors, whose scale is not known beforehand, the kernel is the mean of
    seven with bandwidths from √d down to √d/64. Rows are put into 32 buckets by their hash, whose means give the null
    distribution.

    References
    ----------
    Rahimi and Recht (2007), Random features for large-scale kernel machines,
    https://papers.nips.cc/paper/3182-random-features-for-large-scale-kernel-machines.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "random_features"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Joint, Vectors)
    part_type: ClassVar[type] = RandomFeaturesPart
    optional: ClassVar[bool] = True

    def applies(self, column: Column) -> bool:
        """All numeric features together, and vectors."""
        return column.kind in (Kind.JOINT, Kind.VECTOR)

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work(column)

    def merge(self, a: RandomFeaturesPart, b: RandomFeaturesPart) -> RandomFeaturesPart:
        """Add the sums; StateError when features, maps or lengths differ."""
        if not a.n or not b.n:
            return a if a.n else b
        check_alike(a, b)
        return RandomFeaturesPart(a.names, a.d, a.anchors, a.scales, a.counts + b.counts, a.sums + b.sums)

    def result(self, part: RandomFeaturesPart) -> dict[str, int | Matrix]:
        """Return n and the mean features."""
        return {"n": part.n, "mean": part.mean}


def check_alike(a: RandomFeaturesPart, b: RandomFeaturesPart) -> None:
    """Raise StateError unless both are about the same features under the same maps."""
    if a.names != b.names or a.d != b.d:
        told = [", ".join(part.names) or f"vectors of {part.d} numbers" for part in (a, b)]
        raise StateError(f"random features of {told[0]} and of {told[1]} do not belong together")
    if not (np.array_equal(a.anchors, b.anchors) and np.array_equal(a.scales, b.scales)):
        raise StateError("random features under different maps do not belong together; summarise with one reference")

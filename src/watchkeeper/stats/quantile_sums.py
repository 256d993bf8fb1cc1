"""How well predicted quantiles hold what came true."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column
from watchkeeper.stats.blocks import BLOCK, Outcomes
from watchkeeper.stats.prediction_sums import CentralSums

__all__ = ["QuantileSums", "QuantileSumsPart"]


@dataclass(frozen=True, slots=True)
class QuantileSumsPart:
    """Sums over rows with a finite predicted quantile at each level, and a finite label y.

    Attributes
    ----------
    levels
        Levels of the quantiles in increasing order; empty where the log has no quantiles.
    rows, n
        Rows in all, and rows with quantiles and label.
    below
        Rows with y ≤ q of each level, int64, shape (len(levels),).
    losses
        Σ of the pinball loss max(a(y - q), (a - 1)(y - q)) of each level a, float64, shape (len(levels),).
    loss
        n, mean and central sums of a row's mean loss over the levels.
    covered
        Rows with y between the quantiles of the lowest and the highest level, ends included.
    width
        n, mean and central sums of the distance between these two, over rows with or without a label.
    crossed
        Rows, with or without a label, with a lower quantile at a higher level.
    """

    levels: tuple[float, ...] = ()
    rows: int = 0
    n: int = 0
    below: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    losses: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    loss: CentralSums = field(default_factory=CentralSums)
    covered: int = 0
    width: CentralSums = field(default_factory=CentralSums)
    crossed: int = 0


def _empty(levels: tuple[float, ...]) -> QuantileSumsPart:
    return QuantileSumsPart(levels, below=np.zeros(len(levels), np.int64), losses=np.zeros(len(levels)))


def _sums(levels: tuple[float, ...], quantiles: NDArray[np.float64], label: NDArray[np.float64]) -> QuantileSumsPart:
    there = np.isfinite(quantiles).all(axis=1)
    q, y = quantiles[there], label[there]
    width = CentralSums.of(q[:, -1] - q[:, 0])
    crossed = int(np.count_nonzero((np.diff(q, axis=1) < 0).any(axis=1)))
    known = np.isfinite(y)
    q, y = q[known], y[known]
    a = np.array(levels)
    error = y[:, None] - q
    losses = np.maximum(a * error, (a - 1.0) * error)
    return QuantileSumsPart(
        levels, len(label), len(y), (error <= 0).sum(axis=0), losses.sum(axis=0), CentralSums.of(losses.mean(axis=1)),
        int(np.count_nonzero((y >= q[:, 0]) & (y <= q[:, -1]))), width, crossed,
    )  # fmt: skip


def _merged(a: QuantileSumsPart, b: QuantileSumsPart) -> QuantileSumsPart:
    if not a.levels or not b.levels:
        return a if a.levels else b
    if a.levels != b.levels:
        raise StateError(
            f"sums over the quantiles {', '.join(map(str, a.levels))} and {', '.join(map(str, b.levels))} do not "
            "merge; summarise both with one schema"
        )
    return QuantileSumsPart(
        a.levels, a.rows + b.rows, a.n + b.n, a.below + b.below, a.losses + b.losses, a.loss.merged(b.loss),
        a.covered + b.covered, a.width.merged(b.width), a.crossed + b.crossed,
    )  # fmt: skip


class _Work:
    def __init__(self) -> None:
        self.known = QuantileSumsPart()

    def add(self, block: Outcomes) -> None:
        if block.quantiles is None:
            return
        self.known = _merged(self.known, _empty(block.levels))
        for start in range(0, block.rows, BLOCK):
            piece = block.quantiles[start : start + BLOCK]
            label = np.full(len(piece), np.nan)
            if block.label is not None:
                label = block.label[start : start + BLOCK].astype(np.float64, copy=False)
            self.known = _merged(self.known, _sums(block.levels, piece, label))

    def part(self) -> QuantileSumsPart:
        return self.known


class QuantileSums:
    """Pinball loss, coverage and width of predicted quantiles; kept where the log has columns of them. Exact."""

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "quantile_sums"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Outcomes,)
    part_type: ClassVar[type] = QuantileSumsPart

    def applies(self, column: Column) -> bool:
        """No single column: it is kept for outcomes."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: QuantileSumsPart, b: QuantileSumsPart) -> QuantileSumsPart:
        """Add the sums; StateError when the levels differ."""
        return _merged(a, b)

    def result(self, part: QuantileSumsPart) -> dict[str, float]:
        """Return n, the mean pinball loss, and the rows between the outer quantiles."""
        return {"n": part.n, "loss": part.loss.mean, "covered": part.covered}

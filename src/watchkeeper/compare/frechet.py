"""Fréchet distance of two clouds of points."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import effective_size
from watchkeeper.compare.second_moments import both_sides, evidence_of, pooled, together
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.threads import single_threaded

__all__ = ["Frechet"]

_ROUNDING = 1e-9


class Frechet:
    """‖m - m0‖² + tr(C0 + C - 2·(C0^½ C C0^½)^½): the squared 2-Wasserstein distance of two normal distributions.

    In units of the map, squared. With the means and covariances of image embeddings it is known as the Fréchet
    inception distance. The details split it into what the means and what the covariances give. It has no test: the
    floor is what samples of these sizes give on average for normal rows, and inflates as windows get small.

    References
    ----------
    Dowson and Landau (1982), The Fréchet distance between multivariate normal distributions,
    doi:10.1016/0047-259X(82)90077-X. Heusel et al. (2017), arXiv:1706.08500.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "frechet"
    identical: ClassVar[float] = 0.0
    needs: ClassVar[tuple[str, ...]] = ("covariance",)

    def applies(self, column: Column) -> bool:
        """All numeric features together, and vectors."""
        return together(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the distance with its floor."""
        sides = both_sides(self.name, reference, current)
        if isinstance(sides, Measurement):
            return sides
        p, q = sides
        means = float(((q.mean - p.mean) ** 2).sum())
        with single_threaded():
            covariances = _between(p.covariance, q.covariance)
            floor = _floor(pooled(p, q), effective_size(p.n, q.n))
        evidence = evidence_of(p, q, means=means, covariances=covariances)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, means + covariances, q.n, floor=floor, evidence=evidence
        )


def _between(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    values, directions = np.linalg.eigh(a)
    root = (directions * np.sqrt(np.maximum(values, 0.0))) @ directions.T
    product = np.linalg.eigvalsh(root @ b @ root)
    total = float(np.trace(a) + np.trace(b))
    found = total - 2 * float(np.sqrt(np.maximum(product, 0.0)).sum())
    # The difference of two large sums is rounding below this.
    return found if found > _ROUNDING * total else 0.0


def _floor(within: NDArray[np.float64], size: float) -> float:
    """Return the mean distance of two samples of one normal distribution, to first order in 1/size."""
    values = np.maximum(np.linalg.eigvalsh(within), 0.0)
    sums = np.add.outer(values, values)
    ratio = np.divide(np.multiply.outer(values, values), sums, out=np.zeros_like(sums), where=sums > 0)
    return float(values.sum() + (ratio.sum() + np.trace(ratio)) / 2) / size

"""Hotelling's T²: change of all means together."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from watchkeeper.compare.cells import effective_size
from watchkeeper.compare.second_moments import both_sides, evidence_of, pooled, together
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.threads import single_threaded

__all__ = ["HotellingT2"]

_SMALLEST_SHARE = 1e-8
_ROWS_A_DIRECTION = 5


class HotellingT2:
    """Squared Mahalanobis distance of the means, D² = Δᵀ S⁻¹ Δ with the covariance S within the two sides.

    T² = D²·n0·n/(n0 + n), and T²·(N - r - 1)/(r·(N - 2)) with N = n0 + n has an F distribution with r and N - r - 1
    degrees of freedom when nothing changed, exactly for normal rows and nearly for others once there are some hundred.
    S is inverted in its r directions of most variance: those above 1e-8 of the largest one, of standardised features,
    and no more than one for five rows. Sampling alone gives r·(N - 2)/((N - r - 3)·n_e) on average, the floor.

    References
    ----------
    Hotelling (1931), The generalization of Student's ratio, doi:10.1214/aoms/1177732979.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "hotelling_t2"
    identical: ClassVar[float] = 0.0
    needs: ClassVar[tuple[str, ...]] = ("covariance",)

    def applies(self, column: Column) -> bool:
        """All numeric features together, and vectors."""
        return together(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the distance with T², its p-value and the feature whose mean moved most."""
        sides = both_sides(self.name, reference, current)
        if isinstance(sides, Measurement):
            return sides
        p, q = sides
        within, difference = pooled(p, q), q.mean - p.mean
        spread = np.sqrt(np.diag(within))
        usable = np.flatnonzero(spread > 1e-12 * np.maximum(np.abs(p.mean), 1e-12))
        total = p.n + q.n
        if not len(usable) or total < 2 * _ROWS_A_DIRECTION:
            told = f"no feature varies in {total} rows" if not len(usable) else f"{total} rows are too few"
            return Measurement.missing(current.key, Family.COMPARISON, self.name, told, n=q.n)
        moved = difference[usable] / spread[usable]
        distance, r = _mahalanobis(
            moved, within[np.ix_(usable, usable)] / np.outer(spread[usable], spread[usable]), total
        )
        size = effective_size(p.n, q.n)
        t2 = distance * size
        p_value = float(fdtrc(r, total - r - 1, t2 * (total - r - 1) / (r * (total - 2))))
        feature = {"feature": p.names[usable[int(np.abs(moved).argmax())]]} if p.names else {}
        evidence = replace(
            evidence_of(p, q, t2=t2, rank=r, largest=float(np.abs(moved).max()), **feature), p_value=p_value
        )
        floor = r * (total - 2) / (max(total - r - 3, 1) * size)
        error = sqrt(4 * max(distance - floor, 0.0) / size + 2 * distance**2 / total + 2 * r / size**2)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, distance, q.n, error=error, floor=floor, evidence=evidence
        )


def _mahalanobis(difference: NDArray[np.float64], correlation: NDArray[np.float64], rows: int) -> tuple[float, int]:
    """Return the squared distance in the directions that can be inverted, and how many they are."""
    with single_threaded():
        values, directions = np.linalg.eigh(correlation)
    kept = np.flatnonzero(values > _SMALLEST_SHARE * values[-1])[-max(1, rows // _ROWS_A_DIRECTION) :]
    along = directions[:, kept].T @ difference
    return float((along**2 / values[kept]).sum()), len(kept)

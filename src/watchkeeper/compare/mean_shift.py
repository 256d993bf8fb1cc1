"""Change of the mean vector, however many numbers it has."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import effective_size
from watchkeeper.compare.second_moments import both_sides, evidence_of, pooled, together
from watchkeeper.compare.weighted_chi_square import shrunk_eigenvalues, trace_of_square, upper_tail
from watchkeeper.core.evidence import SumOfSquares
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.threads import single_threaded

__all__ = ["MeanShift"]


class MeanShift:
    """‖m - m0‖² less what sampling gives, over the total variance of the reference, tr C0; 0 where that is negative.

    In contrast to Hotelling's T² no covariance is inverted, so that it serves vectors that have more numbers than the
    window has rows. When nothing changed, n_e·‖m - m0‖² is a sum of χ² weighted by the eigenvalues of the covariance;
    the p-value is the tail of that, with the eigenvalues of S drawn together until tr(S²) is unbiased. The
    evidence's ``squares``, with the ratio of that sum to its mean and with what Pearson's three moments make a χ² of it
    by, let a chart judge rows that are worth less than independent ones.

    References
    ----------
    Bai and Saranadasa (1996), Effect of high dimension: by an example of a two sample problem, Statistica Sinica 6,
    311–329.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "mean_shift"
    identical: ClassVar[float] = 0.0
    needs: ClassVar[tuple[str, ...]] = ("covariance",)

    def applies(self, column: Column) -> bool:
        """All numeric features together, and vectors."""
        return together(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the share with its error and a p-value."""
        sides = both_sides(self.name, reference, current)
        if isinstance(sides, Measurement):
            return sides
        p, q = sides
        within, difference = pooled(p, q), q.mean - p.mean
        unit = float(np.trace(p.covariance))
        if unit <= 0:
            told = "nothing varies in the reference"
            return Measurement.missing(current.key, Family.COMPARISON, self.name, told, n=q.n)
        distance, size = float(difference @ difference), effective_size(p.n, q.n)
        trace = float(np.trace(within))
        degrees_of_freedom = p.n + q.n - 2
        square = trace_of_square(trace, float((within**2).sum()), degrees_of_freedom)
        with single_threaded():
            values = np.maximum(np.linalg.eigvalsh(within), 0.0)
        noise = trace / size
        # What Δᵀ S Δ has from sampling alone comes off: it would widen the error of no change by √3.
        along = max(float(difference @ within @ difference) - square / size, 0.0)
        error = sqrt(4 * along / size + 2 * square / size**2) / unit
        weights = shrunk_eigenvalues(values, degrees_of_freedom)
        evidence = replace(
            evidence_of(p, q, noise=noise / unit),
            distance=sqrt(distance),
            p_value=upper_tail(distance * size, weights),
            squares=_three_moments(distance * size, weights),
        )
        value = max(distance - noise, 0.0) / unit
        return Measurement.of(current.key, Family.COMPARISON, self.name, value, q.n, error=error, evidence=evidence)


def _three_moments(value: float, weights: NDArray[np.float64]) -> SumOfSquares | None:
    """Return Σ weight·χ² over its mean, and the χ² with its skewness.

    References
    ----------
    Pearson (1959), Note on an approximation to the distribution of non-central χ², Biometrika 46, 364; Imhof (1961),
    doi:10.1093/biomet/48.3-4.419, for weighted sums.
    """
    first, second, third = (float((weights**power).sum()) for power in (1, 2, 3))
    if third <= 0:
        return None
    return SumOfSquares(value / first, second**3 / third**2, first / sqrt(second))

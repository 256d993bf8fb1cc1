"""Maximum mean discrepancy from mean random Fourier features."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import effective_size, lacking
from watchkeeper.compare.second_moments import together
from watchkeeper.compare.weighted_chi_square import shrunk_eigenvalues, trace_of_square, upper_tail
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.random_features import FEATURES, RandomFeaturesPart, check_alike
from watchkeeper.stats.threads import single_threaded

__all__ = ["Mmd"]

_LEAST = 20


class Mmd:
    """Unbiased squared MMD under a normal kernel, 0 where the estimate is negative.

    From states: ‖φ - φ0‖² of the mean random features less (1 - ‖φ0‖²)/(n0 - 1) + (1 - ‖φ‖²)/(n - 1), which is the
    U-statistic of Gretton et al. for the kernel that the 128 fixed frequencies make. Under no change ‖φ - φ0‖² is a
    sum of χ² weighted by the eigenvalues of the covariance of φ; the p-value is the tail of that, with the eigenvalues
    that the means of 32 buckets of rows on each side tell, drawn together until the sum of their squares is unbiased.
    No matrix of 256 × 256 is kept or inverted.

    Nulls count as the median. A frequency that the 128 miss is invisible: see ``mmd_test`` for the exact kernel.

    References
    ----------
    Gretton et al. (2012), A kernel two-sample test, https://jmlr.org/papers/v13/gretton12a.html. Zhao and Meng (2015),
    FastMMD, doi:10.1162/NECO_a_00732.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "mmd"
    identical: ClassVar[float] = 0.0
    needs: ClassVar[tuple[str, ...]] = ("random_features",)

    def applies(self, column: Column) -> bool:
        """All numeric features together, and vectors."""
        return together(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the squared discrepancy with its error and a p-value."""
        p = reference.part("random_features", RandomFeaturesPart)
        q = current.part("random_features", RandomFeaturesPart)
        missing = lacking(self.name, current, p.n, q.n)
        if missing:
            return missing
        check_alike(p, q)
        if min(p.n, q.n) < _LEAST:
            told = f"the sides have {p.n} and {q.n} rows; the discrepancy needs {_LEAST}"
            return Measurement.missing(current.key, Family.COMPARISON, self.name, told, n=q.n)
        difference = q.mean - p.mean
        distance = float(difference @ difference)
        spreads = [_spread(part) for part in (p, q)]
        noise = sum(trace / part.n for trace, part in zip(spreads, (p, q), strict=True))
        size = effective_size(p.n, q.n)
        within, degrees_of_freedom = _within(p, q)
        with single_threaded():
            gram = within @ within.T / degrees_of_freedom
            eigenvalues = np.maximum(np.linalg.eigvalsh(gram), 0.0)
        square = trace_of_square(float(np.trace(gram)), float((gram**2).sum()), degrees_of_freedom) / size**2
        # The buckets tell as many directions as they are; noise in the others is spread evenly.
        values = np.zeros(FEATURES)
        values[: len(gram)] = eigenvalues
        along = max(float(((within @ difference) ** 2).sum()) / degrees_of_freedom / size - square, 0.0)
        evidence = Evidence(
            size=Size(p.n, size),
            p_value=upper_tail(distance, shrunk_eigenvalues(values, degrees_of_freedom) * noise / float(values.sum())),
            details={"unbiased": distance - noise},
        )
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, max(distance - noise, 0.0), q.n,
            error=sqrt(2 * square + 4 * along), evidence=evidence,
        )  # fmt: skip


def _spread(part: RandomFeaturesPart) -> float:
    """Return the trace of the sample covariance of φ; every φ has length 1."""
    return max(1.0 - float(part.mean @ part.mean), 0.0) * part.n / (part.n - 1)


def _within(p: RandomFeaturesPart, q: RandomFeaturesPart) -> tuple[NDArray[np.float64], int]:
    """Return √n_b·(φ_b - φ) of the buckets b of both sides and their degrees of freedom."""
    found, degrees_of_freedom = [], 0
    for part in (p, q):
        some = part.counts > 0
        counts = part.counts[some].astype(float)[:, None]
        found.append((part.sums[some] - counts * part.mean) / np.sqrt(counts))
        degrees_of_freedom += int(some.sum()) - 1
    return np.concatenate(found), max(degrees_of_freedom, 1)

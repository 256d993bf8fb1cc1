"""What the comparisons of means and covariances share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import lacking, sizes
from watchkeeper.core.errors import StateError
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.covariance import CovariancePart, check_alike

__all__ = ["both_sides", "correlations", "evidence_of", "pooled", "together", "varying"]

Matrix = NDArray[np.float64]

_LEAST = 3
_LEAST_VARIANCE = 1e-9


def together(column: Column) -> bool:
    """Return whether the column stands for several numbers a row: all numeric features, or vectors."""
    return column.kind in (Kind.JOINT, Kind.VECTOR)


def both_sides(name: str, reference: State, current: State) -> tuple[CovariancePart, CovariancePart] | Measurement:
    """Return the moments of both sides, or the measurement without data where one side has too few rows.

    Raises
    ------
    StateError
        When they do not belong together, or hold numbers too large to be squared.
    """
    p, q = reference.part("covariance", CovariancePart), current.part("covariance", CovariancePart)
    missing = lacking(name, current, p.n, q.n)
    if missing:
        return missing
    check_alike(p, q)
    if min(p.n, q.n) < _LEAST:
        told = f"the sides have {p.n} and {q.n} rows; a covariance needs {_LEAST}"
        return Measurement.missing(current.key, Family.COMPARISON, name, told, n=q.n)
    if not (np.isfinite(p.second).all() and np.isfinite(q.second).all()):
        raise StateError(f"{current.key.column!r} holds numbers too large to be squared")
    return p, q


def evidence_of(p: CovariancePart, q: CovariancePart, **details: float | str) -> Evidence:
    """Return the evidence that every comparison of two sides states, with details of its own."""
    projected = {"projected_from": p.given} if p.given else {}
    return Evidence(size=sizes(p.n, q.n), details={**projected, **details})


def pooled(p: CovariancePart, q: CovariancePart) -> NDArray[np.float64]:
    """Return the covariance within the two sides, weighted by their degrees of freedom, shape (d, d)."""
    return np.asarray(((p.n - 1) * p.covariance + (q.n - 1) * q.covariance) / (p.n + q.n - 2))


def varying(part: CovariancePart) -> NDArray[np.bool_]:
    """Return which features vary, shape (d,)."""
    variance = np.diag(part.covariance)
    return np.asarray(variance > 1e-12 * np.maximum(np.diag(part.second) / part.n, 1e-300))


def correlations(part: CovariancePart, i: NDArray[np.intp], j: NDArray[np.intp]) -> tuple[Matrix, Matrix]:
    """Return the correlation of each pair and the variance of its influence function."""
    fourth, cubed = part.product_moments()
    covariance = part.covariance
    s = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    r = np.clip(covariance[i, j] / (s[i] * s[j]), -1.0, 1.0)
    both = fourth[i, j] / (s[i] * s[j]) ** 2
    lopsided = cubed[j, i] / (s[j] * s[i] ** 3) + cubed[i, j] / (s[i] * s[j] ** 3)
    single = fourth[i, i] / s[i] ** 4 + fourth[j, j] / s[j] ** 4
    variance = both - r * lopsided + r**2 / 4 * (single + 2 * both)
    return r, np.maximum(variance, _LEAST_VARIANCE)

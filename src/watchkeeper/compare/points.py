"""What the comparisons of sampled points share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import lacking
from watchkeeper.core.errors import StateError
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.state import State
from watchkeeper.stats.covariance import CovariancePart, projected
from watchkeeper.stats.joint import FAR
from watchkeeper.stats.point_sample import PointSamplePart

__all__ = ["both_samples", "mapped", "standardised"]

Matrix = NDArray[np.float64]


def both_samples(
    name: str, reference: State, current: State, least: int = 3, sample: str = "point_sample"
) -> tuple[PointSamplePart, PointSamplePart] | Measurement:
    """Return the samples of both sides, or the measurement without data where one has fewer points than ``least``.

    Parameters
    ----------
    sample
        Registry key of the statistic that holds the points.

    Raises
    ------
    StateError
        When the sides have other features.
    """
    p, q = reference.part(sample, PointSamplePart), current.part(sample, PointSamplePart)
    missing = lacking(name, current, len(p.hashes), len(q.hashes))
    if missing:
        return missing
    if p.names != q.names or p.x.shape[1] != q.x.shape[1] or p.levels.columns != q.levels.columns:
        left, right = (
            ", ".join((*part.names, *part.levels.columns)) or f"{part.x.shape[1]} numbers" for part in (p, q)
        )
        raise StateError(f"points of {left} and of {right} cannot be compared")
    if min(len(p.hashes), len(q.hashes)) < least:
        told = f"the sides have {len(p.hashes)} and {len(q.hashes)} points; {name} needs {least}"
        return Measurement.missing(current.key, Family.COMPARISON, name, told, n=q.rows)
    return p, q


def mapped(sample: PointSamplePart, part: CovariancePart) -> Matrix:
    """Return sampled points in the units of the maps, as the sums of products saw them, shape (k, d)."""
    if part.given:
        return np.asarray(projected((sample.x.T - part.anchors[0]) / part.scales[0]).T)
    z = (sample.x - part.anchors) / part.scales
    return np.asarray(np.nan_to_num(np.clip(z, -FAR, FAR), nan=0.0)) if part.names else z


def standardised(p: PointSamplePart, q: PointSamplePart) -> Matrix:
    """Return the points of both sides, the reference first, in units that treat both alike, shape (k, d).

    Features are taken from their common median in common interquartile ranges and clipped at eight of them; a null
    counts as the median. Vectors are left as they are. A permutation of the points does not change the units, which
    keeps permutation tests exact.
    """
    both = np.concatenate([p.x, q.x])
    if not p.names:
        return both
    known = np.where(np.isfinite(both), both, np.nan)
    empty = np.isnan(known).all(axis=0)
    known[:, empty] = 0.0
    low, middle, high = np.nanquantile(known, [0.25, 0.5, 0.75], axis=0)
    away = np.nanmean(np.abs(known - middle), axis=0)
    scale = np.where(high > low, high - low, np.where(away > 0, away, 1.0))
    return np.asarray(np.nan_to_num(np.clip((both - middle) / scale, -FAR, FAR), nan=0.0))

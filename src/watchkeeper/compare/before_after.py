"""What a column was and what it is: one quantity of both sides, for every comparison that states none of its own."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.evidence import Change, Quantity
from watchkeeper.core.schema import Kind
from watchkeeper.core.state import State
from watchkeeper.stats.covariance import CovariancePart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.moments import MomentsPart
from watchkeeper.stats.point_sample import PointSamplePart
from watchkeeper.stats.random_features import RandomFeaturesPart
from watchkeeper.stats.text_lengths import TextLengthsPart

__all__ = ["before_after"]

Floats = NDArray[np.float64]


def before_after(reference: State, current: State) -> Change | None:
    """Return the same quantity of both sides; None where the states hold none.

    Of numbers and times the mean; of levels the share of the one whose share moved most; of texts the median length;
    of several features together, or of vectors, the mean of the one that moved most for its spread, and where only
    random features are kept the mean similarity of two rows of one side.
    """
    for kind, of in (
        ("moments", _means),
        ("levels", _shares),
        ("text_lengths", _lengths),
        ("covariance", _means_together),
        ("point_sample", _sampled_means),
        ("random_features", _similarities),
    ):
        sides = reference.parts.get(kind), current.parts.get(kind)
        change = of(*sides) if None not in sides else None
        if change is not None:
            return _moments_in_time(change, reference) if kind == "moments" else change
    return None


def _means(before: object, after: object) -> Change | None:
    if not isinstance(before, MomentsPart) or not isinstance(after, MomentsPart) or not before.n or not after.n:
        return None
    return Change(Quantity.MEAN, before.mean, after.mean) if isfinite(before.mean) and isfinite(after.mean) else None


def _moments_in_time(change: Change | None, reference: State) -> Change | None:
    times = change is not None and reference.spec is not None and reference.spec.kind is Kind.TIME
    return replace(change, unit="time") if change is not None and times else change


def _shares(before: object, after: object) -> Change | None:
    if not isinstance(before, LevelsPart) or not isinstance(after, LevelsPart) or not before.n or not after.n:
        return None
    p, q = ({name: count / part.n for name, count in part.as_dict().items()} for part in (before, after))
    most = max(sorted({*p, *q}), key=lambda name: abs(q.get(name, 0.0) - p.get(name, 0.0)), default=None)
    return None if most is None else Change(Quantity.SHARE, p.get(most, 0.0), q.get(most, 0.0), levels=(most,))


def _lengths(before: object, after: object) -> Change | None:
    if not isinstance(before, TextLengthsPart) or not isinstance(after, TextLengthsPart) or not before.n or not after.n:
        return None
    was, now = (float(part.characters.quantile(0.5)) for part in (before, after))
    return Change(Quantity.MEDIAN, was, now, unit="characters")


def _means_together(before: object, after: object) -> Change | None:
    if not isinstance(before, CovariancePart) or not isinstance(after, CovariancePart) or min(before.n, after.n) < 2:
        return None
    means = [part.anchors + part.scales * part.mean for part in (before, after)]
    spread = np.sqrt(np.maximum(np.diag(before.covariance), 0.0)) * before.scales
    return _farthest(before.names, means[0], means[1], spread)


def _sampled_means(before: object, after: object) -> Change | None:
    if not isinstance(before, PointSamplePart) or not isinstance(after, PointSamplePart):
        return None
    if not before.x.size or not after.x.size or before.x.shape[1] != after.x.shape[1]:
        return None
    known = np.asarray(np.isfinite(before.x).any(axis=0) & np.isfinite(after.x).any(axis=0))
    if not known.any():
        return None
    sides = [np.where(np.isfinite(part.x), part.x, np.nan)[:, known] for part in (before, after)]
    names = tuple(name for name, there in zip(before.names, known, strict=True) if there) if before.names else ()
    return _farthest(names, np.nanmean(sides[0], axis=0), np.nanmean(sides[1], axis=0), np.nanstd(sides[0], axis=0))


def _similarities(before: object, after: object) -> Change | None:
    """Return ‖mean φ‖² of each side, the mean of the kernel over its pairs of rows."""
    if not isinstance(before, RandomFeaturesPart) or not isinstance(after, RandomFeaturesPart):
        return None
    if not before.n or not after.n:
        return None
    was, now = (float(part.mean @ part.mean) for part in (before, after))
    return Change(Quantity.SIMILARITY, was, now)


def _farthest(names: tuple[str, ...], before: Floats, after: Floats, spread: Floats) -> Change | None:
    """Return the mean that moved most in standard deviations; of a feature that was constant, any move is the most."""
    moved = np.abs(after - before)
    far = np.where(spread > 0, moved / np.where(spread > 0, spread, 1.0), np.where(moved > 0, np.inf, 0.0))
    if not len(far) or not np.isfinite(moved).any():
        return None
    most = int(np.where(np.isfinite(moved), far, -1.0).argmax())
    name = names[most] if names else f"number {most + 1}"
    return Change(Quantity.MEAN, float(before[most]), float(after[most]), levels=(name,))

"""Scores and p-values of single rows under a reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from watchkeeper.compare.conformal import conformal_p
from watchkeeper.compare.row_features import RowFeatures
from watchkeeper.stats.point_sample import PointSamplePart

__all__ = ["FOLDS", "ConformalDetector", "Detector"]

Matrix = NDArray[np.float64]

FOLDS = 2
_REPLACEMENTS = 16


class Detector(Protocol):
    """What learns from points which points are strange."""

    def learn(self, points: Matrix) -> Callable[[Matrix], Matrix]:
        """Return the function that scores points, shape (k, d) → (k,); larger is stranger."""


@dataclass(frozen=True, slots=True)
class ConformalDetector:
    """A detector with p-values that are uniform on rows like those of the reference.

    Rows fall into two halves by their identity. Each half is scored by a detector that learnt from the reference rows
    of the other half, and ranked among the reference rows of its own, which that detector has not seen: two split
    conformal tests that use every row of the reference to calibrate. A row that belongs to the reference itself is in
    the same half there and here, so it is never judged by a detector that has seen it.

    Attributes
    ----------
    reference
        The sampled rows of the reference.
    features, score
        Of the detector that judges each half.
    calibration
        Scores of the reference rows of each half.
    """

    reference: PointSamplePart
    features: tuple[RowFeatures, ...]
    score: tuple[Callable[[Matrix], Matrix], ...]
    calibration: tuple[Matrix, ...]

    @classmethod
    def fitted(cls, detector: Detector, reference: PointSamplePart) -> ConformalDetector:
        """Learn from both halves of a reference."""
        fold, found = half_of(reference.hashes), []
        for number in range(FOLDS):
            others = np.flatnonzero(fold != number)
            x, levels = taken(reference, others)
            features = RowFeatures.of(x, levels)
            with threadpool_limits(1):
                score = detector.learn(features.points(x, levels))
                calibration = score(features.points(*taken(reference, np.flatnonzero(fold == number))))
            found.append((features, score, calibration))
        features_, scores, calibrations = zip(*found, strict=True)
        return cls(reference, features_, scores, calibrations)

    def scores(self, rows: PointSamplePart) -> Matrix:
        """Return the score of each row, shape (k,); those of one half are comparable."""
        fold, found = half_of(rows.hashes), np.zeros(len(rows.hashes))
        for number in range(FOLDS):
            mine = np.flatnonzero(fold == number)
            if len(mine):
                points = self.features[number].points(*taken(rows, mine))
                with threadpool_limits(1):
                    found[mine] = self.score[number](points)
        return found

    def p_values(self, rows: PointSamplePart, scores: Matrix) -> Matrix:
        """Return the conformal p-value of each row given its score, shape (k,)."""
        fold, found = half_of(rows.hashes), np.ones(len(scores))
        own = np.isin(rows.hashes, self.reference.hashes)
        for number in range(FOLDS):
            mine = fold == number
            found[mine] = conformal_p(self.calibration[number], scores[mine], own[mine])
        return found

    def without(self, rows: PointSamplePart, row: int) -> Matrix:
        """Return the mean score of a row with each feature taken from ordinary reference rows, shape (features,)."""
        names = (*rows.names, *rows.levels.columns)
        ordinary = np.linspace(0, len(self.reference.hashes) - 1, _REPLACEMENTS).astype(np.intp)
        many, numbers = len(names) * _REPLACEMENTS, len(rows.names)
        x = np.repeat(rows.x[[row]], many, axis=0)
        for place in range(numbers):
            x[place * _REPLACEMENTS : (place + 1) * _REPLACEMENTS, place] = self.reference.x[ordinary, place]
        changed = {}
        for place, name in enumerate(rows.levels.columns, numbers):
            held = [rows.levels[name][row]] * many
            held[place * _REPLACEMENTS : (place + 1) * _REPLACEMENTS] = self.reference.levels[name][ordinary].to_list()
            changed[name] = pl.Series(name, held, pl.String)
        # All keep the identity of their row, so that the same detector judges them.
        tried = replace(rows, rows=many, hashes=np.repeat(rows.hashes[row], many), x=x, levels=pl.DataFrame(changed))
        return np.asarray(self.scores(tried).reshape(len(names), _REPLACEMENTS).mean(axis=1))

    @property
    def varies(self) -> bool:
        """Whether the reference rows differ, so that there is something a row could differ from."""
        return all(len(np.unique(calibration)) > 1 for calibration in self.calibration)


def half_of(hashes: NDArray[np.uint64]) -> NDArray[np.int_]:
    """Return which half each row falls into, 0 or 1, shape (k,)."""
    return np.asarray((hashes % np.uint64(FOLDS)).astype(np.int_))


def taken(rows: PointSamplePart, chosen: NDArray[np.intp]) -> tuple[Matrix, pl.DataFrame]:
    """Return the numeric features and the levels of some rows."""
    return rows.x[chosen], rows.levels[chosen] if rows.levels.width else rows.levels

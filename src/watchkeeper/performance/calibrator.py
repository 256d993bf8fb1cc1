"""The probability of a class at each score, learnt from the labelled rows of a reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from watchkeeper.stats.keys import IdentityKey
from watchkeeper.stats.score_cells import ScoreCellsPart, score_of
from watchkeeper.stats.score_counts import BINS

__all__ = ["PLACES", "Calibrator", "calibrator_of", "isotonic"]

Floats = NDArray[np.float64]

PLACES = BINS + 2
"""Places a score can have in ``score_cells``."""

_DRAWS = 64
_SPLITS = 4
_SEED = 0


@dataclass(frozen=True, slots=True)
class Calibrator:
    """P(y = class | score) at every place a score can have.

    Attributes
    ----------
    curve
        The probability, shape (4,098,).
    draws
        Differences from the curve in bootstrap samples of the reference, shape (64, 4,098).
    labelled, positives
        Rows it was learnt from.
    isotonic
        Whether the score was calibrated, or is taken as it is because calibration did not help.
    gain
        By how much calibration lowers the Brier score on rows it has not seen.
    """

    curve: Floats
    draws: Floats
    labelled: int
    positives: int
    isotonic: bool
    gain: float


def calibrator_of(reference: ScoreCellsPart, code: int = 0) -> Calibrator:
    """Return the calibrator of one class; it is kept as long as the reference is in use.

    The score is calibrated by isotonic regression if that lowers the Brier score out of fold, and always when it is no
    probability; random halves of the rows serve as folds. The draws are Poisson bootstrap samples of the reference.

    References
    ----------
    Zadrozny and Elkan (2002), Transforming classifier scores into accurate multiclass probability estimates,
    doi:10.1145/775047.775151.
    """
    return _calibrator(IdentityKey(reference), code)


@lru_cache(maxsize=64)
def _calibrator(same: IdentityKey, code: int) -> Calibrator:
    part: ScoreCellsPart = same.held[0]
    places, counts = part.table(code)
    labelled = counts[:, :, :2].sum(axis=1)
    known = labelled.sum(axis=1) > 0
    places, negatives, positives = places[known], labelled[known, 0], labelled[known, 1]
    rng = np.random.default_rng(_SEED)
    gain = _gain(rng, places, positives, negatives)
    fitted = isotonic(places, positives, negatives)
    drawn = np.stack([isotonic(places, rng.poisson(positives), rng.poisson(negatives)) for _ in range(_DRAWS)])
    # The step function follows its own labels; a bootstrap sample shows by how much.
    fitted = np.clip(2 * fitted - drawn.mean(axis=0), 0.0, 1.0)
    drawn -= drawn.mean(axis=0)
    use = gain > 0 or not part.probability
    n, p = int(labelled.sum()), int(positives.sum())
    return Calibrator(fitted if use else score_of(np.arange(PLACES)), drawn, n, p, use, gain)


def isotonic(places: NDArray[np.intp], positives: NDArray[Any], negatives: NDArray[Any]) -> Floats:
    """Return the increasing curve that fits the shares of positives best; between places it is linear."""
    rows = positives + negatives
    seen = rows > 0
    if not seen.any():
        return score_of(np.arange(PLACES))
    weights = rows[seen].astype(float)
    fitted = isotonic_regression(positives[seen] / weights, weights=weights).x
    return np.asarray(np.interp(np.arange(PLACES), places[seen], fitted))


def _gain(
    rng: np.random.Generator, places: NDArray[np.intp], positives: NDArray[np.int64], negatives: NDArray[np.int64]
) -> float:
    """Return by how much the Brier score of one half falls when the other half calibrates it."""
    raw, total, rows = score_of(places), 0.0, 0
    for _ in range(_SPLITS):
        half = rng.binomial(positives, 0.5), rng.binomial(negatives, 0.5)
        rest = positives - half[0], negatives - half[1]
        for one, other in ((half, rest), (rest, half)):
            curve = isotonic(places, *one)[places]
            total += float(other[0] @ ((1 - raw) ** 2 - (1 - curve) ** 2) + other[1] @ (raw**2 - curve**2))
            rows += int(other[0].sum() + other[1].sum())
    return total / rows if rows else 0.0

"""The share of anomalous rows, whichever detector finds them."""

from __future__ import annotations

from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from watchkeeper.compare.cells import sizes
from watchkeeper.compare.conformal import excess_p, least_rows
from watchkeeper.compare.conformal_detector import FOLDS, ConformalDetector, Detector, half_of
from watchkeeper.compare.points import both_samples
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.state import State
from watchkeeper.stats.intervals import newcombe
from watchkeeper.stats.keys import IdentityKey
from watchkeeper.stats.point_sample import PointSamplePart

__all__ = ["RATE", "SAMPLE", "anomalous_share"]

SAMPLE = "large_sample"

RATE = 0.01
"""Share of rows like those of the reference that are flagged."""

_SURE = 0.99
_SURPRISING = 1e-3
_LOOKED_AT = 20


def anomalous_share(name: str, detector: Detector, reference: State, current: State, rate: float = RATE) -> Measurement:
    """Return the share of sampled current rows with a conformal p-value of at most ``rate``, less the reference's own.

    Both shares are the evidence's ``before`` and ``after``; ``before_upper`` bounds the share that the reference
    itself would show on new rows, known only as well as its tail is. ``p_value`` is that of as many flagged rows when
    nothing changed, exact for rows that are independent and scores that do not tie. Where it is below .001, ``about``
    names the features that stand out in the strangest rows.
    """
    sides = both_samples(name, reference, current, 1, SAMPLE)
    if isinstance(sides, Measurement):
        return sides
    p, q = sides
    own = np.bincount(half_of(p.hashes), minlength=FOLDS).tolist()
    if min(own) < least_rows(rate):
        needed = FOLDS * least_rows(rate)
        told = f"the reference has {sum(own)} rows; a share of {rate:.2%} needs {needed}, and some more for chance"
        return Measurement.missing(current.key, Family.COMPARISON, name, told, n=q.rows)
    judge = _judge(IdentityKey(p), IdentityKey(detector))
    if not judge.varies:
        return Measurement.missing(current.key, Family.COMPARISON, name, "nothing varies in the reference", n=q.rows)
    before = int((judge.p_values(p, judge.scores(p)) <= rate).sum())
    scores = judge.scores(q)
    p_values = judge.p_values(q, scores)
    flagged = int((p_values <= rate).sum())
    n0, n = len(p.hashes), len(q.hashes)
    there, here = before / n0, flagged / n
    rows = np.bincount(half_of(q.hashes), minlength=FOLDS).tolist()
    upper = float(beta.ppf(_SURE, before + 1, n0 - before)) if before < n0 else 1.0
    p_value = excess_p(flagged, rows, own, rate)
    evidence = Evidence(
        Change(Quantity.SHARE, there, here, upper, ("rows unlike the reference",)),
        sizes(n0, n),
        p_value,
        about=_standing_out(judge, q, scores, p_values) if p_value < _SURPRISING else (),
        details={"rate": rate, "flagged": flagged},
    )
    return Measurement.of(
        current.key, Family.COMPARISON, name, here - there, n,
        error=sqrt(there * (1 - there) / n0 + here * (1 - here) / n),
        interval=newcombe(before, n0, flagged, n),
        evidence=evidence,
    )  # fmt: skip


@lru_cache(maxsize=4)
def _judge(reference: IdentityKey, detector: IdentityKey) -> ConformalDetector:
    """Learn once from a reference that many windows are compared with."""
    return ConformalDetector.fitted(detector.held[0], reference.held[0])


def _standing_out(
    judge: ConformalDetector, rows: PointSamplePart, scores: NDArray[np.float64], p_values: NDArray[np.float64]
) -> tuple[str, ...]:
    """Name the two features without which the strangest rows would be least strange."""
    names = (*rows.names, *rows.levels.columns)
    worst = np.argsort(p_values, kind="stable")[:_LOOKED_AT]
    lost = np.array([scores[k] - judge.without(rows, int(k)) for k in worst])
    # Each row counts alike, however strange it is.
    share = np.maximum(lost, 0.0) / np.maximum(lost.max(axis=1, keepdims=True), 1e-12)
    first, second = np.argsort(-share.mean(axis=0), kind="stable")[:2]
    return (names[first], names[second])

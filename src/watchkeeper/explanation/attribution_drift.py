"""Whether a model leans on other features than it did."""

from __future__ import annotations

from dataclasses import replace
from math import erfc, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import UsageError
from watchkeeper.core.evidence import Change, Evidence, Quantity, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.spec import ATTRIBUTION_DRIFT
from watchkeeper.core.state import JOINT, StateKey
from watchkeeper.stats.intervals import Z

__all__ = ["attribution_drift"]

Floats = NDArray[np.float64]


_LEAST = 20
_PERMUTATIONS = 499
_LITTLE = 1e-300


def attribution_drift(
    features: tuple[str, ...], reference: Floats, current: Floats, key: StateKey, *, seed: int = 0
) -> list[Measurement]:
    """Return how far each feature's share of the attributions moved, and how far all did together.

    A feature's share is its mean |attribution| over that of all features, s_j = Σ_i |a_ij| / Σ_ik |a_ik|. The value is
    |s_j now - s_j before|, in [0, 1]; its standard error follows by linearisation: a row adds
    (|a_ij| - s_j·Σ_k |a_ik|)/(mean total) to s_j. The fact ``p_value`` is two-sided, of one feature. All together
    (column ``@joint``) it is half the sum of the values, the total variation distance, whose p-value comes from
    permuting rows between the sides and cannot be below 1/500. Judge features by the chart ``significance`` with a
    ``tolerance``, such as .05 of the attributions, and their number as ``series``.

    Attributions of both sides must be made by one explainer: one model, one background, one effort. Attributions that
    are sampled have |a| too large by their noise, equally on both sides.

    Parameters
    ----------
    features
        The d features.
    reference, current
        Attributions, shape (n0, d) and (n, d).
    key
        Whose rows ``current`` are; the column is set to each feature.
    seed
        Of the permutations.

    Returns
    -------
    list
        A measurement for each feature, and one for all; without data where a side has fewer than 20 rows or no feature
        adds anything.

    Raises
    ------
    UsageError
        When the arrays do not have one column for each feature.
    """
    for side in (reference, current):
        if side.ndim != 2 or side.shape[1] != len(features):
            raise UsageError(f"attributions of shape {side.shape} do not belong to {len(features)} features")
    n0, n = len(reference), len(current)
    if min(n0, n) < _LEAST:
        return _missing(features, key, f"the sides have {n0} and {n} rows; {ATTRIBUTION_DRIFT} needs {_LEAST}", n)
    before, now = np.abs(reference), np.abs(current)
    if not before.sum() or not now.sum():
        return _missing(features, key, "no feature adds anything to the scores", n)
    (share0, spread0), (share, spread) = _shares(before), _shares(now)
    moved = share - share0
    errors = np.sqrt((spread0**2).sum(axis=0) / n0**2 + (spread**2).sum(axis=0) / n**2)
    size = Size(n0, n0 * n / (n0 + n))
    found = []
    for j, feature in enumerate(features):
        value, error = abs(float(moved[j])), float(errors[j])
        p_value = erfc(value / error / sqrt(2)) if error > 0 else float(value == 0)
        evidence = Evidence(
            Change(Quantity.SHARE, float(share0[j]), float(share[j]), levels=("attribution",)), size, p_value,
            details={"mean_from": float(before[:, j].mean()), "mean_to": float(now[:, j].mean())},
        )  # fmt: skip
        found.append(
            Measurement.of(
                replace(key, column=feature), Family.COMPARISON, ATTRIBUTION_DRIFT, value, n, error=error,
                floor=error * sqrt(2 / pi), interval=(max(0.0, value - Z * error), value + Z * error),
                evidence=evidence,
            )
        )  # fmt: skip
    return [*found, _together(features, before, now, key, size, seed)]


def _shares(a: Floats) -> tuple[Floats, Floats]:
    """Return the share of each feature, and what each row adds to it beyond the mean, shape (d,) and (n, d)."""
    total = a.sum(axis=1)
    share = a.sum(axis=0) / total.sum()
    return share, (a - share * total[:, None]) / total.mean()


def _together(
    features: tuple[str, ...], before: Floats, now: Floats, key: StateKey, size: Size, seed: int
) -> Measurement:
    n0, n = len(before), len(now)
    both, rng = np.concatenate([before, now]), np.random.default_rng(seed)
    first = np.array([rng.permuted(np.arange(n0 + n) < n0) for _ in range(_PERMUTATIONS)], float)
    left, right = first @ both, (1 - first) @ both
    chance = _distance(left, right)
    share0, share = before.sum(axis=0), now.sum(axis=0)
    value = float(_distance(share0, share))
    moved = share / share.sum() - share0 / share0.sum()
    order = np.argsort(-np.abs(moved))[:3]
    p_value = float((1 + (chance >= value - 1e-12).sum()) / (_PERMUTATIONS + 1))
    largest = ", ".join(f"{features[j]} ({moved[j]:+.3f})" for j in order)
    evidence = Evidence(size=size, p_value=p_value, details={"largest": largest})
    where = replace(key, column=JOINT)
    return Measurement.of(
        where, Family.COMPARISON, ATTRIBUTION_DRIFT, value, n, floor=float(chance.mean()), evidence=evidence
    )


def _distance(a: Floats, b: Floats) -> Floats:
    """Return the total variation distance between shares, along the last axis."""
    p, q = (side / np.maximum(side.sum(axis=-1, keepdims=True), _LITTLE) for side in (a, b))
    return np.asarray(np.abs(p - q).sum(axis=-1) / 2)


def _missing(features: tuple[str, ...], key: StateKey, reason: str, n: int) -> list[Measurement]:
    names = (*features, JOINT)
    return [
        Measurement.missing(replace(key, column=name), Family.COMPARISON, ATTRIBUTION_DRIFT, reason, n=n)
        for name in names
    ]

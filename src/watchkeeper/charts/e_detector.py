"""The stream rule: evidence against "no change beyond the tolerance", added up from batch to batch."""

from __future__ import annotations

from math import log
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.charts.chart import Memory, Options
from watchkeeper.core.errors import StateError
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Signal, Zone

__all__ = ["EDetector"]

_STEPS = np.array([0.02, 0.05, 0.1, 0.2])
_NONE = -1e4
"""ln M of a detector that has seen nothing; lists of numbers are stored as JSON, which knows no infinity."""

Grid = NDArray[np.float64]


class EDetector:
    """Signals when the mean of Shiryaev–Roberts e-detectors over a grid of changes reaches p·A.

    For each point of the measurement's ``curve`` (reference share f), both directions and a ∈ {.02, .05, .1, .2}:
    u = f + δ is the largest tolerated share, v = u + a the alternative, and a batch of n rows with share g multiplies

    E = exp{(n/φ)·[g·ln(v/u) + (1 - g)·ln((1 - v)/(1 - u))]},  M ← (M + n)·E.

    Under shares of at most u, whatever their dependence from point to point and column to column, M minus the rows
    seen is a supermartingale, so the average run length to a false alarm over all p series is at least A rows. With
    ``unit`` = ``batches`` a batch counts as one and A is a number of batches. After a signal the evidence starts anew.

    δ is at least the half-width √(ln(2/.05)/(2·n0)) within which n0 reference rows know their own shares: evidence
    against the reference's sampling error would otherwise add up for ever. The score is 3·ln(mean M)/ln(p·A).

    References
    ----------
    Shin, Ramdas and Rinaldo (2024), E-detectors: a nonparametric framework for sequential change detection,
    doi:10.51387/23-NEJSDS51.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "e_detector"
    defaults: ClassVar[Options] = {
        "tolerance": 0.05, "run_length": 100_000.0, "series": 1.0, "design_effect": 1.0, "unit": "rows",
    }  # fmt: skip

    def step(self, memory: Memory | None, measurement: Measurement, options: Options) -> tuple[Memory, Signal]:
        """Take a batch in and judge the evidence so far.

        Raises
        ------
        StateError
            When the measurement has no curve.
        """
        memory = memory or Memory()
        chosen = {**self.defaults, **options}
        if measurement.status is not Status.OK or measurement.value is None or not measurement.n:
            return memory, Signal(measurement, self.name)
        if not measurement.curve:
            raise StateError(f"{measurement.name} has no shares to add up; valid for this chart: shares")
        shares = np.array(measurement.curve)
        effect = max(1.0, float(chosen["design_effect"]), float(measurement.facts.get("design_effect", 1.0)))
        delta = float(chosen["tolerance"])
        known = float(measurement.facts.get("n_reference", 0.0))
        if known:
            delta = max(delta, float(np.sqrt(log(2 / 0.05) / (2 * known / effect))))
        gain, possible = _gain(shares[:, 0], shares[:, 1], delta)
        credit = measurement.n if chosen["unit"] == "rows" else 1.0
        before = np.array(memory.arrays.get("evidence") or np.full(gain.size, _NONE))
        if before.size != gain.size:
            raise StateError("the reference of this series has changed; its evidence cannot be continued")
        evidence = np.logaddexp(before, log(credit)) + measurement.n / effect * gain.ravel()
        evidence = np.maximum(np.where(possible.ravel(), evidence, _NONE), _NONE)
        together = _mean(evidence[possible.ravel()])
        needed = log(float(chosen["series"]) * float(chosen["run_length"]))
        return _judged(self.name, measurement, shares, delta, evidence, together, needed)


def _gain(reference: Grid, current: Grid, delta: float) -> tuple[Grid, NDArray[np.bool_]]:
    """Return ln E per row, shape (4, 2, k), and where the alternative is a share at all."""
    u = np.stack([reference, 1 - reference]) + delta
    g = np.stack([current, 1 - current])
    v = u + _STEPS[:, None, None]
    possible = v < 1
    u, v = np.where(possible, u, 0.5), np.where(possible, v, 0.5)
    return g * np.log(v / u) + (1 - g) * np.log((1 - v) / (1 - u)), possible


def _mean(evidence: Grid) -> float:
    """Return ln of the mean of M."""
    if not evidence.size:
        return _NONE
    most = float(evidence.max())
    return most + log(float(np.exp(evidence - most).mean()))


def _judged(
    name: str, measurement: Measurement, shares: Grid, delta: float, evidence: Grid, together: float, needed: float
) -> tuple[Memory, Signal]:
    score = 3 * max(together, 0.0) / needed
    if together < needed:
        zone = Zone.WITHIN_1 if score <= 1 else Zone.WITHIN_2 if score <= 2 else Zone.WITHIN_3
        memory = Memory(arrays={"evidence": tuple(np.round(evidence, 9).tolist())})
        return memory, Signal(measurement, name, 0.0, zone=zone, score=score)
    moved = np.abs(shares[:, 1] - shares[:, 0]).max()
    rule = (
        f"evidence e^{together:.1f} above e^{needed:.1f}: moved by more than {delta:.3g}, by {moved:.3g} in this batch"
    )
    return Memory(), Signal(measurement, name, 0.0, zone=Zone.BEYOND, rule=rule, score=score)

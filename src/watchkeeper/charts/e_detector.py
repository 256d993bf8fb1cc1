"""The stream rule: evidence against "no change beyond the tolerance", added up from batch to batch."""

from __future__ import annotations

from math import log
from typing import ClassVar

import numpy as np

from watchkeeper.charts.chart import SIDES, ChartMemory, Choices, Options
from watchkeeper.charts.evidence import NONE, Bets, Grid, advance, tolerated
from watchkeeper.charts.rank_bets import RANK_BETS, Mixture, RankBets
from watchkeeper.core.errors import StateError
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Basis, Signal, Zone

__all__ = ["EDetector", "verdict"]


class EDetector:
    """Signals when the mean of Shiryaev–Roberts e-detectors over a grid of changes reaches p·A.

    For each point of the measurement's ``curve`` (reference share f), both directions and a ∈ {.03, .07, .15}:
    u = f + max(δ, .15·a) is the largest tolerated share, v = u + a the alternative, and a batch of n rows with share
    g multiplies

    E = exp{(n/φ)·[g·ln(v/u) + (1 - g)·ln((1 - v)/(1 - u))]},  M ← (M + n)·E.

    Where the points are ordered, as the fact ``ordered`` of the measurement says, two thirds of the stake are on the
    mean of where rows rank among those of the reference, and of how far their ranks are from the middle: all shares
    together tell a shift or a change of scale sooner than each by itself. E = Π (1 + λ·(Z - m))^(1/φ) over the rows,
    with Z the rank or the distance, m the reference's mean of Z and what δ allows it to differ, λ ∈ {.3, .6, 1.2}.
    Ranks cluster more than shares do: φ is the fact ``rank_effect`` there, where that is larger.

    As long as no share moves by more than δ, whatever their dependence from point to point and column to column, M
    minus the rows seen is a supermartingale, so the average run length to a false alarm over all p series is at least
    A rows. With ``unit`` = ``batches`` a batch counts as one and A is a number of batches. After a signal the evidence
    starts anew.

    ``side`` = ``upper`` watches only for shares that rise, ``lower`` only for those that fall.

    δ is at least the half-width √(ln(2/.001)·φ/(2·n0)) within which n0 reference rows know their own shares: evidence
    against the reference's sampling error would otherwise add up for ever. The score is 3·ln(mean M)/ln(p·A).

    References
    ----------
    Shin, Ramdas and Rinaldo (2024), E-detectors: a nonparametric framework for sequential change detection,
    doi:10.51387/23-NEJSDS51. Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting,
    doi:10.1093/jrsssb/qkad009, for the bets on means.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "e_detector"
    defaults: ClassVar[Options] = {
        "tolerance": 0.05, "run_length": 100_000.0, "series": 1.0, "design_effect": 1.0, "unit": "rows",
        "side": "both",
    }  # fmt: skip
    choices: ClassVar[Choices] = {"unit": ("rows", "batches"), "side": SIDES}

    def step(
        self, memory: ChartMemory | None, measurement: Measurement, options: Options
    ) -> tuple[ChartMemory, Signal]:
        """Take a batch in and judge the evidence so far.

        Raises
        ------
        StateError
            When the measurement has no curve.
        """
        memory = memory or ChartMemory()
        chosen = {**self.defaults, **options}
        if measurement.status is not Status.OK or measurement.value is None or not measurement.n:
            return memory, Signal(measurement, self.name)
        if not measurement.curve:
            raise StateError(f"{measurement.name} has no shares to add up; valid for this chart: shares")
        shares, worth = np.array(measurement.curve), measurement.evidence.size
        effect = max(1.0, float(chosen["design_effect"]), worth.design_effect or 1.0)
        known = worth.n_reference or 0.0
        delta = tolerated(float(chosen["tolerance"]), known, effect)
        side, credit = str(chosen["side"]), measurement.n if chosen["unit"] == "rows" else 1.0
        bets = Bets.against(shares[:, 0], delta, side)
        ranks, ranked_effect = RankBets.none(len(shares)), max(effect, worth.rank_effect or 1.0)
        if worth.rank_effect is not None:
            ranks = RankBets.against(shares[:, 0], float(chosen["tolerance"]), known, ranked_effect, side)
        n, now = measurement.n, shares[:, 1]
        evidence, mean = advance(_held(memory, "evidence", bets.slope.shape), bets, now, n / effect, credit)
        ranked = ranks.advance(_held(memory, "ranks", (RANK_BETS, 1)), now, n / ranked_effect, credit)
        whole = float(Mixture.of(np.array([bets.possible.any()]), ranks).together(mean, ranked)[0])
        needed = log(float(chosen["series"]) * float(chosen["run_length"]))
        moved = float(np.abs(shares[:, 1] - shares[:, 0]).max())
        signal = verdict(measurement, whole, needed, delta, moved)
        if signal.fired:
            return ChartMemory(), signal
        kept = {"evidence": evidence, "ranks": ranked}
        return ChartMemory(arrays={k: tuple(np.round(v.ravel(), 9).tolist()) for k, v in kept.items()}), signal


def _held(memory: ChartMemory, name: str, shape: tuple[int, ...]) -> Grid:
    """Return ln M as it was left; NONE at first, and where it was left before there were such bets."""
    held = memory.arrays.get(name)
    if not held:
        return np.full(shape, NONE)
    found = np.array(held)
    if found.size != np.prod(shape):
        raise StateError("the reference of this series has changed; its evidence cannot be continued")
    return found.reshape(shape)


def verdict(measurement: Measurement, evidence: float, needed: float, delta: float, moved: float) -> Signal:
    """Return the signal of a batch, given ln of the mean M, what it must reach, and by how much a share moved."""
    score = 3 * max(evidence, 0.0) / needed
    if evidence < needed:
        zone = Zone.WITHIN_1 if score <= 1 else Zone.WITHIN_2 if score <= 2 else Zone.WITHIN_3
        return Signal(measurement, EDetector.name, 0.0, zone=zone, score=score)
    basis = Basis(evidence, needed, delta, moved)
    return Signal(
        measurement, EDetector.name, 0.0, zone=Zone.BEYOND, rule="evidence", score=score, fired=True, basis=basis
    )

"""Whether a challenger may answer more requests, take over, or has to go: a test that may be looked at at any time.

On each labelled row d = ℓ(champion) - ℓ(challenger), scaled into [-1, 1]. Three bets are laid (see ``Bet``): that the
challenger is not worse by more than a margin, that it is worse, and that it is slow. What speaks for them is divided by
an upper bound of the design effect of a day's rows, because rows of one day depend on each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from math import log

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.ground import Ground
from watchkeeper.maintain.bets import Bet, ratio_evidence
from watchkeeper.maintain.day_sums import DaySums, day_effect

__all__ = ["PROMOTE", "ROLL_BACK", "Evidence", "Progress", "Seen", "Verdict", "judge_rollout"]

Floats = NDArray[np.float64]

PROMOTE, ROLL_BACK, RATIO = log(20), log(100), log(1_000)
"""What ln E must reach: 1/α of a promotion, of a rollback, and of a share that is not kept."""

_FEWEST, _FEWEST_DISCORDANT = 500, 30
_SEASON = timedelta(days=7)
_SLOW = 0.075
"""The share of requests that may take longer than 95 % of the champion's did."""

_FEWEST_OF_SEGMENT = 200


class Verdict(StrEnum):
    """What follows for a rollout."""

    WAIT = "wait"
    HOLD = "hold"
    ADVANCE = "advance"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    INCONCLUSIVE = "inconclusive"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen since the last look.

    Parameters
    ----------
    gains
        d of each labelled row, shape (n,); where only one version answers d = ℓ·(1{A=0}/(1-π) - 1{A=1}/π).
    days
        Number of the day of each.
    bounds
        The smallest and the largest value that d can have.
    segments
        By segment, whether a row lies in it.
    slow, slow_days
        Of the challenger's requests, whether each took longer than 95 % of the champion's did; and their days.
    chosen, asked
        Requests of this stage that the challenger answered, and all of them.
    """

    gains: Floats
    days: NDArray[np.int64]
    bounds: tuple[float, float] = (-1.0, 1.0)
    segments: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    slow: Floats = field(default_factory=lambda: np.empty(0))
    slow_days: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    chosen: int = 0
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for and against a challenger so far.

    Parameters
    ----------
    better, worse, slow
        The bets that it is not worse by more than the margin, that it is worse, and that it is slow.
    segments
        The bet that it is worse, by segment.
    days, slow_days, days_before, slow_before
        What the design effects come from: d and slow requests by day, and of the days before the rollout.
    discordant
        Rows on which the two differ.
    chosen, asked
        Requests of this stage that it answered, and all of them.
    """

    better: Bet = field(default_factory=Bet)
    worse: Bet = field(default_factory=Bet)
    slow: Bet = field(default_factory=Bet)
    segments: Mapping[str, Bet] = field(default_factory=dict)
    days: DaySums = field(default_factory=DaySums)
    slow_days: DaySums = field(default_factory=DaySums)
    days_before: DaySums = field(default_factory=DaySums)
    slow_before: DaySums = field(default_factory=DaySums)
    discordant: int = 0
    chosen: int = 0
    asked: int = 0

    @property
    def effect(self) -> float | None:
        """The design effect of a day's rows; None where too few days are known."""
        return day_effect(self.days_before, self.days)

    @property
    def gain(self) -> float:
        """The mean of d; 0 without a row."""
        return self.better.total / self.better.n if self.better.n else 0.0

    def after(self, seen: Seen, margin: float) -> Evidence:
        """Return the evidence with what was seen since.

        Parameters
        ----------
        margin
            δ, by how much it may be worse, in units of d.
        """
        low, high = seen.bounds
        bets = dict(self.segments)
        for name, inside in seen.segments.items():
            bets[name] = bets.get(name, Bet()).after(-seen.gains[inside], 0.0, -high)
        return replace(
            self,
            better=self.better.after(seen.gains, -margin, low),
            worse=self.worse.after(-seen.gains, 0.0, -high),
            slow=self.slow.after(seen.slow, _SLOW, 0.0),
            segments=bets,
            days=self.days.after(seen.gains, seen.days),
            slow_days=self.slow_days.after(seen.slow, seen.slow_days),
            discordant=self.discordant + int(np.count_nonzero(seen.gains)),
            chosen=self.chosen + seen.chosen,
            asked=self.asked + seen.asked,
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rollout is.

    Parameters
    ----------
    shares
        Of the stages; the last one is 1.
    stage
        Which one it is in.
    since_start, since_stage
        How long it has lasted, and the stage.
    length, longest, watch
        See ``RolloutRule``.
    """

    shares: tuple[float, ...]
    stage: int
    since_start: timedelta
    since_stage: timedelta
    length: timedelta | None
    longest: timedelta
    watch: timedelta

    @property
    def share(self) -> float:
        """The share of requests that the challenger answers."""
        return self.shares[self.stage]

    @property
    def needed(self) -> float:
        """What ln E must reach for the next step: the steps share the way to the promotion."""
        return PROMOTE * (self.stage + 1) / max(1, len(self.shares) - 1)


def judge_rollout(evidence: Evidence, progress: Progress) -> tuple[Verdict, Ground]:
    """Return what follows from the evidence, and on which ground.

    A rollback needs 1/α = 100, K times that in one of K segments; a promotion 20, at least 500 labelled rows, 30 on
    which the two differ, and a season of seven days. The steps before it need their share of the way.
    """
    effect = evidence.effect
    bad = _harm(evidence, effect)
    if bad is not None:
        return Verdict.ROLL_BACK, bad
    ratio = ratio_evidence(evidence.chosen, evidence.asked, progress.share) if evidence.chosen else 0.0
    if ratio >= RATIO:
        share = evidence.chosen / evidence.asked
        ground = Ground(
            "sample_ratio", value=share, before=progress.share, evidence=ratio, limit=RATIO, n=evidence.asked
        )
        return Verdict.HOLD, ground
    if progress.share >= 1:
        over = progress.since_stage >= progress.watch
        done = replace(_ground("rollout_complete" if over else "rollout_watched", evidence, effect), needed=0)
        return (Verdict.COMPLETE if over else Verdict.WAIT), done
    return _forward(evidence, effect, progress)


def _harm(evidence: Evidence, effect: float | None) -> Ground | None:
    """Return on which ground it has to go; None where there is none."""
    slow_effect = day_effect(evidence.slow_before, evidence.slow_days)
    if slow_effect is not None and evidence.slow.log_evidence / slow_effect >= ROLL_BACK:
        slow, found = evidence.slow, evidence.slow.log_evidence / slow_effect
        return Ground(
            "rollout_slow", value=slow.total / slow.n, before=0.05, evidence=found, effect=slow_effect, limit=ROLL_BACK,
            n=slow.n,
        )  # fmt: skip
    if effect is None:
        return None
    if evidence.worse.log_evidence / effect >= ROLL_BACK:
        found = evidence.worse.log_evidence / effect
        return replace(_ground("rollout_worse", evidence, effect), evidence=found, limit=ROLL_BACK)
    judged = {name: bet for name, bet in evidence.segments.items() if bet.n >= _FEWEST_OF_SEGMENT}
    needed = ROLL_BACK + log(max(1, len(evidence.segments)))
    for name, bet in sorted(judged.items(), key=lambda pair: -pair[1].log_evidence)[:1]:
        if bet.log_evidence / effect >= needed:
            return Ground(
                "rollout_worse", segment=name, value=-bet.total / bet.n, evidence=bet.log_evidence / effect,
                effect=effect, limit=needed, n=bet.n,
            )  # fmt: skip
    return None


def _forward(evidence: Evidence, effect: float | None, progress: Progress) -> tuple[Verdict, Ground]:
    last = progress.stage == len(progress.shares) - 2
    fixed = progress.length is not None and last
    most = (progress.length if fixed else progress.longest) or progress.longest
    over = (progress.since_stage if fixed else progress.since_start) >= most
    if effect is None:
        waits, enough = (
            Ground("rollout_few_days", n=len(evidence.days_before.days) + len(evidence.days.days), needed=3),
            False,
        )
    else:
        found = evidence.better.log_evidence / effect
        waits = replace(_ground("rollout_waits", evidence, effect), evidence=found, limit=progress.needed)
        enough = found >= progress.needed
    if last and enough and _shown(evidence, progress) and (over or not fixed):
        return Verdict.PROMOTE, replace(waits, code="rollout_better")
    if over:
        return Verdict.INCONCLUSIVE, replace(waits, code="rollout_inconclusive")
    if enough and not last:
        return Verdict.ADVANCE, replace(waits, code="rollout_step")
    return Verdict.WAIT, waits


def _shown(evidence: Evidence, progress: Progress) -> bool:
    enough = evidence.better.n >= _FEWEST and evidence.discordant >= _FEWEST_DISCORDANT
    return enough and progress.since_start >= _SEASON


def _ground(code: str, evidence: Evidence, effect: float | None) -> Ground:
    return Ground(code, value=evidence.gain, effect=effect, n=evidence.better.n, needed=_FEWEST)

"""The test of a rollout, by simulation: how often it errs when it is looked at every day, and how soon it sees harm."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from math import inf, lgamma, log

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri

from watchkeeper.maintain.bets import Bet, ratio_evidence
from watchkeeper.maintain.day_sums import DaySums, day_effect
from watchkeeper.maintain.paired import correlation_within, design_effect
from watchkeeper.maintain.rollout_evidence import (
    PROMOTE,
    ROLL_BACK,
    Evidence,
    Progress,
    Seen,
    Verdict,
    judge_rollout,
)

MARGIN, ROWS, BEFORE, LONGEST = 0.01, 200, 14, 28
SHARES = (0.0, 0.05, 0.25, 1.0)
DAY = timedelta(days=1)

Floats = NDArray[np.float64]


def gains(gain: float, days: int, pattern: str, rng: np.random.Generator, rows: int = ROWS) -> Floats:
    """Return d of rows of so many days, 10 % of them discordant, with a mean over the days of ``gain``."""
    effect = np.zeros(days)
    if pattern == "days":
        effect = rng.normal(0, 0.05, days)
    if pattern == "weekly":
        effect = np.tile(np.roll([-0.05, -0.05, 0.02, 0.02, 0.02, 0.02, 0.02], rng.integers(7)), days // 7 + 1)[:days]
    mean = np.repeat(np.clip(gain + effect, -0.15, 0.15), rows)
    discordant = np.maximum(0.1, np.abs(mean))
    u = rng.random(days * rows)
    return np.where(u < (discordant + mean) / 2, 1.0, np.where(u < discordant, -1.0, 0.0))


def rolled_out(gain: float, pattern: str, rng: np.random.Generator, rows: int = ROWS) -> tuple[Verdict, int]:
    """Return how a rollout ends that is judged every day, and after how many labelled rows."""
    d, day = gains(gain, BEFORE + LONGEST, pattern, rng, rows), np.repeat(np.arange(BEFORE + LONGEST), rows)
    evidence = Evidence(days_before=DaySums().after(d[day < BEFORE], day[day < BEFORE]))
    stage = 0
    for number in range(LONGEST):
        own = day == BEFORE + number
        evidence = evidence.after(Seen(d[own], day[own]), MARGIN)
        since = (number + 1) * DAY
        progress = Progress(SHARES, stage, since, since, None, LONGEST * DAY, 7 * DAY)
        verdict, _ = judge_rollout(evidence, progress)
        if verdict is Verdict.ADVANCE:
            stage += 1
        elif verdict is not Verdict.WAIT:
            return verdict, evidence.better.n
    raise AssertionError


@pytest.mark.parametrize("pattern", ["independent", "days", "weekly"])
def test_a_challenger_at_the_boundary_is_seldom_promoted_and_an_equal_one_seldom_rolled_back(pattern: str) -> None:
    rng, runs = np.random.default_rng(13), 100
    boundary = Counter(rolled_out(-MARGIN, pattern, rng)[0] for _ in range(runs))
    equal = Counter(rolled_out(0.0, pattern, rng)[0] for _ in range(runs))
    # Measured over 300 runs: 0 to 1 % promoted, 0 to .3 % rolled back.
    assert boundary[Verdict.PROMOTE] <= 0.05 * runs
    assert equal[Verdict.ROLL_BACK] <= 0.02 * runs


def test_a_challenger_that_is_five_points_worse_is_rolled_back_within_800_rows() -> None:
    """Rows are independent, and one looks after each; 1/α is 100. The design effect is bounded by 14 days before."""
    rng, found = np.random.default_rng(14), []
    for _ in range(60):
        d, day = gains(-0.05, BEFORE + 10, "independent", rng), np.repeat(np.arange(BEFORE + 10), ROWS)
        effect = day_effect(DaySums().after(d[day < BEFORE], day[day < BEFORE]), DaySums())
        assert effect is not None
        path = Bet().path(-d[day >= BEFORE], 0.0, -1.0) / effect
        found.append(int(np.argmax(path >= ROLL_BACK)) + 1 if path.max() >= ROLL_BACK else inf)
    # 600 rows when this was written.
    assert np.median(found) <= 800


def test_a_better_challenger_is_promoted_and_a_peeking_z_test_promotes_bad_ones() -> None:
    rng, runs = np.random.default_rng(15), 100
    better = Counter(rolled_out(0.02, "independent", rng)[0] for _ in range(runs))
    assert better[Verdict.PROMOTE] >= 0.9 * runs
    peeking = 0
    for _ in range(runs):
        d = gains(-MARGIN, LONGEST, "independent", rng)
        n = np.arange(100, len(d) + 1, 100)
        mean = np.cumsum(d)[n - 1] / n
        error = np.sqrt((np.cumsum(d**2)[n - 1] / n - mean**2) / n)
        peeking += bool(np.any(mean + MARGIN > ndtri(0.95) * error))
    # Looked at every hundred rows, a z-test at 5 % promotes a quarter of those that are just too bad.
    assert peeking >= 0.15 * runs


def test_a_bet_is_a_product_and_does_not_depend_on_how_the_rows_arrive() -> None:
    z = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], 90)
    whole, parts = Bet().after(z, -0.01, -1.0), Bet()
    for part in np.array_split(z, 7):
        parts = parts.after(part, -0.01, -1.0)
    assert parts.log_evidence == pytest.approx(whole.log_evidence)
    # By hand: the first stake comes from the prior alone, whose mean is the hypothesis: nothing is staked.
    assert Bet().after(z[:1], -0.01, -1.0).log_evidence == 0.0


def test_bets_on_a_true_mean_seldom_win() -> None:
    """Ville's inequality, over 400 paths of 1,000 rows."""
    rng = np.random.default_rng(2)
    won = sum(Bet().path(rng.choice([-1.0, 1.0], 1_000, p=[0.5, 0.5]), 0.0, -1.0).max() >= PROMOTE for _ in range(400))
    # Bets on a coin come near the bound; three binomial errors are allowed.
    assert won <= 0.05 * 400 + 3 * (400 * 0.05 * 0.95) ** 0.5


def test_the_ratio_is_that_of_a_beta_binomial_to_a_binomial() -> None:
    def ln_beta(a: float, b: float) -> float:
        return lgamma(a) + lgamma(b) - lgamma(a + b)

    by_hand = ln_beta(50 + 70, 950 + 930) - ln_beta(50, 950) - 70 * log(0.05) - 930 * log(0.95)
    assert ratio_evidence(70, 1_000, 0.05) == pytest.approx(by_hand)
    rng = np.random.default_rng(3)
    kept = [max(ratio_evidence(int(s), n, 0.25) for n, s in zip(range(100, 5_001, 100), np.cumsum(
        rng.binomial(100, 0.25, 50)), strict=True)) for _ in range(300)]  # fmt: skip
    assert max(kept) < log(1_000)
    assert ratio_evidence(1_500, 5_000, 0.25) > log(1_000)


def test_day_sums_bound_the_design_effect_as_the_rows_do() -> None:
    rng = np.random.default_rng(4)
    d, day = gains(0.0, 14, "days", rng), np.repeat(np.arange(14), ROWS)
    correlation = correlation_within(d, day, 1)
    assert correlation is not None
    halves = DaySums().after(d[:1_000], day[:1_000]).after(d[1_000:], day[1_000:])
    assert day_effect(halves, DaySums()) == pytest.approx(design_effect(ROWS, correlation))
    assert day_effect(DaySums().after(d[:400], day[:400]), DaySums()) is None
    # What differs for good since something began is no dependence.
    then, since = (DaySums().after(gains(gain, 14, "independent", rng), day) for gain in (0.0, -0.2))
    apart, together = day_effect(then, since), day_effect(DaySums((*then.days, *since.days)), DaySums())
    assert apart is not None
    assert together is not None
    assert apart < 2 < 5 < together


def progress(stage: int, days: float, **given: object) -> Progress:
    values = {"shares": SHARES, "length": None, "longest": LONGEST * DAY, "watch": 7 * DAY, **given}
    return Progress(stage=stage, since_start=days * DAY, since_stage=days * DAY, **values)  # type: ignore[arg-type]


def evidence_of(gain: float, days: int = 10, **given: object) -> Evidence:
    rng = np.random.default_rng(5)
    d, day = gains(gain, days, "independent", rng), np.repeat(np.arange(days), ROWS)
    return Evidence().after(Seen(d, day, **given), MARGIN)  # type: ignore[arg-type]


def test_a_promotion_waits_for_a_season_and_a_rollback_for_nothing() -> None:
    good, bad = evidence_of(0.05), evidence_of(-0.05)
    assert judge_rollout(good, progress(2, 6))[0] is Verdict.WAIT
    assert judge_rollout(good, progress(2, 7))[0] is Verdict.PROMOTE
    assert judge_rollout(bad, progress(0, 1))[0] is Verdict.ROLL_BACK
    few = judge_rollout(evidence_of(0.05, 2), progress(0, 2))
    assert (few[0], few[1].code) == (Verdict.WAIT, "rollout_few_days")


def test_without_a_decision_the_champion_stays_in_the_end() -> None:
    nothing = evidence_of(0.0, 4)
    assert judge_rollout(nothing, progress(1, 27))[0] is Verdict.WAIT
    assert judge_rollout(nothing, progress(1, 28))[0] is Verdict.INCONCLUSIVE


def test_an_ab_test_decides_at_its_end() -> None:
    given = {"shares": (0.5, 1.0), "length": 14 * DAY}
    assert judge_rollout(evidence_of(0.05), progress(0, 13, **given))[0] is Verdict.WAIT
    assert judge_rollout(evidence_of(0.05), progress(0, 14, **given))[0] is Verdict.PROMOTE
    assert judge_rollout(evidence_of(0.0, 4), progress(0, 14, **given))[0] is Verdict.INCONCLUSIVE


def test_after_the_promotion_the_old_champion_is_watched_for_a_week() -> None:
    assert judge_rollout(evidence_of(0.0), progress(3, 6))[0] is Verdict.WAIT
    assert judge_rollout(evidence_of(0.0), progress(3, 7))[0] is Verdict.COMPLETE
    assert judge_rollout(evidence_of(-0.05), progress(3, 6))[0] is Verdict.ROLL_BACK


def test_a_segment_in_which_it_is_worse_rolls_it_back_and_a_share_that_is_not_kept_holds_it() -> None:
    rng = np.random.default_rng(6)
    d, day = gains(0.0, 10, "independent", rng), np.repeat(np.arange(10), ROWS)
    inside = np.arange(len(d)) % 4 == 0
    d[inside] = np.where(rng.random(inside.sum()) < 0.25, -1.0, 0.0)
    d[~inside] = np.where(rng.random((~inside).sum()) < 0.1, 1.0, 0.0)
    verdict, ground = judge_rollout(
        Evidence().after(Seen(d, day, segments={"plan=a": inside, "plan=b": ~inside}), MARGIN), progress(0, 3)
    )
    assert (verdict, ground.segment) == (Verdict.ROLL_BACK, "plan=a")
    held, why = judge_rollout(evidence_of(0.0, chosen=700, asked=10_000), progress(1, 3))
    assert (held, why.code) == (Verdict.HOLD, "sample_ratio")


def test_a_slow_challenger_is_rolled_back() -> None:
    rng = np.random.default_rng(7)
    day = np.repeat(np.arange(10), ROWS)
    for share, wanted in ((0.05, Verdict.WAIT), (0.2, Verdict.ROLL_BACK)):
        slow = (rng.random(len(day)) < share).astype(float)
        found, ground = judge_rollout(evidence_of(0.0, 4, slow=slow, slow_days=day), progress(1, 3))
        assert found is wanted, ground

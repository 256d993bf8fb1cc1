"""The paired differences against scipy, a published example and a count over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from watchkeeper.maintain.paired import (
    auroc_difference,
    correlation_within,
    design_effect,
    mcnemar,
    mean_difference,
    rows_needed,
)


def kernel(label: np.ndarray, score: np.ndarray) -> np.ndarray:
    """DeLong's kernel over all pairs: 1 where the positive scores higher, one half for a tie."""
    positive, negative = score[label == 1][:, None], score[label == 0][None, :]
    return (positive > negative) + 0.5 * (positive == negative)


def test_the_gain_and_its_error_are_those_of_scipys_paired_t_test() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.exponential(size=200), rng.exponential(size=200)
    found = mean_difference(first, second)
    reference = stats.ttest_rel(first, second, alternative="greater")
    assert found.gain == pytest.approx((first - second).mean())
    assert found.gain / found.error == pytest.approx(reference.statistic)


def test_grouped_rows_have_the_p_value_of_a_t_test_over_group_means_when_groups_are_equal() -> None:
    rng = np.random.default_rng(2)
    days = np.repeat(np.arange(12), 50)
    d = rng.normal(0.1, 1, 600) + np.repeat(rng.normal(0, 0.5, 12), 50)
    found = mean_difference(d, np.zeros(600), days)
    reference = stats.ttest_1samp(d.reshape(12, 50).mean(axis=1), 0, alternative="greater")
    assert found.groups == 12
    assert found.p == pytest.approx(reference.pvalue)
    assert found.lower(0.05) == pytest.approx(reference.confidence_interval(0.95).low)


def test_dependence_within_days_widens_the_error_and_one_day_alone_says_nothing() -> None:
    rng = np.random.default_rng(3)
    d = np.repeat(rng.normal(0, 1, 10), 100)
    alone, grouped = (
        mean_difference(d, np.zeros(1000)),
        mean_difference(d, np.zeros(1000), np.repeat(np.arange(10), 100)),
    )
    assert grouped.error == pytest.approx(10 * alone.error, rel=0.1)
    assert mean_difference(d, np.zeros(1000), np.repeat(np.arange(4), 250)).groups == 4
    one = mean_difference(d + 9, np.zeros(1000), np.zeros(1000, int))
    assert (one.p, one.lower(0.05)) == (1.0, -np.inf)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (0, 7), (7, 0), (12, 3), (30, 25), (400, 300)])
def test_mcnemar_is_scipys_exact_binomial_test(b: int, c: int) -> None:
    first = np.concatenate([np.ones(b), np.zeros(c), np.ones(5), np.zeros(5)])
    second = np.concatenate([np.zeros(b), np.ones(c), np.ones(5), np.zeros(5)])
    wanted = stats.binomtest(b, b + c, 0.5, alternative="greater").pvalue if b + c else 1.0
    assert mcnemar(first, second) == pytest.approx(wanted)


@pytest.mark.parametrize("decimals", [1, 6])
def test_the_auroc_difference_is_delongs_over_all_pairs_with_and_without_ties(decimals: int) -> None:
    rng = np.random.default_rng(4)
    label = (rng.random(80) < 0.4).astype(float)
    first = np.round(rng.normal(size=80) + label, decimals)
    second = np.round(rng.normal(size=80) + 1.5 * label, decimals)
    found, champion, challenger = auroc_difference(label, first, second)
    d = kernel(label, second) - kernel(label, first)
    m, n = d.shape
    variance = d.mean(axis=1).var(ddof=1) / m + d.mean(axis=0).var(ddof=1) / n
    assert champion == pytest.approx(roc_auc_score(label, first))
    assert challenger == pytest.approx(roc_auc_score(label, second))
    assert found.gain == pytest.approx(challenger - champion)
    assert found.error == pytest.approx(np.sqrt(variance))


def test_equal_scores_have_no_difference_and_no_error() -> None:
    label = np.array([0.0, 1, 0, 1, 1, 0])
    score = np.array([0.1, 0.9, 0.4, 0.3, 0.8, 0.2])
    found, _, _ = auroc_difference(label, score, score)
    assert (found.gain, found.error, found.p) == (0.0, 0.0, 1.0)


def test_the_auroc_of_one_class_is_unknown_not_zero() -> None:
    found, champion, _ = auroc_difference(np.ones(10), np.arange(10.0), np.arange(10.0))
    assert np.isnan(found.gain)
    assert np.isnan(champion)
    assert found.p == 1.0


def test_the_delong_interval_covers_at_its_level() -> None:
    rng = np.random.default_rng(5)
    below = 0
    for _ in range(400):
        label = (rng.random(300) < 0.5).astype(float)
        shared = rng.normal(size=300) + label
        first, second = (shared + rng.normal(size=300) for _ in range(2))
        below += auroc_difference(label, first, second)[0].lower(0.05) > 0
    # 400 trials at .05 have a standard deviation of .011.
    assert below / 400 == pytest.approx(0.05, abs=0.033)


def test_the_needed_rows_reach_the_power_they_promise() -> None:
    # By hand: (1.6449 + .8416)² · .5² / .02² = 3864.4.
    assert rows_needed(0.5, 0.02) == 3865
    rng = np.random.default_rng(6)
    n = rows_needed(1.0, 0.15)
    shown = [mean_difference(rng.normal(size=n), np.zeros(n)).lower(0.05) > -0.15 for _ in range(400)]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.06)


def test_no_number_of_rows_shows_that_nothing_is_better() -> None:
    assert rows_needed(1.0, 0.0) >= 2**31


def test_the_correlation_within_days_is_the_anova_estimate_widened_by_its_f_quantile() -> None:
    rng = np.random.default_rng(5)
    days = np.repeat(np.arange(20), 50)
    d = rng.normal(size=1000) + np.repeat(rng.normal(0, 0.3, 20), 50)
    f = stats.f_oneway(*d.reshape(20, 50)).statistic / stats.f.ppf(0.1, 19, 980)
    bound = correlation_within(d, days, 1)
    assert bound == pytest.approx((f - 1) / (f + 49))
    assert bound > 0.09 / 1.09
    assert correlation_within(d, days, 7) is not None
    assert correlation_within(d, days, 10) is None


def test_few_days_are_as_uncertain_as_earlier_days_were() -> None:
    rng = np.random.default_rng(6)
    days = np.repeat(np.arange(30), 100)
    d = rng.normal(size=3000) + np.repeat(rng.normal(0, 0.5, 30), 100)
    bound = correlation_within(d[:2700], days[:2700], 3)
    known = mean_difference(d[2700:], np.zeros(300), days[2700:], bound)
    assert bound is not None
    assert known.error == pytest.approx(np.std(d[2700:], ddof=1) * np.sqrt(design_effect(300, bound) / 300), rel=1e-6)
    assert known.error > 3 * mean_difference(d[2700:], np.zeros(300)).error
    assert mean_difference(d[2900:], np.zeros(100), days[2900:], bound).p < 1

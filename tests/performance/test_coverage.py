"""The 95 % intervals hold the truth about 95 times in 100: 400 seeded runs each, whose own error is 1.1 %."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from watchkeeper.stats.blocks import Outcomes

RUNS = 400


def held(truth, make, measure, name):
    found = [measure(name, make(np.random.default_rng(seed))) for seed in range(RUNS)]
    return np.mean([m.interval[0] <= truth <= m.interval[1] for m in found])


def ranked(binary, n, lift, rate=0.3):
    """Scores whose log-odds are normal with means 0 and ``lift``."""

    def make(rng):
        label = (rng.random(n) < rate).astype(np.int64)
        x = rng.normal(size=n) + lift * label
        return binary(label, score=1 / (1 + np.exp(-x)))

    return make


# n = 2,500 is read off bins.
@pytest.mark.parametrize(("n", "lift"), [(120, 0.0), (120, 1.0), (120, 2.5), (400, 1.0), (2_500, 0.5)])
def test_the_interval_of_auroc_covers(n, lift, binary, measure):
    # The area of two normal scores is Φ(lift / √2).
    truth = stats.norm.cdf(lift / 2**0.5)
    assert 0.92 <= held(truth, ranked(binary, n, lift), measure, "auroc") <= 0.98


@pytest.mark.parametrize(("n", "lift"), [(400, 1.0), (400, 2.0), (2_500, 1.0)])
def test_the_interval_of_average_precision_covers(n, lift, binary, measure):
    def integrand(x):
        hits, alarms = 0.3 * stats.norm.sf(x - lift), 0.7 * stats.norm.sf(x)
        return hits / (hits + alarms) * stats.norm.pdf(x - lift)

    truth = integrate.quad(integrand, -8, 8 + lift)[0]
    assert 0.92 <= held(truth, ranked(binary, n, lift), measure, "average_precision") <= 0.98


# Cell probabilities of TP, FP, FN, TN.
@pytest.mark.parametrize("cells", [(0.2, 0.1, 0.1, 0.6), (0.05, 0.02, 0.01, 0.92)])
@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "specificity", "f1"])
def test_the_intervals_of_the_five_ratios_cover(cells, name, binary, measure):
    tp, fp, fn, tn = cells
    truth = {
        "accuracy": tp + tn,
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "specificity": tn / (tn + fp),
        "f1": 2 * tp / (2 * tp + fp + fn),
    }

    def make(rng):
        kind = rng.choice(4, 300, p=cells)
        return binary(np.isin(kind, (0, 2)).astype(int), np.isin(kind, (0, 1)).astype(int))

    assert 0.92 <= held(truth[name], make, measure, name) <= 0.985


def test_the_intervals_of_log_loss_and_brier_score_cover(binary, measure):
    beta = stats.beta(2, 5)

    def make(rng):
        score = beta.rvs(300, random_state=rng)
        return binary((rng.random(300) < score).astype(int), score=score)

    entropy = integrate.quad(lambda s: -(s * np.log(s) + (1 - s) * np.log1p(-s)) * beta.pdf(s), 0, 1)[0]
    brier = integrate.quad(lambda s: s * (1 - s) * beta.pdf(s), 0, 1)[0]
    assert 0.92 <= held(entropy, make, measure, "log_loss") <= 0.98
    assert 0.92 <= held(brier, make, measure, "brier") <= 0.98


@pytest.mark.parametrize("power", [1.0, 1.4])
def test_the_interval_of_the_calibration_error_covers_at_least(power, binary, measure):
    beta, edges = stats.beta(2, 3), np.linspace(0, 1, 16)
    truth = sum(abs(integrate.quad(lambda s: (s - s**power) * beta.pdf(s), a, b)[0]) for a, b in pairwise(edges))

    def make(rng):
        score = beta.rvs(800, random_state=rng)
        return binary((rng.random(800) < score**power).astype(int), score=score)

    assert held(truth, make, measure, "calibration_error") >= 0.94


# y ~ N(10, 2²), p = y + e, e ~ N(0.5, 1): E e² = 1.25, Var y = 4.
@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("mae", 0.5 * (2 * stats.norm.cdf(0.5) - 1) + 2 * stats.norm.pdf(0.5)),
        ("mse", 1.25),
        ("rmse", 1.25**0.5),
        ("r2", 1 - 1.25 / 4),
        ("bias", 0.5),
        ("prediction_mean", 10.5),
        ("prediction_variance", 5.0),
    ],
)
def test_the_intervals_of_regression_cover(name, truth, regression, measure):
    def make(rng):
        label = rng.normal(10, 2, 250)
        return regression(label, label + rng.normal(0.5, 1, 250))

    assert 0.92 <= held(truth, make, measure, name) <= 0.98


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_the_intervals_of_macro_averages_cover(name, state_of, measure):
    cells = np.array([[0.4, 0.05, 0.05], [0.06, 0.2, 0.04], [0.02, 0.03, 0.15]])
    hits, labelled, predicted = np.diag(cells), cells.sum(axis=1), cells.sum(axis=0)
    truth = {"precision": hits / predicted, "recall": hits / labelled, "f1": 2 * hits / (labelled + predicted)}[
        name
    ].mean()

    def make(rng):
        kind = rng.choice(9, 300, p=cells.ravel())
        return state_of(Outcomes(300, kind // 3, kind % 3, None, ("a", "b", "c")))

    assert 0.92 <= held(truth, make, measure, name) <= 0.98


def test_a_near_perfect_score_is_covered_where_delongs_error_vanishes(binary, measure):
    truth = stats.norm.cdf(5 / 2**0.5)
    # Most runs are in perfect order, so the interval can only be too wide.
    assert held(truth, ranked(binary, 60, 5.0, rate=0.5), measure, "auroc") >= 0.95

"""Metrics as functions of arrays: the numbers of scikit-learn, and those of a check."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as theirs

import watchkeeper
from watchkeeper import metrics
from watchkeeper.core.errors import UsageError

RNG = np.random.default_rng(11)
N = 600
P = RNG.beta(1.5, 3, N)
Y = (RNG.random(N) < P).astype(int)
C = (P > 0.4).astype(int)
T = RNG.normal(size=N)
H = T + RNG.normal(0, 0.7, N)
SHARES = RNG.dirichlet(np.ones(3), N)
NAMES = np.array(["a", "b", "c"])
K = NAMES[[RNG.choice(3, p=row) for row in SHARES]]


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (metrics.log_loss(Y, P), theirs.log_loss(Y, P)),
        (metrics.auroc(Y, P), theirs.roc_auc_score(Y, P)),
        (metrics.average_precision(Y, P), theirs.average_precision_score(Y, P)),
        (metrics.brier(Y, P), theirs.brier_score_loss(Y, P)),
        (metrics.accuracy(Y, C), theirs.accuracy_score(Y, C)),
        (metrics.f1(Y, C), theirs.f1_score(Y, C)),
        (metrics.precision(list(Y), list(C)), theirs.precision_score(Y, C)),
        (metrics.recall(pl.Series(Y), pl.Series(C)), theirs.recall_score(Y, C)),
        (metrics.rmse(T, H), theirs.root_mean_squared_error(T, H)),
        (metrics.mae(T, H), theirs.mean_absolute_error(T, H)),
        (metrics.r2(T, H), theirs.r2_score(T, H)),
        (metrics.rmse(Y, P), theirs.root_mean_squared_error(Y, P)),
        (metrics.log_loss(K, SHARES), theirs.log_loss(K, SHARES)),
        (metrics.log_loss(Y, np.c_[1 - P, P]), theirs.log_loss(Y, P)),
        (metrics.f1(K, NAMES[SHARES.argmax(1)]), theirs.f1_score(K, NAMES[SHARES.argmax(1)], average="macro")),
        (metrics.log_loss(Y, 1 - P, positive=0), theirs.log_loss(Y, P)),
        (metrics.jaccard([["a", "b"], ["a"]], [["a"], ["a"]]), 0.75),
    ],
)
def test_a_metric_gives_the_number_of_scikit_learn(ours: float, expected: float) -> None:
    # The expected numbers are scikit-learn's; the last is by hand, the mean of 1/2 and 1.
    assert isinstance(ours, float)
    assert ours == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_metric_gives_the_number_and_the_error_of_a_check() -> None:
    rows = pl.DataFrame({"label": Y, "score": P})
    report = watchkeeper.check(rows, rows, label="label", score="score")
    judged = {m.name: m for m in report.measurements if m.family.value == "metric" and m.segment == "all"}
    for name in ("log_loss", "auroc", "brier", "average_precision", "accuracy"):
        found = getattr(metrics, name).measure(Y, P)
        one = judged[name]
        assert (found.value, found.error, found.interval) == (one.value, one.error, one.interval)


def test_quantiles_and_groups_come_by_name() -> None:
    levels = {0.1: H - 1.0, 0.9: H + 1.0}
    inside = np.mean((H - 1.0 <= T) & (T <= H + 1.0))
    assert metrics.interval_coverage(T, H, quantiles=levels) == pytest.approx(inside)
    # Both groups by hand: DCG over the best DCG, 1 of a perfect order and 0 gain first of the other.
    relevance, order = [1, 0, 0, 1], [0.9, 0.1, 0.8, 0.3]
    assert metrics.ndcg(relevance, order, group=["x", "x", "y", "y"]) == pytest.approx((1 + 1 / np.log2(3)) / 2)


def test_arrays_that_do_not_fit_say_why() -> None:
    with pytest.raises(UsageError, match="600 labels and 599 answers"):
        metrics.log_loss(Y, P[:-1])
    with pytest.raises(UsageError, match="3 columns, and the labels 2 classes"):
        metrics.log_loss(Y, SHARES)
    with pytest.raises(UsageError, match="defined for binary, multiclass"):
        metrics.log_loss(["a"] * 5, ["x"] * 5)
    with pytest.raises(AttributeError, match="did you mean 'log_loss'"):
        metrics.logloss  # noqa: B018
    assert {"log_loss", "rmse"} <= set(dir(metrics))

"""Anomalous rows of real logs: halves at random keep the stated rate, other times do not."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.ensemble import IsolationForest as Forest
from sklearn.neighbors import LocalOutlierFactor as Factor
from threadpoolctl import threadpool_limits

from watchkeeper.compare.conformal_detector import ConformalDetector, half_of
from watchkeeper.compare.isolation_forest import IsolationForest
from watchkeeper.compare.local_outlier_factor import LocalOutlierFactor
from watchkeeper.core.state import State, StateKey
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.piece import fold_joint

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LOGS = {
    "bank_marketing": "bank_marketing/bank_full.parquet",
    "electricity": "electricity/electricity.parquet",
    "credit_default": "uci_credit_default/UCI_Credit_Card.parquet",
    "car_loan": "nannyml_car_loan/synthetic_car_loan_analysis.parquet",
}
DETECTORS = (IsolationForest(), LocalOutlierFactor())

pytestmark = [
    pytest.mark.validation,
    pytest.mark.skipif(not DATA.is_dir(), reason="the shared data sets are not here"),
]


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


@cache
def log(name: str) -> pl.DataFrame:
    return pl.read_parquet(DATA / LOGS[name])


def states(name: str, *sides: pl.DataFrame) -> list[State]:
    schema = infer_schema(log(name).head(50_000))
    return [fold_joint(side, schema, StateKey(), ("large_sample",))[0] for side in sides]


@cache
def halves(name: str, seed: int) -> list[State]:
    frame = log(name)
    order = np.random.default_rng(seed).permutation(frame.height)
    return states(name, frame[order[: frame.height // 2]], frame[order[frame.height // 2 :]])


@pytest.mark.slow
@pytest.mark.parametrize("detector", DETECTORS)
def test_halves_at_random_keep_the_stated_rate(detector):
    found = [detector.compare(*halves(name, seed)).evidence for name in LOGS for seed in range(2)]
    # One half differs from another by a seventh of the rate (a tenth of either side's); eight by a twentieth.
    assert np.mean([one.change.after for one in found]) == pytest.approx(0.01, rel=0.2)
    assert min(one.p_value for one in found) > 0.0005


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("name", ["bank_marketing", "electricity"])
def test_the_last_third_has_many_rows_the_first_does_not_know(detector, name):
    frame = log(name)
    found = detector.compare(*states(name, frame[: frame.height // 3], frame[-(frame.height // 3) :]))
    assert float(found.evidence.change.after) > 0.03
    assert float(found.evidence.p_value) < 1e-12


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("name", LOGS)
def test_rows_are_ranked_as_scikit_learn_ranks_them(detector, name):
    p, q = (side.parts["large_sample"] for side in halves(name, 0))
    judge = ConformalDetector.fitted(detector, p)
    mine = half_of(q.hashes) == 0
    others = half_of(p.hashes) == 1
    fit, asked = (
        judge.features[0].points(
            side.x[rows], side.levels.filter(pl.Series(rows)) if side.levels.width else side.levels
        )
        for side, rows in ((p, others), (q, mine))
    )
    fresh = Forest(random_state=0) if isinstance(detector, IsolationForest) else Factor(20, novelty=True)
    if isinstance(detector, LocalOutlierFactor):
        fit = fit[np.sort(np.unique(fit, axis=0, return_index=True)[1])[:2_000]]
    theirs = -fresh.fit(fit).score_samples(asked)
    assert stats.spearmanr(theirs, judge.scores(q)[mine]).statistic == pytest.approx(1, abs=1e-9)

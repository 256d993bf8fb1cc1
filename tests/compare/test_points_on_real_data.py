"""Features taken together on real logs: halves at random are alike, the first and the last third are not."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.plugins import plugin
from watchkeeper.core.state import State, StateKey
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.piece import fold_joint

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
KEEP = ("covariance", "random_features", "point_sample")
LOGS = {
    "bank_marketing": "bank_marketing/bank_full.parquet",
    "electricity": "electricity/electricity.parquet",
    "credit_default": "uci_credit_default/UCI_Credit_Card.parquet",
    "car_loan": "nannyml_car_loan/synthetic_car_loan_analysis.parquet",
}
TESTS = ("correlation_change", "hotelling_t2", "mean_shift", "mmd", "mmd_test", "domain_classifier")

pytestmark = [
    pytest.mark.validation,
    pytest.mark.skipif(not DATA.is_dir(), reason="the shared data sets are not here"),
]


@cache
def halves(name: str, seed: int) -> tuple[State, State]:
    frame = pl.read_parquet(DATA / LOGS[name])
    order = np.random.default_rng(seed).permutation(frame.height)
    return states(frame, frame[order[: frame.height // 2]], frame[order[frame.height // 2 :]])


def states(whole: pl.DataFrame, *sides: pl.DataFrame) -> tuple[State, State]:
    schema = infer_schema(whole.head(50_000))
    first, second = (fold_joint(side, schema, StateKey(), KEEP)[0] for side in sides)
    return first, second


def measured(name: str, sides: tuple[State, State]) -> Measurement:
    return plugin("comparison", name).compare(*sides)


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("name", TESTS)
def test_halves_at_random_are_alike(log, name):
    p = [float(measured(name, halves(log, seed)).evidence.p_value) for seed in range(2)]
    # 40 p-values in all: one below .0005 has a chance of 2 %. The permutation test cannot say less than .002.
    assert min(p) > (1 / 500 if name == "mmd_test" else 0.0005)


@pytest.mark.parametrize("log", LOGS)
def test_the_last_third_is_not_the_first(log):
    frame = pl.read_parquet(DATA / LOGS[log])
    sides = states(frame, frame[: frame.height // 3], frame[-(frame.height // 3) :])
    found = {name: float(measured(name, sides).evidence.p_value) for name in TESTS}
    assert all(p < 1e-4 for name, p in found.items() if name != "mmd_test"), found
    assert found["mmd_test"] == 1 / 500


def test_the_classifier_names_what_the_campaigns_of_the_bank_were_timed_by():
    frame = pl.read_parquet(DATA / LOGS["bank_marketing"])
    found = measured("domain_classifier", states(frame, frame[:15_000], frame[-15_000:]))
    # The log is in order of time, and the first third was called in May and June 2008 by unknown means.
    assert {"contact", "month"} <= set(str(found.evidence.details["tells"]).split(", "))
    assert found.value > 0.99

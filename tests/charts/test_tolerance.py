"""The window rule keeps its budget, tolerates what is tolerable and finds what is not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from watchkeeper.charts.tolerance import Tolerance
from watchkeeper.core.evidence import Change, Evidence, Quantity, Size
from watchkeeper.core.measurement import Family, Measurement


def distance(value: float, n0: int, n: int) -> Measurement:
    return Measurement(Family.COMPARISON, "ks", value, n, evidence=Evidence(size=Size(n0, n0 * n / (n0 + n))))


def rate(before: int, n0: int, now: int, n: int) -> Measurement:
    upper = stats.binomtest(before, n0).proportion_ci(method="wilson").high
    evidence = Evidence(Change(Quantity.SHARE, before / n0, now / n, upper), Size(n0, n0 * n / (n0 + n)))
    return Measurement(Family.COMPARISON, "null_rate", now / n - before / n0, n, evidence=evidence)


def test_limit_is_the_formula() -> None:
    signal = Tolerance().step(None, distance(0.2, 10_000, 5_000), {"series": 30, "run_length": 100})[1]
    assert signal.upper == pytest.approx(0.05 + math.sqrt(math.log(2 * 30 * 100) / (2 * 10_000 * 5_000 / 15_000)))
    assert signal.fired


def test_a_million_rows_with_half_the_tolerance_stay_silent() -> None:
    rng = np.random.default_rng(30)
    shift = 2 * stats.norm.ppf(0.5 + 0.025 / 2)
    for _ in range(3):
        d = stats.ks_2samp(rng.normal(size=1_000_000), rng.normal(shift, 1, 1_000_000)).statistic
        assert not Tolerance().step(None, distance(float(d), 1_000_000, 1_000_000), {})[1].fired


def test_false_alarms_at_the_edge_of_the_tolerance_keep_the_run_length() -> None:
    """At a true distance of exactly the tolerance and a requested run length of 20, at most 1 in 20 windows signals."""
    rng = np.random.default_rng(31)
    shift = 2 * stats.norm.ppf(0.5 + 0.05 / 2)
    alarms = 0
    for _ in range(600):
        d = stats.ks_2samp(rng.normal(size=4_000), rng.normal(shift, 1, 2_000)).statistic
        alarms += Tolerance().step(None, distance(float(d), 4_000, 2_000), {"run_length": 20})[1].fired
    assert alarms / 600 <= 1 / 20


def test_a_shift_of_half_a_sigma_is_found_in_a_window_of_a_thousand() -> None:
    rng = np.random.default_rng(32)
    found = 0
    for _ in range(100):
        d = stats.ks_2samp(rng.normal(size=20_000), rng.normal(0.5, 1, 1_000)).statistic
        found += Tolerance().step(None, distance(float(d), 20_000, 1_000), {"series": 30})[1].fired
    assert found >= 90


def test_a_small_rate_that_rises_is_found_where_the_distance_bound_is_blind() -> None:
    risen = rate(10, 50_000, 60, 2_000)
    signal = Tolerance().step(None, risen, {"series": 30})[1]
    assert signal.fired
    plain = distance(risen.value or 0.0, 50_000, 2_000)
    assert not Tolerance().step(None, plain, {"series": 30})[1].fired


def test_an_unchanged_small_rate_keeps_the_run_length() -> None:
    rng = np.random.default_rng(33)
    alarms = 0
    for _ in range(2_000):
        counts = rng.binomial(50_000, 0.002), rng.binomial(2_000, 0.002)
        measured = rate(int(counts[0]), 50_000, int(counts[1]), 2_000)
        alarms += Tolerance().step(None, measured, {"run_length": 20})[1].fired
    assert alarms / 2_000 <= 1 / 20

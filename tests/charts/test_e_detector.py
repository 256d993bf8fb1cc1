"""The stream rule is the published formula, keeps its run length and finds what it says it finds."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from watchkeeper.charts.e_detector import EDetector
from watchkeeper.config.chart_options import option_faults
from watchkeeper.core.errors import StateError
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement

GRID = np.arange(1, 128) / 128


def shares(reference, current, n: int, n0: float = 1e9) -> Measurement:
    value = float(np.max(np.abs(np.subtract(current, reference))))
    evidence = Evidence(size=Size(n0, float(n)))
    return Measurement(Family.COMPARISON, "shares", value, n, evidence=evidence).with_curve(reference, current)


def worth(point: Measurement, **sizes: float | None) -> Measurement:
    return replace(point, evidence=replace(point.evidence, size=replace(point.evidence.size, **sizes)))


def rows(u: np.ndarray) -> Measurement:
    """Return rows given as positions in the reference distribution, none without a value."""
    own = np.searchsorted(np.sort(u), GRID, side="right") / len(u)
    point = shares(np.append(GRID, 0.0), np.append(own, 0.0), len(u))
    return worth(point, rank_effect=1.0)


def test_one_batch_is_the_formula():
    """By hand: f = .5, g = .7, δ = .05, n = 10; both directions and three steps, of which .15 upwards is v = .7."""
    u, n = 0.55, 10
    each = []
    for g in (0.7, 0.3):
        for a in (0.03, 0.07, 0.15):
            v = u + a
            each.append(n * math.exp(n * (g * math.log(v / u) + (1 - g) * math.log((1 - v) / (1 - u)))))
    _, signal = EDetector().step(None, shares([0.5], [0.7], n), {"run_length": 1_000.0})
    assert signal.score == pytest.approx(3 * math.log(np.mean(each)) / math.log(1_000))


def test_two_batches_add_up_as_shiryaev_roberts():
    u, n = 0.55, 10
    first, second = [], []
    for g in (0.7, 0.3):
        for a in (0.03, 0.07, 0.15):
            e = math.exp(n * (g * math.log((u + a) / u) + (1 - g) * math.log((1 - u - a) / (1 - u))))
            first.append(n * e)
            second.append((n * e + n) * e)
    memory, _ = EDetector().step(None, shares([0.5], [0.7], n), {"run_length": 1e6})
    _, signal = EDetector().step(memory, shares([0.5], [0.7], n), {"run_length": 1e6})
    assert signal.score == pytest.approx(3 * math.log(np.mean(second)) / math.log(1e6))


def test_the_run_length_at_the_edge_of_the_tolerance_is_at_least_the_one_asked_for():
    """Rows whose distribution differs by exactly the tolerance; 200,000 of them at A = 10,000 allow 20 false alarms."""
    rng = np.random.default_rng(5)
    memory, alarms = None, 0
    for _ in range(4_000):
        u = rng.random(50)
        # Mass .05 is moved from the upper half to the lower: F(.5) rises from .5 to .55.
        u = np.where((u > 0.5) & (rng.random(50) < 0.1), u - 0.5, u)
        memory, signal = EDetector().step(memory, rows(u), {"run_length": 10_000.0})
        alarms += signal.fired
    assert alarms <= 20


def test_thirty_dependent_series_share_one_run_length():
    """The same rows thirty times over are the worst dependence; 100,000 rows at A = 10,000 allow 10 alarms."""
    rng = np.random.default_rng(6)
    memory, alarms = None, 0
    for _ in range(2_000):
        memory, signal = EDetector().step(
            memory, rows(rng.random(50)), {"run_length": 10_000.0, "series": 30.0, "tolerance": 0.0}
        )
        alarms += signal.fired
    assert alarms <= 10


@pytest.mark.parametrize(("shift", "scale", "most"), [(0.5, 1.0, 200), (0.2, 1.0, 700), (0.0, 1.5, 250)])
def test_shifts_are_found_within_the_stated_rows(shift, scale, most):
    """Median over 15 streams at A = 100,000 rows and a tolerance of .006, in batches of ten."""
    rng = np.random.default_rng(7)
    delays = []
    for _ in range(15):
        memory = None
        delays.append(2_000)
        for batch in range(1, 200):
            u = stats.norm.cdf(shift + scale * rng.normal(size=10))
            memory, signal = EDetector().step(memory, rows(u), {"tolerance": 0.006, "run_length": 1e5})
            if signal.fired:
                delays[-1] = 10 * batch
                break
    assert np.median(delays) <= most


def test_a_million_rows_at_two_hundredths_of_a_sigma_stay_silent_at_the_default_tolerance():
    rng = np.random.default_rng(8)
    memory = None
    for _ in range(10):
        memory, signal = EDetector().step(memory, rows(stats.norm.cdf(rng.normal(0.02, 1, 100_000))), {})
        assert not signal.fired


def test_a_small_reference_widens_the_tolerance():
    """1,000 reference rows know their shares to √(ln 200/2,000) = .051; a change by less is no evidence."""
    far = [shares([0.5], [0.54], 1_000, n0) for n0 in (1_000.0, 1e9)]
    scores = [EDetector().step(None, point, {"tolerance": 0.0})[1].score for point in far]
    assert scores[0] < scores[1] / 2


def test_a_design_effect_slows_the_evidence():
    point = shares([0.5], [0.8], 100)
    clustered = worth(point, design_effect=10.0)
    assert EDetector().step(None, point, {})[1].fired
    assert not EDetector().step(None, clustered, {})[1].fired


def test_evidence_starts_anew_after_a_signal():
    memory, signal = EDetector().step(None, shares([0.5], [0.9], 500), {})
    assert signal.fired
    assert not memory.arrays


def test_a_measurement_without_shares_and_a_changed_reference_are_errors():
    plain = Measurement(Family.COMPARISON, "ks", 0.1, 10)
    with pytest.raises(StateError, match="ks has no shares"):
        EDetector().step(None, plain, {})
    memory, _ = EDetector().step(None, shares([0.5], [0.5], 5), {})
    with pytest.raises(StateError, match="reference of this series has changed"):
        EDetector().step(memory, shares([0.2, 0.5], [0.2, 0.5], 5), {})


def test_ranks_that_cluster_more_than_shares_slow_the_evidence_by_ranks():
    u = stats.norm.cdf(np.random.default_rng(9).normal(0.6, 1, 60))
    point = rows(u)
    clustered = worth(point, rank_effect=5.0)
    plain, slowed = (EDetector().step(None, one, {"run_length": 1e8})[1].score for one in (point, clustered))
    unordered = EDetector().step(None, worth(point, rank_effect=None), {"run_length": 1e8})[1]
    assert slowed < plain
    assert slowed == pytest.approx(unordered.score, abs=0.5)


@pytest.mark.parametrize(("name", "word"), [("unit", "row"), ("side", "up")])
def test_a_word_that_means_nothing_is_a_fault_when_the_configuration_is_read(name: str, word: str) -> None:
    assert list(option_faults(EDetector(), {name: word})) == [name]

"""Estimates get the bands that labels ask for, and what no band of use covers is not judged."""

from __future__ import annotations

import numpy as np
import pytest

from watchkeeper.core.alert import Cause
from watchkeeper.core.evidence import Estimation, Evidence, Labels
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Schema, Task
from watchkeeper.core.signal import Zone
from watchkeeper.core.spec import Monitor, Spec
from watchkeeper.performance.between_blocks import BetweenBlocks
from watchkeeper.performance.learned_band import LearnedBand
from watchkeeper.steps.bands import band_key, with_learned_bands
from watchkeeper.steps.judge import JudgeMemory, judge

METRIC, ESTIMATE = Family.METRIC, Family.ESTIMATE


def estimate(value: float, error: float = 0.01, method: str = "multicalibrated") -> Measurement:
    evidence = Evidence(estimate=Estimation(method))
    return Measurement(ESTIMATE, "accuracy", value, 1_000, error, evidence=evidence)


def realised(value: float, *, mature: bool = True) -> Measurement:
    return Measurement(METRIC, "accuracy", value, 1_000, 0.01, evidence=Evidence(labels=Labels(1.0, mature=mature)))


def learned(*realised_values: float, mature: bool = True, learning: bool = False) -> dict[str, LearnedBand]:
    bands: dict[str, LearnedBand] = {}
    for value in realised_values:
        window = [estimate(0.9), realised(value, mature=mature)]
        _, bands = with_learned_bands(window, bands, {}, learning=learning)
    return bands


def test_an_estimate_that_labels_show_to_be_off_is_moved_and_its_band_covers_the_next() -> None:
    rng = np.random.default_rng(0)
    bands = learned(*(0.8 + 0.02 * rng.normal(size=30)))
    (one, came), after = with_learned_bands([estimate(0.9), realised(0.8)], bands, {})
    assert one.value == pytest.approx(0.8, abs=0.02)
    assert one.interval[0] < 0.8 < one.interval[1]
    made = one.evidence.estimate
    assert (made.learned_from, made.needed) == (30, None)
    assert made.shift == pytest.approx(-0.1, abs=0.02)
    assert one.error == pytest.approx(0.01 * made.widened)
    # The band that is shown was there before the label of its window.
    assert after[band_key(came)].windows == 31


def test_nothing_is_learned_from_labels_that_are_to_come_nor_on_the_reference() -> None:
    assert learned(0.8, 0.8, mature=False) == {}
    assert learned(0.8, 0.8, learning=True) == {}


def test_an_estimate_that_rests_on_labels_of_its_window_keeps_its_band() -> None:
    bands = learned(*[0.8] * 20)
    one = estimate(0.85, method="prediction_powered")
    assert with_learned_bands([one, realised(0.8)], bands, {}) == ([one, realised(0.8)], bands)


def test_the_blocks_of_the_reference_are_where_learning_begins() -> None:
    rng = np.random.default_rng(1)
    blocks = tuple((0.03 * r, 0.01**2) for r in rng.normal(size=20).tolist())
    between = BetweenBlocks(20, {"accuracy": 0.0}, residuals={"accuracy": blocks})
    (one,), _ = with_learned_bands([estimate(0.9)], {}, {"all": between})
    assert one.evidence.estimate.learned_from == 20
    assert 1.5 < one.evidence.estimate.widened < 5


def test_where_no_band_of_use_covers_there_is_none_and_nothing_is_judged() -> None:
    rng = np.random.default_rng(2)
    bands = learned(*np.clip(0.5 + 0.4 * rng.normal(size=30), 0, 1))
    (one,), _ = with_learned_bands([estimate(0.2)], bands, {})
    assert (one.error, one.interval) == (None, None)
    assert one.evidence.estimate.needed > 0.25
    monitor = Monitor("accuracy", "shewhart", options={"min_samples": 2.0}, cause=Cause.PERFORMANCE)
    judged = judge([one], Spec("m", Schema((), Task.BINARY), monitors=(monitor,)), JudgeMemory(), None)
    (signal,) = judged.signals
    assert (signal.zone, signal.fired) == (Zone.NOT_JUDGED, False)
    assert judged.watch.charts == {}

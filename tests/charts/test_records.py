"""Charts of operational series: the promise on generated series that are well, and what is seen on others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import log

import numpy as np
import pytest
from numpy.typing import NDArray

from watchkeeper.charts.extremes import Extremes, record_margin
from watchkeeper.charts.records import Records
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window
from watchkeeper.words.signals import rule_in_words

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def signals(values: NDArray[np.float64], every: timedelta = HOUR, **options: float | str) -> list[Signal]:
    memory, found, start = None, [], datetime(2024, 1, 1, tzinfo=UTC)
    for i, value in enumerate(values.tolist()):
        window = Window(start + i * every, start + (i + 1) * every)
        memory, signal = Records().step(memory, Measurement(Family.RUNTIME, "s", value, 1, window=window), options)
        found.append(signal)
    return found


def healthy(kind: str, seed: int, n: int = 1_000) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    hours = np.arange(n)
    day = np.sin(2 * np.pi * hours / 24)
    weekday = (hours // 24) % 7 < 5
    match kind:
        case "normal":
            return rng.normal(10, 1, n)
        case "lognormal":
            return rng.lognormal(0, 1, n)
        case "counts":
            return rng.poisson(4, n).astype(float)
        case "days and weekends":
            return np.exp(day * (0.3 + 0.7 * weekday) + 0.2 * rng.normal(size=n))
        case "bursts":
            return 1 + 0.2 * rng.normal(size=n) + (rng.random(n) < 0.02) * rng.exponential(5, n)
        case "steps":
            return np.repeat(rng.normal(0, 2, n // 100 + 1), 100)[:n] + rng.normal(0, 0.5, n)
        case "dependent":
            x = rng.normal(size=n)
            for i in range(1, n):
                x[i] += 0.9 * x[i - 1]
            return x
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["normal", "lognormal", "counts", "days and weekends", "bursts", "dependent"])
def test_healthy_series_signal_at_most_twice_as_often_as_promised(kind: str) -> None:
    found = [s for seed in range(3) for s in signals(healthy(kind, seed))[60:]]
    assert sum(s.fired for s in found) <= 2 * len(found) / 1_000 + 3 * np.sqrt(2 * len(found) / 1_000)
    assert all(np.isfinite(s.score) for s in found)


def test_levels_that_step_up_and_down_are_told_once_and_not_for_ever() -> None:
    found = [s.fired for seed in range(4) for s in signals(healthy("steps", seed))[60:]]
    assert sum(found) <= 4 * 10


@pytest.mark.parametrize("kind", ["normal", "days and weekends", "dependent", "counts"])
def test_a_rise_that_lasts_is_seen_in_each_series(kind: str) -> None:
    for seed in range(3):
        values = healthy(kind, 10 + seed)[:424]
        values[400:] += 6 * values[:400].std()
        assert any(s.fired for s in signals(values)[400:])


def test_a_point_inside_the_range_that_is_wrong_for_its_hour_is_seen() -> None:
    hours = np.arange(1_000)
    values = 10 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(3).normal(0, 0.3, 1_000)
    values[900] = -values[900 - 3]
    assert abs(values[900]) < np.abs(values[:900]).max()
    seen = signals(values)[900]
    assert (seen.fired, seen.basis.part if seen.basis else "") == (True, "season")
    assert rule_in_words(seen).startswith("the distance from what is usual at this time is ")


def test_a_series_that_stands_still_is_seen_by_its_spread() -> None:
    values = np.random.default_rng(4).normal(0, 1, 400)
    values[350:] = values[349]
    found = signals(values)
    stuck = [s for s in found if s.fired and s.basis and s.basis.part == "spread"]
    assert stuck[0].rule == "record_low"
    assert [s for s in found[:350] if s.fired and s.basis.part == "spread"] == []


def test_a_constant_series_is_silent_and_its_first_change_signals_with_a_finite_score() -> None:
    found = signals(np.array([5.0] * 200 + [5.1] + [5.0] * 20), DAY)
    assert [i for i, s in enumerate(found) if s.fired] == [200]
    assert np.isfinite(found[200].score)


def test_gaps_and_points_without_a_window_are_judged() -> None:
    rng, chart, memory, fired = np.random.default_rng(5), Records(), None, []
    for value in [*rng.normal(0, 1, 300).tolist(), 40.0]:
        memory, signal = chart.step(memory, Measurement(Family.RUNTIME, "s", value, 1), {})
        fired.append(signal.fired)
    assert (sum(fired[:-1]) <= 2, fired[-1]) == (True, True)


def test_one_side_can_be_watched_alone() -> None:
    values = np.random.default_rng(6).normal(0, 1, 400)
    values[300], values[350] = 30, -30
    assert [i for i, s in enumerate(signals(values, DAY, side="upper")) if s.fired] == [300]
    assert [i for i, s in enumerate(signals(values, DAY, side="lower")) if s.fired] == [350]


def test_extremes_are_those_of_the_last_points() -> None:
    rng = np.random.default_rng(7)
    values, extremes = rng.normal(size=500), Extremes()
    for value in values.tolist():
        extremes = extremes.after(value, 80)
    # Whole blocks of ten are forgotten: between 70 and 80 points are remembered.
    assert extremes.high == values[-80:].max()
    assert extremes.low == values[-80:].min()
    assert extremes.count == 80


def test_an_exponential_tail_exceeds_the_margin_as_often_as_stated() -> None:
    """Rényi: the next of t values is a record with probability 1/t; beyond the share m, with t⁻¹⁻ᵐ to first order."""
    rng, t, per_side = np.random.default_rng(8), 200, 2_000.0
    margin = record_margin(t, 1, per_side)
    assert margin == pytest.approx(log(10) / log(200))
    values = rng.exponential(size=(40_000, t + 1))
    share = float((values[:, -1] > (1 + margin) * values[:, :-1].max(1)).mean())
    assert share == pytest.approx(1 / per_side, rel=0.5)

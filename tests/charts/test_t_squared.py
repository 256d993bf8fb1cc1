"""Several metrics together."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from tests.charts.points import point, run
from watchkeeper.charts.mewma import Mewma
from watchkeeper.charts.t_squared import TSquared, joined
from watchkeeper.core.errors import StateError, UsageError
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.words.signals import rule_in_words


def together(values: list[float], error: float = 0.0) -> Measurement:
    return joined([replace(point(v, error), name=f"metric{j}") for j, v in enumerate(values)])


def series(rng: np.random.Generator, n: int, rho: float = 0.9) -> list[list[float]]:
    x = rng.standard_normal((n, 2))
    x[:, 1] = rho * x[:, 0] + sqrt(1 - rho**2) * x[:, 1]
    return x.tolist()


def test_the_statistic_and_its_limit_are_hotellings() -> None:
    """Mean, covariance and F quantile by numpy and scipy, on phase I without points to trim."""
    first = np.clip(np.array(series(np.random.default_rng(90), 50)), -2.0, 2.0)
    options = {"min_samples": 50.0, "phase_one": 50.0, "run_length": 200.0}
    memory, _ = run(TSquared(), None, [together(v) for v in first.tolist()], options)
    _, signals = run(TSquared(), memory, [together([1.0, -1.0])], options)
    away = np.array([1.0, -1.0]) - first.mean(0)
    assert signals[0].measurement.value == pytest.approx(away @ np.linalg.inv(np.cov(first.T)) @ away)
    limit = 2 * 51 * 49 / (50 * 48) * stats.f.ppf(1 - 1 / 200, 2, 48)
    assert signals[0].upper == pytest.approx(limit)
    assert signals[0].fired
    assert signals[0].rule == "t_squared"
    assert "metric" in rule_in_words(signals[0])


@pytest.mark.parametrize("chart", [TSquared(), Mewma()], ids=lambda c: c.name)
def test_false_alarms_are_rare_from_a_short_phase_one_on(chart: TSquared) -> None:
    rng, episodes, windows = np.random.default_rng(91), 0, 0
    for _ in range(12):
        _, signals = run(chart, None, [together(v) for v in series(rng, 180)], {"run_length": 370.4})
        fired = [s.fired for s in signals]
        episodes += sum(b and not a for a, b in zip([False, *fired], fired, strict=False))
        windows += 150
    assert episodes / windows <= 0.005


def test_metrics_that_part_are_found_though_each_is_within_its_limits() -> None:
    """At a correlation of .9, +2 and -2 sigma together have T² = 8/(1 - .9) = 80."""
    rng = np.random.default_rng(92)
    memory, _ = run(TSquared(), None, [together(v) for v in series(rng, 100)])
    parted, moved = (TSquared().step(memory, together(v), {})[1] for v in ([2.0, -2.0], [2.0, 2.0]))
    assert parted.fired
    assert not moved.fired
    assert parted.measurement.value == pytest.approx(80, rel=0.4)


def test_a_small_lasting_shift_is_found_by_the_moving_average_first() -> None:
    rng, delays = np.random.default_rng(93), {"t_squared": [], "mewma": []}
    for _ in range(8):
        memory = {c.name: run(c, None, [together(v) for v in series(rng, 100, 0.0)])[0] for c in (TSquared(), Mewma())}
        shifted = [together([a + 1.0, b]) for a, b in series(rng, 120, 0.0)]
        for chart in (TSquared(), Mewma()):
            _, signals = run(chart, memory[chart.name], shifted)
            delays[chart.name].append(next((n for n, s in enumerate(signals, 1) if s.fired), 120))
    assert np.mean(delays["mewma"]) < 25 < np.mean(delays["t_squared"])


def test_a_metric_without_a_number_leaves_the_whole_without_data() -> None:
    whole = joined([point(0.1), replace(point(0.2), name="auroc", value=None, status=Status.NO_DATA, reason="late")])
    assert whole.status is Status.NO_DATA
    assert "auroc" in whole.reason
    memory, _ = run(TSquared(), None, [together(v) for v in series(np.random.default_rng(94), 40)])
    assert TSquared().step(memory, whole, {})[0] == memory


def test_what_cannot_be_joined_is_refused() -> None:
    with pytest.raises(UsageError, match="2 measurements of 1 series"):
        joined([point(0.1), point(0.2)])
    memory, _ = run(TSquared(), None, [together(v) for v in series(np.random.default_rng(95), 40)])
    with pytest.raises(StateError, match="3 metrics are joined"):
        TSquared().step(memory, together([0.0, 0.0, 0.0]), {})

"""Series of an accuracy that nothing is wrong with, each with one of the difficulties of real metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.charts.chart import Chart
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Zone
from watchkeeper.core.window import Window
from watchkeeper.stats.intervals import proportion_error

__all__ = ["SITUATIONS", "Tally", "delays", "judged", "low_weekday"]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Options = Mapping[str, float | str]

_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Tally:
    """Counts over simulated series.

    Attributes
    ----------
    windows
        Windows that were judged.
    signals
        Windows that signalled.
    alarms
        Signals not preceded by a signal.
    alerts
        Times that 2 of 3 windows signalled and did not before: what a person is told.
    """

    windows: int
    signals: int
    alarms: int
    alerts: int


def _equal(_: np.random.Generator, count: int) -> tuple[Floats, Counts]:
    return np.full(count, 0.9), np.full(count, 2_000)


def _unequal(rng: np.random.Generator, count: int) -> tuple[Floats, Counts]:
    return np.full(count, 0.9), rng.choice([50, 200, 1_000, 20_000], count)


def _between(rng: np.random.Generator, count: int) -> tuple[Floats, Counts]:
    return 0.9 + rng.normal(0, 0.01, count), np.full(count, 2_000)


def _large(rng: np.random.Generator, count: int) -> tuple[Floats, Counts]:
    return 0.9 + rng.normal(0, 0.005, count), np.full(count, 20_000)


def _weekday(_: np.random.Generator, count: int) -> tuple[Floats, Counts]:
    return 0.9 - 0.03 * (np.arange(count) % 7 >= 5), np.full(count, 2_000)


def _dependent(rng: np.random.Generator, count: int) -> tuple[Floats, Counts]:
    shocks = rng.normal(0, sqrt(1 - 0.4**2), count)
    x = [float(rng.normal())]
    for shock in shocks[1:].tolist():
        x.append(0.4 * x[-1] + shock)
    return 0.9 + 0.01 * np.array(x), np.full(count, 20_000)


SITUATIONS: dict[str, tuple[Callable[[np.random.Generator, int], tuple[Floats, Counts]], int]] = {
    "2,000 rows a window": (_equal, 300),
    "50 to 20,000 rows a window": (_unequal, 300),
    "varies between windows": (_between, 300),
    "varies, 20,000 rows a window": (_large, 300),
    "weekends are lower": (_weekday, 300),
    "AR(1), φ = .4": (_dependent, 300),
    "the first 60 windows": (_equal, 60),
}
"""What varies, and the windows of one series."""


def _points(shares: Floats, sizes: Counts, rng: np.random.Generator) -> list[Measurement]:
    found = []
    for day, (share, size) in enumerate(zip(shares.tolist(), sizes.tolist(), strict=True)):
        hits = int(rng.binomial(size, min(max(share, 0.0), 1.0)))
        window = Window(_MONDAY + day * _DAY, _MONDAY + (day + 1) * _DAY)
        error = proportion_error(hits, size)
        found.append(Measurement(Family.METRIC, "accuracy", hits / size, size, error=error, window=window))
    return found


def judged(chart: Chart, options: Options, situation: str, series: int, seed: int = 0) -> Tally:
    """Count the false alarms of a chart from its first judged window on, phase I included."""
    draw, count = SITUATIONS[situation]
    rng = np.random.default_rng([seed, list(SITUATIONS).index(situation)])
    windows = signals = alarms = alerts = 0
    for _ in range(series):
        memory, fired = None, [False]
        for point in _points(*draw(rng, count), rng):
            memory, signal = chart.step(memory, point, options)
            fired.append(signal.fired)
            windows += signal.zone not in (Zone.LEARNING, Zone.NOT_JUDGED)
        signals += sum(fired)
        alarms += sum(now and not before for before, now in pairwise(fired))
        alerts += sum(now and not before for before, now in pairwise(_persistent(fired)))
    return Tally(windows, signals, alarms, alerts)


def _persistent(fired: Sequence[bool]) -> list[bool]:
    """Return whether 2 of the last 3 windows signalled, after each window."""
    return [sum(fired[max(0, end - 3) : end]) >= 2 for end in range(1, len(fired) + 1)]


def delays(
    chart: Chart, options: Options, situation: str, shift: float, series: int, learned: int = 60, seed: int = 0
) -> tuple[float, float]:
    """Return the median number of windows until a lasting fall signals, and until 2 of 3 windows have.

    Parameters
    ----------
    shift
        The fall, in standard deviations of a window.
    learned
        Windows before it. A series without a signal in the 200 after it counts as 201.
    """
    draw, _ = SITUATIONS[situation]
    rng = np.random.default_rng([seed, 98, list(SITUATIONS).index(situation)])
    usual, sizes = draw(rng, 20_000)
    sigma = sqrt(float(usual.var() + (usual * (1 - usual) / sizes).mean()))
    found: list[tuple[int, int]] = []
    for _ in range(series):
        shares, sizes = draw(rng, learned + 200)
        shares[learned:] -= shift * sigma
        memory, fired = None, []
        for point in _points(shares, sizes, rng):
            memory, signal = chart.step(memory, point, options)
            fired.append(signal.fired)
            if len(fired) > learned and sum(fired[max(learned, len(fired) - 3) :]) >= 2:
                break
        after = fired[learned:]
        found.append((after.index(True) + 1 if True in after else 201, len(after) + (sum(after[-3:]) < 2)))
    signal_after, alert_after = np.median(np.array(found, float), axis=0).tolist()
    return signal_after, alert_after


def low_weekday(chart: Chart, options: Options, series: int, weeks: int = 16, seed: int = 0) -> float:
    """Return how often a rise by 4 sigma on a Sunday, which is lower than weekdays by 4.5 sigma, is seen."""
    rng, seen = np.random.default_rng([seed, 99]), 0
    for _ in range(series):
        shares, sizes = _weekday(rng, 7 * weeks)
        shares[-1] += 4 * sqrt(shares[-1] * (1 - shares[-1]) / sizes[-1])
        memory, fired = None, False
        for point in _points(shares, sizes, rng):
            memory, signal = chart.step(memory, point, options)
            fired = signal.fired
        seen += fired
    return seen / series

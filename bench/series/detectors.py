"""The detectors that are compared: whether each point signals, and how far out it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.plugins import plugin
from watchkeeper.core.window import Window

__all__ = ["adwin", "chart_signals", "half_space_trees", "windowed_gaussian"]

Floats = NDArray[np.float64]
_WIDTH = 6_400


def chart_signals(name: str, times: NDArray[Any], values: Floats) -> NDArray[np.bool_]:
    """Return where a chart with its defaults signals."""
    chart, memory = plugin("chart", name), None
    seconds = times.astype("datetime64[s]").astype(np.int64)
    length = timedelta(seconds=int(np.median(np.diff(seconds))))
    fired = np.zeros(len(values), bool)
    for i, (second, value) in enumerate(zip(seconds.tolist(), values.tolist(), strict=True)):
        start = datetime.fromtimestamp(second, UTC)
        point = Measurement(Family.RUNTIME, "series", value, 1, window=Window(start, start + length))
        memory, signal = chart.step(memory, point, {})
        fired[i] = signal.fired
    return fired


def windowed_gaussian(_: NDArray[Any], values: Floats) -> Floats:
    """Return 1 - the upper tail of |z| by mean and deviation of the last 6,400 points, as the benchmark has it."""
    sums, squares = np.cumsum(np.r_[0, values]), np.cumsum(np.r_[0, values**2])
    scores = np.zeros(len(values))
    for i in range(1, len(values)):
        first = max(0, i - _WIDTH)
        n = i - first
        mean = (sums[i] - sums[first]) / n
        deviation = np.sqrt(max((squares[i] - squares[first]) / n - mean**2, 1e-12))
        scores[i] = 1 - norm.sf(abs(values[i] - mean) / deviation)
    return scores


def half_space_trees(times: NDArray[Any], values: Floats) -> Floats:
    """Return river's scores by half-space trees of the point and its hour, scaled by what came before."""
    from river.anomaly import HalfSpaceTrees
    from river.preprocessing import MinMaxScaler

    hours = times.astype("datetime64[h]").astype(np.int64) % 24
    scaler, trees = MinMaxScaler(), HalfSpaceTrees(seed=1, window_size=250)
    scores = np.zeros(len(values))
    for i, (value, hour) in enumerate(zip(values.tolist(), hours.tolist(), strict=True)):
        row = {"value": value, "hour": float(hour)}
        scaler.learn_one(row)
        scaled = scaler.transform_one(row)
        scores[i] = trees.score_one(scaled)
        trees.learn_one(scaled)
    return scores


def adwin(_: NDArray[Any], values: Floats) -> Floats:
    """Return 1 where river's ADWIN sees a change with its defaults."""
    from river.drift import ADWIN

    detector, found = ADWIN(), np.zeros(len(values))
    for i, value in enumerate(values.tolist()):
        detector.update(value)
        found[i] = float(detector.drift_detected)
    return found

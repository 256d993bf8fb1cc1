"""What a chart expects of the next point of a series, and how it learns that from the points before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf, isfinite, nan, sqrt
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from watchkeeper.charts.chart import SIDES, ChartMemory, Choices, Options
from watchkeeper.charts.level import (
    AUTOCORRELATION,
    BETWEEN,
    SAMPLING,
    Level,
    Points,
    deviation,
    fitted,
    sampling_errors,
)
from watchkeeper.charts.phase_one import TRIM
from watchkeeper.charts.phases import REBASE, begun
from watchkeeper.charts.season import SEASONS, weeks
from watchkeeper.core.measurement import Measurement

__all__ = ["ADDING", "CHOICES", "LEARNING", "Expected", "expected", "is_learning", "learned", "level_of"]

LEARNING: Options = MappingProxyType({
    "min_samples": 30.0, "phase_one": 100.0, "trim": TRIM, "between": "additive", "sampling": "auto", "season": "auto",
    "autocorrelation": "auto", "exact": 1.0, "min_rows": 0.0, "rebase": "none", "confirm": 8.0,
})  # fmt: skip
"""Options of every chart that learns the level of its series."""

CHOICES: Choices = MappingProxyType({
    "between": BETWEEN, "sampling": SAMPLING, "season": (*SEASONS, "auto"), "autocorrelation": AUTOCORRELATION,
    "rebase": REBASE, "side": SIDES,
})  # fmt: skip
"""The words that are valid for them, and for the side."""

ADDING: Options = MappingProxyType({**LEARNING, "autocorrelation": "always"})
"""Those of charts that add points up, which cannot afford a dependence that was overlooked."""

_WEEKS = 8.0
_MOST = 2_000
_OFTEN = 5
"""Points from one estimate of the level to the next."""

_FARTHEST = 8.0
"""Normal scores are cut here: nothing beyond it says more, and no single point may outweigh all others."""

_NO_START = -1e15
"""The start of a window without a time, in lists of numbers, which hold no NaN."""

_RUN = 3
"""Signals in a row from which they are no weekend."""

_FIRST_WORDS = {
    "season": ("none", "weekday", "hour", "weekday_hour"),
    "sampling": ("auto", "own", "binomial", "poisson"),
}
"""What the numbers mean that memories of version 0.1.0 hold in the place of these words."""

_PHASE_ONE = ("starts", "sizes", "beyond")
"""Lists with one number for each point of phase I."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The distribution of the next point while nothing is wrong.

    Parameters
    ----------
    centre
        Its mean: level, season and what the point before says.
    sigma
        Its standard deviation about the true mean.
    doubt
        Variance of the centre as an estimate, over sigma².
    degrees
        Degrees of freedom of sigma; infinite where it is known.
    z
        (value - centre)/sigma.
    level
        (value - level)/√(s² + τ²), without what the point before says.
    """

    centre: float
    sigma: float
    doubt: float
    degrees: float
    z: float
    level: float

    @property
    def wide(self) -> float:
        """Standard deviation of the point about the estimated centre."""
        return self.sigma * sqrt(1 + self.doubt)

    def factor(self, k: float) -> float:
        """Return Student's quantile of the probability that a normal quantile of k has."""
        return k if self.degrees == inf else float(-stdtrit(self.degrees, float(ndtr(-k))))

    def score(self) -> float:
        """Return the normal score of the point: standard normal where centre and sigma come from other points."""
        if not isfinite(self.z):
            return float(np.clip(self.z, -_FARTHEST, _FARTHEST))
        scaled = self.z / sqrt(1 + self.doubt)
        tail = float(ndtri(stdtr(self.degrees, -abs(scaled)))) if self.degrees != inf else -abs(scaled)
        return float(np.clip(-tail if scaled > 0 else tail, -_FARTHEST, _FARTHEST))

    def value_at(self, score: float) -> float | None:
        """Return the value whose normal score is ``score``; None beyond the scores that are told apart."""
        if abs(score) >= _FARTHEST:
            return None
        away = self.factor(abs(score)) * self.wide
        return self.centre + (away if score > 0 else -away)


def level_of(memory: ChartMemory) -> Level | None:
    """Return the level that a chart has learned, None before ``min_samples`` points."""
    numbers = memory.numbers
    if "centre" not in numbers:
        return None
    return Level(
        numbers["centre"], numbers["between"], numbers["used"], numbers.get("doubt", -1.0),
        _word(memory, "season"), memory.arrays.get("cells", ()), memory.arrays.get("doubts", ()),
        numbers.get("phi", 0.0), numbers.get("spread", 1.0), _word(memory, "sampling"),
    )  # fmt: skip


def _word(memory: ChartMemory, name: str) -> str:
    return memory.words.get(name) or _FIRST_WORDS[name][int(memory.numbers.get(name, 0.0))]


def is_learning(memory: ChartMemory) -> bool:
    """Return whether the level may still change."""
    return "centre" not in memory.numbers or bool(memory.numbers.get("learning"))


def expected(memory: ChartMemory, measurement: Measurement, chosen: Options) -> Expected | None:
    """Return what is expected of a point; None where there is no level yet, or the point lacks the error others have.

    Parameters
    ----------
    measurement
        With a value.
    """
    level, value = level_of(memory), measurement.value
    if level is None or value is None:
        return None
    if level.sampling in ("auto", "own") and measurement.error is None and not _plain(memory):
        return None
    start, _ = _times(measurement)
    centre, doubt = level.at(start)
    error = float(sampling_errors(centre, _one(measurement), level.sampling)[0])
    sigma = deviation(level, error)
    if doubt < 0:
        doubt = sigma**2 / level.used if level.used >= 2 else 0.0
    alone = _over(value - centre, sigma)
    last = memory.numbers.get("last", 0.0) if _adjacent(memory, start) else 0.0
    phi = level.phi if "last" in memory.numbers and _adjacent(memory, start) else 0.0
    mean, sigma = centre + phi * last * sigma, sigma * sqrt(1 - phi**2)
    if not float(chosen.get("exact", 1.0)) or level.used < 2:
        return Expected(mean, sigma, 0.0, inf, _over(value - mean, sigma), alone)
    share = doubt * (1 - phi) ** 2 / sigma**2 if sigma > 0 else 0.0
    return Expected(mean, sigma, share, level.degrees, _over(value - mean, sigma), alone)


def learned(
    memory: ChartMemory, measurement: Measurement, chosen: Options, found: Expected | None, *, fired: bool = False
) -> ChartMemory:
    """Return the memory after a point: learned from while the level is not fixed, unless it signalled.

    As long as a season may yet be found, a point that is far out by itself is kept, though it signalled: a low Sunday
    looks like an outlier until there are enough of them, and what is one is trimmed. Where there is no season, three or
    more in a row do not count, so that a lasting change does not become the level by being there for long.
    """
    numbers, arrays, words = dict(memory.numbers), dict(memory.arrays), memory.words
    if found is not None and isfinite(found.level):
        numbers["last"] = float(np.clip(found.level, -TRIM, TRIM))
        if measurement.window is not None:
            numbers["end"] = measurement.window.end.timestamp()
    start, length = _times(measurement)
    seasonal = str(chosen["season"]) != "none" and _word(memory, "season") == "none" and 0 < length <= 86_400
    alone = found is not None and seasonal and abs(found.z) > TRIM
    if not is_learning(memory) or (fired and not alone) or measurement.value is None:
        return replace(memory, numbers=numbers, arrays=arrays)
    points = (*memory.points, (measurement.value, measurement.error or 0.0))
    arrays["starts"] = (*memory.arrays.get("starts", ()), start if isfinite(start) else _NO_START)
    arrays["sizes"] = (*memory.arrays.get("sizes", ()), float(measurement.n))
    before = memory.arrays.get("beyond", (0.0,) * len(memory.points))
    arrays["beyond"] = (*before, float(fired))
    phases = begun(memory, measurement)
    count, least = len(points), max(int(float(chosen["min_samples"])), 1)
    if count < least:
        return ChartMemory(numbers, points, arrays, phases, words)
    if count == least or count % _OFTEN == 0 or _complete(points, arrays, length, chosen):
        level = _fitted(_points(points, arrays, length), np.array(arrays["beyond"]) > 0, chosen)
        numbers |= {
            "centre": level.centre, "between": level.between, "used": float(level.used), "doubt": level.doubt,
            "phi": level.phi, "spread": level.spread,
        }  # fmt: skip
        words = {**words, "season": level.season, "sampling": level.sampling}
        arrays |= {"cells": level.cells, "doubts": level.doubts}
    if not _complete(points, arrays, length, chosen):
        return ChartMemory({**numbers, "learning": 1.0}, points, arrays, phases, words)
    numbers.pop("learning", None)
    numbers["plain"] = float(not any(error for _, error in points))
    return ChartMemory(numbers, (), {k: v for k, v in arrays.items() if k not in _PHASE_ONE}, phases, words)


def _fitted(points: Points, beyond: NDArray[np.bool_], chosen: Options) -> Level:
    """Return the level with a season, if there is one, else that of the points outside long runs of signals."""
    level, lasting = fitted(points, chosen), _lasting(beyond)
    if level.season != "none" or not lasting.any():
        return level
    k, p = ~lasting, points
    return fitted(Points(p.values[k], p.errors[k], p.sizes[k], p.starts[k], p.length), chosen)


def _lasting(beyond: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which points lie in a run of at least ``_RUN`` signals, or in one of which the end is not known yet."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], beyond, [False]])))
    found = np.zeros(len(beyond), bool)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        found[start:end] = end - start >= _RUN or end == len(beyond)
    return found


def _complete(points: tuple[tuple[float, float], ...], arrays: Mapping[str, tuple[float, ...]], length: float,
              chosen: Options) -> bool:  # fmt: skip
    """Return whether phase I is long enough: ``phase_one`` points, and eight weeks where a season is looked for."""
    count = len(points)
    if count < max(float(chosen["phase_one"]), float(chosen["min_samples"])):
        return False
    starts = arrays["starts"]
    if chosen["season"] == "none" or _NO_START in starts or length > 86_400 or count >= _MOST:
        return True
    return weeks(starts) + length / 604_800 >= _WEEKS


def _points(points: tuple[tuple[float, float], ...], arrays: Mapping[str, tuple[float, ...]], length: float) -> Points:
    pairs = np.array(points, float)
    starts = np.array(arrays["starts"])
    return Points(
        pairs[:, 0], pairs[:, 1], np.array(arrays["sizes"]), np.where(starts == _NO_START, nan, starts), length
    )


def _one(measurement: Measurement) -> Points:
    value, error, size = (np.array([x], float) for x in (measurement.value, measurement.error or 0.0, measurement.n))
    return Points(value, error, size, np.array([nan]))


def _times(measurement: Measurement) -> tuple[float, float]:
    """Return the start of the window and its length in seconds; NaN and 0 without a window."""
    window = measurement.window
    return (window.start.timestamp(), (window.end - window.start).total_seconds()) if window else (nan, 0.0)


def _adjacent(memory: ChartMemory, start: float) -> bool:
    """Return whether the window before is the one that was judged last; as far as windows have no time, it is."""
    return not isfinite(start) or memory.numbers.get("end", start) == start


def _plain(memory: ChartMemory) -> bool:
    """Return whether no point of phase I has a sampling error."""
    if memory.points:
        return not any(error for _, error in memory.points)
    return bool(memory.numbers.get("plain"))


def _over(distance: float, sigma: float) -> float:
    if sigma > 0:
        return distance / sigma
    return 0.0 if distance == 0 else inf if distance > 0 else -inf

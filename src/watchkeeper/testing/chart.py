"""What every chart must obey."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstwobign, poisson

from watchkeeper.charts.chart import Chart, ChartMemory, Options, Patient, Unitless
from watchkeeper.core.departure import Departure
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.signal import Signal, Zone

__all__ = ["check_chart"]

_SIZE = Size(1_000, 500.0)
_GRID = np.arange(1, 64) / 64
_BATCH, _BATCHES, _STREAMS = 50, 200, 20
_RUN_LENGTH, _SERIES, _WINDOWS, _SOON = 50.0, 4, 120, 30
_UNIT = 1_024.0
_HOLE = Status.NO_DATA
_UNIFORM = 12**-0.5
"""Standard deviation of uniform rows."""


def check_chart(chart: Chart, seed: int = 0) -> None:
    """Assert that a chart obeys its contract.

    Checked: the protocol; a signal that fired says by which rule, a code in snake_case, and lies beyond the limits, and
    no other does; a steady series never signals on a constant; a gross change does, at once or within as many
    points as the chart states in ``patience``; windows without data or that failed neither signal nor move the memory
    and are never inside the limits, and a series with such windows anywhere is judged as one without; the memory
    survives being stored as JSON in mid-stream; the same series gives the same signals twice.

    A chart that learns the level of its series (it has an option ``min_samples``) must judge a series in another unit
    alike, unless it says ``has_unit = False`` because it takes shares only; one with an option ``run_length`` must keep
    it on simulated normal points, where points that signal in a row count once, and see a shift of four standard
    deviations.

    A chart with an option ``run_length`` promises a false-alarm rate; one without promises none and is asked for none.
    That of a chart with a ``tolerance`` that learns no level is held to on 20 simulated streams of uniform rows: at a
    run length of a quarter of the rows seen in all no more signals than that allows with a probability of one in a
    thousand; a shift of the distribution by .15 found in every stream, sooner than one of .08; and silence at half the
    tolerance with a million rows.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    assert isinstance(chart, Chart), "it lacks a member of the protocol Chart"
    assert chart.__doc__, "it has no docstring"
    steady = [_point(0.01) for _ in range(60)]
    memory, signals = _run(chart, None, steady)
    assert not any(signal.fired for signal in signals), "it signals on a constant series"
    options = {"upper": 0.5} if "upper" in chart.defaults else {}
    patience = chart.patience if isinstance(chart, Patient) else 1
    _, changed = _run(chart, memory, [_point(0.9)] * patience, options)
    within = f" within {patience} points" if patience > 1 else ""
    assert any(after.fired for after in changed), f"a gross change does not signal{within}"
    assert all(after.zone is Zone.BEYOND for after in changed if after.fired), "a point that signals lies inside"
    for hole in (
        replace(_point(0.9), value=None, status=Status.NO_DATA, reason="no rows"),
        replace(_point(0.9), value=None, status=Status.FAILED, reason="broken"),
    ):
        same, signal = chart.step(memory, hole, {})
        assert same == memory, f"a window that is {hole.status} moves the memory"
        assert not signal.fired and signal.zone is Zone.NOT_JUDGED, f"a window that is {hole.status} is judged"
    noisy = [_point(v) for v in np.random.default_rng(seed).normal(0.02, 0.005, 80).tolist()]
    _, straight = _run(chart, None, noisy)
    half, first = _run(chart, None, noisy[:37])
    restored = msgspec.json.decode(msgspec.json.encode(half), type=ChartMemory)
    _, second = _run(chart, restored, noisy[37:])
    assert first + second == straight, "the memory changes when it is stored and read back"
    _, holed = _run(chart, None, [p for point in noisy for p in (point, replace(point, value=None, status=_HOLE))])
    assert [s.rule for s in holed[::2]] == [s.rule for s in straight], "windows without data change what is judged"
    if "min_samples" in chart.defaults:
        _check_level(chart, seed)
    elif chart.defaults.get("run_length") and "tolerance" in chart.defaults:
        _check_budget(chart, seed)


def _check_level(chart: Chart, seed: int) -> None:
    rng = np.random.default_rng(seed)
    own: dict[str, float | str] = {"tolerance": 0.001} if "tolerance" in chart.defaults else {}
    if not isinstance(chart, Unitless) or chart.has_unit:
        noisy = [_point(v) for v in [*rng.normal(0.02, 0.005, 60).tolist(), 0.045, 0.03, 0.03]]
        scaled = [replace(p, value=(p.value or 0.0) * _UNIT, error=(p.error or 0.0) * _UNIT) for p in noisy]
        _, before = _run(chart, None, noisy, own)
        _, after = _run(chart, None, scaled, {name: float(value) * _UNIT for name, value in own.items()})
        assert [s.fired for s in before] == [s.fired for s in after], "it judges a series in another unit otherwise"
        assert np.allclose([s.score for s in before], [s.score for s in after]), "its score depends on the unit"
    if not chart.defaults.get("run_length"):
        return
    options: Options = {**own, "run_length": _RUN_LENGTH}
    alarms, judged = 0, 0
    for _ in range(_SERIES):
        memory, signals = _run(chart, None, [_point(v) for v in rng.normal(0.02, 0.005, _WINDOWS).tolist()], options)
        judged += sum(s.zone not in (Zone.LEARNING, Zone.NOT_JUDGED) for s in signals)
        alarms += sum(now.fired and not last.fired for last, now in pairwise(signals))
        _, moved = _run(chart, memory, [_point(v) for v in rng.normal(0.04, 0.005, _SOON).tolist()], options)
        assert any(s.fired for s in moved), f"a shift of four standard deviations is not seen in {_SOON} windows"
    most = float(poisson.ppf(0.999, judged / _RUN_LENGTH))
    assert alarms <= most, f"{alarms} false alarms in {judged} windows at a run length of {_RUN_LENGTH:g}"


def _check_budget(chart: Chart, seed: int) -> None:
    in_rows = chart.defaults.get("unit") == "rows"
    total = _STREAMS * _BATCHES * (_BATCH if in_rows else 1)
    options: dict[str, float | str] = {"tolerance": 0.0, "run_length": total / 4}
    rng = np.random.default_rng(seed)
    alarms = sum(signal.fired for _ in range(_STREAMS) for signal in _stream(chart, options, rng, 0.0, _BATCHES))
    # Four are expected at most; a Poisson count with mean 4 exceeds 11 once in a thousand.
    assert alarms <= 11, f"{alarms} false alarms on {total} units at a run length of {total / 4:g}"
    strong, weak = ([_delay(chart, options, rng, shift) for _ in range(_STREAMS)] for shift in (0.15, 0.08))
    assert max(strong) < 4 * _BATCHES, "a shift of the distribution by .15 is not found"
    assert np.median(strong) <= np.median(weak), "a stronger shift is found later"
    quiet = {"tolerance": 0.05, "run_length": 1_000.0}
    found = [_shares(np.sort(rng.random(1_000_000)) ** (1 / 1.07), 1_000_000) for _ in range(2)]
    _, signals = _run(chart, None, found, quiet)
    assert all(point.value and 0.02 < point.value < 0.03 for point in found), "the simulated shift is not half of .05"
    assert not any(signal.fired for signal in signals), "it signals at half the tolerance"


def _stream(chart: Chart, options: Options, rng: np.random.Generator, shift: float, batches: int) -> Iterator[Signal]:
    """Judge batches of uniform rows of which a share ``shift`` is squeezed into the upper half."""
    memory: ChartMemory | None = None
    for _ in range(batches):
        x = rng.random(_BATCH)
        moved = rng.random(_BATCH) < 2 * shift
        x = np.where(moved, 0.5 + x / 2, x)
        memory, signal = chart.step(memory, _shares(x, 1_000_000), options)
        yield signal


def _delay(chart: Chart, options: Options, rng: np.random.Generator, shift: float) -> int:
    for number, signal in enumerate(_stream(chart, options, rng, shift, 4 * _BATCHES)):
        if signal.fired:
            return number
    return 4 * _BATCHES


def _shares(x: NDArray[np.float64], n_reference: int) -> Measurement:
    """Return the distance of rows from the uniform distribution, with its curve."""
    own = np.searchsorted(np.sort(x), _GRID, side="right") / len(x)
    size = len(x) * n_reference / (len(x) + n_reference)
    value = float(np.abs(own - _GRID).max())
    p_value = float(kstwobign.sf(value * np.sqrt(size)))
    evidence = Evidence(size=Size(n_reference, size, rank_effect=None), p_value=p_value)
    found = Measurement(Family.COMPARISON, "shares", value, len(x), evidence=evidence, column="x")
    departure = _departure(float(x.mean()) - 0.5, _UNIFORM / float(np.sqrt(len(x))), 0.125 * _UNIFORM)
    return replace(found.with_curve(_GRID, own), departures=(departure,))


def _point(value: float) -> Measurement:
    evidence = Evidence(size=_SIZE, p_value=float(np.exp(-100 * value**2)))
    found = Measurement(Family.COMPARISON, "ks", value, 1_000, error=0.005, evidence=evidence, column="x")
    departure = _departure(value - 0.01, 0.01, 0.0)
    return replace(found.with_curve([0.05], [min(1.0, 0.05 + value)]), departures=(departure,))


def _departure(residual: float, scale: float, tolerance: float) -> Departure:
    """Return the departure of a mean whose windows are independent; ten thousand are known of the reference."""
    # Weighted means are as wide as their weights say, and the largest of so many normal numbers lies at 3.9.
    scales = tuple(scale * wide for wide in (1.0, 0.5, 0.2847, 1.0, 0.2847))
    largest = tuple(3.9 * one for one in scales)
    return Departure("mean", residual, 1.0, tolerance, 0.0, 0.03, 0.0, 0.0, scales, largest, 10_000, seasonal=True)


def _run(
    chart: Chart, memory: ChartMemory | None, points: list[Measurement], options: Options | None = None
) -> tuple[ChartMemory | None, list[Signal]]:
    signals = []
    for point in points:
        memory, signal = chart.step(memory, point, options or {})
        beyond = signal.zone is Zone.BEYOND
        assert signal.fired == beyond == bool(signal.rule), f"fired, zone and rule do not agree: {signal}"
        assert re.fullmatch("[a-z][a-z0-9_]*", signal.rule or "none"), f"its rule is no code: {signal.rule!r}"
        signals.append(signal)
    return memory, signals

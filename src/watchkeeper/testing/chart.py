"""What every chart must obey."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np

from watchkeeper.charts.chart import Chart, Memory
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.signal import Signal, Zone

__all__ = ["check_chart"]

_FACTS = {"n_effective": 500.0, "n_reference": 1_000}


def check_chart(chart: Chart, seed: int = 0) -> None:
    """Assert that a chart obeys its contract.

    Checked: the protocol; a steady series never signals on a constant; a gross change does; windows without data or
    that failed neither signal nor move the memory and are never inside the limits; the memory survives being stored as
    JSON in mid-stream; the same series gives the same signals twice.

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
    _, after = chart.step(memory, _point(0.9), options)
    assert after.fired and after.zone is Zone.BEYOND, "a gross change does not signal"
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
    restored = msgspec.json.decode(msgspec.json.encode(half), type=Memory)
    _, second = _run(chart, restored, noisy[37:])
    assert first + second == straight, "the memory changes when it is stored and read back"


def _point(value: float) -> Measurement:
    return Measurement(Family.COMPARISON, "ks", value, 1_000, error=0.005, facts=_FACTS, column="x")


def _run(chart: Chart, memory: Memory | None, points: list[Measurement]) -> tuple[Memory | None, list[Signal]]:
    signals = []
    for point in points:
        memory, signal = chart.step(memory, point, {})
        signals.append(signal)
    return memory, signals

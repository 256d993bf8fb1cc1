"""river's detectors as charts say what river's own detectors say."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from watchkeeper.charts.chart import ChartMemory
from watchkeeper.core.errors import PluginError, StateError
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.plugins import plugin
from watchkeeper.integrations.river import MOST

drift = pytest.importorskip("river.drift", reason="river is not installed: pip install 'watchkeeper[river]'")
BINARY = {"ddm": ("DDM",), "eddm": ("EDDM",), "hddm_a": ("HDDMA", "HDDM_A"), "hddm_w": ("HDDMW", "HDDM_W")}
NUMERIC = {"adwin": "ADWIN", "page_hinkley": "PageHinkley", "kswin": "KSWIN"}


def own(name: str, **options: float):
    if name in NUMERIC:
        return getattr(drift, NUMERIC[name])(**options)
    return next(getattr(drift.binary, n) for n in BINARY[name] if hasattr(drift.binary, n))(**options)


def point(value: float) -> Measurement:
    return Measurement(Family.METRIC, "error_rate", float(value), 1, column="y")


def found_by_chart(name: str, values, options=None, *, stored: bool = False) -> list[int]:
    chart, memory, found = plugin("chart", name), None, []
    for number, value in enumerate(values):
        memory, signal = chart.step(memory, point(value), options or {})
        if stored:
            memory = msgspec.json.decode(msgspec.json.encode(memory), type=ChartMemory)
        if signal.fired:
            found.append(number)
    return found


def found_by_river(detector, values) -> list[int]:
    found = []
    for number, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            found.append(number)
    return found


def errors(seed: int) -> np.ndarray:
    """An error rate of .1, then .4, then .1 again."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.random(n) < rate for n, rate in ((900, 0.1), (500, 0.4), (900, 0.1))])


@pytest.mark.parametrize("name", list(BINARY))
def test_a_detector_of_errors_signals_where_rivers_own_does(name: str) -> None:
    values = errors(3).tolist()
    expected = found_by_river(own(name), values)
    assert expected
    assert found_by_chart(name, values) == expected


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("adwin", {}),
        ("adwin", {"delta": 0.05, "clock": 8}),
        ("page_hinkley", {"threshold": 5.0}),
        ("kswin", {"seed": 4}),
    ],
)
def test_a_detector_of_numbers_signals_where_rivers_own_does(name: str, options: dict[str, float]) -> None:
    rng = np.random.default_rng(4)
    values = np.concatenate([rng.normal(0, 1, 500), rng.normal(1.5, 1, 400), rng.normal(0, 1, 300)]).tolist()
    expected = found_by_river(own(name, **options), values)
    assert expected
    assert found_by_chart(name, values, options) == expected


@pytest.mark.parametrize("name", [*BINARY, *NUMERIC])
def test_memory_that_is_stored_at_every_point_gives_the_same_signals(name: str) -> None:
    values = errors(5)[800:1_100].astype(float)
    options = {"threshold": 5.0} if name == "page_hinkley" else {}
    assert found_by_chart(name, values, options, stored=True) == found_by_chart(name, values, options)


def test_what_is_remembered_is_bounded_and_forgotten_in_one_piece() -> None:
    chart, memory, sizes = plugin("chart", "adwin"), None, []
    for value in np.random.default_rng(6).random(2 * MOST):
        memory, signal = chart.step(memory, point(value), {})
        assert not signal.fired
        sizes.append(len(memory.arrays["values"]))
    assert max(sizes) == MOST - 1
    assert min(sizes[MOST:]) == MOST // 2
    # What is left after forgetting is what a detector that began there has seen.
    again = own("adwin")
    for value in memory.arrays["values"]:
        again.update(value)
    following = [0.9] * 200
    assert _next(chart, memory, following) == _next_of_river(again, following)


def _next(chart, memory, values) -> int:
    for number, value in enumerate(values):
        memory, signal = chart.step(memory, point(value), {})
        if signal.fired:
            return number
    raise AssertionError("no signal")


def _next_of_river(detector, values) -> int:
    return found_by_river(detector, values)[0]


def test_a_memory_may_be_continued_twice() -> None:
    chart, memory = plugin("chart", "hddm_a"), None
    for value in errors(7)[:880]:
        memory, _ = chart.step(memory, point(value), {})
    ones = [1.0] * 50
    assert _next(chart, memory, ones) == _next(chart, memory, ones)


def test_a_value_that_is_no_share_is_refused_with_what_is_taken() -> None:
    with pytest.raises(StateError, match="ddm takes values between 0 and 1"):
        plugin("chart", "ddm").step(None, point(1.5), {})
    with pytest.raises(StateError, match="adwin takes finite values"):
        plugin("chart", "adwin").step(None, point(float("inf")), {})


def test_without_river_the_charts_are_listed_and_say_what_to_install() -> None:
    code = (
        "import sys; sys.modules['river'] = None\n"
        "from watchkeeper.core.plugins import plugins\n"
        "from watchkeeper.core.measurement import Family, Measurement\n"
        "charts = plugins('chart')\n"
        "print('shewhart' in charts, 'adwin' in charts)\n"
        "try: charts['adwin'].step(None, Measurement(Family.METRIC, 'mae', 1.0, 1), {})\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.startswith("True True\nPluginError the chart adwin needs river: pip install 'watchkeeper[river]'")


def test_the_example_finds_the_rise_of_an_error_rate_and_nothing_before() -> None:
    example = runpy.run_path(str(Path(__file__).resolve().parents[2] / "examples" / "detectors.py"))
    rng = np.random.default_rng(12)
    rows = pl.concat([example["answers"](1_000, 0.1, rng), example["answers"](1_000, 0.3, rng)])
    for found in (example["by_stream"](example["answers"](20_000, 0.1, rng), rows), example["by_chart"]("adwin", rows)):
        assert 1_000 < found[0] <= 1_300


def test_a_version_of_river_without_the_detector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in BINARY["eddm"]:
        monkeypatch.delattr(drift.binary, name)
    with pytest.raises(PluginError, match="has no EDDM"):
        plugin("chart", "eddm").step(None, point(0.0), {})

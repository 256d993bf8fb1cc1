"""What charts remember is told by names and a version, and a memory of another form is learned anew and said to be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import msgspec
import numpy as np
import pytest

from watchkeeper.charts.chart import ChartMemory, memory_version
from watchkeeper.charts.in_control import level_of
from watchkeeper.charts.seasonal_residual import SeasonalResidual
from watchkeeper.charts.shewhart import Shewhart
from watchkeeper.charts.t_squared import TSquared, joined
from watchkeeper.core.errors import StateError
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.spec import Monitor
from watchkeeper.core.window import Window
from watchkeeper.steps import chart_step
from watchkeeper.steps.chart_step import chart_key, remade, step_chart

START = datetime(2024, 3, 4, tzinfo=UTC)
DAY = timedelta(days=1)


class Second(Shewhart):
    """A Shewhart chart of another name, whose memory has had another form before."""

    name: ClassVar[str] = "second"
    memory_version: ClassVar[int] = 2


@pytest.fixture
def monitor(monkeypatch):
    charts = {"second": Second(), "shewhart": Shewhart()}
    monkeypatch.setattr(chart_step, "plugin", lambda kind, name: charts[name])
    return Monitor("auroc", "second", options={"min_samples": 8.0})


def points(count, seed=0, **fields):
    values = np.random.default_rng(seed).normal(0.8, 0.01, count).tolist()
    windows = [Window(START + n * DAY, START + (n + 1) * DAY) for n in range(count)]
    return [
        Measurement(Family.METRIC, "auroc", value, 500, 0.01, window=window, **fields)
        for value, window in zip(values, windows, strict=True)
    ]


def test_a_memory_bears_the_version_that_its_chart_states(monitor):
    charts = {}
    for point in points(10):
        assert step_chart(charts, monitor, point).measurement.status is Status.OK
    assert [memory.version for memory in charts.values()] == [2]
    assert memory_version(Shewhart()) == 1
    assert remade(monitor, None, points(10)[-1], lambda _: points(10)).version == 2


@pytest.mark.parametrize("version", [1, 3])
def test_a_memory_of_another_version_is_learned_anew_from_the_history_and_it_is_said(monitor, version):
    charts, history = {}, points(30)
    for point in history[:20]:
        step_chart(charts, monitor, point)
    (key,) = charts
    whole = charts[key]
    charts[key] = replace(whole, numbers={"centre": 99.0}, version=version)
    signal = step_chart(charts, monitor, history[20], earlier=lambda _: history[:20])
    assert signal.measurement.status is Status.FAILED
    assert f"has version {version}, and this chart reads version 2" in signal.measurement.reason
    assert "made anew from the stored history and judges the next window" in signal.measurement.reason
    assert charts[key].version == 2
    assert charts[key].numbers["centre"] == pytest.approx(0.8, abs=0.01)
    after = step_chart(charts, monitor, history[21])
    assert after.measurement.status is Status.OK
    assert after.centre == pytest.approx(0.8, abs=0.01)


def test_what_0_1_0_wrote_has_the_first_version_and_no_words():
    text = '{"numbers":{"centre":0.8},"points":[[0.8,0.01]],"arrays":{"recent":[0.1]},"phases":[]}'
    memory = msgspec.json.decode(text, type=ChartMemory)
    assert (memory.version, memory.words) == (1, {})


@pytest.mark.parametrize(
    ("number", "season"), [(None, "none"), (0.0, "none"), (1.0, "weekday"), (2.0, "hour"), (3.0, "weekday_hour")]
)
def test_a_season_is_a_word_and_the_number_that_0_1_0_wrote_is_still_read(number, season):
    numbers = {"centre": 0.8, "between": 0.0, "used": 30.0}
    old = ChartMemory(numbers if number is None else {**numbers, "season": number, "sampling": 2.0})
    level = level_of(old)
    assert (level.season, level.sampling) == (season, "auto" if number is None else "binomial")
    assert level_of(replace(old, words={"season": "hour", "sampling": "poisson"})).season == "hour"


def test_a_level_that_is_learned_names_its_season():
    chart, memory = SeasonalResidual(), None
    for n, point in enumerate(points(60)):
        moved = replace(point, value=point.value - 0.2 * (n % 7 == 6))
        memory, _ = chart.step(memory, moved, {"min_samples": 30.0})
    assert memory.words["season"] == "weekday"
    assert not {"season", "sampling"} & memory.numbers.keys()
    assert level_of(memory).season == "weekday"


def test_metrics_that_are_joined_are_told_by_name_and_not_by_their_number():
    chart, memory = TSquared(), None

    def window(n, *names):
        rng = np.random.default_rng(n)
        return joined([replace(points(1)[0], name=name, value=float(rng.normal(0.8, 0.01))) for name in names])

    for n in range(40):
        memory, _ = chart.step(memory, window(n, "auroc", "f1"), {"min_samples": 10.0})
    assert memory.words == {"metrics": "auroc, f1"}
    with pytest.raises(StateError, match="brier, f1 are joined, and auroc, f1 before"):
        chart.step(memory, window(40, "brier", "f1"), {})
    older = replace(memory, words={})
    assert chart.step(older, window(40, "auroc", "f1"), {})[1] == chart.step(memory, window(40, "auroc", "f1"), {})[1]


def test_a_key_names_the_chart_and_the_series():
    assert chart_key("shewhart", points(1, segment="plan=a")[0]).split("\x1f")[0] == "shewhart"

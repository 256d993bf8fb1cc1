"""How much correlations of windows differ by themselves is told by the windows of the reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from watchkeeper.charts.significance import Significance
from watchkeeper.compare.correlation_change import CorrelationChange
from watchkeeper.compare.correlation_effect import correlation_effect
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema
from watchkeeper.core.state import JOINT, State
from watchkeeper.stats.codec import merge_states
from watchkeeper.stats.summarise import summarise_rows

SCHEMA = Schema(tuple(Column(name, Role.FEATURE, Kind.NUMERIC, "Float64", NumericMap(0.0, 1.5)) for name in "abcd"))
OPTIONS = {"run_length": 365.0, "tolerance": 0.1, "known": 1.0}


def joint(rows: np.ndarray) -> State:
    states = summarise_rows(pl.DataFrame(rows, schema=list("abcd")), SCHEMA, keep=("covariance",))
    return next(state for state in states if state.key.column == JOINT)


def weather(rng: np.random.Generator, days: int, rows: int = 24) -> list[State]:
    """Return days on which a and b rise together by the year, and apart from one another by the hour."""
    found = []
    for _ in range(days):
        day, hour = rng.normal(0, 1.5), np.sin(np.arange(rows) * 2 * np.pi / rows)
        noise = rng.normal(0, 0.3, (rows, 4))
        found.append(joint(np.stack([day + hour, day - hour, hour, 0 * hour], axis=1) + noise))
    return found


def plain(rng: np.random.Generator, days: int, rows: int = 200, both: float = 0.0) -> list[State]:
    z = rng.normal(size=(days, rows, 4))
    z[..., 1] = both * z[..., 0] + np.sqrt(1 - both**2) * z[..., 1]
    return [joint(one) for one in z]


def alarms(whole: State, effect: float, windows: list[State]) -> int:
    measured = [CorrelationChange().compare(whole, w) for w in windows]
    told = [replace(m.evidence, size=replace(m.evidence.size, design_effect=effect)) for m in measured]
    points = [replace(m, evidence=evidence) for m, evidence in zip(measured, told, strict=True)]
    return sum(Significance().step(None, point, OPTIONS)[1].fired for point in points)


def test_days_on_which_columns_go_apart_that_go_together_over_a_year_raise_nothing() -> None:
    rng = np.random.default_rng(0)
    days = weather(rng, 180)
    whole = merge_states(*days[:100])
    effect = correlation_effect(whole, days[:100])
    assert effect is not None
    assert effect > 20
    # Without it nearly every day is an alarm.
    assert alarms(whole, 1.0, days[100:]) > 50
    assert alarms(whole, effect, days[100:]) <= 1


def test_independent_rows_count_nearly_in_full_and_a_correlation_is_found() -> None:
    rng = np.random.default_rng(3)
    days = plain(rng, 60)
    whole = merge_states(*days[:40])
    effect = correlation_effect(whole, days[:40])
    assert effect is not None
    assert 1 <= effect < 2
    assert alarms(whole, effect, days[40:]) == 0
    assert alarms(whole, effect, plain(rng, 10, rows=1_000, both=0.3)) == 10


def test_it_says_nothing_with_few_windows_or_one_column() -> None:
    days = plain(np.random.default_rng(4), 19)
    assert correlation_effect(merge_states(*days), days) is None
    assert correlation_effect(replace(days[0], parts={}), days) is None

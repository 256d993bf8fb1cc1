"""A series that could not see says so, and is never a number below a limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import watchkeeper
from watchkeeper.charts.tolerance import Tolerance
from watchkeeper.core.alert import Cause
from watchkeeper.core.evidence import Change, Evidence, Quantity, Sight, SightUnit, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.spec import AlertRule, Monitor, SightBounds, Spec
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.run.reach import blind_metrics_note, blind_note
from watchkeeper.steps.judge import JudgeMemory, judge
from watchkeeper.steps.sight import columns_seen, is_blind, with_blindness
from watchkeeper.views.lines import Line
from watchkeeper.views.series import Mark, series_of

SCHEMA = Schema((Column("temp", Role.FEATURE, Kind.NUMERIC), Column("wind", Role.FEATURE, Kind.CATEGORICAL)))
OPTIONS = {"series": 30.0, "run_length": 730.0}


def distance(value: float, effect: float, column: str = "temp", name: str = "ks") -> Measurement:
    size = Size(8_760, 168 * 8_760 / (168 + 8_760), effect)
    return Measurement(Family.COMPARISON, name, value, 168, column=column, evidence=Evidence(size=size))


def judged(*measurements: Measurement) -> tuple[Signal, ...]:
    watched = (("ks", "temp"), ("l_infinity", "wind"))
    monitors = tuple(Monitor(name, "tolerance", (column,), options=OPTIONS) for name, column in watched)
    spec = Spec("m", SCHEMA, WindowRule(), monitors=monitors, alerts=AlertRule(k=1, n=1))
    return judge(list(measurements), spec, JudgeMemory(), None).signals


def test_a_distance_whose_limit_cannot_be_passed_is_blind_and_has_no_limit() -> None:
    # The limit would be 1.33: √(ln(2·30·730)·50/(2·165)) + .05.
    (signal,) = judged(distance(1.0, 50.0))
    assert (signal.zone, signal.upper, signal.fired) == (Zone.BLIND, None, False)
    (series,) = series_of([signal])
    line = Line.of(series)
    assert (series.mark, line.limits, line.told) == (Mark.BLIND, "–", "no change would be found, however large")
    assert judged(distance(0.3, 1.0))[0].fired
    assert judged(distance(0.1, 1.0))[0].zone is not Zone.BLIND


def test_the_bound_of_a_column_of_numbers_is_a_shift_and_of_a_level_a_share() -> None:
    # A shift by two interquartile ranges moves a normal column's distribution functions 2·Φ(1.349) - 1 = .823 apart.
    at = {size: Sight(size, size, SightUnit.SHARE) for size in (0.2, 0.3, 0.8, 0.85)}
    rate = Change(Quantity.SHARE, 0.1, 0.1, 0.12)

    def blind(size: float, column: str, change: Change | None = None, bounds: SightBounds | None = None) -> bool:
        m = distance(0.1, 1.0, column)
        m = replace(m, evidence=replace(m.evidence, change=change or Change()))
        return is_blind(Signal(m, "tolerance", sight=at[size]), SCHEMA, bounds or SightBounds(), windows=True)

    assert [blind(size, "temp") for size in at] == [False, False, False, True]
    assert [blind(size, "wind") for size in at] == [False, True, True, True]
    assert [blind(size, "temp", rate) for size in at] == [False, True, True, True]
    assert not blind(0.3, "wind", bounds=SightBounds(share=0.5))


def test_a_single_look_has_one_window_and_a_history_eight() -> None:
    signal = Signal(distance(0.1, 1.0, "wind"), "tolerance", sight=Sight(0.3, 0.2, SightUnit.SHARE))
    assert with_blindness(signal, SCHEMA, SightBounds(), windows=False).zone is Zone.BLIND
    assert with_blindness(signal, SCHEMA, SightBounds(), windows=True).zone is not Zone.BLIND


def test_what_fires_is_not_blind() -> None:
    signal = replace(Tolerance().step(None, distance(1.0, 1.0), OPTIONS)[1], sight=Sight(None, None, SightUnit.SHARE))
    assert with_blindness(signal, SCHEMA, SightBounds(), windows=True) == signal


def test_a_column_is_blind_where_all_that_looks_for_drift_is_and_the_note_says_why_and_what_helps() -> None:
    signals = judged(distance(0.9, 50.0), distance(0.1, 1.0, "wind", "l_infinity"))
    seen = columns_seen(signals)
    assert (seen.columns, seen.blind, seen.judged) == (("temp", "wind"), ("temp",), 1)
    other = replace(signals[0], measurement=replace(signals[0].measurement, name="other"), zone=Zone.WITHIN_1)
    assert columns_seen([*signals, other]).blind == ()
    (note,) = blind_note(signals, timedelta(days=73), windows=True)
    assert note == (
        "1 of 2 columns judged. temp is blind, so that drift there would not be found: the reference covers 0.2 of a "
        "year, and windows of the reference differ too much from one another; longer windows or a reference of a year "
        "would show more."
    )
    assert blind_note(signals[1:], None, windows=True) == []


@pytest.fixture(scope="module")
def few() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame({name: rng.choice(["a", "b", "c"], 160) for name in ("one", "two", "three")})


def test_a_check_that_sees_less_than_half_of_its_columns_is_blind_and_not_fine(few: pl.DataFrame) -> None:
    found = watchkeeper.check(few[:80], few[80:])
    assert found.verdict.value == "blind"
    assert "0 of 3 columns judged" in found.heading
    assert found.json()["seen"] == {"columns": ["one", "two", "three"], "blind": ["one", "two", "three"]}
    assert {signal["zone"] for signal in found.json()["signals"] if signal["sight"]} >= {"blind"}


def test_one_blind_column_among_many_is_told_and_the_rest_is_judged(few: pl.DataFrame) -> None:
    rng = np.random.default_rng(1)
    more = few.with_columns(x=pl.Series(rng.normal(size=160)), y=pl.Series(rng.normal(size=160)))
    sides = [side.drop("two", "three") for side in (more[:80], more[80:])]
    found = watchkeeper.check(*sides)
    assert found.verdict.value == "ok"
    assert "2 of 3 columns judged" in found.heading
    assert any(note.startswith("2 of 3 columns judged. one is blind") for note in found.notes)
    assert watchkeeper.check(*sides, label="one").verdict.value == "blind"


def accuracy(value: float, n: int, window: int, name: str = "accuracy", scale: float = 1.0) -> Measurement:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=window)
    error = scale * float(np.sqrt(0.1 * 0.9 / n))
    own = Window(start, start + timedelta(days=1))
    return Measurement(Family.METRIC, name, scale * value, n, error=error, column="@outcome", window=own)


def series(n: int, windows: int, seed: int, *, shift: float = 0.0, since: int = 0, **told: object) -> list[Measurement]:
    rng = np.random.default_rng(seed)
    shifts = [shift if window >= since else 0.0 for window in range(windows)]
    return [accuracy(rng.binomial(n, 0.9 - s) / n, n, at, **told) for at, s in enumerate(shifts)]


def watched(
    points: list[Measurement], memory: JudgeMemory | None = None, *, side: str = "lower"
) -> tuple[list[Signal], JudgeMemory]:
    options = {"run_length": 370.4, "rebase": "none", "side": side}
    monitor = Monitor(points[0].name, "seasonal_residual", options=options, cause=Cause.PERFORMANCE)
    memory, found = memory or JudgeMemory(), []
    spec = Spec("m", SCHEMA, WindowRule(), monitors=(monitor,))
    for point in points:
        judged_window = judge([point], spec, memory, point.window)
        memory, (signal, *_) = judged_window.watch, judged_window.signals
        found.append(signal)
    return found, memory


def test_a_metric_of_few_rows_is_blind_and_one_of_many_is_not() -> None:
    """With 40 rows the error is .047 and a fall must be seen beyond three of it; with 4,000 it is .005."""
    few, many = (watched(series(n, 60, 1))[0][-1] for n in (40, 4_000))
    assert (few.zone, many.zone) == (Zone.BLIND, Zone.WITHIN_1)
    assert many.sight is not None
    assert 0.01 < many.sight.eight_windows < many.sight.one_window < 0.04
    (note,) = blind_metrics_note([few, many], windows=True)
    assert note.startswith("accuracy (0.1")
    assert "is blind" in note
    assert blind_metrics_note([many], windows=True) == []


def test_a_loss_is_held_to_half_of_its_level_whatever_its_unit() -> None:
    for scale in (1.0, 1_000.0):
        signal = watched(series(40, 60, 1, name="mae", scale=scale), side="upper")[0][-1]
        assert signal.sight is not None
        assert 0.1 < signal.sight.eight_windows / scale < 0.45
        assert signal.zone is not Zone.BLIND
        assert is_blind(signal, SCHEMA, SightBounds(metric=0.02), windows=True)


def test_the_fall_of_a_metric_that_is_stated_is_found_in_nine_of_ten() -> None:
    """85 to 95 % of 200 replays of eight windows, after 92 that were well."""
    found = []
    for seed in range(10):
        (*_, last), memory = watched(series(500, 92, seed))
        assert last.sight is not None
        for replay in range(20):
            after = series(500, 100, 1_000 + 20 * seed + replay, shift=last.sight.eight_windows)[92:]
            found.append(any(signal.fired for signal in watched(after, memory)[0]))
    assert 0.85 <= np.mean(found) <= 0.95

"""What departs from its season is found soon, what does not is left alone, and what is found is told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from watchkeeper.charts.chart import ChartMemory
from watchkeeper.charts.departure import Departure
from watchkeeper.core.departure import Departure as Difference
from watchkeeper.core.errors import StateError
from watchkeeper.core.evidence import Change, Quantity, SightUnit
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window

START, DAY = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=1)
OPTIONS = {"run_length": 730.0, "series": 240.0}
WIDE = np.array([1.0, 0.5, 0.2847, 1.0, 0.2847])


def point(residual: Any, day: int = 0, *, seasonal: bool = False, **more: Any) -> Measurement:
    """Return a column with one statistic per residual, whose reference had 365 independent windows of sigma 1."""
    names = ("mean", "spread", "below:0.25", "below:0.75")
    own = {"tolerance": 0.1, "inflation": 1.0, "rho": 0.0, "gain": 0.03, "level": 0.0, "previous": 0.0, **more}
    departures = tuple(
        Difference(
            name, float(value), scales=tuple(WIDE.tolist()), largest=tuple((3.0 * WIDE).tolist()), windows=365,
            seasonal=seasonal, change=Change(Quantity.MEAN, 0.0, float(value)), **own,
        )
        for name, value in zip(names, np.atleast_1d(residual).tolist(), strict=False)
    )  # fmt: skip
    window = Window(START + day * DAY, START + (day + 1) * DAY)
    return Measurement(Family.COMPARISON, "departure", 1.0, 1_000, column="x", window=window, departures=departures)


def run(residuals: NDArray[np.float64], memory: ChartMemory | None = None, first: int = 0, **more: Any):
    signals: list[Signal] = []
    for day, residual in enumerate(residuals, first):
        memory, signal = Departure().step(memory, point(residual, day, **more), OPTIONS)
        signals.append(signal)
    return memory, signals


def fired(signals: list[Signal]) -> list[bool]:
    return [signal.fired for signal in signals]


def test_independent_windows_signal_no_more_often_than_the_budget_says() -> None:
    rng, alarms, windows = np.random.default_rng(1), 0, 0
    for _ in range(6):
        _, signals = run(rng.standard_normal((250, 4)), seasonal=True)
        alarms, windows = alarms + sum(fired(signals)), windows + len(signals)
    # 4 of 240 statistics that together may signal once in 730 windows.
    assert alarms == 0
    assert windows == 1_500


def test_a_large_change_signals_in_its_first_window() -> None:
    _, signals = run(np.array([0.0, 0.2, -0.3, 8.0]))
    assert fired(signals) == [False, False, False, True]
    assert signals[-1].rule == "broke_off"
    assert signals[-1].alone
    assert signals[-1].basis is not None
    assert signals[-1].basis.part == "mean"


def test_a_small_change_that_lasts_adds_up() -> None:
    rng, delays = np.random.default_rng(2), []
    for _ in range(20):
        memory, _ = run(rng.standard_normal(30))
        _, signals = run(rng.standard_normal(30) + 2.5, memory, 30)
        delays.append(fired(signals).index(True) + 1 if any(fired(signals)) else 31)
    # A window by itself takes 4.9 sigma, so that 2.5 would be seen in one of 120.
    assert np.median(delays) <= 7
    assert sum(delay > 20 for delay in delays) <= 2


def test_a_change_below_the_tolerance_never_signals_however_sure_it_is() -> None:
    sure = {"scales": (1e-4,) * 5, "largest": (3e-4,) * 5}
    _, signal = Departure().step(None, _of(tuple(_with(d, sure) for d in point(0.09).departures)), OPTIONS)
    assert not signal.fired
    _, signal = Departure().step(None, _of(tuple(_with(d, sure) for d in point(0.11).departures)), OPTIONS)
    assert signal.fired


def _with(difference: Difference, fields: dict[str, Any]) -> Difference:
    return replace(difference, **fields)


def _of(differences: tuple[Difference, ...]) -> Measurement:
    return replace(point(0.0), departures=differences)


def test_a_fault_of_one_window_leaves_no_echo() -> None:
    quiet = np.random.default_rng(3).standard_normal(60)
    quiet[30] = 1e4
    for more in ({}, {"seasonal": True}, {"rho": 0.8}, {"gain": 0.3}):
        _, signals = run(quiet, **more)
        assert [day for day, on in enumerate(fired(signals)) if on] == [30]


def test_a_new_level_is_one_episode_that_ends_where_there_is_no_season_to_be_off() -> None:
    moved = np.random.default_rng(4).standard_normal(60) + np.where(np.arange(60) >= 20, 50.0, 0.0)
    _, signals = run(moved)
    assert [day for day, on in enumerate(fired(signals)) if on] == list(range(20, 28))
    assert {s.rule for s in signals[20:28]} <= {"broke_off", "lasts"}
    _, signals = run(moved, seasonal=True)
    assert [day for day, on in enumerate(fired(signals)) if on] == list(range(20, 60))
    assert signals[-1].rule == "left_season"


def test_a_change_that_is_half_undone_has_ended() -> None:
    _, signals = run(np.array([0.0, 8.0, 5.2, 3.0]))
    assert fired(signals) == [False, True, True, False]
    assert signals[2].rule == "lasts"


def test_a_slow_movement_is_seen_against_the_season_and_not_against_the_last_windows() -> None:
    slow = np.linspace(0, 9, 300)
    assert not any(fired(run(slow, gain=0.3)[1]))
    _, signals = run(slow, gain=0.3, seasonal=True)
    assert any(fired(signals))
    assert {s.rule for s in signals if s.fired} <= {"left_season", "left_season_slowly", "lasts"}


def test_what_may_have_grown_by_now_is_no_departure() -> None:
    assert fired(run(np.array([7.0]), seasonal=True, level=7.0, previous=7.0)[1]) == [True]
    grown = run(np.array([7.0]), seasonal=True, level=7.0, previous=7.0, allowed=(0.0, 5.0))[1]
    assert fired(grown) == [False]
    fell = run(np.array([-7.0]), seasonal=True, level=-7.0, previous=-7.0, allowed=(0.0, 5.0))[1]
    assert fired(fell) == [True]


def test_what_the_other_columns_explain_is_judged_by_the_single_window() -> None:
    explained = {"alone": True, "tolerance": 2.0, "seasonal": True}
    _, signals = run(np.array([0.0, 9.0, 0.0]), **explained)
    assert [s.rule for s in signals] == ["", "off_the_others", ""]


def test_a_window_of_few_rows_is_allowed_to_scatter_more() -> None:
    assert fired(run(np.array([8.0]))[1]) == [True]
    assert fired(run(np.array([8.0]), inflation=3.0)[1]) == [False]


def test_windows_without_a_signal_teach_how_far_they_go() -> None:
    memory, signals = run(np.array([4.7, -4.7] * 3), gain=0.0)
    assert not any(fired(signals))
    assert fired(run(np.array([5.5]), gain=0.0)[1]) == [True]
    assert fired(run(np.array([5.5]), memory, 6, gain=0.0)[1]) == [False]


def test_a_window_after_a_gap_is_judged_without_the_one_before_it() -> None:
    memory, _ = run(np.array([1.1]), rho=0.9)
    assert fired(run(np.array([5.3]), memory, 1, rho=0.9)[1]) == [False]
    assert fired(run(np.array([5.3]), memory, 9, rho=0.9)[1]) == [True]


def test_the_memory_goes_on_after_it_was_stored() -> None:
    residuals = np.random.default_rng(5).standard_normal((40, 4))
    residuals[25:] += 3.0
    _, straight = run(residuals)
    half, _ = run(residuals[:27])
    restored = msgspec.json.decode(msgspec.json.encode(half), type=ChartMemory)
    assert run(residuals[27:], restored, 27)[1] == straight[27:]


def test_a_memory_of_other_statistics_is_refused() -> None:
    memory, _ = run(np.zeros((2, 4)))
    with pytest.raises(StateError, match="statistics of this series have changed"):
        run(np.zeros((1, 3)), memory, 2)


def test_the_smallest_change_is_found_as_often_as_is_said() -> None:
    rng = np.random.default_rng(6)
    for rho in (0.0, 0.6):
        for one_window in (True, False):
            found, tries = 0, 240
            for _ in range(tries):
                noise = rng.standard_normal(20)
                for day in range(1, 20):
                    noise[day] += rho * noise[day - 1]
                memory, signals = run(noise[:12], rho=rho)
                sight = signals[-1].sight
                assert sight is not None
                assert sight.unit is SightUnit.IQR
                assert sight.one_window is not None
                assert sight.eight_windows is not None
                size = sight.one_window if one_window else sight.eight_windows
                windows = 1 if one_window else 8
                after = run(noise[12 : 12 + windows] + size, memory, 12, rho=rho)[1]
                found += any(fired(after))
            assert 0.85 <= found / tries <= 0.95, (rho, one_window)


def test_the_smallest_change_of_a_share_is_one_of_shares() -> None:
    angle = {"statistic": "level:web", "change": Change(Quantity.SHARE, 0.25, 0.25), "scales": (0.01,) * 5}
    differences = tuple(_with(d, {**angle, "largest": (0.03,) * 5, "tolerance": 0.0}) for d in point(0.0).departures)
    sight = Departure().step(None, _of(differences), OPTIONS)[1].sight
    assert sight is not None
    assert sight.unit is SightUnit.SHARE
    assert sight.one_window is not None
    # arcsin √p has the slope 1 / (2·√(p(1-p))), so that .07 of an angle is .06 of a share.
    assert 0.04 < sight.one_window < 0.07

"""When a series changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.window import Window
from watchkeeper.diagnose.change_point import LEAST_GAIN, change_point, gains

DAY = timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)


def series(values: list[float] | np.ndarray, name: str = "ks", *, first: int = 0) -> list[Measurement]:
    return [
        Measurement(Family.COMPARISON, name, float(v), 100, window=Window(START + k * DAY, START + (k + 1) * DAY))
        for k, v in enumerate(values, first)
    ]


def test_the_gain_is_the_likelihood_ratio_by_hand() -> None:
    # 0 1 0 1 | 4 5 4 5: differences 1 1 1 3 1 1 1, robust sd 1.4826/√2, means .5 and 4.5, 4·4/8·4²/(1.4826²/2).
    assert gains(np.array([0.0, 1, 0, 1, 4, 5, 4, 5]))[3] == pytest.approx(32 / (1.4826022185056018**2 / 2), rel=1e-9)


def test_a_level_that_rises_is_dated_by_its_first_window() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0.02, 0.01, 30)
    values[20:] += 0.2
    found = change_point(series(values))
    assert found is not None
    assert found.at == START + 20 * DAY
    assert found.earliest <= found.at <= found.latest
    assert found.windows == 30


def test_the_interval_holds_the_true_moment_in_nineteen_of_twenty_cases() -> None:
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(300):
        values = rng.normal(size=30)
        values[20:] += 3
        found = change_point(series(values))
        held += found is not None and found.earliest <= START + 20 * DAY <= found.latest
    assert held / 300 >= 0.92


def test_pure_noise_is_seldom_called_a_change() -> None:
    rng = np.random.default_rng(3)
    assert np.mean([gains(rng.normal(size=40)).max() > LEAST_GAIN for _ in range(500)]) <= 0.04


def test_one_wild_window_is_no_change() -> None:
    values = np.random.default_rng(4).normal(size=30)
    values[12] = 60
    assert change_point(series(values)) is None


def test_series_that_changed_together_are_dated_more_closely_than_one() -> None:
    rng = np.random.default_rng(5)
    widths = []
    for together in (1, 6):
        found = []
        for _ in range(40):
            both = []
            for number in range(together):
                values = rng.normal(size=30)
                values[15:] += 1.8
                both += series(values, f"s{number}")
            one = change_point(both)
            if one:
                found.append((one.latest - one.earliest) / DAY)
        widths.append(np.mean(found))
    assert widths[1] < widths[0] / 2


def test_windows_without_a_number_and_windows_to_come_are_left_out() -> None:
    values = [0.0, 0.1, 0.0, 0.1, 0.0, 5.0, 5.1, 5.0, 5.1]
    late = series([90.0, 91.0], first=9)
    broken = Measurement(Family.COMPARISON, "ks", None, 0, status=Status.NO_DATA, window=late[1].window)
    found = change_point([*series(values), *late, broken], until=series(values)[-1].window)
    assert found is not None
    assert found.at == START + 5 * DAY
    assert change_point(series(values[:3])) is None

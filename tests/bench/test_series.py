"""The scorer of labelled series, by hand."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest

from bench.series.profile import Tally, learning_points, tally

N, WINDOWS = 1_000, [(400, 499), (800, 819)]


def scored(*signals: int) -> Tally:
    fired, total = np.zeros(N, bool), Tally()
    fired[list(signals)] = True
    tally(total, "s", fired, WINDOWS)
    return total


def test_silence_is_0_and_a_signal_at_each_first_point_100() -> None:
    assert scored().standard == 0
    assert scored(400, 800).standard == pytest.approx(100)
    assert learning_points(N) == 150
    assert scored(10, 149, 400, 800).standard == pytest.approx(100)


def test_only_the_first_signal_of_a_window_counts_and_late_ones_are_worth_less() -> None:
    middle = (2 / (1 + exp(-5 * 0.5)) - 1) / (2 / (1 + exp(-5)) - 1)
    assert scored(450, 451, 460).score == pytest.approx(middle - 1)
    assert scored(450, 451, 460).found == 1


def test_signals_outside_cost_a_share_of_a_window_that_grows_with_the_distance() -> None:
    assert scored(200).score == pytest.approx(-2 - 0.11)
    near, far = scored(500).score + 2, scored(799).score + 2
    assert near == pytest.approx(0.11 * (2 / (1 + exp(5 * (1 / 99))) - 1))
    assert far == pytest.approx(-0.11)
    assert (scored(500).outside, scored(500).points) == (1, 850 - 120)

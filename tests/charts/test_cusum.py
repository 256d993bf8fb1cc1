"""The CUSUM chart step by step."""

from __future__ import annotations

import pytest

from tests.charts.points import KNOWN, point, run
from watchkeeper.charts.cusum import Cusum
from watchkeeper.words.signals import rule_in_words


def test_the_sums_are_those_worked_by_hand() -> None:
    """k = .5: 1 gives .5, then 2 gives 2, then -1 gives .5 above and .5 below."""
    memory, _ = run(Cusum(), KNOWN, [point(1.0), point(2.0), point(-1.0)], {"h": 4.0})
    assert memory is not None
    assert (memory.numbers["up"], memory.numbers["down"]) == pytest.approx((0.5, 0.5))


def test_a_signal_tells_since_when_and_by_how_much() -> None:
    """Points of 2 sigma from the fifth on: the sum is 1.5 each, so that it passes 4 with the third; 2 = .5 + 4.5/3."""
    _, signals = run(Cusum(), KNOWN, [point(0.0)] * 4 + [point(2.0)] * 3, {"h": 4.0})
    assert [s.fired for s in signals] == [False] * 6 + [True]
    assert signals[-1].rule == "sum_high"
    assert rule_in_words(signals[-1]) == "sum 4.5 above 4: high by about 2 sigma for 3 windows"


def test_one_side_watches_one_side() -> None:
    for side, value in (("upper", -3.0), ("lower", 3.0)):
        _, signals = run(Cusum(), KNOWN, [point(value)] * 10, {"side": side})
        assert not any(s.fired for s in signals)
        _, signals = run(Cusum(), KNOWN, [point(-value)] * 10, {"side": side})
        assert any(s.fired for s in signals)


def test_one_wild_point_is_held_and_forgotten() -> None:
    memory, signals = run(Cusum(), KNOWN, [point(1e9)], {"h": 4.0})
    assert signals[0].fired
    _, after = run(Cusum(), memory, [point(0.0)] * 6, {"h": 4.0})
    assert not any(s.fired for s in after[4:])

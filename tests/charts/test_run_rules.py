"""Runs rules, one by one on series made by hand."""

from __future__ import annotations

import pytest

from tests.charts.points import KNOWN, point, run
from watchkeeper.charts.run_rules import RULES, rules_named
from watchkeeper.charts.shewhart import Shewhart
from watchkeeper.core.errors import UsageError
from watchkeeper.words.signals import rule_in_words

STEPS = [0.5, -0.5]
CASES = {
    "two_of_three": ([2.1, 0.0, 2.2], [2.1, 0.0, 1.9]),
    "four_of_five": ([-1.1, -1.2, 0.0, -1.3, -1.1], [-1.1, -1.2, 0.0, 1.3, -1.1]),
    "eight_in_a_row": ([0.1] * 8, [0.1] * 7 + [-0.1]),
    "nine_in_a_row": ([-0.1] * 9, [-0.1] * 8),
    "six_in_a_trend": ([-1.0, -0.6, -0.2, 0.2, 0.6, 1.0], [-1.0, -0.6, -0.2, 0.2, 0.1, 1.0]),
    "fourteen_alternating": (STEPS * 7, STEPS * 6 + [0.5]),
    "fifteen_within_one_sigma": (STEPS * 7 + [0.5], STEPS * 6 + [0.5, 1.5, 0.5]),
    "eight_beyond_one_sigma": ([1.1, -1.1] * 4, [1.1, -1.1] * 3 + [1.1, -0.9]),
}


@pytest.mark.parametrize("name", list(RULES))
def test_a_rule_tells_its_pattern_and_no_other(name: str) -> None:
    broken, kept = CASES[name]
    _, signals = run(Shewhart(), KNOWN, [point(z) for z in broken], {"rules": name})
    assert [s.fired for s in signals] == [False] * (len(broken) - 1) + [True]
    assert signals[-1].rule == name
    assert rule_in_words(signals[-1]).startswith(f"{name}: ")
    _, signals = run(Shewhart(), KNOWN, [point(z) for z in kept], {"rules": name})
    assert not any(s.fired for s in signals)


def test_no_rule_is_followed_unless_asked_for() -> None:
    _, signals = run(Shewhart(), KNOWN, [point(0.1)] * 30)
    assert not any(s.fired for s in signals)


def test_after_a_signal_the_run_begins_anew() -> None:
    _, signals = run(Shewhart(), KNOWN, [point(0.1)] * 16, {"rules": "western_electric"})
    assert [n for n, s in enumerate(signals, 1) if s.fired] == [8, 16]


def test_sets_and_single_rules_are_named_together() -> None:
    assert rules_named("western_electric, nine_in_a_row")[-1] == "nine_in_a_row"
    assert len(rules_named("nelson")) == 7
    with pytest.raises(UsageError, match="did you mean 'nelson'"):
        rules_named("nelsen")

"""Sentences of signals: every rule that ships has words of its own."""

from __future__ import annotations

import ast
from pathlib import Path

import watchkeeper
from watchkeeper.charts.run_rules import RULES
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Basis, Signal, Zone
from watchkeeper.words.signals import RUNS_RULES, rule_in_words

MEASURED = Measurement(Family.COMPARISON, "ks", 0.3, 10, column="x")


def test_a_signal_that_did_not_fire_says_nothing_whatever_its_rule() -> None:
    assert rule_in_words(Signal(MEASURED, "fixed", rule="above_upper")) == ""


def test_every_runs_rule_has_words() -> None:
    assert RULES.keys() == RUNS_RULES.keys()


def test_every_code_that_a_chart_or_a_rule_writes_has_words() -> None:
    """The codes are those texts of the code of charts and rules that look like one and stand where a rule is given."""
    root = Path(watchkeeper.__file__).parent
    known = {
        "sum_low", "below_lower", "above_upper", "beyond_tolerance", "rare_high", "value_below", "too_old", "constant",
        "another_value", "rows_broken", "evidence", "evidence_of_fall", "t_squared", "significant", "average_beyond",
        "average_above", "evidence_above", "evidence_below", "rate_beyond_tolerance", "change_seen",
    }  # fmt: skip
    written = {
        node.value
        for folder in ("charts", "quality", "integrations")
        for file in (root / folder).glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert known <= written
    for code in known:
        said = rule_in_words(Signal(MEASURED, "own", 0.0, 0.1, 0.2, Zone.BEYOND, code, fired=True, basis=Basis()))
        assert said != code.replace("_", " ") or code == "constant"


def test_a_rule_of_a_plug_in_is_said_by_its_code_and_numbers() -> None:
    own = Signal(MEASURED, "own", rule="odd_jump", fired=True, basis=Basis(3.21, 2.0))
    assert rule_in_words(own) == "odd jump: 3.21, limit 2"
    assert rule_in_words(Signal(MEASURED, "own", rule="odd_jump", fired=True)) == "odd jump"

"""The table of quality rules: worst first, in words, bounded, and nothing from outside is obeyed."""

from __future__ import annotations

from datetime import UTC, datetime

from watchkeeper.core.evidence import Evidence, RuleCheck
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.views.findings import Verdict
from watchkeeper.views.report import Report
from watchkeeper.views.rules import rule_lines
from watchkeeper.views.terminal import plain

EVIL = "<img src=x onerror=alert(1)>\x1b[2J[link=evil]"


def signal(name: str, column: str, *, offending: int = 0, status: Status = Status.OK, examples: str = "") -> Signal:
    value = offending / 100 if status is Status.OK else None
    check = RuleCheck(name, f"{name} {EVIL}", "page", 100, offending, examples=examples)
    reason = "" if status is Status.OK else "column 'x' is missing"
    measurement = Measurement(
        Family.QUALITY, name, value, 100, status=status, reason=reason, column=column, evidence=Evidence(rule=check)
    )  # fmt: skip
    broken = offending > 0
    return Signal(
        measurement, "fixed", None, None, 0.0, Zone.BEYOND if broken else Zone.WITHIN_1,
        "rows_broken" if broken else "", float(offending), fired=broken,
    )  # fmt: skip


SIGNALS = (
    signal("not_null", "a"),
    signal("in_set", "b", offending=3, examples=EVIL * 50),
    signal("unique", "@rules", offending=40),
    signal("in_range", "x", status=Status.FAILED),
)


def report() -> Report:
    return Report("t", "m", Verdict.ALERT, datetime(2024, 1, 1, tzinfo=UTC), signals=SIGNALS)


def test_broken_rules_come_first_and_every_rule_is_there() -> None:
    lines = rule_lines(SIGNALS)
    assert [(line.column, line.state) for line in lines] == [
        ("rows", "broken"), ("b", "broken"), ("x", "failed"), ("a", "kept"),
    ]  # fmt: skip
    assert lines[0].found == "40 of 100 rows"
    assert lines[2].told == "column 'x' is missing"
    assert max(len(line.examples) for line in lines) <= 300


def test_a_page_and_a_terminal_show_rules_and_obey_nothing() -> None:
    page, text = report().html(), plain(report())
    assert "<img src=x" not in page
    assert page.count(">kept<") == 1
    assert "4 quality rules: 1 kept" in text
    assert "\x1b" not in text
    # Rules have a table of their own and are not told again among the series.
    assert text.count("40 of 100 rows") == 1

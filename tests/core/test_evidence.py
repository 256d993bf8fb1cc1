"""Evidence is typed: what decides reads fields, and details are read by their owners and by complete tables alone."""

from __future__ import annotations

import ast
from pathlib import Path

import watchkeeper
from watchkeeper.core.evidence import Change, Evidence, Quantity, Size, stated

ROOT = Path(watchkeeper.__file__).parent
COMPLETE = {"core/measurement.py", "views/report_json.py", "store/nouns.py", "store/migrations/evidence.py"}
"""Modules that show or keep details whole, whatever they are."""

SHARED = {"steps/assess.py"}
"""Modules that add a note to the details of others."""

WITH_THEIR_OWNER = {
    "views/behaviour_json.py": "explanation/attribution_drift.py",
    "compare/usual_rates.py": "compare/repeated_value.py",
}
"""Modules that read the details of one measurement, with the module that makes it."""


def reads_details(tree: ast.Module) -> bool:
    """Return whether a module reads ``….evidence.details``."""
    read = (n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "details")
    return any("evidence" in (getattr(n.value, "attr", ""), getattr(n.value, "id", "")) for n in read)


def fills_details(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.keyword) and node.arg == "details" for node in ast.walk(tree))


def test_details_are_read_where_they_are_made_and_by_what_shows_them_all() -> None:
    found = set()
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if reads_details(tree) and not fills_details(tree):
            found.add(path.relative_to(ROOT).as_posix())
    assert found - COMPLETE - SHARED - WITH_THEIR_OWNER.keys() == set()
    for owner in WITH_THEIR_OWNER.values():
        assert fills_details(ast.parse((ROOT / owner).read_text(encoding="utf-8")))


def test_rooms_that_decide_read_no_details() -> None:
    for room in ("charts", "alerts", "diagnose", "maintain", "run", "words", "streams"):
        for path in (ROOT / room).rglob("*.py"):
            assert not reads_details(ast.parse(path.read_text(encoding="utf-8"))), path.name


def test_only_what_differs_from_the_default_is_stated() -> None:
    evidence = Evidence(Change(Quantity.MEAN, 1.0, 2.0), among=3)
    assert stated(evidence) == {"change": evidence.change, "among": 3}
    assert stated(evidence.change) == {"quantity": Quantity.MEAN, "before": 1.0, "after": 2.0}
    assert stated(Size()) == {}

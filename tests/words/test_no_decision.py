"""Outside of words/ and views/ no sentence is compared, asked for its truth or taken apart."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import watchkeeper

ROOT = Path(watchkeeper.__file__).parent
SENTENCES = {"message", "headline", "why", "sentence", "told"}
"""Attributes that hold text for people."""

PARSING = {
    "startswith", "endswith", "removeprefix", "removesuffix", "split", "rsplit", "partition", "rpartition", "find",
    "index", "replace", "strip",
}  # fmt: skip

LISTED = {"streams/series.py: c.why.rpartition"}
"""A sentence that is shortened to be put into another one."""


def wording_functions() -> set[str]:
    """The names of the public functions of words/."""
    trees = (ast.parse(file.read_text()) for file in (ROOT / "words").glob("*.py"))
    return {n.name for tree in trees for n in tree.body if isinstance(n, ast.FunctionDef) and n.name[0] != "_"}


class Decisions(ast.NodeVisitor):
    """Finds where text for people decides something."""

    def __init__(self, functions: set[str]) -> None:
        self.functions, self.found = functions, set[str]()

    def is_text(self, node: ast.AST) -> bool:
        called = isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", ""))
        return (isinstance(node, ast.Attribute) and node.attr in SENTENCES) or called in self.functions

    def asked(self, node: ast.AST) -> None:
        """Look at what is asked for its truth."""
        if isinstance(node, ast.BoolOp):
            for value in node.values:
                self.asked(value)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.asked(node.operand)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "bool":
            for value in node.args:
                self.asked(value)
        elif self.is_text(node):
            self.found.add(ast.unparse(node))

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
            self.asked(node.test)
        elif isinstance(node, ast.comprehension):
            for test in node.ifs:
                self.asked(test)
        elif isinstance(node, ast.Call | ast.UnaryOp):
            # Of these only bool(…) and not … ask for the truth of something; a wording function itself does not.
            if not self.is_text(node):
                self.asked(node)
        elif isinstance(node, ast.Compare):
            self.found.update(ast.unparse(one) for one in (node.left, *node.comparators) if self.is_text(one))
        elif isinstance(node, ast.Attribute) and node.attr in PARSING and self.is_text(node.value):
            self.found.add(ast.unparse(node))
        self.generic_visit(node)


def decisions(text: str, functions: set[str]) -> set[str]:
    visitor = Decisions(functions)
    visitor.visit(ast.parse(text))
    return visitor.found


def test_no_module_outside_words_and_views_decides_by_a_sentence() -> None:
    functions = wording_functions()
    assert {"alert_sentence", "rule_in_words", "action_sentence"} <= functions
    found = {
        f"{file.relative_to(ROOT).as_posix()}: {one}"
        for file in ROOT.rglob("*.py")
        if file.relative_to(ROOT).parts[0] not in ("words", "views")
        for one in decisions(file.read_text(encoding="utf-8"), functions)
    }
    assert found == LISTED


@pytest.mark.parametrize(
    "text",
    [
        "shown = [a for a in alerts if a.message]",
        "fired = bool(signal.message)",
        "if not alert.message and alert.columns: pass",
        "ended = alert.message.startswith('did not persist')",
        "same = asked.why == why",
        "first = action.why.split('; ')[0]",
        "if alert_sentence(alert): pass",
        "known = rule_in_words(signal) in ('', 'low')",
        "x = 1 if a and (b or report.headline) else 2",
    ],
)
def test_a_decision_by_a_sentence_is_found(text: str) -> None:
    assert decisions(text, {"alert_sentence", "rule_in_words"})


@pytest.mark.parametrize(
    "text", ["print(f'{alert.id}: {alert_sentence(alert)}')", "says(action.why)", "x = Column(why=column.why)"]
)
def test_a_sentence_that_is_only_handed_on_is_no_decision(text: str) -> None:
    assert not decisions(text, {"alert_sentence"})

"""What changed from one list of rules to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from watchkeeper.config.yaml_text import shown
from watchkeeper.core.rule import Rule
from watchkeeper.quality.notation import asked
from watchkeeper.quality.rule_set import written

__all__ = ["Change", "difference"]


@dataclass(frozen=True, slots=True)
class Change:
    """A rule that was added, removed or changed.

    Attributes
    ----------
    what
        ``added``, ``removed`` or ``changed``.
    name, column
        What the rule is called, and the column it is filed under.
    before, after
        The rule as it is written; None where there was none.
    """

    what: Literal["added", "removed", "changed"]
    name: str
    column: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    @property
    def told(self) -> tuple[str, ...]:
        """The change in lines that begin with +, - or ~."""
        about = " of ".join(filter(None, (self.name, self.column)))
        if self.before is None or self.after is None:
            sign, rule = ("+", self.after) if self.before is None else ("-", self.before)
            return (f"{sign} {about}: {_listed(rule or {})}",)
        keys = [key for key in {**self.before, **self.after} if self.before.get(key) != self.after.get(key)]
        return tuple(f"~ {about}: {k} {_value(self.before, k)} → {_value(self.after, k)}" for k in keys)


def difference(before: Sequence[Rule], after: Sequence[Rule]) -> tuple[Change, ...]:
    """Return the changes in the order of the new list, then what was removed; a rule is known by name and column."""
    old, new = ({(r.name, r.columns): r for r in rules} for rules in (before, after))
    found = []
    for place, rule in new.items():
        was = old.get(place)
        if was is None:
            found.append(Change("added", rule.name, _about(rule), None, written(rule)))
        elif written(was) != written(rule):
            found.append(Change("changed", rule.name, _about(rule), written(was), written(rule)))
    removed = [Change("removed", r.name, _about(r), written(r)) for place, r in old.items() if place not in new]
    return (*found, *removed)


def _about(rule: Rule) -> str:
    return ", ".join(rule.columns) or ("" if rule.name != rule.kind else asked(rule).partition(" ")[0])


def _listed(rule: dict[str, Any]) -> str:
    return ", ".join(f"{k} {shown(v)}" for k, v in rule.items() if k not in ("column", "columns", "name"))


def _value(rule: dict[str, Any], key: str) -> str:
    return shown(rule[key]) if key in rule else "(not given)"

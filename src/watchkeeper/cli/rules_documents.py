"""What the commands about rules write with ``--json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from watchkeeper.alerts.payload import SchemaVersion
from watchkeeper.core.encode import Cell

__all__ = ["OffendingDocument", "OffendingRulesDocument", "RuleChangeDocument", "RuleChangesDocument", "RulesDocument"]


@dataclass(frozen=True, slots=True)
class RulesDocument:
    """Rules as they are written in YAML."""

    schema_version: SchemaVersion
    rules: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class RuleChangeDocument:
    """A rule that differs between two lists.

    Attributes
    ----------
    column
        The columns it is filed under; empty for a rule about whole rows.
    before, after
        The rule as it is written; null where there is none.
    """

    what: Literal["added", "changed", "removed"]
    rule: str
    column: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class RuleChangesDocument:
    """What changes from one list of rules to another."""

    schema_version: SchemaVersion
    changes: tuple[RuleChangeDocument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OffendingDocument:
    """The rows that break one rule.

    Attributes
    ----------
    asked
        The rule in words.
    checked, offending
        Rows it speaks of, and those that break it.
    problem
        Why the rule could not be asked; empty when it could.
    rows
        The first that break it, with their position in the table and the columns that the rule looks at.
    """

    rule: str
    column: str
    asked: str
    checked: int
    offending: int
    problem: str
    rows: tuple[dict[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class OffendingRulesDocument:
    """The rows that break rules."""

    schema_version: SchemaVersion
    rules: tuple[OffendingDocument, ...]

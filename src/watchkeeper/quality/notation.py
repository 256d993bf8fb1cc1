"""A rule as it is written, on one line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from watchkeeper.config.fields import format_duration
from watchkeeper.config.yaml_text import shown
from watchkeeper.core.rule import Rule

__all__ = ["asked", "plain_value"]

_LONGEST = 120


def asked(rule: Rule) -> str:
    """Return what a rule asks, on one line and bounded: its kind, its parameters, its conditions."""
    parts = [f"{name} {_cut(shown(plain_value(value)))}" for name, value in rule.options.items() if name != "known"]
    if len(rule.columns) > 1:
        parts.insert(0, ", ".join(rule.columns))
    if rule.mostly < 1.0:
        parts.append(f"mostly {rule.mostly:g}")
    if rule.when:
        parts.append("when " + " and ".join(f"{c.column} {asked(c)}" for c in rule.when))
    return _cut(f"{rule.kind} {', '.join(parts)}".strip(), 3 * _LONGEST)


def plain_value(value: Any) -> Any:
    """Return a parameter as it is written in YAML."""
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, datetime):
        text = value.replace(tzinfo=None).isoformat()
        return text.removesuffix("T00:00:00")
    if isinstance(value, tuple | list):
        return [plain_value(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain_value(item) for key, item in value.items()}
    return value


def _cut(text: str, most: int = _LONGEST) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"

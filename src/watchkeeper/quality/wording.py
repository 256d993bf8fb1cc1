"""Rules and their breaks in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from scipy.stats import binom

from watchkeeper.config.fields import format_duration
from watchkeeper.config.yaml_text import shown
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.plugins import plugin
from watchkeeper.core.rule import Rule, RuleKind

__all__ = ["asked", "broken_words", "plain_value"]

_LEAST = 1e-16
_LONGEST = 120


def asked(rule: Rule) -> str:
    """Return what a rule asks, on one line and bounded: its kind, its parameters, its conditions."""
    told = [f"{name} {_cut(shown(plain_value(value)))}" for name, value in rule.options.items() if name != "known"]
    if len(rule.columns) > 1:
        told.insert(0, ", ".join(rule.columns))
    if rule.mostly < 1.0:
        told.append(f"mostly {rule.mostly:g}")
    if rule.when:
        told.append("when " + " and ".join(f"{c.column} {asked(c)}" for c in rule.when))
    return _cut(f"{rule.kind} {', '.join(told)}".strip(), 3 * _LONGEST)


def broken_words(rule: Rule, measurement: Measurement, lower: float | None, upper: float | None) -> str:
    """Say how a rule is broken; empty when it is kept."""
    value = measurement.value
    if "broken" in measurement.facts:
        return str(measurement.facts["broken"])
    if value is None:
        return ""
    kind: RuleKind = plugin("rule", rule.kind)
    if kind.work != "states":
        return _share(rule, measurement, value, upper or 0.0)
    if lower is not None and value < lower:
        return "constant" if rule.kind == "varies" else f"{value:.6g} is below {lower:.6g}"
    if upper is not None and value > upper:
        if rule.kind == "fresh":
            return f"the newest time is {timedelta(seconds=round(value))} old, more than {timedelta(seconds=upper)}"
        return f"{value:.6g} is above {upper:.6g}"
    return ""


def _share(rule: Rule, measurement: Measurement, value: float, upper: float) -> str:
    offending, checked = int(measurement.facts["offending"]), int(measurement.facts["checked"])
    if value <= upper:
        return ""
    chance = ""
    if rule.alpha is not None:
        p = float(binom.sf(offending - 1, checked, upper))
        if p > rule.alpha:
            return ""
        chance = f", p {p:.2g}" if p > _LEAST else f", p below {_LEAST:g}"
    allowed = f", allowed {100 * upper:.3g}%" if upper else ""
    return f"{offending:,} of {checked:,} rows ({100 * value:.3g}%{allowed}{chance}) break it"


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

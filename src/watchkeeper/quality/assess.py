"""All quality rules of a model, measured from states; one failed row where one fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from watchkeeper.charts.fixed import Fixed
from watchkeeper.core.alert import Cause, Severity
from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.core.evidence import Change, Quantity, RuleCheck
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.plugins import plugin
from watchkeeper.core.rule import Rule, RuleKind
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.signal import Basis, Signal, Zone
from watchkeeper.core.state import State
from watchkeeper.quality.notation import asked
from watchkeeper.quality.row_rule import is_counted, key_of

__all__ = ["assess_rules", "judge_rules", "severity_of_rule"]

_REACHES = (Role.FEATURE, Role.PREDICTION, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE)
_GRAVE, _LIGHT = 100.0, 10.0


def assess_rules(
    rules: Iterable[Rule], states: Mapping[str, State], schema: Schema, now: datetime | None = None
) -> list[Measurement]:
    """Measure every rule over the states of all rows.

    Parameters
    ----------
    states
        By column, those of the segment ``all``; the counts of rows are under ``@rules``.
    now
        The moment the rows are judged at, for freshness.

    Returns
    -------
    list
        One measurement for each rule: a rule that cannot be asked is a failed one, never an error.
    """
    found = []
    for rule in rules:
        kind: RuleKind = plugin("rule", rule.kind)
        try:
            if kind.work == "states" or is_counted(rule, states):
                measured = kind.measure(rule, states, now)
            else:
                words = "the rule was not counted when these rows were summarised"
                measured = Measurement.missing(key_of(rule, states), Family.QUALITY, rule.name, words)
        except WatchkeeperError as error:
            measured = Measurement.failed(key_of(rule, states), Family.QUALITY, rule.name, str(error))
        except Exception as error:  # noqa: BLE001
            # A plug-in may fail in any way; it costs one row and not the report.
            words = f"{type(kind).__name__} raised {type(error).__name__}: {error}"
            measured = Measurement.failed(key_of(rule, states), Family.QUALITY, rule.name, words)
        check, severity = measured.evidence.rule or RuleCheck(), str(severity_of_rule(rule, schema))
        check = replace(check, kind=rule.kind, asked=asked(rule), severity=severity)
        change = _change(kind, rule, measured)
        found.append(replace(measured, evidence=replace(measured.evidence, rule=check, change=change)))
    return found


def _change(kind: RuleKind, rule: Rule, measured: Measurement) -> Change:
    """Return the limit of a rule, of two the nearer one, and what was observed."""
    if measured.value is None:
        return Change()
    try:
        verdict = kind.judge(rule, measured)
    except Exception:  # noqa: BLE001 - whoever judges it will say so
        return Change(Quantity.LIMIT, None, measured.value)
    value = measured.value
    limits = [limit for limit in (verdict.lower, verdict.upper) if limit is not None]
    nearest = min(limits, key=lambda limit: abs(limit - value), default=None)
    return Change(Quantity.LIMIT, nearest, value, unit=measured.evidence.change.unit)


def severity_of_rule(rule: Rule, schema: Schema) -> Severity:
    """Return how much a break matters: as stated; else a page for a grave kind on a column the model sees or gives."""
    if rule.severity is not None:
        return rule.severity
    kind: RuleKind = plugin("rule", rule.kind)
    reaches = any(name in schema and schema[name].role in _REACHES for name in rule.columns)
    return Severity.PAGE if kind.grave and reaches else Severity.WARNING


def judge_rules(
    measurements: Iterable[Measurement], rules: Sequence[Rule], schema: Schema
) -> list[tuple[Cause, Signal]]:
    """Judge the measurements of rules against what the rules state.

    A rule that could not be asked signals too: its column is missing or of another type. One without data does not.
    """
    by_place = {_place(rule.name, key_of(rule, {}).column): rule for rule in rules}
    found = []
    for measurement in measurements:
        rule = by_place.get(_place(measurement.name, measurement.column))
        if rule is None or measurement.evidence.rule is None:
            continue
        role = schema[rule.column].role if rule.column in schema else None
        cause = Cause.LABEL_FAULT if role is Role.LABEL else Cause.DATA_FAULT
        found.append((cause, _signal(rule, measurement, severity_of_rule(rule, schema))))
    return found


def _place(name: str, column: str) -> tuple[str, str]:
    return name, column


def _signal(rule: Rule, measurement: Measurement, severity: Severity) -> Signal:
    score = _GRAVE if severity is Severity.PAGE else _LIGHT
    if measurement.status is Status.FAILED:
        return Signal(measurement, Fixed.name, zone=Zone.BEYOND, rule="not_measured", score=score, fired=True)
    if measurement.status is not Status.OK or measurement.value is None:
        return Signal(measurement, Fixed.name)
    kind: RuleKind = plugin("rule", rule.kind)
    found = kind.judge(rule, measurement)
    if found.kept:
        return Signal(measurement, Fixed.name, None, found.lower, found.upper, Zone.WITHIN_1)
    basis = Basis(found.p_value, found.alpha) if found.p_value is not None else None
    return Signal(
        measurement, Fixed.name, None, found.lower, found.upper, Zone.BEYOND, found.code, score, fired=True, basis=basis
    )

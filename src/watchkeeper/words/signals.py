"""Why a signal fired, in words: the rule by its code, with the numbers it judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from math import exp

from watchkeeper.core.evidence import Quantity, RuleCheck
from watchkeeper.core.measurement import Status
from watchkeeper.core.signal import Basis, Signal
from watchkeeper.words.change import from_to, moment

__all__ = ["RUNS_RULES", "rule_in_words"]

_LEAST = 1e-16

RUNS_RULES: Mapping[str, str] = {
    "two_of_three": "2 of 3 points beyond 2 sigma on one side",
    "four_of_five": "4 of 5 points beyond 1 sigma on one side",
    "eight_in_a_row": "8 points in a row on one side of the centre",
    "nine_in_a_row": "9 points in a row on one side of the centre",
    "six_in_a_trend": "6 points in a row rising or falling",
    "fourteen_alternating": "14 points in a row going up and down in turn",
    "fifteen_within_one_sigma": "15 points in a row within 1 sigma",
    "eight_beyond_one_sigma": "8 points in a row beyond 1 sigma on either side",
}


def rule_in_words(signal: Signal) -> str:
    """Say by which rule a signal fired and by what numbers; empty where it did not fire."""
    if not signal.fired:
        return ""
    if signal.measurement.status is not Status.OK:
        return signal.measurement.reason
    if signal.rule in RUNS_RULES:
        return "; ".join(f"{code}: {RUNS_RULES.get(code, code)}" for code in (signal.rule, *signal.also))
    say = _BY_CODE.get(signal.rule)
    return say(signal, signal.basis or Basis()) if say else _plain(signal)


def _plain(signal: Signal) -> str:
    """Say it for a rule without words of its own, such as one of a plug-in."""
    basis = signal.basis or Basis()
    name = signal.rule.replace("_", " ") or "the chart signals"
    if basis.statistic is None or basis.threshold is None:
        return name
    return f"{name}: {basis.statistic:.3g}, limit {basis.threshold:.3g}"


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _lower(signal: Signal, _: Basis) -> str:
    return f"below {_number(signal.lower):.4g}"


def _upper(signal: Signal, _: Basis) -> str:
    return f"above {_number(signal.upper):.4g}"


def _sum(signal: Signal, basis: Basis) -> str:
    way = "low" if signal.rule == "sum_low" else "high"
    lasted = f" for {basis.count} windows" if basis.count > 1 else ""
    return (
        f"sum {_number(basis.statistic):.3g} above {_number(basis.threshold):.3g}: {way} by about "
        f"{_number(basis.shift):.2g} sigma{lasted}"
    )


def _average(signal: Signal, basis: Basis) -> str:
    average, limit, weight = (_number(v) for v in (basis.statistic, basis.threshold, basis.weight))
    if signal.rule == "average_above":
        return f"average of {average:.0f} rows above {limit:.0f} (λ = {weight:g})"
    return f"average {average:+.2f} sigma beyond ±{limit:.2f} (λ = {weight:g})"


def _grown(basis: Basis) -> str:
    return f"evidence e^{_number(basis.statistic):.1f} above e^{_number(basis.threshold):.1f}"


def _evidence(signal: Signal, basis: Basis) -> str:
    m = signal.measurement
    moved = f"by {_number(basis.shift):.3g} in this batch"
    change = m.evidence.change
    if change.quantity is Quantity.SHARE:
        moved = f"{change.levels[0]} {from_to(change)} over {m.n:,} rows"
    return f"{_grown(basis)}: moved by more than {_number(basis.tolerance):.3g}, {moved}"


def _harm(signal: Signal, basis: Basis) -> str:
    way = "below" if signal.rule == "evidence_below" else "above"
    return f"{_grown(basis)}: {way} {_number(basis.tolerance):.4g}"


def _likelihood(signal: Signal, basis: Basis) -> str:
    return f"{_grown(basis)} of a {'fall' if signal.rule == 'evidence_of_fall' else 'rise'}"


def _rare(signal: Signal, basis: Basis) -> str:
    way = "low" if signal.rule == "rare_low" else "high"
    return f"{way}: p = {_number(basis.statistic):.2g}, at most {_number(basis.threshold):.2g}"


def _significant(signal: Signal, basis: Basis) -> str:
    p_value, alpha = _number(basis.statistic), _number(basis.threshold)
    value, tolerance = _number(signal.measurement.value), _number(basis.tolerance)
    return f"p = {p_value:.2g}, at most {alpha:.2g}, and {value:.3g} above {tolerance:g}"


def _significant_beside(signal: Signal, basis: Basis) -> str:
    return f"{_significant(signal, basis)}, beside the drift of the model's answers or labels"


def _together(_: Signal, basis: Basis) -> str:
    most = f"most of all {basis.part} ({_number(basis.shift):+.1f} sigma)"
    return f"T² {_number(basis.statistic):.3g} above {_number(basis.threshold):.3g}: {most}"


def _tolerance(signal: Signal, basis: Basis) -> str:
    limit, tolerance = _number(signal.upper), _number(basis.tolerance)
    return f"above {limit:.3g} (tolerance {tolerance:g} and sampling {limit - tolerance:.3g})"


def _rate(signal: Signal, basis: Basis) -> str:
    before = _number(basis.threshold) - _number(signal.upper)
    return f"from {before:.2%} to {_number(basis.statistic):.2%}, above {_number(basis.threshold):.2%}"


def _rate_over_windows(_: Signal, basis: Basis) -> str:
    return f"{_number(basis.statistic):.2%} in {basis.count} windows together, above {_number(basis.threshold):.2%}"


def _broke_off(_: Signal, basis: Basis) -> str:
    return f"unlike the last windows: {_departure(basis)}"


def _broke_off_slowly(_: Signal, basis: Basis) -> str:
    return f"unlike the windows before, all the last ones together: {_departure(basis)}"


def _left_season(_: Signal, basis: Basis) -> str:
    return f"unlike this season in the reference: {_departure(basis)}"


def _left_season_slowly(_: Signal, basis: Basis) -> str:
    return f"unlike this season in the reference, all the last windows together: {_departure(basis)}"


def _off_the_others(_: Signal, basis: Basis) -> str:
    return f"unlike what the columns that go with it say: {_departure(basis)}"


def _lasts(_: Signal, __: Basis) -> str:
    return "the change lasts"


def _departure(basis: Basis) -> str:
    return (
        f"{_number(basis.statistic):.3g} off, limit {_number(basis.threshold):.3g}, in its {basis.part.split(':')[0]}"
    )


def _seen(signal: Signal, basis: Basis) -> str:
    return f"{signal.chart} sees a change after {basis.count} values"


_OF_A_SERIES: Mapping[str, str] = {
    "point": "the value",
    "level": "the median of the last 12 values",
    "season": "the distance from what is usual at this time",
    "season_level": "the mean distance from what is usual at this time, over 24 values,",
    "spread": "the spread of the last 36 values",
}


def _record(signal: Signal, basis: Basis) -> str:
    way, beyond = ("higher", "above") if signal.rule == "record_high" else ("lower", "below")
    what, value, limit = _OF_A_SERIES.get(basis.part, basis.part), _number(basis.statistic), _number(basis.threshold)
    if basis.part == "spread":
        value, limit = exp(value), exp(limit)
    return f"{what} is {way} than ever before: {value:.4g}, {beyond} {limit:.4g}"


def _no_rows(_: Signal, __: Basis) -> str:
    return "no rows"


def _rows_broken(signal: Signal, basis: Basis) -> str:
    check, value = signal.measurement.evidence.rule or RuleCheck(), _number(signal.measurement.value)
    offending, checked = check.offending or 0, check.checked or 0
    allowed = f", allowed {100 * signal.upper:.3g}%" if signal.upper else ""
    p = basis.statistic
    chance = "" if p is None else f", p {p:.2g}" if p > _LEAST else f", p below {_LEAST:g}"
    return f"{offending:,} of {checked:,} rows ({100 * value:.3g}%{allowed}{chance}) break it"


def _value_below(signal: Signal, _: Basis) -> str:
    return _beyond(signal, "below", signal.lower)


def _value_above(signal: Signal, _: Basis) -> str:
    return _beyond(signal, "above", signal.upper)


def _beyond(signal: Signal, way: str, limit: float | None) -> str:
    value, limit = _number(signal.measurement.value), _number(limit)
    if signal.measurement.evidence.change.unit == "time":
        return f"{moment(value)} is {way} {moment(limit)}"
    return f"{value:.6g} is {way} {limit:.6g}"


def _constant(_: Signal, __: Basis) -> str:
    return "constant"


def _too_old(signal: Signal, _: Basis) -> str:
    age, most = round(_number(signal.measurement.value)), _number(signal.upper)
    return f"the newest time is {timedelta(seconds=age)} old, more than {timedelta(seconds=most)}"


def _another_value(signal: Signal, _: Basis) -> str:
    check = signal.measurement.evidence.rule or RuleCheck()
    if not signal.measurement.value:
        return f"no value is common, which is not among {', '.join(check.valid)}"
    if check.ties:
        common = " and ".join(repr(value) for value in (check.observed, *check.ties))
        return f"{common} are the most common values, equally often; they may be {', '.join(check.valid)}"
    return f"the most common value is {check.observed!r}, which is not among {', '.join(check.valid)}"


_BY_CODE: Mapping[str, Callable[[Signal, Basis], str]] = {
    "broke_off": _broke_off,
    "broke_off_slowly": _broke_off_slowly,
    "left_season": _left_season,
    "left_season_slowly": _left_season_slowly,
    "off_the_others": _off_the_others,
    "lasts": _lasts,
    "below_lower": _lower,
    "above_upper": _upper,
    "sum_low": _sum,
    "sum_high": _sum,
    "average_above": _average,
    "average_beyond": _average,
    "evidence": _evidence,
    "evidence_above": _harm,
    "evidence_below": _harm,
    "evidence_of_fall": _likelihood,
    "evidence_of_rise": _likelihood,
    "rare_low": _rare,
    "rare_high": _rare,
    "significant": _significant,
    "significant_beside": _significant_beside,
    "t_squared": _together,
    "beyond_tolerance": _tolerance,
    "rate_beyond_tolerance": _rate,
    "rate_over_windows": _rate_over_windows,
    "change_seen": _seen,
    "record_high": _record,
    "record_low": _record,
    "no_rows": _no_rows,
    "rows_broken": _rows_broken,
    "value_below": _value_below,
    "value_above": _value_above,
    "constant": _constant,
    "too_old": _too_old,
    "another_value": _another_value,
}

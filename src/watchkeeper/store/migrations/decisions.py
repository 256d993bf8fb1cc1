"""What version 0.1.0 stored as sentences, as the codes and numbers that were behind them."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["CAUSES", "STATES", "alert_of_0_1", "episodes_of_0_1", "signal_of_0_1"]

Body = dict[str, Any]

_N = r"[-+]?(?:[\d.]+(?:e[-+]?\d+)?|inf|nan)"
_GREW = rf"evidence e\^(?P<statistic>{_N}) above e\^(?P<threshold>{_N})"
_RUNS_RULE = r"\w+: [^;]+"

_SENTENCES = tuple(
    (re.compile(pattern, re.DOTALL), code)
    for pattern, code in (
        (rf"below {_N}", "below_lower"),
        (rf"above {_N}", "above_upper"),
        (rf"above {_N} \(tolerance (?P<tolerance>{_N}) and sampling {_N}\)", "beyond_tolerance"),
        (rf"from {_N}% to {_N}%, above {_N}%", "rate_beyond_tolerance"),
        (
            (
                rf"sum (?P<statistic>{_N}) above (?P<threshold>{_N}): (?P<way>low|high) by about (?P<shift>{_N}) sigma"
                r"(?: for (?P<count>\d+) windows)?"
            ),
            "sum_{way}",
        ),
        (
            rf"average (?P<statistic>{_N}) sigma beyond ±(?P<threshold>{_N}) \(λ = (?P<weight>{_N})\)",
            "average_beyond",
        ),
        (
            rf"average of (?P<statistic>{_N}) rows above (?P<threshold>{_N}) \(λ = (?P<weight>{_N})\)",
            "average_above",
        ),
        (
            rf"{_GREW}: moved by more than (?P<tolerance>{_N}), (?:by (?P<shift>{_N}) in this batch|.*)",
            "evidence",
        ),
        (rf"{_GREW}: (?P<way>below|above) (?P<tolerance>{_N})", "evidence_{way}"),
        (rf"{_GREW} of a (?P<way>fall|rise)", "evidence_of_{way}"),
        (rf"(?P<way>low|high): p = (?P<statistic>{_N}), at most (?P<threshold>{_N})", "rare_{way}"),
        (
            rf"p = (?P<statistic>{_N}), at most (?P<threshold>{_N}), and {_N} above (?P<tolerance>{_N})",
            "significant",
        ),
        (
            rf"T² (?P<statistic>{_N}) above (?P<threshold>{_N}): most of all (?P<part>.*) \((?P<shift>{_N}) sigma\)",
            "t_squared",
        ),
        (r"\w+ sees a change after (?P<count>\d+) values", "change_seen"),
        ("no rows", "no_rows"),
        ("constant", "constant"),
        (rf"{_N} is below {_N}", "value_below"),
        (rf"{_N} is above {_N}", "value_above"),
        ("the newest time is .* old, more than .*", "too_old"),
        (".*, which is not among .*", "another_value"),
        (
            (
                rf"[\d,]+ of [\d,]+ rows \({_N}%(?:, allowed {_N}%)?"
                rf"(?:, p (?:(?P<statistic>{_N})|(?P<least>below {_N})))?\) break it"
            ),
            "rows_broken",
        ),
        (rf"(?P<first>\w+): [^;]+(?:; {_RUNS_RULE})*", "{first}"),
    )
)
"""Each sentence that a chart or a rule wrote, and the code of what it says."""

CAUSES = {"blind": "no_data"}
STATES = {"silenced": "muted", "resolved": "ended"}
"""Tags that have another name today."""

_ENDS = (("withdrawn after late data: ", "withdrawn"), ("did not persist: ", "lapsed"))

_NUMBERS = ("statistic", "threshold", "tolerance", "shift", "weight")


def signal_of_0_1(body: Body) -> Body:
    """Return the body of a signal with the code of its rule and the numbers it judged by, read off the old sentence.

    Numbers that only the sentence told have the digits that were written; all others are exact.
    """
    text = body.get("rule", "")
    if "fired" in body or not text:
        return body
    measurement = body["measurement"]
    if measurement.get("status", "ok") != "ok":
        chart = "chart_failed" if text.startswith("the chart ") else "not_measured"
        rule = "memory_lost" if measurement.get("name") == "memory" else chart
        return {**body, "fired": True, "rule": rule}
    found = next(((m, code) for pattern, code in _SENTENCES if (m := pattern.fullmatch(text))), None)
    if found is None:
        return {**body, "fired": True, "rule": "unknown"}
    said = {name: word for name, word in found[0].groupdict().items() if word is not None}
    new = {**body, "fired": True, "rule": found[1].format(**said)}
    if "first" in said:
        return {**new, "also": [part.partition(":")[0] for part in text.split("; ")[1:]]}
    basis = {**_basis(said), **_exact(new)}
    return {**new, "basis": basis} if basis else new


def alert_of_0_1(body: Body) -> Body:
    """Return the body of an alert with its cause and state as they are called today, and how it ended.

    The beginning of its sentence said how; the sentence itself is made of the evidence, which holds codes now.
    """
    new = {**body, "evidence": [signal_of_0_1(signal) for signal in body.get("evidence", ())]}
    if "message" not in body:
        return new
    message = new.pop("message")
    state = STATES.get(body["state"], body["state"])
    ends = (end for start, end in _ENDS if message.startswith(start))
    end = next(ends, "cleared") if state == "ended" else None
    return {**new, "cause": CAUSES.get(body["cause"], body["cause"]), "state": state, "end": end}


def episodes_of_0_1(episodes: Body) -> Body:
    """Return what the policy remembers, by cause, with the open alerts as they are stored today."""
    return {
        CAUSES.get(cause, cause): {**held, "alert": alert_of_0_1(held["alert"])} if held.get("alert") else held
        for cause, held in episodes.items()
    }


def _basis(said: dict[str, str]) -> Body:
    basis: Body = {name: float(said[name]) for name in _NUMBERS if name in said}
    if "least" in said:
        basis["statistic"] = 0.0
    if "count" in said or ("way" in said and "shift" in said):
        basis["count"] = int(said.get("count", 1))
    return {**basis, "part": said["part"]} if "part" in said else basis


def _exact(body: Body) -> Body:
    """Return the numbers of a rule that stand elsewhere in its signal with all their digits."""
    rule, upper = body["rule"], body.get("upper")
    measurement, facts = body["measurement"], body["measurement"].get("facts", {})
    if rule in ("beyond_tolerance", "t_squared"):
        return {"statistic": measurement["value"], "threshold": upper}
    if rule == "rate_beyond_tolerance":
        return {"statistic": facts["to"], "threshold": facts["from"] + upper}
    if rule == "evidence" and "from" in facts:
        return {"shift": abs(facts["to"] - facts["from"])}
    exact_p = {"statistic": body["p_value"]} if body.get("p_value") and rule.startswith(("rare", "significant")) else {}
    return {**exact_p, "tolerance": upper} if rule == "significant" else exact_p

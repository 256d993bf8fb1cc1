"""The facts of version 0.1.0, a mapping of names, as the typed evidence of today."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from watchkeeper.store.migrations.bodies import Body

__all__ = ["alert_of_facts", "episodes_of_facts", "measurement_of_facts", "signal_of_facts"]

_CHANGE = {"from": "before", "to": "after", "reference_upper": "before_upper"}
_SIZE = ("n_reference", "n_effective", "design_effect", "rank_effect")
_SQUARES = {"ratio": "ratio", "freedom": "degrees_of_freedom", "steepness": "steepness"}
_ESTIMATE = {
    "method": "method", "assumes": "assumes", "error_of_sampling": "sampling", "error_of_calibration": "calibration",
    "error_of_method": "between_methods", "error_between_blocks": "between_blocks", "blocks": "blocks",
    "between_blocks": "blocks_lack", "without": "silent", "ess": "ess", "quadratic": "second_opinion",
}  # fmt: skip
_RULE = {
    "rule": "kind", "asked": "asked", "severity": "severity", "checked": "checked", "offending": "offending",
    "rows": "rows", "examples": "examples", "most_common": "observed", "newest": "observed",
}  # fmt: skip
_WHOLE = ("among", "checked", "offending", "rows", "blocks")
_QUANTITIES = {
    "null_rate": "null share", "correlation_change": "correlation", "pca_reconstruction": "residual",
    "text_length": "median",
}  # fmt: skip
_LEVELS = {
    "anomalous_rows": "rows unlike the reference", "isolation_forest": "rows unlike the reference",
    "local_outlier_factor": "rows unlike the reference", "encoding_damage": "damaged texts",
    "out_of_vocabulary": "unknown tokens", "proportion_test": "true", "attribution_drift": "attribution",
}  # fmt: skip


def measurement_of_facts(body: Body) -> Body:
    """Return the body of a measurement whose facts have become evidence."""
    if "facts" not in body:
        return body
    rest = {name: value for name, value in body.items() if name != "facts"}
    evidence = _evidence(body, dict(body["facts"]))
    return {**rest, "evidence": evidence} if evidence else rest


def signal_of_facts(body: Body) -> Body:
    """Return the body of a signal whose measurement has evidence."""
    return {**body, "measurement": measurement_of_facts(body["measurement"])}


def alert_of_facts(body: Body) -> Body:
    """Return the body of an alert whose signals have evidence."""
    return {**body, "evidence": [signal_of_facts(signal) for signal in body.get("evidence", ())]}


def episodes_of_facts(episodes: Body) -> Body:
    """Return what the policy remembers, by cause, with the open alerts as they are stored today."""
    return {
        cause: {**held, "alert": alert_of_facts(held["alert"])} if held.get("alert") else held
        for cause, held in episodes.items()
    }


def _evidence(body: Body, facts: Body) -> Body:
    """Take the facts apart; what has no field of its own is a detail."""
    name, family = str(body.get("name", "")), body.get("family")
    for redundant in ("pair", "band", *(("tells",) if "first" in facts else ())):
        facts.pop(redundant, None)
    found: Body = {"change": _change(name, facts), "size": _taken(facts, dict(zip(_SIZE, _SIZE, strict=True)))}
    if facts.pop("ordered", 0.0):
        found["size"] = {"rank_effect": 1.0, **found["size"]}
    found |= _taken(facts, {"p_value": "p_value", "bound": "bound", "distance": "distance"})
    found |= _taken(facts, {"series": "among"}) | _taken(facts, {"pairs": "among"})
    if name == "unit_change":
        found |= _taken(facts, {"before": "distance"})
        facts |= _taken(facts, {"after": "rescaled"})
    if name == "ks" and "largest" in facts and body.get("value") is not None:
        found["bound"] = max(0.0, facts.pop("largest") - body["value"])
    if name == "ks_test":
        found |= _taken(facts, {"statistic": "distance"})
    if "steepness" in facts:
        found["squares"] = _taken(facts, _SQUARES)
    found["about"] = [facts.pop(key) for key in ("first", "second") if key in facts]
    if "metrics" in facts:
        found["about"] = str(facts.pop("metrics")).split(", ")
    if "coverage" in facts:
        mature = facts.pop("provisional", "") != "yes"
        found["labels"] = {**_taken(facts, {key: key for key in ("coverage", "due", "overdue")}), "mature": mature}
    if family == "estimate":
        found["estimate"] = _estimate(facts)
    if family == "quality" or "offending" in facts:
        found["rule"] = _rule(facts)
    found["details"] = facts
    return {key: value for key, value in found.items() if value not in ({}, [], None)}


def _taken(facts: Body, names: Mapping[str, str]) -> Body:
    """Take facts out and return them by their new names."""
    return {new: _whole(new, facts.pop(old)) for old, new in names.items() if old in facts}


def _whole(name: str, value: Any) -> Any:
    return int(value) if name in _WHOLE and isinstance(value, float) else value


def _change(name: str, facts: Body) -> Body:
    if name == "text_length" and "median_before" in facts:
        medians = _taken(facts, {"median_before": "before", "median_now": "after"})
        return {"quantity": "median", "unit": "characters", **medians}
    if "from" not in facts:
        return {}
    levels = [str(facts.pop(key)) for key in ("level", "class", "default", "what") if facts.get(key)]
    if name == "tail_rise" and isinstance(facts.get("beyond"), float):
        levels = [f"above {facts['beyond']:.3g}"]
    levels = levels or ([_LEVELS[name]] if name in _LEVELS else [])
    return {
        "quantity": _QUANTITIES.get(name, "share"),
        **_taken(facts, _CHANGE),
        **({"levels": levels} if levels else {}),
    }


def _estimate(facts: Body) -> Body:
    made = _taken(facts, _ESTIMATE)
    if "blocks_lack" in made:
        made["blocks_lack"] = str(made["blocks_lack"]).removeprefix("unknown: ")
    return {"method": "", **made} if made else {}


def _rule(facts: Body) -> Body:
    check = _taken(facts, _RULE)
    broken = re.fullmatch(r".*, which is not among (.*)", str(facts.pop("broken", "")), re.DOTALL)
    return {**check, "valid": broken[1].split(", ")} if broken else check

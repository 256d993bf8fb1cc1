"""Facts of 0.1.0 as typed evidence: each with a field of its own, the rest as details."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from watchkeeper.core.evidence import (
    Change,
    Estimation,
    Evidence,
    Labels,
    Quantity,
    RuleCheck,
    Size,
    SumOfSquares,
)
from watchkeeper.core.measurement import Measurement
from watchkeeper.store.migrations.evidence import alert_of_facts, episodes_of_facts, measurement_of_facts
from watchkeeper.store.nouns import from_json, to_json

SIZES = {"n_reference": 1000.0, "n_effective": 400.0}
NAN = {"@number": "nan"}
CASES: list[tuple[str, str, float, dict[str, Any], Evidence]] = [
    (
        "comparison", "null_rate", 0.03,
        {**SIZES, "from": 0.01, "to": 0.04, "reference_upper": 0.02, "infinities": 0.0, "design_effect": 2.5},
        Evidence(Change(Quantity.NULL_SHARE, 0.01, 0.04, 0.02), Size(1000.0, 400.0, 2.5), details={"infinities": 0.0}),
    ),
    (
        "comparison", "level_rise", 0.1,
        {**SIZES, "level": "b", "from": 0.1, "to": 0.2, "reference_upper": 0.12, "series": 3.0},
        Evidence(Change(Quantity.SHARE, 0.1, 0.2, 0.12, ("b",)), Size(1000.0, 400.0), among=3),
    ),
    (
        "comparison", "correlation_change", 0.5,
        {"pair": "a × b", "first": "a", "second": "b", "from": 0.1, "to": 0.6, "pairs": 10.0, "p_value": 1e-9},
        Evidence(Change(Quantity.CORRELATION, 0.1, 0.6), p_value=1e-9, among=10, about=("a", "b")),
    ),
    (
        "comparison", "unit_change", 1.609,
        {**SIZES, "before": 0.4, "after": 0.01, "units": "km → miles"},
        Evidence(size=Size(1000.0, 400.0), distance=0.4, details={"rescaled": 0.01, "units": "km → miles"}),
    ),
    (
        "comparison", "mean_shift", 0.2, {"distance": 0.5, "ratio": 2.0, "freedom": 3.0, "steepness": 4.0},
        Evidence(squares=SumOfSquares(2.0, 3.0, 4.0), distance=0.5),
    ),
    ("comparison", "ks", 0.25, {"largest": 0.26, "where": 3.0}, Evidence(bound=0.26 - 0.25, details={"where": 3.0})),
    ("comparison", "shares", 0.1, {"ordered": 1.0, "n_reference": 50.0}, Evidence(size=Size(50.0, rank_effect=1.0))),
    (
        "comparison", "text_length", 0.1, {"median_before": 40.0, "median_now": 90.0, "tokens": 0.2},
        Evidence(Change(Quantity.MEDIAN, 40.0, 90.0, unit="characters"), details={"tokens": 0.2}),
    ),
    (
        "metric", "accuracy", 0.9, {"coverage": 0.5, "due": 0.7, "provisional": "yes", "tp": 3.0},
        Evidence(labels=Labels(0.5, 0.7, mature=False), details={"tp": 3.0}),
    ),
    ("metric", "accuracy", 0.9, {"coverage": 1.0}, Evidence(labels=Labels(1.0))),
    (
        "estimate", "recall", 0.8,
        {"method": "pape", "assumes": "all stays", "error_of_sampling": 0.01, "between_blocks": "unknown: no times",
         "band": "realised value", "ess": 0.7, "without": "cbpe: no", "n_reference": 900.0},
        Evidence(size=Size(900.0), estimate=Estimation("pape", "all stays", 0.01, blocks_lack="no times",
                                                       silent="cbpe: no", ess=0.7)),
    ),
    (
        "quality", "in_set", 0.1,
        {"rule": "in_set", "asked": "in_set a", "severity": "page", "checked": 10.0, "offending": 1.0, "rows": 12.0},
        Evidence(rule=RuleCheck("in_set", "in_set a", "page", 10, 1, 12)),
    ),
    (
        "quality", "most_common", 0.4,
        {"rule": "most_common", "most_common": "x", "broken": "the most common value is 'x', which is not among a, b"},
        Evidence(rule=RuleCheck("most_common", observed="x", valid=("a", "b"))),
    ),
]  # fmt: skip


def body(family: str, name: str, value: float | None, facts: dict[str, Any]) -> dict[str, Any]:
    return {"family": family, "name": name, "value": value, "n": 100, "facts": facts}


@pytest.mark.parametrize(("family", "name", "value", "facts", "evidence"), CASES, ids=[case[1] for case in CASES])
def test_every_fact_has_a_field_or_is_a_detail(
    family: str, name: str, value: float, facts: dict[str, Any], evidence: Evidence
) -> None:
    new = measurement_of_facts(body(family, name, value, facts))
    read = from_json(msgspec.json.encode(new).decode(), Measurement)
    assert read.evidence == evidence
    assert measurement_of_facts(new) == new
    assert from_json(to_json(read), Measurement) == read


def test_numbers_that_json_does_not_know_stay() -> None:
    new = measurement_of_facts(body("comparison", "psi", 0.1, {"p_value": NAN, "spread": NAN}))
    read = from_json(msgspec.json.encode(new).decode(), Measurement)
    assert read.evidence.p_value != read.evidence.p_value
    assert read.evidence.details["spread"] != read.evidence.details["spread"]


def test_alerts_and_episodes_hold_evidence_too() -> None:
    old = body("comparison", "ks", 0.1, {"p_value": 0.5})
    alert = {"id": "a", "evidence": [{"chart": "fixed", "measurement": old}]}
    new = alert_of_facts(alert)
    assert new["evidence"][0]["measurement"]["evidence"] == {"p_value": 0.5}
    assert episodes_of_facts({"drift": {"alert": alert}, "data_fault": {"alert": None}}) == {
        "drift": {"alert": new}, "data_fault": {"alert": None},
    }  # fmt: skip


def test_what_is_not_stated_is_not_stored() -> None:
    bare = from_json(msgspec.json.encode(body("metric", "accuracy", 0.9, {})).decode(), Measurement)
    assert to_json(bare) == '{"family":"metric","n":100,"name":"accuracy","value":0.9}'

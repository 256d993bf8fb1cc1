from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.views.example import HOSTILE
from watchkeeper.core.encode import as_values
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.state import StateKey
from watchkeeper.views.report import Report, Verdict
from watchkeeper.views.report_json import measurement_document

MADE = datetime(2013, 12, 9, tzinfo=UTC)


def test_the_document_is_plain_json_with_a_schema_version(report: Report) -> None:
    told = json.loads(json.dumps(report.json(), allow_nan=False))
    assert told["schema_version"] == 1
    assert told["verdict"] == "alert"
    assert told["model"] == "delays"
    assert told["made"] == "2013-12-09T06:30:00Z"


def test_the_document_is_complete_where_the_page_is_cut(report: Report) -> None:
    told = report.json()
    assert len(told["signals"]) == len(report.signals)
    assert len(told["measurements"]) == len(report.signals)
    assert len(told["alerts"]) == 3
    assert len(told["actions"]) == 5
    assert len(told["columns"]) == 30


def test_an_alert_carries_severity_cause_columns_and_message(report: Report) -> None:
    worst = report.json()["alerts"][0]
    assert worst["severity"] == "page"
    assert worst["cause"] == "data_fault"
    assert worst["columns"] == ["distance", "origin", HOSTILE]
    assert worst["message"].startswith("KS of distance is")
    assert worst["since"] == "2013-11-18T00:00:00Z"


def test_evidence_and_signals_name_the_same_measurement_once(report: Report) -> None:
    told = report.json()
    position = told["alerts"][0]["evidence"][0]["measurement"]
    assert told["measurements"][position]["column"] == "distance"
    assert told["measurements"][position]["comparison"] == "ks"
    assert position in [s["measurement"] for s in told["signals"]]


def test_a_signal_says_in_which_phase_its_chart_is_and_since_when_its_level_holds(report: Report) -> None:
    learned = replace(report.signals[0], phase=2, since=MADE)
    told = replace(report, signals=(learned,), alerts=()).json()
    assert [(s["phase"], s["since"]) for s in told["signals"]] == [(2, "2013-12-09T00:00:00Z")]
    assert report.json()["signals"][0]["since"] is None


def written(measurement: Measurement) -> dict[str, Any]:
    found: dict[str, Any] = as_values(measurement_document(measurement))
    return found


def test_a_measurement_is_named_by_its_family_and_keeps_its_status() -> None:
    key = StateKey("m", column="x")
    fine = written(Measurement.of(key, Family.METRIC, "auroc", 0.7, 10, interval=(0.6, 0.8)))
    assert (fine["metric"], fine["value"], fine["interval"], fine["status"]) == ("auroc", 0.7, [0.6, 0.8], "ok")
    missing = written(Measurement.missing(key, Family.COMPARISON, "ks", "no rows"))
    assert (missing["value"], missing["status"], missing["reason"]) == (None, "no_data", "no rows")
    failed = written(Measurement.failed(key, Family.QUALITY, "type", "it broke"))
    assert (failed["quality"], failed["value"], failed["status"]) == ("type", None, "failed")


def test_a_value_that_is_not_finite_is_null_and_failed_never_ok() -> None:
    told = written(Measurement.of(StateKey(), Family.METRIC, "auroc", float("nan"), 10))
    assert (told["value"], told["status"]) == (None, "failed")
    assert told["reason"] == "the value is not a finite number"


def test_an_empty_report_has_every_field_too() -> None:
    told = Report("t", "m", Verdict.NO_DATA, MADE).json()
    assert told["verdict"] == "no_data"
    assert told["alerts"] == told["measurements"] == told["signals"] == told["actions"] == told["notes"] == []

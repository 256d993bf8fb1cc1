from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from tests.views.example import HOSTILE
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.state import StateKey
from watchkeeper.views.report import Report, Verdict
from watchkeeper.views.twin import measurement_json

MADE = datetime(2013, 12, 9, tzinfo=UTC)


def test_the_twin_is_plain_json_with_a_schema_version(report: Report) -> None:
    twin = json.loads(json.dumps(report.json(), allow_nan=False))
    assert twin["schema_version"] == 1
    assert twin["verdict"] == "alert"
    assert twin["model"] == "delays"
    assert twin["made"] == "2013-12-09T06:30:00Z"


def test_the_twin_is_complete_where_the_page_is_cut(report: Report) -> None:
    twin = report.json()
    assert len(twin["signals"]) == len(report.signals)
    assert len(twin["measurements"]) == len(report.signals)
    assert len(twin["alerts"]) == 3
    assert len(twin["actions"]) == 5
    assert len(twin["columns"]) == 30


def test_an_alert_carries_severity_cause_columns_and_message(report: Report) -> None:
    worst = report.json()["alerts"][0]
    assert worst["severity"] == "page"
    assert worst["cause"] == "data_fault"
    assert worst["columns"] == ["distance", "origin", HOSTILE]
    assert worst["message"].startswith("ks of distance is")
    assert worst["since"] == "2013-11-18T00:00:00Z"


def test_evidence_and_signals_name_the_same_measurement_once(report: Report) -> None:
    twin = report.json()
    place = twin["alerts"][0]["evidence"][0]["measurement"]
    assert twin["measurements"][place]["column"] == "distance"
    assert twin["measurements"][place]["comparison"] == "ks"
    assert place in [s["measurement"] for s in twin["signals"]]


def test_a_signal_says_in_which_phase_its_chart_is_and_since_when_its_level_holds(report: Report) -> None:
    learned = replace(report.signals[0], phase=2, since=MADE)
    twin = replace(report, signals=(learned,), alerts=()).json()
    assert [(s["phase"], s["since"]) for s in twin["signals"]] == [(2, "2013-12-09T00:00:00Z")]
    assert report.json()["signals"][0]["since"] is None


def test_a_measurement_is_named_by_its_family_and_keeps_its_status() -> None:
    key = StateKey("m", column="x")
    fine = measurement_json(Measurement.of(key, Family.METRIC, "auroc", 0.7, 10, interval=(0.6, 0.8)))
    assert (fine["metric"], fine["value"], fine["interval"], fine["status"]) == ("auroc", 0.7, [0.6, 0.8], "ok")
    missing = measurement_json(Measurement.missing(key, Family.COMPARISON, "ks", "no rows"))
    assert (missing["value"], missing["status"], missing["reason"]) == (None, "no_data", "no rows")
    failed = measurement_json(Measurement.failed(key, Family.QUALITY, "type", "it broke"))
    assert (failed["quality"], failed["value"], failed["status"]) == ("type", None, "failed")


def test_a_value_that_is_not_finite_is_null_and_failed_never_ok() -> None:
    twin = measurement_json(Measurement.of(StateKey(), Family.METRIC, "auroc", float("nan"), 10))
    assert (twin["value"], twin["status"]) == (None, "failed")
    assert twin["reason"] == "the value is not a finite number"


def test_an_empty_report_has_every_field_too() -> None:
    twin = Report("t", "m", Verdict.NO_DATA, MADE).json()
    assert twin["verdict"] == "no_data"
    assert twin["alerts"] == twin["measurements"] == twin["signals"] == twin["actions"] == twin["notes"] == []

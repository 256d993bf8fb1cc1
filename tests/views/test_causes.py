from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from tests.views.example import HOSTILE
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.diagnosis import (
    Attribution,
    Contribution,
    Diagnosis,
    Hypothesis,
    HypothesisKind,
    Onset,
    WorstSegment,
)
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.views.causes import cause_lines, onset_words, part_lines
from watchkeeper.views.explanation import Explanation
from watchkeeper.views.report import Report

AT = datetime(2013, 11, 18, tzinfo=UTC)
DAY = timedelta(days=1)
UNIT = Statement(StatementCode.UNIT_CHANGE, ("distance",), value=1.609)
RELEASED = Statement(StatementCode.VERSION_SHARE, names=("v2",), before=0.0, after=1.0)
ALERT = Alert("a2", "delays", Cause.DRIFT, Severity.WARNING, AlertState.FIRING)


def diagnosis(alert: str = "a2") -> Diagnosis:
    return Diagnosis(
        alert,
        "delays",
        (
            Hypothesis(HypothesisKind.DATA_FAULT, 0.81, ("distance", HOSTILE), (), AT, (UNIT,)),
            Hypothesis(HypothesisKind.RELEASE, 0.18, ("version",), (), AT, (RELEASED,)),
            Hypothesis(HypothesisKind.UNKNOWN, 0.01),
        ),
        Onset(AT, AT - DAY, AT + DAY, 30.0, 40),
        (
            Attribution(
                "log_loss", "features", 0.5, 0.62, 0.02,
                (Contribution("hour", 0.02, 0.005), Contribution(HOSTILE, 0.1, 0.01)), 20_000, 5_000,
            ),
        ),
        (WorstSegment(f"{HOSTILE} = a", (HOSTILE,), 0.2, 312, (0.1, 0.3), 0.005),),
        (Statement(StatementCode.TOO_FEW_LABELS),),
    )  # fmt: skip


def test_causes_below_two_percent_are_left_out_but_for_the_first() -> None:
    found = diagnosis()
    assert [line.confidence for line in cause_lines(found, ALERT)] == ["81 %", "18 %"]
    unsure = replace(found, hypotheses=(Hypothesis(HypothesisKind.UNKNOWN, 0.01),))
    assert [line.kind for line in cause_lines(unsure, ALERT)] == ["something else"]


def test_a_moment_that_was_estimated_has_its_interval_and_one_that_was_told_has_none() -> None:
    assert onset_words(Onset(AT, AT - DAY, AT + DAY)) == "2013-11-18 (95 %: 2013-11-17 to 2013-11-19)"
    assert onset_words(Onset(AT, AT, AT)) == "2013-11-18"
    assert onset_words(None) == ""


def test_parts_come_largest_first_with_twice_their_error_and_the_rest_is_added_up() -> None:
    parts = tuple(Contribution(f"x{i}", 0.001 * i, None) for i in range(15))
    told, lines = part_lines(Attribution("brier", "features", 0.2, 0.305, None, parts, 9, 9))
    assert told == "brier 0.2 → 0.305 (+0.105), by features"
    assert lines[0] == ("x14", "+0.014", "")
    assert lines[-1] == ("5 others", "+0.01", "")
    assert part_lines(diagnosis().attributions[0])[1][0][1:] == ("+0.1", "± 0.02")


def test_the_report_shows_what_an_alert_comes_from_and_lets_no_name_be_a_tag(report: Report) -> None:
    whole = replace(report, diagnoses=(diagnosis(),))
    html = whole.html()
    assert html.count("What it comes from") == 1
    assert "data fault" in html
    assert '<i style="width:81%"></i></i>81 %' in html
    assert HOSTILE not in html
    assert "Worst segments found" in html
    assert "too few labels have arrived" in html
    assert "likely cause: data fault of distance," in " ".join(str(whole).split())


def test_the_json_of_an_alert_holds_its_diagnosis_whole(report: Report) -> None:
    alerts = json.loads(json.dumps(replace(report, diagnoses=(diagnosis(),)).json()))["alerts"]
    by_id = {alert["id"]: alert["diagnosis"] for alert in alerts}
    assert by_id["a1"] is None
    assert [h["kind"] for h in by_id["a2"]["hypotheses"]] == ["data_fault", "release", "unknown"]
    assert by_id["a2"]["onset"]["earliest"] == "2013-11-17T00:00:00Z"
    assert sum(p["value"] for p in by_id["a2"]["attributions"][0]["parts"]) == pytest.approx(0.12)
    assert by_id["a2"]["worst_segments"][0]["n"] == 312


def test_an_explanation_shows_itself_as_text_as_a_page_and_as_json(report: Report) -> None:
    (alert,) = [alert for alert in report.alerts if alert.id == "a2"]
    found = Explanation(alert, diagnosis())
    text = str(found)
    assert text.startswith("page  KS of distance is")
    assert "81 %  data fault  distance" in text
    assert "log loss 0.5 → 0.62 (+0.12), by features" in text
    bundle = found._repr_mimebundle_()
    assert "What it comes from" in bundle["text/html"]
    assert HOSTILE not in unescape(bundle["text/html"])
    assert found.json()["alert"]["id"] == "a2"
    assert found.json()["schema_version"] == 1

"""What 0.1.0 stored as sentences, read as codes and numbers: the sentence made of them is the one that was stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from watchkeeper.alerts.policy import has_fired
from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.store.migrations.decisions import alert_of_0_1, episodes_of_0_1, signal_of_0_1
from watchkeeper.store.migrations.evidence import signal_of_facts
from watchkeeper.store.nouns import from_json, to_json
from watchkeeper.words.signals import RUNS_RULES, rule_in_words


def stored(chart: str, rule: str, value: float | None = 0.25, **about: Any) -> dict[str, Any]:
    """A signal as 0.1.0 stored it."""
    facts, limits = about.pop("facts", {}), about.pop("limits", (None, None))
    status = Status.OK if value is not None else Status.FAILED
    measured = Measurement(
        Family.COMPARISON, about.pop("name", "ks"), value, about.pop("n", 1_000), status=status,
        reason=about.pop("reason", ""), column="x",
    )  # fmt: skip
    zone = Zone.BEYOND if rule else Zone.WITHIN_1
    signal = Signal(measured, chart, 0.0, *limits, zone, rule, 3.0, about.pop("p_value", None))
    body = msgspec.json.decode(to_json(signal))
    body["measurement"]["facts"] = facts
    return {name: item for name, item in body.items() if name not in ("fired", "also", "basis")}


SENTENCES = [
    ("below_lower", stored("shewhart", "below 0.1234", limits=(0.12341, 0.9))),
    ("above_upper", stored("fixed", "above 1e+09", limits=(None, 1e9))),
    (
        "beyond_tolerance",
        stored("tolerance", "above 0.0926 (tolerance 0.05 and sampling 0.0426)", limits=(None, 0.0926)),
    ),
    (
        "rate_beyond_tolerance",
        stored("tolerance", "from 1.00% to 12.00%, above 6.40%", 0.11, facts={"from": 0.01, "to": 0.12},
               limits=(None, 0.054)),
    ),
    ("sum_high", stored("cusum", "sum 4.5 above 4: high by about 2 sigma for 3 windows")),
    ("sum_low", stored("cusum", "sum 14.5 above 4.1: low by about 14 sigma")),
    ("average_beyond", stored("ewma", "average -1.20 sigma beyond ±0.60 (λ = 0.1)")),
    ("average_above", stored("binomial_ewma", "average of 12 rows above 9 (λ = 0.165)")),
    ("evidence", stored("e_detector", "evidence e^12.0 above e^11.5: moved by more than 0.05, by 0.21 in this batch")),
    (
        "evidence",
        stored("e_detector", "evidence e^12.0 above e^11.5: moved by more than 0.05, up to 3 10.0% → 31.0% "
               "over 1,000 rows",
               facts={"what": "up to 3", "from": 0.1, "to": 0.31}),
    ),
    ("evidence_above", stored("harmful_shift", "evidence e^9.1 above e^6.9: above 0.3012")),
    ("evidence_below", stored("harmful_shift", "evidence e^9.1 above e^6.9: below 0.6988")),
    ("evidence_of_rise", stored("shiryaev_roberts", "evidence e^9.1 above e^6.9 of a rise")),
    ("evidence_of_fall", stored("shiryaev_roberts", "evidence e^9.1 above e^6.9 of a fall")),
    ("rare_low", stored("seasonal_residual", "low: p = 1.2e-05, at most 0.001", p_value=1.2e-5)),
    ("rare_high", stored("seasonal_residual", "high: p = 0.00012, at most 0.001", p_value=1.2e-4)),
    ("significant", stored("significance", "p = 1e-300, at most 2.5e-05, and 0.25 above 0", p_value=1e-300,
                           limits=(None, 0.0))),
    ("t_squared", stored("t_squared", "T² 31.2 above 12.5: most of all mae of x (-4.1 sigma)", 31.2,
                         limits=(None, 12.5))),
    ("change_seen", stored("adwin", "adwin sees a change after 320 values")),
    ("no_rows", stored("without a chart", "no rows", 0.0)),
    ("constant", stored("fixed", "constant", 1.0, limits=(2.0, None))),
    ("value_below", stored("fixed", "0.25 is below 1", limits=(1.0, None))),
    ("value_above", stored("fixed", "0.25 is above 0.125", limits=(None, 0.125))),
    ("too_old", stored("fixed", "the newest time is 1 day, 1:00:00 old, more than 6:00:00", 90_000.0,
                       limits=(None, 21_600.0))),
    ("rows_broken", stored("fixed", "250 of 1,000 rows (25%) break it", limits=(None, 0.0),
                           facts={"offending": 250.0, "checked": 1000.0})),
    ("rows_broken", stored("fixed", "250 of 1,000 rows (25%, allowed 10%, p 1.5e-09) break it", limits=(None, 0.1),
                           facts={"offending": 250.0, "checked": 1000.0})),
    ("rows_broken", stored("fixed", "250 of 1,000 rows (25%, allowed 10%, p below 1e-16) break it",
                           limits=(None, 0.1), facts={"offending": 250.0, "checked": 1000.0})),
    ("not_measured", stored("without a chart", "column 'x' is missing", None, reason="column 'x' is missing")),
    ("chart_failed", stored("without a chart", "the chart x failed: odd", None, reason="the chart x failed: odd")),
    ("memory_lost", stored("without a chart", "lost", None, reason="lost", name="memory")),
    *((code, stored("shewhart", f"{code}: {words}")) for code, words in RUNS_RULES.items()),
    (
        "two_of_three",
        stored("shewhart", "; ".join(f"{c}: {RUNS_RULES[c]}" for c in ("two_of_three", "four_of_five"))),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("code", "body"), SENTENCES, ids=[body["rule"][:50] for _, body in SENTENCES])
def test_an_old_sentence_becomes_a_code_of_which_the_same_sentence_is_made(code: str, body: dict[str, Any]) -> None:
    signal = from_json(msgspec.json.encode(signal_of_facts(signal_of_0_1(body))).decode(), Signal)
    assert (signal.fired, signal.rule) == (True, code)
    assert rule_in_words(signal) == body["rule"]


def test_a_signal_that_did_not_fire_stays_as_it_is_and_reads_as_not_fired() -> None:
    body = stored("shewhart", "")
    assert signal_of_0_1(body) == body
    assert not from_json(msgspec.json.encode(body).decode(), Signal).fired


def test_a_sentence_of_a_plug_in_fired_by_a_code_that_says_it_is_unknown() -> None:
    signal = from_json(msgspec.json.encode(signal_of_0_1(stored("own", "Odd!"))).decode(), Signal)
    assert (signal.fired, signal.rule) == (True, "unknown")


def test_reading_twice_changes_nothing() -> None:
    for _, body in SENTENCES:
        once = signal_of_0_1(body)
        assert signal_of_0_1(once) == once
    alert = {"evidence": [body for _, body in SENTENCES]}
    assert alert_of_0_1(alert_of_0_1(alert)) == alert_of_0_1(alert)


def test_a_signal_of_today_is_left_alone() -> None:
    measured = Measurement(Family.COMPARISON, "ks", 0.3, 10)
    body = msgspec.json.decode(to_json(replace(Signal(measured, "fixed"), fired=True, rule="above_upper")))
    assert signal_of_0_1(body) == body


@pytest.mark.parametrize(
    ("state", "message", "end"),
    [
        ("resolved", "x moved", "cleared"),
        ("resolved", "did not persist: x moved", "lapsed"),
        ("resolved", "withdrawn after late data: did not persist: x moved", "withdrawn"),
        ("firing", "did not persist: x moved", None),
    ],
)
def test_how_an_old_alert_ended_is_read_off_its_sentence_once(state: str, message: str, end: str | None) -> None:
    body = {
        "id": "a", "model": "m", "cause": "blind", "severity": 3, "state": state, "message": message, "since": None,
        "last": None, "columns": ["x"], "segments": [], "evidence": [stored("fixed", "below 0.1", limits=(0.1, None))],
    }  # fmt: skip
    alert = from_json(msgspec.json.encode(alert_of_0_1(body)).decode(), Alert)
    assert (alert.cause, alert.state) == (Cause.NO_DATA, AlertState.FIRING if end is None else AlertState.ENDED)
    assert alert.end == end
    assert has_fired(alert) == (end in (None, "cleared"))
    assert alert.evidence[0].rule == "below_lower"


def test_the_open_alerts_of_what_the_policy_remembers_are_read_alike() -> None:
    alert = {"cause": "blind", "state": "firing", "message": "no rows arrived", "evidence": []}
    found = episodes_of_0_1({"blind": {"recent": [True], "alert": alert}, "drift": {"recent": [], "alert": None}})
    assert found["no_data"]["alert"] == {"cause": "no_data", "state": "firing", "evidence": [], "end": None}
    assert found["drift"] == {"recent": [], "alert": None}

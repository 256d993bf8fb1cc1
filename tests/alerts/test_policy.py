"""Alerts: persistence, grouping, latch, how they end, and what silence means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from watchkeeper.alerts.policy import Episode, decide, has_fired, withdraw
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.spec import AlertRule
from watchkeeper.core.state import JOINT
from watchkeeper.core.window import Window

START = datetime(2024, 1, 1, tzinfo=UTC)
RULE = AlertRule(k=2, n=3, clear=2)


def window(number: int) -> Window:
    return Window(START + timedelta(days=number), START + timedelta(days=number + 1))


def signal(column: str, fired: bool, score: float = 5.0, name: str = "ks") -> Signal:
    measurement = Measurement(Family.COMPARISON, name, 0.3, 100, column=column)
    zone, rule = (Zone.BEYOND, "above_upper") if fired else (Zone.WITHIN_1, "")
    return Signal(measurement, "tolerance", 0.0, None, 0.1, zone, rule, score, fired=fired)


def play(pattern: str, cause: Cause = Cause.DRIFT) -> list[Alert | None]:
    """Return the alert after each window: ``x`` a signal, ``.`` none, ``-`` a window without data."""
    memory: dict[Cause, Episode] = {}
    found: list[Alert | None] = []
    for number, mark in enumerate(pattern):
        hole = Signal(Measurement(Family.COMPARISON, "ks", None, 0, status=Status.NO_DATA, column="a"), "tolerance")
        judged = [(cause, hole if mark == "-" else signal("a", mark == "x"))]
        alerts, memory = decide("m", window(number), judged, RULE, memory)
        found.append(alerts[0] if alerts else None)
    return found


def states(pattern: str, cause: Cause = Cause.DRIFT) -> list[str]:
    return [alert.state.value if alert else "" for alert in play(pattern, cause)]


def test_one_signal_is_pending_and_two_of_three_fire() -> None:
    assert states("x.x") == ["pending", "pending", "firing"]


def test_a_lone_signal_lapses_without_ever_firing() -> None:
    assert states("x....") == ["pending", "pending", "pending", "ended", ""]


def test_a_firing_alert_latches_until_enough_quiet_windows() -> None:
    assert states("xx.x..") == ["pending", "firing", "firing", "firing", "firing", "ended"]


def test_a_data_fault_fires_at_once() -> None:
    assert states("x", Cause.DATA_FAULT) == ["firing"]


def test_windows_without_data_neither_confirm_nor_clear() -> None:
    assert states("xx---") == ["pending", "firing", "firing", "firing", "firing"]


def test_an_alert_keeps_its_identity_and_its_beginning_through_an_episode() -> None:
    alerts = [alert for alert in play(".xx.x..") if alert]
    assert len({alert.id for alert in alerts}) == 1
    assert {alert.since for alert in alerts} == {window(1).start}
    assert alerts[-2].last == window(4).end


def test_a_new_episode_is_a_new_alert() -> None:
    alerts = [alert for alert in play("xx..xx") if alert]
    assert len({alert.id for alert in alerts}) == 2


def test_forty_columns_are_one_alert_with_the_worst_first() -> None:
    judged = [(Cause.DRIFT, signal(f"c{n}", True, float(n))) for n in range(40)]
    alerts, _ = decide("m", window(0), judged, AlertRule(k=1, n=1), {})
    assert len(alerts) == 1
    assert alerts[0].columns[:2] == ("c39", "c38")
    assert len(alerts[0].evidence) == 40


def test_a_change_of_how_features_go_together_names_the_pair() -> None:
    evidence = Evidence(Change(Quantity.CORRELATION, 0.1, 0.6), about=("age", "income"))
    measurement = Measurement(Family.COMPARISON, "correlation_change", 0.5, 100, evidence=evidence, column=JOINT)
    found = Signal(measurement, "significance", zone=Zone.BEYOND, rule="significant", score=5.0, fired=True)
    (alert,), _ = decide("m", window(0), [(Cause.JOINT_DRIFT, found)], RULE, {})
    assert alert.columns == ("age", "income")


def test_drift_that_a_data_fault_explains_is_not_a_second_alert() -> None:
    judged = [(Cause.DATA_FAULT, signal("a", True, name="null_rate")), (Cause.DRIFT, signal("a", True))]
    alerts, _ = decide("m", window(0), judged, AlertRule(k=1, n=1), {})
    assert [alert.cause for alert in alerts] == [Cause.DATA_FAULT]


def test_severity_follows_impact() -> None:
    judged = [(cause, signal("a", True)) for cause in (Cause.DRIFT, Cause.PERFORMANCE, Cause.TRAFFIC_MIX)]
    alerts, _ = decide("m", window(0), judged, AlertRule(k=1, n=1), {})
    assert [(a.cause, a.severity) for a in alerts] == [
        (Cause.PERFORMANCE, Severity.PAGE),
        (Cause.DRIFT, Severity.WARNING),
        (Cause.TRAFFIC_MIX, Severity.NOTICE),
    ]
    assert all(alert.state is AlertState.FIRING for alert in alerts)


@pytest.mark.parametrize(("pattern", "end"), [("xx..", AlertEnd.CLEARED), ("x...", AlertEnd.LAPSED)])
def test_an_alert_says_how_it_ended_and_only_one_that_fired_has_fired(pattern: str, end: AlertEnd) -> None:
    found = [alert for alert in play(pattern) if alert]
    assert [alert.end for alert in found] == [None] * (len(found) - 1) + [end]
    assert has_fired(found[-1]) == (end is AlertEnd.CLEARED)
    assert not has_fired(found[0])


def test_a_withdrawn_alert_keeps_what_it_was_made_of_and_has_not_fired() -> None:
    firing = play("xx")[-1]
    assert firing is not None
    assert has_fired(firing)
    gone = withdraw(firing)
    assert (gone.state, gone.end, gone.last) == (AlertState.ENDED, AlertEnd.WITHDRAWN, None)
    assert gone.evidence == firing.evidence
    assert not has_fired(gone)


def test_an_alert_without_data_is_known_by_the_identity_it_has_always_had() -> None:
    """SHA-256 of model, the word of version 0.1.0 for the cause, and the start."""
    words = f"m\x00blind\x00{window(0).start.isoformat()}"
    found = play("x", Cause.NO_DATA)[0]
    assert found is not None
    assert found.id == sha256(words.encode()).hexdigest()[:16]

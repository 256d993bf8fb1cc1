"""A signal whose chart has added evidence up is an alert at once; any other waits for the second window of three."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.alerts.policy import decide
from watchkeeper.core.alert import AlertState, Cause
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.spec import AlertRule
from watchkeeper.core.window import Window

DAY = timedelta(days=1)
WINDOW = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
WAITS = Signal(
    Measurement(Family.COMPARISON, "departure", 9.0, 100, column="x"), "departure",
    zone=Zone.BEYOND, rule="broke_off", score=4.0, fired=True,
)  # fmt: skip


@pytest.mark.parametrize(("alone", "state"), [(True, AlertState.FIRING), (False, AlertState.PENDING)])
def test_one_signal_is_enough_where_the_chart_says_so(alone: bool, state: AlertState) -> None:
    alerts, _ = decide("m", WINDOW, [(Cause.DRIFT, replace(WAITS, alone=alone))], AlertRule(), {})
    assert [alert.state for alert in alerts] == [state]


def test_a_signal_that_waits_still_counts_the_window_before() -> None:
    _, memory = decide("m", WINDOW, [(Cause.DRIFT, WAITS)], AlertRule(), {})
    after = Window(WINDOW.end, WINDOW.end + DAY)
    alerts, _ = decide("m", after, [(Cause.DRIFT, WAITS)], AlertRule(), memory)
    assert [alert.state for alert in alerts] == [AlertState.FIRING]

"""Which alerts are muted at a moment, by what people said of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.alerts.mutes import MUTED, as_heard, muted_at
from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.ground import Ground

START = datetime(2024, 3, 4, tzinfo=UTC)
DAY = timedelta(days=1)
FIRING = Alert("a1", "m", Cause.DRIFT, Severity.WARNING, AlertState.FIRING, START, START + DAY)


def said(kind: ActionKind, at: int, *, days: int = 0, alert: str = "a1") -> Action:
    because = (Ground(MUTED, until=START + (at + days) * DAY),) if days else ()
    return Action(f"{kind}{at}", "m", kind, Outcome.DONE, "", "ana", START + at * DAY, alert=alert, because=because)


@pytest.mark.parametrize(
    ("actions", "day", "muted"),
    [
        ([], 1, set()),
        ([said(ActionKind.MUTE, 1, days=2)], 0, set()),
        ([said(ActionKind.MUTE, 1, days=2)], 1, {"a1"}),
        ([said(ActionKind.MUTE, 1, days=2)], 3, set()),
        ([said(ActionKind.MUTE, 1, days=2), said(ActionKind.UNMUTE, 2)], 2, set()),
        ([said(ActionKind.MUTE, 1, days=9), said(ActionKind.MUTE, 2, days=1)], 4, set()),
        ([said(ActionKind.MUTE, 1, days=9), said(ActionKind.ACKNOWLEDGE, 2)], 4, {"a1"}),
        ([said(ActionKind.MUTE, 1, days=9), said(ActionKind.MUTE, 1, days=9, alert="b2")], 4, {"a1", "b2"}),
    ],
)
def test_the_newest_word_about_an_alert_counts_as_long_as_it_says(
    actions: list[Action], day: int, muted: set[str]
) -> None:
    assert muted_at(actions, START + day * DAY) == muted


def test_only_an_alert_that_fires_is_muted_and_it_fires_again_afterwards() -> None:
    muted = as_heard(FIRING, {"a1"})
    assert muted.state is AlertState.MUTED
    assert as_heard(muted, {"a1"}) is muted
    assert as_heard(muted, set()) == FIRING
    assert as_heard(FIRING, {"b2"}) is FIRING
    for state, end in ((AlertState.PENDING, None), (AlertState.ENDED, AlertEnd.CLEARED)):
        other = replace(FIRING, state=state, end=end)
        assert as_heard(other, {"a1"}) is other

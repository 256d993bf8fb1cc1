"""Which alert is meant."""

from __future__ import annotations

from datetime import timedelta

import pytest

from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.errors import UsageError
from watchkeeper.run.explain import find_alert

from .invented import MODEL, START


def alert(
    id: str, state: AlertState = AlertState.FIRING, severity: Severity = Severity.WARNING, days: int = 1
) -> Alert:
    return Alert(
        id, MODEL, Cause.DRIFT, severity, state, START, START + timedelta(days=days), ("x",)
    )  # fmt: skip


def test_the_worst_alert_that_fires_is_meant_where_none_is_named() -> None:
    held = [alert("a", days=3), alert("b", severity=Severity.PAGE), alert("c", AlertState.ENDED, Severity.PAGE, 9)]
    assert find_alert(held).id == "b"
    assert find_alert(held[2:]).id == "c"


def test_the_beginning_of_an_id_is_enough_unless_two_begin_so() -> None:
    held = [alert("ab1"), alert("ab2"), alert("cd")]
    assert find_alert(held, "c").id == "cd"
    with pytest.raises(UsageError, match="2 alerts begin with 'ab': ab1, ab2"):
        find_alert(held, "ab")
    with pytest.raises(UsageError, match="there is no alert 'x'; Valid: ab1, ab2, cd"):
        find_alert(held, "x")
    with pytest.raises(UsageError, match="there is no alert to explain"):
        find_alert([])

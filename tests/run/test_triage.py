"""What people say of alerts: acknowledged, muted for a time, told again; and what runs make of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from shutil import copytree, rmtree

import polars as pl
import pytest

from tests.run.invented import MODEL, alerts, day, deliver, rows, write
from watchkeeper.api import report
from watchkeeper.core.action import Action, ActionKind
from watchkeeper.core.alert import AlertState, Cause
from watchkeeper.core.errors import UsageError
from watchkeeper.core.query import Query
from watchkeeper.run.project import Project, open_project
from watchkeeper.run.triage import acknowledge, mute, unmute

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a model of which x has moved on the days 6 to 9, run until its alert fires."""
    folder = tmp_path_factory.mktemp("shifted")
    whole = rows(0, 14, count=150)
    inside = pl.col("time").is_between(day(6).start, day(10).start, closed="left")
    model = open_project(write(folder, train="''"), {})
    deliver(folder, "all", whole.with_columns(x=pl.when(inside).then(pl.col("x") + 1).otherwise("x")), whole)
    model.run(MODEL, day(8).start)
    model.close()
    copytree(folder, folder.with_name("kept"))
    return folder


@pytest.fixture
def shifted(played: Path) -> Iterator[Project]:
    """Return that model as it was then, in the same folder: receivers of alerts are known by theirs."""
    rmtree(played)
    copytree(played.with_name("kept"), played)
    model = open_project(played / "watchkeeper.yaml", {})
    assert (state(model), told(model)) == ("firing", ["firing"])
    yield model
    model.close()


def told(model: Project) -> list[str]:
    path = model.folder / "alerts.jsonl"
    return [json.loads(line)["state"] for line in path.read_text().splitlines()]


def state(model: Project) -> str:
    return alerts(model.store, Cause.DRIFT)[0].state.value


def test_a_muted_alert_is_watched_on_and_told_again_when_the_time_is_over(shifted: Project) -> None:
    said = mute(shifted.store, MODEL, "", lasts=timedelta(hours=36), who="ana", why="known", at=day(8).start + HOUR)
    assert state(shifted) == "muted"
    shifted.run(MODEL, day(9).start)
    (muted,) = alerts(shifted.store, Cause.DRIFT)
    assert (muted.state, muted.last, told(shifted)) == (AlertState.MUTED, day(8).end, ["firing"])
    # Nothing new is due, and the time of silence is over.
    shifted.run(MODEL, said.at + timedelta(hours=36))
    assert (state(shifted), told(shifted)) == ("firing", ["firing", "firing"])
    shifted.run(MODEL, day(12).start)
    assert (state(shifted), told(shifted)) == ("ended", ["firing", "firing", "ended"])


def test_an_alert_that_ends_while_it_is_muted_is_told_as_ended(shifted: Project) -> None:
    mute(shifted.store, MODEL, "", lasts=timedelta(days=30), who="ana", why="known", at=day(8).start + HOUR)
    shifted.run(MODEL, day(12).start)
    assert (state(shifted), told(shifted)) == ("ended", ["firing", "ended"])


def test_unmute_lets_it_be_told_again(shifted: Project) -> None:
    at = day(8).start + HOUR
    mute(shifted.store, MODEL, "", lasts=timedelta(days=30), who="ana", why="known", at=at)
    shifted.run(MODEL, day(9).start)
    unmute(shifted.store, MODEL, "", who="bo", why="worse than thought", at=day(9).start + HOUR)
    assert state(shifted) == "firing"
    shifted.run(MODEL, day(9).start + 2 * HOUR)
    assert told(shifted) == ["firing", "firing"]
    with pytest.raises(UsageError, match="no alert of 'sales' is muted"):
        unmute(shifted.store, MODEL, "", who="bo", why="", at=day(9).start + 3 * HOUR)


def test_windows_judged_again_leave_an_alert_muted(shifted: Project) -> None:
    mute(shifted.store, MODEL, "", lasts=timedelta(days=30), who="ana", why="known", at=day(8).start + HOUR)
    late = rows(6, 8, count=20).with_columns(id=pl.lit("late-") + pl.col("id"), x=pl.col("x") + 1)
    deliver(shifted.folder, "late", late, late)
    result = shifted.run(MODEL, day(9).start)
    assert day(6) in result.ran.revised
    assert (state(shifted), told(shifted)) == ("muted", ["firing"])
    assert [a.state.value for a in result.ran.alerts if a.cause is Cause.DRIFT] == ["muted"]
    assert not [a for a in result.ran.changed if a.cause is Cause.DRIFT]


def test_the_report_says_who_said_what_of_an_alert(shifted: Project) -> None:
    at = day(8).start + HOUR
    acknowledge(shifted.store, MODEL, "", who="ana", why="the vendor is on it", at=at)
    assert state(shifted) == "firing"
    shown = report(shifted, MODEL, made=at + HOUR)
    assert "· acknowledged by ana: the vendor is on it ·" in " ".join(str(shown).split())
    assert "acknowledged by ana: the vendor is on it" in shown.html()
    mute(shifted.store, MODEL, "", lasts=timedelta(days=2), who="bo", why="", at=at + HOUR)
    shown = report(shifted, MODEL, made=at + 2 * HOUR)
    assert "muted until 2024-03-14 02:00 by bo" in " ".join(str(shown).split())
    assert "1 alert muted; everything else is within its limits" in shown.headline
    kinds = [a.kind for a in shifted.store.recorded(MODEL, Action, Query())]
    assert kinds == [ActionKind.ACKNOWLEDGE, ActionKind.MUTE]
    assert shifted.audit_breaks(MODEL) == []


def test_only_open_alerts_can_be_muted_and_for_a_year_at_most(shifted: Project) -> None:
    def muted(alert: str, days: int = 1) -> Action:
        at = day(11).start
        return mute(shifted.store, MODEL, alert, lasts=timedelta(days=days), who="ana", why="", at=at)

    with pytest.raises(UsageError, match="there is no alert 'zz'"):
        muted("zz")
    with pytest.raises(UsageError, match="for a year at most"):
        muted("", 400)
    shifted.run(MODEL, day(12).start)
    (over,) = alerts(shifted.store, Cause.DRIFT)
    with pytest.raises(UsageError, match=f"alert {over.id} has ended"):
        muted(over.id[:6])
    with pytest.raises(UsageError, match="no alert of 'sales' is open"):
        muted("")

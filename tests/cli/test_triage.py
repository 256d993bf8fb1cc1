"""The commands about single alerts, from the outside."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import parsed
from tests.run import invented
from tests.run.invented import MODEL
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.run.project import open_project


@pytest.fixture
def folder(tmp_path):
    project = open_project(invented.write(tmp_path), {})
    since = datetime.now(UTC) - timedelta(days=2)
    firing = Alert("a1f0", MODEL, Cause.DRIFT, Severity.WARNING, AlertState.FIRING, since, since, ("x",))
    project.store.record(MODEL, [firing])
    project.close()
    return tmp_path


def test_an_alert_is_acknowledged_muted_and_told_again(watchkeeper, folder):
    done = watchkeeper("ack", "a1", "--why", "on it", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    document = parsed(done)
    assert (document["alert"], document["kind"], document["why"]) == ("a1f0", "acknowledge", "on it")
    done = watchkeeper("mute", "--for", "2d", folder=folder)
    assert done.stdout.startswith("alert a1f0 is muted until ")
    done = watchkeeper("unmute", folder=folder)
    assert done.stdout == "alert a1f0 is told again from the next run on\n"


def test_what_cannot_be_done_is_said(watchkeeper, folder):
    done = watchkeeper("mute", "b", folder=folder)
    assert (done.returncode, "there is no alert 'b'" in done.stderr) == (2, True)
    done = watchkeeper("mute", "--for", "soon", folder=folder)
    assert (done.returncode, "duration 'soon' is not understood" in done.stderr) == (2, True)
    done = watchkeeper("unmute", folder=folder)
    assert (done.returncode, done.stderr) == (2, "watchkeeper: no alert of 'sales' is muted\n")

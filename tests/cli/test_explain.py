"""``watchkeeper explain``: from an alert of a run to its cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from watchkeeper.cli.app import app

from .conftest import FAULTY, Command


def test_an_alert_is_explained_in_words_and_as_json(watchkeeper: Command, judged: Path) -> None:
    (report,) = json.loads(watchkeeper("status", "--json", folder=judged).stdout)["models"]
    (fault,) = [alert["id"] for alert in report["alerts"] if alert["cause"] == "data_fault"]
    done = watchkeeper("explain", fault, folder=judged)
    assert done.returncode == 0
    assert "what it comes from" in done.stdout
    assert "data fault  score" in done.stdout
    told = json.loads(watchkeeper("explain", fault, "--json", folder=judged).stdout)
    assert told["schema_version"] == 1
    assert (told["hypotheses"][0]["kind"], told["hypotheses"][0]["columns"]) == ("data_fault", ["score"])
    assert sum(h["confidence"] for h in told["hypotheses"]) == pytest.approx(1)
    short = watchkeeper("explain", fault[:8], "--json", folder=judged)
    assert json.loads(short.stdout) == told


def test_run_and_status_exit_as_check_does_where_they_are_asked(faulty: Path) -> None:
    def code(*words: str) -> int:
        return CliRunner().invoke(app, [*words, "--config", str(faulty / "watchkeeper.yaml")]).exit_code

    assert [code("status"), code("status", "--fail-on", "never")] == [0, 4], "nothing was judged yet"
    assert code("run", "--fail-on", "page") == 1
    # Nothing new came, and the alert still fires.
    assert [code("run", "--fail-on", least) for least in ("notice", "page", "never")] == [1, 1, 0]
    # The log ends years ago: that there is no data is said whatever may fire.
    assert [code("status", "--fail-on", least) for least in ("notice", "page", "never")] == [1, 1, 4]
    assert [code("run"), code("status")] == [0, 0]
    assert code("status", "--fail-on", "pge") == 2


def test_an_alert_that_is_not_there_is_a_usage_error_with_the_ones_there_are(
    watchkeeper: Command, faulty: Path, judged: Path
) -> None:
    none = watchkeeper("explain")
    assert (none.returncode, none.stderr) == (2, "watchkeeper: there is no alert to explain\n")
    wrong = watchkeeper("explain", "zzz", folder=judged)
    assert wrong.returncode == 2
    assert "there is no alert 'zzz'; Valid: " in wrong.stderr


def test_two_models_that_lose_one_column_together_are_one_incident(watchkeeper: Command, faulty: Path) -> None:
    second = FAULTY.partition("models:\n")[2].replace("churn", "upsell")
    (faulty / "watchkeeper.yaml").write_text(FAULTY + second, encoding="utf-8")
    assert watchkeeper("run").returncode == 0
    told = json.loads(watchkeeper("status", "--json").stdout)
    assert any(
        (incident["models"], incident["columns"][0]) == (["churn", "upsell"], "score") for incident in told["incidents"]
    )
    shown = watchkeeper("status").stdout
    assert "2 alerts of 2 models began together and share 'score'" in " ".join(shown.split())

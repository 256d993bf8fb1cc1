"""The benchmark of what default set-ups see: its sets, its faults, and its page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

import watchkeeper
from bench.sight.__main__ import FAULTS, GROUPS, Proved, render
from bench.sight.sets import DATA, every_set, generated
from watchkeeper.core.alert import Cause
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.proof import FalseAlarm, ProofResult, Trial, TrialOutcome
from watchkeeper.core.window import Window
from watchkeeper.run.prove import ProofRequest

START = datetime(2024, 1, 1, tzinfo=UTC)


def test_every_fault_of_the_table_is_one_of_the_catalogue() -> None:
    assert ProofRequest(faults=FAULTS).faults == FAULTS
    assert len(set(FAULTS)) == len(FAULTS)


def test_the_page_counts_what_was_found() -> None:
    windows = tuple(Window(START + timedelta(days=n), START + timedelta(days=n + 1)) for n in range(20))
    kept = Trial("nulls", 1.0, HypothesisKind.DATA_FAULT, "100 % nulls", "x", 0, TrialOutcome.MISSED)
    found = Trial("nulls", 1.0, HypothesisKind.DATA_FAULT, "100 % nulls", "x", 0, TrialOutcome.FOUND, delay=1,
                  kind_first=True, column_first=True)  # fmt: skip
    flip = Trial("label_flip", 1.0, HypothesisKind.LABEL_FAULT, "flip", "y", 0, TrialOutcome.FOUND, delay=2,
                 kind_first=False)  # fmt: skip
    alarm = FalseAlarm(Cause.DRIFT, windows[3], ("x",))
    result = ProofResult("t", "held_out", None, windows, 100, 4, (alarm,), (kept, found, found, flip), untried=3)
    page = render([Proved("a set", "1d", result, 1.0)], within=4, seeds=1)
    line = next(line for line in page.splitlines() if line.startswith("| a set"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[:3] == ["a set", "20 of 1d", "67 % (3)"]
    assert cells[2 + len(GROUPS) :] == ["100 %", "100 %", "0 %", "50"]
    assert "3 trials were left out" in page


def test_generated_rows_grow_have_seasons_and_a_model_that_is_right() -> None:
    rows = generated(0).rows
    yearly = rows.group_by(pl.col("at").dt.year()).len().sort("at")["len"]
    assert yearly[1] > 1.1 * yearly[0]
    month = rows.group_by(pl.col("at").dt.month()).agg(pl.col("celsius").mean()).sort("at")["celsius"]
    assert month[6] - month[0] > 10
    assert rows["bought"].mean() == pytest.approx(rows["score"].mean(), abs=0.01)
    assert not rows.equals(generated(1).rows)


def test_a_generated_set_can_be_proved() -> None:
    one = generated(0, days=160, rows=20)
    proof = watchkeeper.prove(
        one.rows, faults=["nulls@1"], columns=["basket"], seeds=1, within=2, windows=12, **one.roles
    )
    assert proof.result.share("nulls@1") == 1.0


@pytest.mark.validation
@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data sets are not there")
def test_real_sets_have_the_columns_that_are_named() -> None:
    sets = {one.name: one for one in every_set(DATA, seeds=0)}
    assert sets
    for one in sets.values():
        assert set(one.roles.values()) <= set(one.rows.columns), one.name

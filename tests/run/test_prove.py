"""Proofs: what counts as found, what counts as planted, and that nothing is taken over which the fault changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from watchkeeper.api import prove
from watchkeeper.config.check_options import CheckOptions
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.errors import SchemaError, UsageError
from watchkeeper.core.plugins import plugins
from watchkeeper.core.proof import Tally, Trial, TrialOutcome
from watchkeeper.core.state import State, StateKey
from watchkeeper.faults.fault import Site
from watchkeeper.faults.nulls import Nulls
from watchkeeper.run.project import open_project
from watchkeeper.run.proof_ground import ground_of_project, ground_of_table
from watchkeeper.run.prove import LEARNED, ProofGround, ProofRequest, prove_on
from watchkeeper.run.proving import CleanJudging, PlantedJudging, PlantedStates
from watchkeeper.run.replay import replay
from watchkeeper.stats.codec import encode_state
from watchkeeper.stats.summarise import summarise
from watchkeeper.steps.judge import JudgeMemory

from . import invented

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS, ROWS = 50, 120
OPTIONS = CheckOptions(time="at", id="id", label="label", score="score", segments=("plan",))


def table(days: int = DAYS, *, turn: int | None = None) -> pl.DataFrame:
    """Return rows of so many days; from the day ``turn`` on x is larger by two standard deviations."""
    rng = np.random.default_rng(days)
    n = days * ROWS
    score = rng.beta(2, 3, n)
    day = np.arange(n) // ROWS
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "at": [START + timedelta(minutes=int(m)) for m in day * 1440 + rng.integers(0, 1440, n)],
            "x": rng.normal(0, 1, n) + (0 if turn is None else 2.0 * (day >= turn)),
            "amount": rng.lognormal(3, 0.5, n),
            "plan": rng.choice(["basic", "plus", "pro"], n, p=[0.5, 0.3, 0.2]),
            "same": np.full(n, 7.0),
            "score": score,
            "label": (rng.random(n) < score).astype(np.int64),
        }
    )


@pytest.fixture(scope="module")
def ground() -> ProofGround:
    return ground_of_table(table(), OPTIONS)


def test_what_nobody_should_miss_is_found_in_its_first_window_and_named(ground: ProofGround) -> None:
    asked = ProofRequest(faults=["nulls@1", "another_type", "unit_ratio@0.1"], columns=["x", "amount"], seeds=1)
    result = prove_on(ground, asked)
    # A tenth of numbers around 0 is told by a few windows; a tenth of amounts at once.
    trials = {(t.fault, t.column): t for t in result.trials}
    assert set(trials) == {(f, c) for f in ("nulls", "another_type", "unit_ratio") for c in ("x", "amount")}
    for fault in ("nulls", "another_type"):
        for column in ("x", "amount"):
            t = trials[fault, column]
            assert (t.outcome, t.delay, t.kind_first, t.column_first) == (TrialOutcome.FOUND, 1, True, True), t
    assert trials["unit_ratio", "amount"].outcome is TrialOutcome.FOUND
    assert result.false_alarms == ()
    assert result.basis == "held_out"
    assert result.share("data_fault") == 1.0


def test_what_changes_nothing_is_neither_found_nor_missed(ground: ProofGround) -> None:
    asked = ProofRequest(faults=["stuck", "default@1", "shift@1"], columns=["same"], seeds=2)
    result = prove_on(ground, asked)
    assert {t.outcome for t in result.trials} == {TrialOutcome.NOT_PLANTABLE}
    tally = Tally.of(result.trials)
    assert (tally.planted, tally.share, tally.not_plantable) == (0, None, len(result.trials))
    assert {t.fault for t in result.trials} >= {"stuck", "default"}


def test_an_alert_that_is_there_without_the_fault_finds_nothing() -> None:
    """The replay drifts by itself from its middle on, so that more drift of the same column is no news."""
    drifting = ground_of_table(table(turn=DAYS - 14), OPTIONS)
    asked = ProofRequest(faults=["shift@1"], columns=["x", "amount"], seeds=1, horizon=3)
    result = prove_on(drifting, asked)
    assert any("x" in alarm.columns for alarm in result.false_alarms)
    assert {t.column: t.outcome for t in result.trials}["x"] is TrialOutcome.MISSED


def test_the_same_seeds_give_the_same_and_others_begin_elsewhere(ground: ProofGround) -> None:
    asked = ProofRequest(faults=["nulls@0.1"], columns=["amount"], seeds=3, horizon=2)
    one, two = prove_on(ground, asked), prove_on(ground, asked)
    assert one.trials == two.trials
    assert len({t.since for t in one.trials}) == 3


def test_a_limit_leaves_out_evenly_and_says_how_many(ground: ProofGround) -> None:
    asked = ProofRequest(faults=["nulls@1", "stuck"], columns=["x", "amount", "score"], seeds=1, limit=2)
    result = prove_on(ground, asked)
    assert (len(result.trials), result.untried) == (2, 4)


def test_a_fault_that_fails_costs_itself(ground: ProofGround, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(Nulls, "plant", fail)
    result = prove_on(ground, ProofRequest(faults=["nulls@1", "stuck"], columns=["x"], seeds=1))
    assert [t.outcome for t in result.trials] == [TrialOutcome.FAILED, TrialOutcome.FOUND]
    assert result.trials[0].reason == "RuntimeError: no such thing"
    assert result.share("nulls") is None


@pytest.mark.parametrize(
    ("fault", "column"),
    [("nulls", "x"), ("unit_ratio", "amount"), ("swapped", "x"), ("another_type", "amount"), ("stuck", "plan"),
     ("mix_shift", "plan"), ("nulls", "score"), ("label_flip", "label"), ("duplicated_rows", "id")],
)  # fmt: skip
def test_what_is_taken_over_is_what_would_have_been_made(ground: ProofGround, fault: str, column: str) -> None:
    """States and alerts of windows with a fault are the same as where everything is made anew."""
    spec = replace(ground.judging.spec, estimate="never")
    clean = CleanJudging.like(replace(ground.judging, spec=spec))
    windows = ground.windows[: LEARNED + 3]
    memories = [JudgeMemory(), *(step.judged.watch for step in replay(clean, windows, JudgeMemory()))]
    within = windows[LEARNED:]
    one = plugins("fault")[fault]
    found, states = [], []
    for whole in (False, True):
        site = Site(ground.logged, ground.logged[column], ground.sample, ground.rows(windows[LEARNED - 1]))
        plant = one.plant(site, one.sizes[-1], np.random.default_rng(3))
        planted = PlantedStates(clean, ground.logged, ground.embedding, ground.rows, plant, within)
        judging = PlantedJudging.with_fault(clean, planted, whole=whole)
        steps = list(replay(judging, within, memories[LEARNED]))
        found.append([(a.cause, a.state, set(a.columns), a.since) for s in steps for a in s.judged.alerts])
        states.append({key: encode_state(s) for w in within for key, s in planted.states(spec.model, w).items()})
        if whole:
            again = one.plant(site, one.sizes[-1], np.random.default_rng(3))
            anew = {key: encode_state(s) for w in within for key, s in full(ground, w, again).items()}
            assert states[0] == anew
    assert found[0] == found[1]
    assert any(planted.changed.values())


def full(ground: ProofGround, window, plant) -> dict[StateKey, State]:
    from watchkeeper.core.batch import Batch

    return summarise([Batch(plant(ground.rows(window)), ground.logged)], ground.judging.spec)


def test_too_few_windows_say_so_and_prove_nothing() -> None:
    proof = prove(table(12), time="at", id="id", label="label", score="score", every="1d")
    assert not proof.result.trials
    assert "windows can be replayed, and 9 are needed" in proof.result.why
    assert "nothing could be tried" in str(proof)
    assert proof.brief() == [f"what this set-up sees could not be tried: {proof.result.why}"]
    # Where no length is named, windows are shorter.
    assert len(ground_of_table(table(12), OPTIONS).windows) > LEARNED


def test_a_proof_of_a_project_replays_its_log_and_writes_nothing(tmp_path: Path) -> None:
    invented.write(tmp_path, train="''")
    whole = invented.rows(0, 18, count=60)
    invented.deliver(tmp_path, "all", whole, whole)
    model = open_project(tmp_path / "watchkeeper.yaml", {})
    model.run(invented.MODEL, invented.day(18).start)
    before = invented.everything(model)
    ground = ground_of_project(model, invented.MODEL)
    assert (ground.basis, len(ground.windows)) == ("history", 14)
    assert ground.reference == model.spec(invented.MODEL).reference
    proof = prove(model, faults=["nulls@1", "shift@1"], columns=["x"], seeds=1, within=3)
    assert [t.outcome for t in proof.result.trials] == [TrialOutcome.FOUND] * 2
    assert invented.everything(model) == before
    model.close()


def test_a_model_that_never_ran_is_proved_on_its_reference(tmp_path: Path) -> None:
    table().write_parquet(tmp_path / "then.parquet")
    (tmp_path / "watchkeeper.yaml").write_text(
        "models:\n  m:\n    reference: then.parquet\n    columns: {time: at, id: id, label: label, score: score}\n"
    )
    model = open_project(tmp_path / "watchkeeper.yaml", {}, rehearsed=True)
    proof = prove(model, faults=["nulls@1"], columns=["x"], seeds=1)
    assert (proof.result.basis, proof.result.model) == ("held_out", "m")
    assert proof.result.share("nulls@1") == 1.0
    model.close()
    assert not (tmp_path / "watchkeeper-data").exists()


def test_a_regressor_is_proved_too() -> None:
    rows = table(28).drop("label", "score")
    rows = rows.with_columns(y=pl.col("amount") * 2 + pl.col("x"), prediction=pl.col("amount") * 2)
    roles = {"time": "at", "id": "id", "label": "y", "prediction": "prediction"}
    proof = prove(rows, faults=["nulls@1"], columns=["x"], seeds=1, every="1d", **roles)
    # Nine windows are held out of 26 whole ones, as few as can be.
    assert proof.result.why.startswith("8 windows can be replayed")
    proof = prove(rows, faults=["nulls@1"], columns=["x"], seeds=1, every="12h", **roles)
    assert proof.result.share("nulls@1") == 1.0


def test_what_is_asked_wrongly_is_told(ground: ProofGround) -> None:
    with pytest.raises(UsageError, match="there is no fault 'nuls'; did you mean 'nulls'"):
        ProofRequest(faults=["nuls"])
    with pytest.raises(UsageError, match="the size of 'nulls@many' is no number"):
        ProofRequest(faults=["nulls@many"])
    with pytest.raises(UsageError, match="seeds is 1 or more; this is 0"):
        ProofRequest(seeds=0)
    with pytest.raises(SchemaError, match="there is no column 'y'"):
        prove_on(ground, ProofRequest(columns=["y"]))
    with pytest.raises(UsageError, match="name it with --time"):
        prove(table().drop("at"))


def test_tallies_count_what_they_say() -> None:
    kept = Trial("nulls", 0.1, HypothesisKind.DATA_FAULT, "10 % nulls", "x", 0, TrialOutcome.MISSED)
    found = replace(kept, outcome=TrialOutcome.FOUND, delay=1, kind_first=True, column_first=None)
    trials = [kept, found, replace(found, delay=4, kind_first=False), replace(kept, outcome=TrialOutcome.NOT_PLANTABLE),
              replace(kept, outcome=TrialOutcome.FAILED)]  # fmt: skip
    tally = Tally.of(trials)
    assert (tally.planted, tally.found, tally.not_plantable, tally.failed) == (3, 2, 1, 1)
    assert (tally.share, tally.delay, tally.kind_first, tally.column_first) == (2 / 3, 2.5, 0.5, None)
    assert Tally.of([]) == Tally()
    assert Tally().share is None

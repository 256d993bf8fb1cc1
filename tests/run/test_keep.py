"""Keeping a model: hold on faulty data, retrain on harm, prove, promote or ask, and never without a record."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import AlertState, Cause
from watchkeeper.core.errors import ArtefactError, ConflictError, StoreError, UsageError
from watchkeeper.core.lease import Lease
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.core.state import OUTCOME, State, StateKey
from watchkeeper.core.window import Window
from watchkeeper.maintain.registry import CHAMPION, Standing
from watchkeeper.run.keep import Maintainer
from watchkeeper.run.label_age import immature, label_age
from watchkeeper.run.project import Project
from watchkeeper.run.training import rows_digest
from watchkeeper.stats.label_delay import LabelDelayPart
from watchkeeper.store.memory import MemoryStore
from watchkeeper.words.actions import action_sentence

from .invented import MODEL, START, alerts, day, deliver, everything, project, rows, watch

REFERENCE = Window(START, day(4).start)


def kept(folder: Path, whole: pl.DataFrame, store: MemoryStore | None = None, **config: str) -> Project:
    """Open a project with a first model in charge and all rows delivered."""
    model = watch(folder, store, **config)
    deliver(folder, "all", whole, whole)
    adopt(model, whole)
    return model


def adopt(model: Project, whole: pl.DataFrame) -> None:
    sys.path.insert(0, str(model.folder))
    from training import train

    fitted = train(whole.filter(pl.col("time") < REFERENCE.end), 0)
    model.keeper(MODEL).adopt(fitted, REFERENCE.end, trained=REFERENCE, who="test", why="the first")


def told(actions: Sequence[Action]) -> list[tuple[str, str, str]]:
    return [(a.kind.value, a.outcome.value, a.version) for a in actions]


def recorded(model: Project) -> list[Action]:
    return model.store.recorded(MODEL, Action)


TURNED = rows(0, 12, turn=7)
PROVEN = [
    ("retrain", "proposed", ""),
    ("retrain", "done", "v2"),
    ("register", "done", "v2"),
    ("validate", "done", "v2"),
    ("promote", "done", "v2"),
]


def test_harm_is_answered_by_a_challenger_that_is_proven_and_promoted(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED)
    actions = model.run(MODEL, day(9).start).actions
    assert told(actions) == PROVEN
    (alert,) = alerts(model.store, Cause.PERFORMANCE)
    assert {a.alert for a in actions if a.kind is not ActionKind.REGISTER} == {alert.id}
    keeper = model.keeper(MODEL)
    assert keeper.champion == "v2"
    assert [(v.name, v.standing) for v in keeper.versions()] == [("v1", Standing.RETIRED), ("v2", Standing.CHAMPION)]
    # The turned world: a large x now means a negative, and v2 knows it.
    asked = rows(10, 11, turn=7)
    high = asked.filter(pl.col("x") > 1)
    assert (
        keeper.model("v2").predict_proba(high)[:, 1].mean()
        < 0.3
        < 0.7
        < keeper.model("v1").predict_proba(high)[:, 1].mean()
    )
    assert model.audit_breaks(MODEL) == []


def test_the_challenger_is_proven_on_rows_newer_than_those_it_learned_from(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED)
    model.run(MODEL, day(9).start)
    trained = model.keeper(MODEL).versions()[1].trained
    assert trained is not None
    # label_delay: 1h, from the end of the newest judged day less what the clock has not passed; what was proven was
    # trained up to holdout: 12h before that, and its refit up to it.
    assert trained.end == day(9).start - timedelta(hours=1)
    (proven,) = [a for a in recorded(model) if a.kind is ActionKind.VALIDATE]
    assert (
        proven.facts["n"]
        == TURNED.filter(
            pl.col("time").is_between(trained.end - timedelta(hours=12), trained.end, closed="left")
        ).height
    )


def test_a_data_fault_blocks_retraining_and_names_the_column_until_it_is_over(tmp_path: Path) -> None:
    broken = pl.col("time").is_between(day(8).start, day(9).start, closed="left")
    whole = TURNED.with_columns(x=pl.when(broken).then(pl.col("x") * 1_000).otherwise("x"))
    model = kept(tmp_path, whole)
    by_day = {n: model.run(MODEL, day(n).start).actions for n in range(8, 12)}
    assert told(by_day[9]) == [("hold", "done", "")]
    assert action_sentence(by_day[9][0], alerts(model.store, Cause.DATA_FAULT)).startswith(
        "retraining waits: data fault in x since 2024-03-12: x is"
    )
    # The performance alert fires from day 9 on, but the fault is over only after two quiet days.
    assert by_day[10] == ()
    assert told(by_day[11]) == PROVEN
    (fault,) = alerts(model.store, Cause.DATA_FAULT)
    assert (fault.state, fault.columns) == (AlertState.ENDED, ("x",))


def test_a_fault_in_what_the_model_answers_holds_no_retraining_back(tmp_path: Path) -> None:
    broken = pl.col("time") >= day(7).start
    model = kept(tmp_path, TURNED.with_columns(prediction=pl.when(~broken).then("prediction")))
    assert told(model.run(MODEL, day(9).start).actions) == PROVEN
    (fault,) = alerts(model.store, Cause.DATA_FAULT)
    assert (fault.state, fault.columns) == (AlertState.FIRING, ("prediction",))


def test_rows_of_a_fault_that_is_over_are_not_learned_from(tmp_path: Path) -> None:
    broken = pl.col("time").is_between(day(8).start, day(9).start, closed="left")
    whole = TURNED.with_columns(x=pl.when(broken).then(pl.col("x") * 1_000).otherwise("x"))
    model = kept(tmp_path, whole, train="training:count")
    (tmp_path / "training.py").write_text(
        (tmp_path / "training.py").read_text()
        + "\n\ndef count(rows, seed):\n    assert rows['x'].abs().max() < 10\n    return train(rows, seed)\n"
    )
    sys.modules.pop("training", None)
    actions = [a for n in range(8, 12) for a in model.run(MODEL, day(n).start).actions]
    assert ("retrain", "done", "v2") in told(actions)


def test_with_promote_ask_a_proven_challenger_waits_and_is_promoted_by_hand(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED, promote="ask")
    actions = model.run(MODEL, day(9).start).actions
    assert told(actions)[-1] == ("promote", "proposed", "v2")
    assert action_sentence(actions[-1]) == "maintain.promote is ask: a person decides"
    keeper = model.keeper(MODEL)
    assert keeper.champion == "v1"
    done = keeper.promote("v2", who="ada", why="the numbers are good", at=day(9).start)
    assert (done.outcome, done.who) == (Outcome.DONE, "ada")
    assert keeper.champion == "v2"
    assert model.audit_breaks(MODEL) == []
    assert model.run(MODEL, day(9).start).actions == ()


def test_with_retrain_ask_nothing_is_trained(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED, retrain="ask")
    first = model.run(MODEL, day(9).start).actions
    assert told(first) == [("retrain", "proposed", "")]
    assert model.run(MODEL, day(10).start).actions == ()
    done = model.keeper(MODEL).retrain(first[0], day(10).start)
    assert told(done) == PROVEN[1:]


def test_with_retrain_never_or_without_a_training_function_nothing_is_proposed(tmp_path: Path) -> None:
    for name, config in {"never": {"retrain": "never"}, "none": {"train": "''"}}.items():
        model = kept(tmp_path / name, TURNED, **config)
        assert model.run(MODEL, day(9).start).actions == ()
        sys.modules.pop("training", None)


def test_a_training_function_that_fails_is_a_failed_action_and_the_run_goes_on(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED, train="training:fail")
    outcome = model.run(MODEL, day(9).start)
    assert told(outcome.actions) == [("retrain", "proposed", ""), ("retrain", "failed", "")]
    why = action_sentence(outcome.actions[1])
    assert "ValueError: the warehouse has moved" in why
    assert "training.py" in why
    assert 'raise ValueError("the warehouse has moved")' in why
    assert len(outcome.ran.judged) == 9
    assert (tmp_path / "alerts.jsonl").exists()
    assert model.run(MODEL, day(9).start).actions == ()
    assert model.run(MODEL, day(10).start).ran.judged == (day(9),)
    assert model.keeper(MODEL).champion == "v1"


def test_trainings_that_fail_are_tried_ever_more_rarely_and_say_when_next(tmp_path: Path) -> None:
    model = kept(tmp_path, rows(0, 20, turn=7), train="training:fail")
    by_day = {n: told(model.run(MODEL, day(n).start).actions) for n in range(9, 20)}
    failed = [n for n, actions in by_day.items() if ("retrain", "failed", "") in actions]
    assert failed == [9, 11, 15]
    assert [n for n, actions in by_day.items() if actions == [("hold", "done", "")]] == [10, 12, 16]
    held = [action_sentence(a) for a in recorded(model) if a.kind is ActionKind.HOLD]
    assert held[1] == (
        "the last 2 trainings failed, the newest at 2024-03-15 00:00; the next try is from 2024-03-19 00:00"
    )


def test_a_training_function_that_exits_does_not_end_the_run(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED, train="training:leave")
    with (tmp_path / "training.py").open("a") as module:
        module.write("\n\ndef leave(rows, seed):\n    raise SystemExit(2)\n")
    sys.modules.pop("training", None)
    actions = model.run(MODEL, day(9).start).actions
    assert told(actions)[1] == ("retrain", "failed", "")
    assert "SystemExit: 2" in action_sentence(actions[1])


def test_a_training_module_that_is_not_there_is_a_failed_action_too(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED, train="trianing:train")
    actions = model.run(MODEL, day(9).start).actions
    assert told(actions)[1] == ("retrain", "failed", "")
    assert "there is no module 'trianing'" in action_sentence(actions[1])


def test_a_challenger_that_is_not_better_is_refused_and_not_tried_again_at_once(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED, train="training:shuffle")
    # Shuffled labels teach the base rate, which beats a champion that is wrong: let the champion know the new world.
    keeper = model.keeper(MODEL)
    from training import train

    better = train(TURNED.filter(pl.col("time") >= day(7).start), 0)
    keeper.promote(
        keeper.adopt(better, day(5).start, trained=Window(START, day(5).start), who="test", why="knows"),
        who="test", why="knows", at=day(5).start,
    )  # fmt: skip
    actions = model.run(MODEL, day(9).start).actions
    assert told(actions)[-1] == ("validate", "refused", "v3")
    assert keeper.champion == "v2"
    before = everything(model)
    assert model.run(MODEL, day(9).start).actions == ()
    assert everything(model) == before
    held = model.run(MODEL, day(10).start).actions
    assert told(held) == [("hold", "done", "")]
    assert "v3 has been refused since 2024-03-13 00:00; the next try is from 2024-03-15 00:00" in action_sentence(
        held[0]
    )


def test_a_repair_waits_for_labelled_rows_since_the_change_and_says_until_when(tmp_path: Path) -> None:
    """Whoever trains on what came before the change trains the old model again, and spends a try on it."""
    model = kept(tmp_path, rows(0, 14, turn=7, count=30))
    waiting = model.run(MODEL, day(9).start).actions
    assert told(waiting) == [("hold", "done", "")]
    assert action_sentence(waiting[0]) == (
        "retraining waits: 58 labelled rows since 11 March are too few to learn from and to judge on; "
        "100 are expected by 15 March"
    )
    assert model.run(MODEL, day(10).start).actions == ()
    tried = model.run(MODEL, day(11).start).actions
    assert told(tried)[:2] == [("retrain", "proposed", ""), ("retrain", "done", "v2")]
    assert tried[1].because[0].name == "since_change"


class Meddled(MemoryStore):
    """A store in which somebody else moves the champion just before it is to be moved."""

    meddle = False

    def record(
        self,
        model: str,
        nouns: Sequence[Any],
        pointers: Mapping[str, tuple[str | None, str | None]] | None = None,
        *,
        lease: Lease | None = None,
    ) -> None:
        if self.meddle and CHAMPION in (pointers or {}):
            self.meddle = False
            super().record(model, [], {CHAMPION: (self.pointer(model, CHAMPION), "v7")})
        super().record(model, nouns, pointers, lease=lease)


def test_a_champion_that_somebody_else_moved_is_a_conflict_and_nothing_is_written(tmp_path: Path) -> None:
    store = Meddled()
    model = kept(tmp_path, TURNED, store)
    keeper = model.keeper(MODEL)
    other = keeper.adopt(keeper.model("v1"), day(5).start, trained=None, who="test", why="the same")
    before = recorded(model)
    store.meddle = True
    with pytest.raises(ConflictError, match="champion"):
        keeper.promote(other, who="ada", why="now", at=day(6).start)
    assert recorded(model) == before
    assert keeper.champion == "v7"
    assert model.audit_breaks(MODEL) == []


def test_an_automatic_promotion_that_meets_a_conflict_is_proven_anew_by_the_next_run(tmp_path: Path) -> None:
    store = Meddled()
    model = kept(tmp_path, TURNED, store)
    store.meddle = True
    with pytest.raises(ConflictError):
        model.run(MODEL, day(9).start)
    assert told(recorded(model))[-1] == ("retrain", "proposed", "")
    assert (tmp_path / "alerts.jsonl").exists()
    store.record(MODEL, [], {CHAMPION: ("v7", "v1")})
    assert told(model.run(MODEL, day(9).start).actions) == PROVEN[1:]


class Full(MemoryStore):
    """A store that cannot be written while a version is to be registered."""

    full = True

    def record(
        self,
        model: str,
        nouns: Sequence[Any],
        pointers: Mapping[str, tuple[str | None, str | None]] | None = None,
        *,
        lease: Lease | None = None,
    ) -> None:
        if self.full and any(isinstance(n, Action) and n.version == "v2" for n in nouns):
            raise StoreError("no space left on device")
        super().record(model, nouns, pointers, lease=lease)


def test_a_store_that_cannot_be_written_is_no_failure_of_the_training(tmp_path: Path) -> None:
    store = Full()
    model = kept(tmp_path, TURNED, store)
    with pytest.raises(StoreError, match="no space left"):
        model.run(MODEL, day(9).start)
    assert told(recorded(model))[-1] == ("retrain", "proposed", "")
    store.full = False
    assert told(model.run(MODEL, day(9).start).actions) == PROVEN[1:]


def test_a_retraining_that_is_taken_up_later_learns_from_the_same_rows(tmp_path: Path) -> None:
    store = Full()
    model = kept(tmp_path, TURNED, store)
    early = day(9).start + timedelta(minutes=10)
    with pytest.raises(StoreError):
        model.run(MODEL, early)
    store.full = False
    model.run(MODEL, early + timedelta(minutes=40))
    on_time = kept(tmp_path / "on_time", TURNED)
    on_time.run(MODEL, early)
    assert model.keeper(MODEL).versions() == on_time.keeper(MODEL).versions()


def test_rolling_back_puts_the_champion_before_in_charge_and_is_recorded(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED)
    model.run(MODEL, day(9).start)
    keeper = model.keeper(MODEL)
    back = keeper.roll_back(who="ada", why="a complaint", at=day(9).start)
    assert (back.kind, back.version, keeper.champion) == (ActionKind.ROLL_BACK, "v1", "v1")
    assert [v.standing for v in keeper.versions()] == [Standing.CHAMPION, Standing.ROLLED_BACK]
    with pytest.raises(UsageError, match="nothing to roll back to"):
        keeper.roll_back(who="ada", why="another", at=day(9).start)
    assert model.audit_breaks(MODEL) == []


def test_a_model_from_elsewhere_stands_at_the_same_gate(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED)
    model.run(MODEL, day(8).start)
    from training import shuffle

    offered = shuffle(TURNED.filter(pl.col("time") < day(5).start), 1)
    actions = model.keeper(MODEL).judge(offered, Window(START, day(5).start), day(7).start, who="ada", why="try this")
    assert told(actions) == [("register", "done", "v2"), ("validate", "refused", "v2")]
    assert model.keeper(MODEL).champion == "v1"


def test_a_version_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path) -> None:
    keeper: Maintainer = kept(tmp_path, TURNED).keeper(MODEL)
    with pytest.raises(UsageError, match=r"'v9'.*v1"):
        keeper.model("v9")
    with pytest.raises(UsageError, match=r"'v9'.*v1"):
        keeper.promote("v9", who="ada", why="typing", at=day(1).start)


def damaged(model: Project, version: str, how: str) -> None:
    """Spoil the model file of a version."""
    keeper = model.keeper(MODEL)
    artefact = next(v.artefact for v in keeper.versions() if v.name == version)
    file = Path(keeper.artefacts) / f"{artefact}.skops"
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1] + b"!")


@pytest.mark.parametrize(("how", "words"), [("gone", "there is no model file"), ("altered", "altered or damaged")])
def test_a_file_that_cannot_be_loaded_is_refused_before_any_pointer_moves(tmp_path: Path, how: str, words: str) -> None:
    model = kept(tmp_path, TURNED)
    keeper = model.keeper(MODEL)
    second = keeper.adopt(fitted_on(TURNED, 7), day(5).start, trained=None, who="test", why="another")
    keeper.promote(second, who="ada", why="now", at=day(5).start)
    damaged(model, "v1", how)
    before = everything(model)
    with pytest.raises(ArtefactError, match=words):
        keeper.roll_back(who="ada", why="a complaint", at=day(6).start)
    assert keeper.champion == "v2"
    damaged(model, "v2", how)
    third = keeper.adopt(fitted_on(TURNED, 8), day(6).start, trained=None, who="test", why="a third")
    damaged(model, third, how)
    with pytest.raises(ArtefactError, match=words):
        keeper.promote(third, who="ada", why="now", at=day(6).start)
    after = everything(model)
    assert (after["pointers"], len(after["Action"])) == (before["pointers"], len(before["Action"]) + 1)


def fitted_on(whole: pl.DataFrame, last: int) -> Any:
    from training import train

    return train(whole.filter(pl.col("time") < day(last).start), 0)


def test_a_refused_version_is_put_in_charge_only_by_force_with_a_reason(tmp_path: Path) -> None:
    model = kept(tmp_path, rows(0, 12, turn=7, count=30))
    model.run(MODEL, day(9).start)
    assert told(model.run(MODEL, day(11).start).actions)[-1] == ("validate", "refused", "v2")
    keeper = model.keeper(MODEL)
    for force, why in ((False, "I want it"), (True, " ")):
        with pytest.raises(UsageError, match="v2 was refused by the gate"):
            keeper.promote("v2", who="ada", why=why, at=day(9).start, force=force)
    assert keeper.champion == "v1"
    done = keeper.promote("v2", who="ada", why="the block was too short", at=day(9).start, force=True)
    assert (done.why, done.facts["forced"], keeper.champion) == ("the block was too short", 1.0, "v2")


def test_a_promotion_that_was_decided_about_another_champion_is_a_conflict(tmp_path: Path) -> None:
    keeper = kept(tmp_path, TURNED).keeper(MODEL)
    for number in (6, 7):
        keeper.adopt(fitted_on(TURNED, number), day(number).start, trained=None, who="test", why="more rows")
    keeper.promote("v2", who="ada", why="now", at=day(6).start, instead_of="v1")
    with pytest.raises(ConflictError, match=r"'champion' .* holds 'v2', not 'v1': somebody else moved it first"):
        keeper.promote("v3", who="bob", why="now", at=day(6).start, instead_of="v1")
    assert keeper.champion == "v2"


def test_a_version_knows_what_it_was_made_of_and_the_audit_trail_seals_it(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED)
    model.run(MODEL, day(9).start)
    keeper = model.keeper(MODEL)
    made = keeper.registry.provenance("v2")
    assert made is not None
    registered = next(a for a in recorded(model) if a.kind is ActionKind.REGISTER and a.version == "v2")
    assert registered.facts["provenance"] == made.digest
    assert (made.format, made.parent, made.trainer) == ("skops", "v1", "training:train")
    assert made.signature is not None
    assert [(port.name, port.kind) for port in made.signature.inputs] == [
        ("x", "numeric"), ("z", "numeric"), ("plan", "categorical")
    ]  # fmt: skip
    assert {port.classes for port in made.signature.outputs} == {("0", "1")}
    assert made.code == sha256((tmp_path / "training.py").read_bytes()).hexdigest()
    assert made.environment["scikit-learn"]
    assert [(t.role.value, t.version) for t in keeper.registry.history()] == [
        ("champion", "v1"), ("champion", "v2"), ("previous", "v1")
    ]  # fmt: skip


def test_a_model_file_of_another_signature_is_refused(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED)
    keeper = model.keeper(MODEL)
    without_x = replace(keeper.spec.schema, columns=tuple(c for c in keeper.spec.schema if c.name != "x"))
    changed = replace(keeper, spec=replace(keeper.spec, schema=without_x))
    with pytest.raises(ArtefactError, match="takes 'x' as numeric, which is no feature of the log any more"):
        changed.model("v1")


def test_trainings_see_features_and_the_label_alone(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED, train="training:look")
    with (tmp_path / "training.py").open("a") as module:
        module.write(
            "\n\ndef look(rows, seed):\n    assert rows.columns == ['x', 'z', 'plan', 'label'], rows.columns\n"
            "    return train(rows, seed)\n"
        )
    sys.modules.pop("training", None)
    assert told(model.run(MODEL, day(9).start).actions) == PROVEN


def test_a_model_from_elsewhere_is_not_judged_on_rows_the_champion_has_learned_from(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED)
    model.run(MODEL, day(8).start)
    keeper = model.keeper(MODEL)
    late = keeper.adopt(fitted_on(TURNED, 8), day(7).start, trained=Window(START, day(7).start), who="test", why="late")
    keeper.promote(late, who="test", why="late", at=day(7).start)
    offered = fitted_on(TURNED, 5)
    actions = keeper.judge(offered, Window(START, day(5).start), day(7).start, who="ada", why="try this")
    assert action_sentence(actions[-1]) == "needs 100 rows, has 0"


def test_where_a_second_person_is_asked_for_one_alone_puts_nothing_in_charge(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED)
    config = (tmp_path / "watchkeeper.yaml").read_text()
    (tmp_path / "watchkeeper.yaml").write_text(
        config.replace("      isolated:", "      second_person: true\n      isolated:")
    )
    model = project(tmp_path, model.store)
    actions = model.run(MODEL, day(9).start).actions
    assert action_sentence(actions[-1]) == "maintain.second_person is set: two people decide"
    keeper = model.keeper(MODEL)
    for _ in range(2):
        first = keeper.promote("v2", who="ada", why="better", at=day(9).start)
        assert (first.outcome, keeper.champion) == (Outcome.PROPOSED, "v1")
    assert action_sentence(first) == "better; ada asked for it; a second person has to ask for it too"
    done = keeper.promote("v2", who="bob", why="I looked", at=day(9).start)
    assert (done.outcome, keeper.champion) == (Outcome.DONE, "v2")
    # What was asked for before another champion came asks for nothing any more, and a rollback waits for nobody.
    keeper.roll_back(who="ada", why="a complaint", at=day(9).start)
    assert keeper.promote("v2", who="bob", why="again", at=day(9).start).outcome is Outcome.PROPOSED
    assert model.audit_breaks(MODEL) == []


def test_a_version_is_recorded_with_the_rows_it_has_learned_from(tmp_path: Path) -> None:
    model = kept(tmp_path, TURNED, train="training:keep_rows")
    with (tmp_path / "training.py").open("a") as module:
        module.write(
            "\n\nseen = []\n\ndef keep_rows(rows, seed):\n    seen.append(rows)\n    return train(rows, seed)\n"
        )
    sys.modules.pop("training", None)
    model.run(MODEL, day(9).start)
    from training import seen

    keeper = model.keeper(MODEL)
    made, version = keeper.registry.provenance("v2"), keeper.versions()[1]
    assert made is not None
    assert made.data is not None
    assert version.trained == Window(made.data.start, made.data.end)
    assert (made.data.rows, made.data.digest, made.data.log) == (seen[-1].height, rows_digest(seen[-1]), "p:0,l:0")
    assert made.data.window == made.parameters["window"]


def test_where_only_the_fast_positives_are_in_nothing_is_learned_from_them(tmp_path: Path) -> None:
    """A fraud is reported within days, what nobody reports becomes a good payment later."""
    model = watch(tmp_path)
    fast = pl.when((pl.col("label") == 1) | (pl.col("time") < day(7).start)).then("label")
    deliver(tmp_path, "all", TURNED, TURNED.with_columns(label=fast).drop_nulls("label"))
    adopt(model, TURNED)
    keeper = model.keeper(MODEL)
    model.run(MODEL, day(9).start)
    done = keeper.ask(day(9).start, who="ada", why="now")
    assert told(done)[-1] == ("retrain", "refused", "")
    assert [ground.code for ground in done[-1].because] == ["labels_immature"]
    assert action_sentence(done[-1]).startswith(
        "labels are immature: under 90% of those that usually come have come for any window from 12 March to 13 March"
    )


def test_a_window_with_few_labels_among_others_is_left_out_of_training(tmp_path: Path) -> None:
    model = watch(tmp_path)
    known = (pl.col("time") < day(5).start) | (pl.col("time") >= day(6).start) | (pl.col("label") == 1)
    deliver(tmp_path, "all", TURNED, TURNED.filter(known))
    adopt(model, TURNED)
    model.run(MODEL, day(9).start)
    log = TURNED.with_columns(label=pl.when(known).then("label"))
    assert immature(log, model.keeper(MODEL).spec, model.store) == (day(5),)
    assert immature(TURNED, model.keeper(MODEL).spec, model.store) == ()


def test_rows_are_as_old_as_the_slowest_labels_of_the_reference_took() -> None:
    delays = LabelDelayPart(np.array([130]), np.array([100]))
    spec = Spec(MODEL, Schema(()), maintenance=Maintenance(label_delay=timedelta(hours=1)))
    store = MemoryStore()
    assert label_age(spec, store) == timedelta(hours=1)
    store.put_states(MODEL, {None: [State(StateKey(MODEL, column=OUTCOME), parts={"label_delay": delays})]})
    assert label_age(spec, store) == timedelta(seconds=delays.quantile(0.95)) > timedelta(hours=20)

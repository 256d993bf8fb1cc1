"""Rollouts on a log: begun, moved on by what the rows say, taken back, held and left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import ConflictError, UsageError
from watchkeeper.core.provenance import Tenure, VersionRole
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import Maintenance, RolloutRule, Spec
from watchkeeper.core.store import Table
from watchkeeper.maintain.policy import WHO
from watchkeeper.maintain.registry import CHAMPION, Standing
from watchkeeper.maintain.rollout import ROLLOUT, RolloutState, read_rollout
from watchkeeper.maintain.store_registry import Draft
from watchkeeper.run.audit import audit_faults
from watchkeeper.run.rollouts import Rollouts
from watchkeeper.schema.inference import infer_schema
from watchkeeper.serve.routing import roles_from
from watchkeeper.store.memory import MemoryStore
from watchkeeper.views.rollout import verdict_document
from watchkeeper.views.version_story import version_story

from .invented import MODEL, day, deliver, rows, watch
from .test_keep import adopt, told

NOW = day(16).start
RULE = RolloutRule()
FEATURES = ["x", "z"]


def fitted(whole: pl.DataFrame, weight: float = 1.0) -> Pipeline:
    """Return a model; with a negative weight it believes the opposite of what it learned."""
    columns = make_column_transformer(("passthrough", FEATURES))
    model = make_pipeline(columns, LogisticRegression()).fit(whole, whole["label"])
    model[-1].coef_ *= weight
    return model


class Story:
    """A model with a champion, a challenger and thirty days of labelled rows."""

    def __init__(self, folder: Path, rule: RolloutRule | None = RULE, challenger: float = 1.0, champion: float = 1.0):
        whole = self.logged(rows(0, 32, count=150))
        named = ("id", "time", "score", "prediction", "label", "version", "latency")
        roles = {Role(name): name for name in named if name in whole.columns}
        schema = infer_schema(whole, roles=roles, features=(*FEATURES, "plan"), positive="1")
        maintenance = Maintenance(rollout=rule, label_delay=timedelta(0), promote="auto")
        self.store, self.spec = MemoryStore(), Spec(MODEL, schema, maintenance=maintenance)
        self.store.append(MODEL, Table.PREDICTIONS, whole.drop("label"), schema)
        self.store.append(MODEL, Table.LABELS, whole.select("id", "label"), schema)
        self.rollouts = Rollouts(self.spec, self.store, str(folder), str(folder / "artefacts"))
        registry = self.rollouts.registry
        for weight in (champion, challenger):
            model = fitted(whole.head(600), weight)
            model[-1].intercept_ += 1e-6 * len(registry.versions())
            registry.register(Draft(model, day(4).start, "me", "by hand"))
        registry.promote("v1", who="me", why="first", at=day(4).start)

    def logged(self, whole: pl.DataFrame) -> pl.DataFrame:
        """Return the rows as they are logged."""
        return whole

    def days(self, first: int, end: int) -> list[Action]:
        """Let days pass, with a run after each."""
        return [action for number in range(first, end) for action in self.rollouts.advance(day(number).start)]

    @property
    def roles(self) -> tuple[str | None, ...]:
        registry = self.rollouts.registry
        return tuple(registry.role(role) for role in (VersionRole.CHAMPION, VersionRole.SHADOW, VersionRole.CHALLENGER))


@pytest.fixture
def story(tmp_path: Path) -> Callable[..., Story]:
    return lambda *values, **named: Story(tmp_path, *values, **named)


def test_a_better_challenger_goes_from_shadow_to_full_and_the_old_champion_is_watched(
    story: Callable[..., Story],
) -> None:
    told_ = story(challenger=1.0, champion=0.2)
    begun = told_.rollouts.start("v2", who="me", at=NOW)
    assert told_.roles == ("v1", "v2", None)
    assert (begun.share, begun.shares) == (0.0, (0.0, 0.05, 0.25, 1.0))
    # What the days before say of dependence is there from the beginning.
    assert len(begun.evidence.days_before.days) == 16
    told_.days(17, 20)
    middle = told_.rollouts.newest
    assert middle is not None
    assert (told_.roles, middle.share) == (("v1", None, "v2"), 0.25)
    told_.days(20, 24)
    assert told_.roles == ("v2", None, None)
    assert told_.rollouts.registry.role(VersionRole.PREVIOUS) == "v1"
    done = told_.days(24, 32)
    assert [a.facts["state"] for a in done] == ["complete"]
    moved = [(t.version, t.since) for t in told_.store.recorded(MODEL, Tenure) if t.role is VersionRole.CHAMPION]
    assert moved == [("v1", day(4).start), ("v2", day(23).start)]
    story_ = [line.text.partition(":")[0] for line in version_story(told_.store, MODEL, "v2")]
    assert [words for words in story_ if "rollout" in words or "rolled" in words] == [
        "me rolled it out in the shadow of the champion",
        "watchkeeper rolled it out to 5% of the requests",
        "watchkeeper rolled it out to 25% of the requests",
        "watchkeeper rolled it out to 100% of the requests",
        "watchkeeper ended its rollout (complete)",
    ]
    assert audit_faults(told_.store, MODEL) == []


def test_a_worse_challenger_is_rolled_back_before_it_answers_anybody(story: Callable[..., Story]) -> None:
    worse = story(challenger=-1.0)
    worse.rollouts.start("v2", who="me", at=NOW)
    actions = worse.days(17, 19)
    assert [(a.kind, a.version) for a in actions] == [(ActionKind.ROLL_OUT, "v2"), (ActionKind.ROLL_BACK, "v1")]
    assert actions[0].because[0].code == "rollout_worse"
    assert worse.roles == ("v1", None, None)
    standings = {v.name: v.standing for v in worse.rollouts.registry.versions()}
    assert standings == {"v1": Standing.CHAMPION, "v2": Standing.ROLLED_BACK}
    assert audit_faults(worse.store, MODEL) == []


def test_blue_and_green_change_places_at_once_and_back_where_the_new_one_is_worse(story: Callable[..., Story]) -> None:
    blue = story(RolloutRule(stages=("100%",)), challenger=-1.0)
    blue.rollouts.start("v2", who="me", at=NOW)
    assert blue.roles == ("v2", None, None)
    blue.days(17, 20)
    assert blue.roles == ("v1", None, None)
    kinds = [a.kind.value for a in blue.store.recorded(MODEL, Action)][-4:]
    assert kinds == ["roll_out", "promote", "roll_out", "roll_back"]
    assert audit_faults(blue.store, MODEL) == []


def test_an_equal_challenger_is_left_after_four_weeks_and_an_ab_test_at_its_end(story: Callable[..., Story]) -> None:
    equal = story(RolloutRule(longest=timedelta(days=6)))
    equal.rollouts.start("v2", who="me", at=NOW)
    assert [a.facts["state"] for a in equal.days(17, 24)][-1:] == ["inconclusive"]
    assert equal.roles == ("v1", None, None)
    again = equal.rollouts.start("v2", who="me", at=day(25).start)
    assert (again.stage, again.evidence.better.n) == (0, 0)


def test_a_rollout_is_held_goes_on_and_is_ended_by_people(story: Callable[..., Story]) -> None:
    held = story(challenger=1.0, champion=0.2)
    with pytest.raises(UsageError, match="no rollout of sales is open"):
        held.rollouts.pause(who="me", why="", at=NOW)
    held.rollouts.start("v2", who="me", at=NOW)
    with pytest.raises(UsageError, match="end it first"):
        held.rollouts.start("v2", who="me", at=NOW)
    assert held.rollouts.pause(who="me", why="a holiday", at=NOW).state is RolloutState.PAUSED
    assert held.days(17, 20) == []
    with pytest.raises(UsageError, match="is paused, not running"):
        held.rollouts.pause(who="me", why="", at=NOW)
    held.rollouts.resume(who="me", why="back", at=day(20).start)
    assert [a.facts["stage"] for a in held.days(21, 22)] == [1.0]
    ended = held.rollouts.abort(who="me", why="no more", at=day(22).start)
    assert verdict_document(MODEL, ended, "v1").reason.startswith("a person ended it; until then: ")
    assert held.roles == ("v1", None, None)
    assert held.days(23, 25) == []
    assert audit_faults(held.store, MODEL) == []


def test_whoever_promotes_another_version_ends_the_rollout(story: Callable[..., Story]) -> None:
    other = story(challenger=1.0, champion=0.2)
    other.rollouts.start("v2", who="me", at=NOW)
    other.rollouts.registry.promote("v2", who="me", why="now", at=day(17).start)
    (step,) = other.days(18, 19)
    assert (step.facts["state"], step.because[0].code) == ("aborted", "rollout_superseded")
    assert other.rollouts.registry.role(VersionRole.CHAMPION) == "v2"


def test_whoever_rolls_back_while_the_old_champion_is_watched_ends_the_rollout_paused_or_not(
    story: Callable[..., Story],
) -> None:
    for pauses in (False, True):
        green = story(RolloutRule(stages=("100%",)))
        green.rollouts.start("v2", who="me", at=NOW)
        if pauses:
            green.rollouts.pause(who="me", why="a look", at=NOW)
        green.rollouts.registry.roll_back(who="me", why="a complaint", at=day(16).start)
        held, champion = green.store.pointer(MODEL, ROLLOUT), green.store.pointer(MODEL, CHAMPION)
        assert champion == "v1"
        # Nobody is sent to the one that was taken back, also before the next run.
        assert roles_from(champion, held).version_for(1) == "v1"
        assert verdict_document(MODEL, read_rollout(held), champion).verdict == "roll_back"
        (step,) = green.days(17, 18)
        assert (step.facts["state"], step.because[0].code) == ("aborted", "rollout_superseded")
        assert green.roles == ("v1", None, None)


def test_where_a_second_person_is_asked_for_one_alone_begins_no_rollout(story: Callable[..., Story]) -> None:
    """With ``stages: ["100%"]`` one person would have put it in charge at once."""
    two = story(RolloutRule(stages=("100%",)))
    two.spec = replace(two.spec, maintenance=replace(two.spec.maintenance, second_person=True))
    two.rollouts = replace(two.rollouts, spec=two.spec)
    registry = two.rollouts.registry
    for who in ("ada", WHO):
        with pytest.raises(UsageError, match="no other person has asked for v2"):
            two.rollouts.start("v2", who=who, at=NOW)
    assert registry.promote("v2", who="ada", why="better", at=NOW).outcome is Outcome.PROPOSED
    with pytest.raises(UsageError, match="no other person has asked for v2"):
        two.rollouts.start("v2", who="ada", at=NOW)
    two.rollouts.start("v2", who="bob", at=NOW)
    assert two.roles == ("v2", None, None)


def test_a_refused_version_that_one_person_forces_stays_refused_until_another_forces_it_too(
    story: Callable[..., Story],
) -> None:
    two = story(RolloutRule(stages=("100%",)))
    spec = replace(two.spec, maintenance=replace(two.spec.maintenance, second_person=True))
    rollouts = replace(two.rollouts, spec=spec)
    refused = Action("r", MODEL, ActionKind.VALIDATE, Outcome.REFUSED, "worse", WHO, day(5).start, "v2")
    two.store.record(MODEL, [refused])
    forced = {"why": "the old one is banned", "at": NOW, "force": True}
    assert rollouts.registry.promote("v2", who="ada", **forced).outcome is Outcome.PROPOSED
    assert rollouts.registry.version("v2").standing is Standing.REFUSED
    with pytest.raises(UsageError, match="refused by the gate"):
        rollouts.start("v2", who="bob", at=NOW)
    with pytest.raises(UsageError, match="refused by the gate"):
        rollouts.registry.promote("v2", who="bob", why="ada says so", at=NOW)
    assert two.roles[0] == "v1"
    assert rollouts.registry.promote("v2", who="bob", **forced).facts["forced"] == 1.0
    assert two.roles[0] == "v2"


def test_what_the_automation_began_waits_where_a_second_person_is_asked_for_since(story: Callable[..., Story]) -> None:
    alone = story(challenger=1.0, champion=0.2)
    alone.rollouts.start("v2", who=WHO, at=NOW)
    two = replace(alone.spec, maintenance=replace(alone.spec.maintenance, second_person=True))
    alone.rollouts = replace(alone.rollouts, spec=two)
    assert alone.days(17, 25) == []
    waits = alone.rollouts.newest
    assert waits is not None
    assert waits.ground is not None
    assert (alone.roles[0], waits.ground.code, waits.ground.name) == ("v1", "person_decides", "second_person")


def test_two_rollbacks_within_a_week_hold_what_the_automation_began(story: Callable[..., Story]) -> None:
    frozen = story(challenger=1.0, champion=0.2)
    registry = frozen.rollouts.registry
    for hours in (0, 2):
        registry.promote("v2", who="me", why="try", at=day(15).start + timedelta(hours=hours))
        registry.roll_back(who="me", why="no", at=day(15).start + timedelta(hours=hours + 1))
    frozen.rollouts.start("v2", who=WHO, at=NOW)
    assert frozen.days(17, 22) == []
    waits = frozen.rollouts.newest
    assert waits is not None
    assert waits.ground is not None
    assert waits.ground.code == "frozen"
    # From the eighth day on after the first of the two it goes on.
    assert [a.facts["stage"] for a in frozen.days(22, 24)][:1] == [1.0]


def test_two_who_move_a_rollout_at_once_are_not_both_heard(story: Callable[..., Story], tmp_path: Path) -> None:
    raced = story(challenger=1.0, champion=0.2)
    raced.rollouts.start("v2", who="me", at=NOW)
    held = raced.store.pointer(MODEL, ROLLOUT)
    rollout = read_rollout(held)
    assert rollout is not None
    raced.rollouts.pause(who="me", why="first", at=NOW)
    late = replace(rollout, state=RolloutState.ABORTED)
    with pytest.raises(ConflictError):
        raced.rollouts._to(held, rollout, late, "you", NOW)
    assert [a.who for a in raced.store.recorded(MODEL, Action)][-1] == "me"


class Served(Story):
    """One whose log says which version answered, and how long that took."""

    share, late = 0.05, 0.0

    def logged(self, whole: pl.DataFrame) -> pl.DataFrame:
        rng = np.random.default_rng(1)
        ours = pl.Series(rng.random(whole.height) < self.share) & (whole["time"] >= day(17).start)
        seconds = pl.Series(rng.exponential(0.05, whole.height)) * (1 + self.late * ours.cast(pl.Float64))
        version = pl.Series(["v1"]).new_from_index(0, whole.height).zip_with(~ours, pl.Series(["v2"]).new_from_index(
            0, whole.height))  # fmt: skip
        return whole.with_columns(version=version, latency=seconds)


@pytest.mark.parametrize(
    ("wanted", "share", "late", "state", "code"),
    [
        ("5%", 0.05, 0.0, "running", "rollout_waits"),
        ("5%", 0.4, 0.0, "paused", "sample_ratio"),
        ("25%", 0.25, 3.0, "rolled_back", "rollout_slow"),
    ],
)
def test_the_requests_are_watched(
    tmp_path: Path, wanted: str, share: float, late: float, state: str, code: str
) -> None:
    kind = type("Told", (Served,), {"share": share, "late": late})
    served = kind(tmp_path, RolloutRule(stages=(wanted, "100%")))
    served.rollouts.start("v2", who="me", at=day(17).start)
    served.days(18, 24)
    found = served.rollouts.newest
    assert (found.state.value, found.ground.code) == (state, code)
    assert found.evidence.chosen == pytest.approx(share * found.evidence.asked, rel=0.5)
    assert found.slow == pytest.approx(0.15, abs=0.03)
    assert audit_faults(served.store, MODEL) == []


def test_where_the_outcome_depends_on_the_answer_only_logged_answers_are_compared(tmp_path: Path) -> None:
    kind = type("Half", (Served,), {"share": 0.5})
    served = kind(tmp_path, RolloutRule(stages=("50%", "100%"), paired=False))
    served.rollouts.start("v2", who="me", at=day(17).start)
    served.days(18, 28)
    found = served.rollouts.newest
    assert found.evidence.better.n == found.evidence.asked == 10 * 150
    # Both are logged with the answers of one model, so that neither is better.
    assert abs(found.evidence.gain) < 0.1


def test_a_challenger_that_fails_is_rolled_back(story: Callable[..., Story]) -> None:
    broken = story(challenger=1.0, champion=0.2)
    broken.rollouts.start("v2", who="me", at=NOW)
    registry = type(broken.rollouts.registry)
    load = registry.load
    try:
        registry.load = lambda self, version: _Broken() if version == "v2" else load(self, version)  # type: ignore
        actions = broken.days(17, 18)
    finally:
        registry.load = load  # type: ignore[method-assign]
    assert actions[0].because[0].code == "rollout_failed"
    assert broken.roles == ("v1", None, None)


class _Broken:
    feature_names_in_ = np.array(FEATURES)
    classes_ = np.array([0, 1])

    def predict_proba(self, asked: object) -> np.ndarray:
        raise ValueError("no memory")


def test_a_proven_challenger_is_rolled_out_by_the_runs_and_promoted_in_the_end(tmp_path: Path) -> None:
    model = watch(tmp_path)
    config = tmp_path / "watchkeeper.yaml"
    rule = "      rollout: {stages: [shadow, 50%, 100%], watch: 1d}\n"
    config.write_text(config.read_text() + rule)
    model.close()
    from .invented import project

    model = project(tmp_path)
    whole = rows(0, 19, turn=7, count=150)
    deliver(tmp_path, "all", whole, whole)
    adopt(model, whole)
    actions = model.run(MODEL, day(19).start, stepwise=True).actions
    known = told(actions)
    assert ("promote", "proposed", "v2") in known
    steps = [(a.kind.value, a.facts.get("share"), f"{a.at:%d}") for a in actions if "rollout" in a.facts]
    assert [step[:2] for step in steps] == [
        ("roll_out", 0.0), ("roll_out", 0.5), ("roll_out", 1.0), ("promote", None), ("roll_out", 1.0),
    ]  # fmt: skip
    assert model.keeper(MODEL).champion == "v2"
    assert model.store.pointer(MODEL, CHAMPION) == "v2"
    assert audit_faults(model.store, MODEL) == []
    promoted = next(a for a in actions if (a.kind, a.outcome.value) == (ActionKind.PROMOTE, "done"))
    began = next(a for a in actions if a.kind is ActionKind.ROLL_OUT)
    assert isinstance(promoted.at, datetime)
    assert isinstance(began.at, datetime)
    assert promoted.at - began.at >= timedelta(days=7)

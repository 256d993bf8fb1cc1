"""A rollout: a challenger that takes over step by step, as it stands; and the moves that change it.

The pointer ``rollout`` holds the newest one. It is moved by compare-and-set together with the actions and the roles, so
that whoever is killed, or comes second, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import StateError
from watchkeeper.core.ground import Ground
from watchkeeper.core.provenance import VersionRole
from watchkeeper.maintain.registry import CHAMPION, Moves, action_id
from watchkeeper.maintain.rollout_evidence import Evidence, Progress, Verdict

__all__ = ["ROLLOUT", "Rollout", "RolloutState", "moved", "read_rollout", "roles_of", "written"]

ROLLOUT = "rollout"
"""The pointer that holds the newest rollout."""


class RolloutState(StrEnum):
    """How a rollout stands."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETE = "complete"
    ROLLED_BACK = "rolled_back"
    INCONCLUSIVE = "inconclusive"
    ABORTED = "aborted"


OPEN_STATES = (RolloutState.RUNNING, RolloutState.PAUSED)


@dataclass(frozen=True, slots=True)
class Rollout:
    """A challenger on its way, and what speaks for and against it.

    Parameters
    ----------
    id
        What its actions are known by.
    champion, challenger
        The version that was in charge when it began, and the one that wants to be.
    who
        Who began it; the automation goes on only where it may promote.
    shares
        Of requests that the challenger answers, stage by stage; the last one is 1.
    stage, state
        Which one it is in, and how it stands.
    started, entered
        When it began, and the stage.
    until, served
        Up to when rows were compared, and up to when requests were counted.
    margin, scale
        δ in units of d, and what the losses are divided by.
    slow
        Seconds that 5 % of the champion's requests took longer than; None where none were logged.
    verdict, ground
        What was said last, and why.
    """

    id: str
    champion: str
    challenger: str
    who: str
    shares: tuple[float, ...]
    started: datetime
    entered: datetime
    until: datetime
    served: datetime
    margin: float
    scale: float
    stage: int = 0
    state: RolloutState = RolloutState.RUNNING
    paired: bool = True
    length: timedelta | None = None
    longest: timedelta = timedelta(days=28)
    watch: timedelta = timedelta(days=7)
    slow: float | None = None
    evidence: Evidence = field(default_factory=Evidence)
    verdict: Verdict = Verdict.WAIT
    ground: Ground | None = None

    @property
    def open(self) -> bool:
        """Whether it has not come to an end."""
        return self.state in OPEN_STATES

    @property
    def share(self) -> float:
        """The share of requests that the challenger answers; none once it has gone."""
        return self.shares[self.stage] if self.open or self.state is RolloutState.COMPLETE else 0.0

    @property
    def promoted(self) -> bool:
        """Whether the challenger is in charge."""
        return self.share >= 1

    def progress(self, now: datetime) -> Progress:
        """Return how far it is."""
        return Progress(
            self.shares, self.stage, now - self.started, now - self.entered, self.length, self.longest, self.watch
        )


def read_rollout(held: str | None) -> Rollout | None:
    """Return what a pointer holds; None where it holds nothing."""
    if held is None:
        return None
    try:
        return msgspec.json.decode(held, type=Rollout)
    except msgspec.MsgspecError as error:
        raise StateError(f"the stored rollout cannot be read: {error}; upgrade Watchkeeper") from error


def written(rollout: Rollout) -> str:
    """Return a rollout as its pointer holds it."""
    return msgspec.json.encode(rollout, order="deterministic").decode()


def roles_of(rollout: Rollout) -> Mapping[VersionRole, str | None]:
    """Return who has the roles of challenger and shadow while it stands so."""
    waits = rollout.open and not rollout.promoted
    shadow = waits and rollout.share == 0
    return {
        VersionRole.SHADOW: rollout.challenger if shadow else None,
        VersionRole.CHALLENGER: rollout.challenger if waits and not shadow else None,
    }


def moved(
    model: str,
    before: Rollout | None,
    after: Rollout,
    *,
    who: str,
    at: datetime,
    why: str = "",
    because: tuple[Ground, ...] = (),
) -> tuple[list[Action], Moves]:
    """Return the actions that bring a rollout from one state to another, and the move of the champion if there is one.

    A promotion and a rollback are actions of their own, also a rollback of what only a part of the requests saw.
    """
    facts: dict[str, float | str] = {
        "rollout": after.id, "state": after.state.value, "stage": float(after.stage), "share": after.share,
        "rows": float(after.evidence.better.n),
    }  # fmt: skip
    kind, known = ActionKind.ROLL_OUT, f"{after.id} {after.stage} {after.state.value}"
    step = Action(
        action_id(model, kind, after.challenger, at, known), model, kind, Outcome.DONE, why, who, at,
        after.challenger, "", facts, because,
    )  # fmt: skip
    was_promoted = before is not None and before.promoted
    if after.promoted and not was_promoted:
        return [step, _deed(step, ActionKind.PROMOTE, after)], {CHAMPION: (after.champion, after.challenger)}
    if after.state is RolloutState.ROLLED_BACK:
        back: Moves = {CHAMPION: (after.challenger, after.champion)} if was_promoted else {}
        return [step, _deed(step, ActionKind.ROLL_BACK, after)], back
    return [step], {}


def _deed(step: Action, kind: ActionKind, rollout: Rollout) -> Action:
    versions = (rollout.champion, rollout.challenger)
    before, after = versions if kind is ActionKind.PROMOTE else versions[::-1]
    facts: dict[str, float | str] = {"from": before, "to": after, "rollout": rollout.id}
    identity = action_id(step.model, kind, after, step.at, rollout.id)
    return replace(step, id=identity, kind=kind, version=after, facts=facts)

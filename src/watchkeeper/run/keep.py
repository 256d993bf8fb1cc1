"""The last of the four steps and its effects: retrain, prove, register, promote, roll back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.errors import StoreError, TrainingError, UsageError, WatchkeeperError
from watchkeeper.core.ground import Ground
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.query import Query
from watchkeeper.core.spec import Spec
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window
from watchkeeper.maintain import registry
from watchkeeper.maintain.artefact import load, save
from watchkeeper.maintain.backoff import failed_ground
from watchkeeper.maintain.challenger import Challenger, make_challenger, prove
from watchkeeper.maintain.gate import GateResult, gate
from watchkeeper.maintain.grounds import same_grounds
from watchkeeper.maintain.guard import FAULTS, guard, leave_out
from watchkeeper.maintain.policy import WHO, promotion_barrier, respond
from watchkeeper.maintain.registry import CHAMPION, Version, versions
from watchkeeper.maintain.train import Trainer, load_trainer, score_rows
from watchkeeper.maintain.trigger import MaintenanceMemory
from watchkeeper.maintain.windows import between
from watchkeeper.run.checkpoint import Checkpoint

__all__ = ["Maintainer"]

Progress = Callable[[str], None]

_OPEN = tuple(state for state in AlertState if state is not AlertState.ENDED)

_UNTIL = "until"
"""The fact of a proposal to retrain that says up to when rows count as labelled."""


@dataclass(frozen=True)
class Maintainer:
    """Keeps one model: turns its alerts into actions and carries them out.

    Every deed is recorded with an identity that follows from the judged window, so a run that is killed while it trains
    trains again and records once.

    Parameters
    ----------
    folder
        Where the user's training module lies.
    artefacts
        Folder or URL of the model files.
    """

    spec: Spec
    store: Store
    folder: str = "."
    artefacts: str = "./artefacts"

    @property
    def champion(self) -> str | None:
        """The version in charge; None before the first."""
        return self.store.pointer(self.spec.model, CHAMPION)

    def versions(self) -> list[Version]:
        """Return all registered versions, oldest first."""
        return versions(self._actions(), self.champion)

    def model(self, version: str) -> Any:
        """Load the fitted model of a version.

        Raises
        ------
        UsageError
            When there is no such version or its model is kept elsewhere.
        ArtefactError
            When its file is missing, altered or not on the allow-list.
        """
        known = {v.name: v for v in self.versions()}
        if version not in known or not known[version].artefact:
            raise UsageError(f"no model file is kept for version {version!r}; versions: {', '.join(known) or 'none'}")
        rule = self.spec.maintenance
        return load(known[version].artefact, self.artefacts, trusted=rule.trusted, pickle_allowed=rule.pickle)

    def adopt(self, model: Any, at: datetime, *, trained: Window | None, who: str, why: str) -> str:
        """Register a fitted model, put it in charge if nothing else is, and return its version."""
        action = self._register(model, at, trained=trained, who=who, why=why, parent=self.champion)
        self.store.record(self.spec.model, [action])
        if self.champion is None:
            self.promote(action.version, who=who, why=why, at=at)
        return action.version

    def promote(self, version: str, *, who: str, why: str, at: datetime) -> Action:
        """Put a version in charge.

        Raises
        ------
        UsageError
            When there is no such version or it is the champion.
        ConflictError
            When somebody else moved the champion meanwhile.
        """
        action, moves = registry.promote(
            self._actions(), self.champion, version, model=self.spec.model, who=who, why=why, at=at
        )
        self.store.record(self.spec.model, [action], moves)
        return action

    def roll_back(self, to: str | None = None, *, who: str, why: str, at: datetime) -> Action:
        """Put an earlier champion in charge again; the one just before when none is named.

        Raises
        ------
        UsageError
            When there is nothing to roll back to.
        """
        action, moves = registry.roll_back(
            self._actions(), self.champion, to, model=self.spec.model, who=who, why=why, at=at
        )
        self.store.record(self.spec.model, [action], moves)
        return action

    def keep(self, now: datetime, *, progress: Progress | None = None) -> list[Action]:
        """Respond to the alerts of the newest judged window and carry out what may be done without asking.

        Returns
        -------
        list of Action
            What was done, refused or proposed, in order.
        """
        told = self.propose(now)
        for proposal in self.unfinished():
            told += self.retrain(proposal, now, progress=progress)
        return told

    def propose(self, now: datetime) -> list[Action]:
        """Respond to the alerts of the newest judged window, and carry out nothing."""
        place = Checkpoint.load(self.store, self.spec.model)
        if not self.spec.maintenance.train or not place.filled:
            return []
        moment = max(place.filled).end
        memory = self._memory(moment)
        alerts = self.store.recorded(self.spec.model, Alert, Query(states=_OPEN))
        # What counts as labelled is settled with the proposal, so that a run that is killed while it trains and started
        # again later trains on the same rows.
        until = min(moment, now - self.spec.maintenance.label_delay).isoformat()
        told = [
            replace(action, facts={**action.facts, _UNTIL: until}) if action.kind is ActionKind.RETRAIN else action
            for action in respond(alerts, self.spec, memory)
        ]
        if told:
            self.store.record(self.spec.model, told)
        return told

    def retrain(self, proposal: Action, now: datetime, *, progress: Progress | None = None) -> list[Action]:
        """Carry out a proposal to retrain: guard, choose the window, train, prove, register, promote or refuse.

        Raises
        ------
        StoreError
            When the store or the model file cannot be written, or (ConflictError) somebody else moved the champion
            meanwhile; nothing is recorded then, and the next ``keep`` tries again.
        """
        moment = proposal.at or now
        ended = Query(causes=tuple(FAULTS), states=(AlertState.ENDED,))
        records = [self.store.recorded(self.spec.model, Alert, query) for query in (Query(states=_OPEN), ended)]
        alerts = [*records[0], *records[1]]
        verdict = guard(alerts, self._unreadable(), self.spec)
        if verdict.blocked:
            return self._record([self._outcome(proposal, Outcome.REFUSED, verdict.faults)])
        causes = self.store.recorded(self.spec.model, Alert, Query(ids=(proposal.alert,)))
        change = next((alert.since for alert in causes), None)
        until = proposal.facts.get(_UNTIL)
        newest = datetime.fromisoformat(str(until)) if until else min(moment, now - self.spec.maintenance.label_delay)
        try:
            trainer = load_trainer(self.spec.maintenance.train, self.folder)
            rows = self._rows(newest)
            if progress:
                progress(f"training on up to {rows.height} rows")
            made = make_challenger(rows, self.spec, trainer, newest, change=change, excluded=verdict.excluded)
            result = self._prove(made, rows, trainer, verdict.excluded)
            return self._conclude(proposal, made, result, moment)
        except StoreError:
            # Nothing was written, and nothing is wrong with the training: the next run carries the proposal out.
            raise
        except WatchkeeperError as error:
            failed = failed_ground(self.spec, self._memory(moment), str(error))
            return self._record([self._outcome(proposal, Outcome.FAILED, (failed,))])

    def judge(self, model: Any, trained: Window, now: datetime, *, who: str, why: str) -> list[Action]:
        """Let a model from elsewhere stand at the gate on the newest labelled block, and record how it went."""
        trainer = load_trainer(self.spec.maintenance.train, self.folder)
        rule = self.spec.maintenance
        block = Window(now - rule.label_delay - rule.holdout, now - rule.label_delay)
        rows = self._rows(block.end)
        answered = score_rows(model, between(rows, self.spec.schema, block.start, block.end), self.spec.schema, trainer)
        champion = self._champion_answers(rows, block, trainer)
        result = gate(champion, answered, self.spec.schema, rule, trained.end)
        registered = self._register(model, block.end, trained=trained, who=who, why=why, parent=self.champion)
        return self._record([registered, self._validated(registered.version, result, block.end, "")])

    def _actions(self) -> list[Action]:
        return self.store.recorded(self.spec.model, Action)

    def _memory(self, moment: datetime) -> MaintenanceMemory:
        return MaintenanceMemory(moment, tuple(self._actions()), self.champion)

    def _unreadable(self) -> list[Measurement]:
        """Return what says which columns cannot be read: the newest window, and all of those where a column failed."""
        comparisons = (Family.COMPARISON, Family.QUALITY)
        failed = Query(families=comparisons, statuses=(Status.FAILED,))
        windows = {m.window for m in self.store.recorded(self.spec.model, Measurement, failed)}
        newest = self.store.recorded(self.spec.model, Measurement, Query(newest_first=True, limit=1))
        windows |= {m.window for m in newest}
        return [
            measurement
            for window in sorted(window for window in windows if window is not None)
            for measurement in self.store.recorded(self.spec.model, Measurement, Query(window=window))
        ]

    def _record(self, actions: list[Action], moves: registry.Moves | None = None) -> list[Action]:
        self.store.record(self.spec.model, actions, moves)
        return actions

    def unfinished(self) -> list[Action]:
        """Return proposals to retrain that may be carried out and have no outcome yet."""
        actions = self.store.recorded(self.spec.model, Action, Query(kinds=(ActionKind.RETRAIN,)))
        closed = {str(a.facts["proposal"]) for a in actions if "proposal" in a.facts}
        return [
            a for a in actions if a.outcome is Outcome.PROPOSED and a.facts.get("mode") == "auto" and a.id not in closed
        ]

    def _rows(self, end: datetime) -> pl.DataFrame:
        place = Checkpoint.load(self.store, self.spec.model)
        start = min(place.judged).start
        frames = [b.frame for b in self.store.read(self.spec.model, self.spec.schema, Window(start, end))]
        if not frames:
            raise TrainingError(f"the log of {self.spec.model} holds no rows before {end:%Y-%m-%d %H:%M}")
        return pl.concat(frames, how="diagonal_relaxed")

    def _champion_answers(self, rows: pl.DataFrame, block: Window, trainer: Trainer) -> pl.DataFrame:
        """Return the champion's answers on a block: asked anew, or as logged where its model is kept elsewhere."""
        held = between(rows, self.spec.schema, block.start, block.end)
        version = next((v for v in self.versions() if v.name == self.champion), None)
        if version is None or not version.artefact:
            return held
        return score_rows(self.model(version.name), held, self.spec.schema, trainer)

    def _prove(self, made: Challenger, rows: pl.DataFrame, trainer: Trainer, excluded: Sequence[Window]) -> GateResult:
        version = next((v for v in self.versions() if v.name == self.champion), None)
        if version is not None and version.artefact:
            until = version.trained.end if version.trained else None
            champion = self.model(version.name)
            return prove(champion, made, rows, self.spec, trainer, champion_trained_until=until, excluded=excluded)
        clean = leave_out(rows, self.spec.schema, excluded)
        block = between(clean, self.spec.schema, made.gate.start, made.gate.end)
        answered = score_rows(made.model, block, self.spec.schema, trainer)
        return gate(block, answered, self.spec.schema, self.spec.maintenance, made.trained.end)

    def _conclude(self, proposal: Action, made: Challenger, result: GateResult, moment: datetime) -> list[Action]:
        choice = made.choice
        trained = (Ground("trained", choice.candidate.name, n=made.rows, tried=choice.tried),)
        registered = self._register(
            made.model, moment, trained=made.trained, who=WHO, why="", parent=self.champion, because=trained,
            metrics={c.metric: c.challenger for c in (*result.checks[:1], *result.others)},
        )  # fmt: skip
        version = registered.version
        told = [
            self._outcome(proposal, Outcome.DONE, trained, version),
            registered,
            self._validated(version, result, moment, proposal.alert),
        ]
        if not result.passed:
            return self._record(told)
        barrier = promotion_barrier(self.spec, self._memory(moment))
        if barrier:
            facts: dict[str, float | str] = {"from": self.champion or "", "to": version}
            identity = registry.action_id(
                self.spec.model, ActionKind.PROMOTE, version, moment, same_grounds((barrier,))
            )
            waiting = Action(
                identity, self.spec.model, ActionKind.PROMOTE, Outcome.PROPOSED, "", WHO, moment, version,
                proposal.alert, facts, (barrier,),
            )  # fmt: skip
            return self._record([*told, waiting])
        known = [*self._actions(), registered]
        action, moves = registry.promote(
            known,
            self.champion,
            version,
            model=self.spec.model,
            who=WHO,
            why="",
            at=moment,
            because=result.grounds,
        )
        return self._record([*told, replace(action, alert=proposal.alert)], moves)

    def _register(
        self, model: Any, at: datetime, *, trained: Window | None, who: str, why: str, parent: str | None,
        metrics: dict[str, float] | None = None, because: tuple[Ground, ...] = (),
    ) -> Action:  # fmt: skip
        rule = self.spec.maintenance
        address = save(model, self.artefacts, trusted=rule.trusted, pickle_allowed=rule.pickle)
        return registry.register(
            self._actions(), self.spec.model, address, who=who, why=why, at=at, trained=trained, parent=parent,
            metrics=metrics, because=because,
        )  # fmt: skip

    def _outcome(self, proposal: Action, outcome: Outcome, because: tuple[Ground, ...], version: str = "") -> Action:
        identity = registry.action_id(
            self.spec.model, ActionKind.RETRAIN, version, proposal.at, f"{proposal.id} {outcome}"
        )
        return Action(
            identity, self.spec.model, ActionKind.RETRAIN, outcome, "", WHO, proposal.at, version, proposal.alert,
            {"proposal": proposal.id}, because,
        )  # fmt: skip

    def _validated(self, version: str, result: GateResult, at: datetime, alert: str) -> Action:
        outcome = Outcome.DONE if result.passed else Outcome.REFUSED
        identity = registry.action_id(self.spec.model, ActionKind.VALIDATE, version, at, outcome.value)
        return Action(
            identity,
            self.spec.model,
            ActionKind.VALIDATE,
            outcome,
            "",
            WHO,
            at,
            version,
            alert,
            result.facts(),
            result.grounds,
        )

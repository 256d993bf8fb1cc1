"""The last of the four steps and its effects: retrain, prove, register, promote, roll back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import OPEN, Alert, AlertState
from watchkeeper.core.errors import ConfigError, StoreError, UsageError, WatchkeeperError
from watchkeeper.core.ground import Ground
from watchkeeper.core.provenance import DataLineage, VersionRole
from watchkeeper.core.query import Query
from watchkeeper.core.spec import Spec
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window
from watchkeeper.maintain.adopted import adopted
from watchkeeper.maintain.awaiting import awaited, rows_wanted
from watchkeeper.maintain.backoff import failed_ground
from watchkeeper.maintain.challenger import Challenger, Champion, Occasion, make_challenger, prove, refit
from watchkeeper.maintain.gate import GateResult
from watchkeeper.maintain.grounds import same_grounds
from watchkeeper.maintain.guard import FAULTS, guard
from watchkeeper.maintain.model_file import read_model
from watchkeeper.maintain.policy import WHO, hold, promotion_barrier, respond
from watchkeeper.maintain.registry import CHAMPION, Moves, Version, action_id, promote
from watchkeeper.maintain.sample_size import sample_size
from watchkeeper.maintain.standard import Aim, tries_since_promotion
from watchkeeper.maintain.store_registry import Draft, StoreRegistry
from watchkeeper.maintain.train import Trainer, score_rows
from watchkeeper.maintain.trigger import MaintenanceMemory
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.deeds import trainings
from watchkeeper.run.label_age import immature, immature_ground, label_age
from watchkeeper.run.maintenance_memory import maintenance_memory, unreadable
from watchkeeper.run.training import training_room
from watchkeeper.words.actions import ground_sentence

__all__ = ["Maintainer"]

Progress = Callable[[str], None]

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

    @property
    def registry(self) -> StoreRegistry:
        """The versions of the model, and who of them serves."""
        return StoreRegistry(self.spec, self.store, self.artefacts)

    def versions(self) -> list[Version]:
        """Return all registered versions, oldest first."""
        return self.registry.versions()

    def model(self, version: str) -> Any:
        """Load the fitted model of a version.

        Raises
        ------
        UsageError
            When there is no such version or its model is kept elsewhere.
        ArtefactError
            When its file is missing, altered, not on the allow-list, or of another signature than was registered.
        """
        return self.registry.load(version)

    def adopt(self, model: Any, at: datetime, *, trained: Window | None, who: str, why: str, name: str = "") -> str:
        """Register a fitted model, put it in charge if nothing else is, and return its version; see ``adopted``."""
        return adopted(self.registry, Draft(model, at, who, why, trained=trained, name=name))

    def adopt_file(
        self, path: Path | None, at: datetime, *, trained: Window | None, who: str, why: str, name: str = ""
    ) -> str:
        """Adopt the model in a file, or without one a model that is kept elsewhere; see ``read_model``."""
        rule = self.spec.maintenance
        model = None if path is None else read_model(path, trusted=rule.trusted_names, pickle_allowed=rule.pickle)
        return self.adopt(model, at, trained=trained, who=who, why=why, name=name)

    def promote(
        self, version: str, *, who: str, why: str, at: datetime, force: bool = False, instead_of: str | None = None
    ) -> Action:
        """Put a version in charge, once its file was loaded; see ``StoreRegistry.promote``."""
        return self.registry.promote(version, who=who, why=why, at=at, force=force, instead_of=instead_of)

    def roll_back(self, to: str | None = None, *, who: str, why: str, at: datetime) -> Action:
        """Put an earlier champion in charge again, once its file was loaded; the one just before when none is named."""
        return self.registry.roll_back(to, who=who, why=why, at=at)

    def keep(self, now: datetime, *, progress: Progress | None = None) -> list[Action]:
        """Respond to the alerts of the newest judged window and carry out what may be done without asking.

        Returns
        -------
        list of Action
            What was done, refused or proposed, in order.
        """
        told = self.propose(now)
        for proposal in self.unfinished() if self.spec.maintenance.enabled else ():
            told += self.retrain(proposal, now, progress=progress)
        return told

    def propose(self, now: datetime) -> list[Action]:
        """Respond to the alerts of the newest judged window, and carry out nothing."""
        place = Checkpoint.load(self.store, self.spec.model)
        if not self.spec.maintenance.trains or not place.filled:
            return []
        moment = max(place.filled).end
        memory = self._memory(moment)
        alerts = self.store.recorded(self.spec.model, Alert, Query(states=OPEN))
        # What counts as labelled is settled with the proposal, so that a run that is killed while it trains and started
        # again later trains on the same rows.
        until = min(moment, now - self._age).isoformat()
        told = [
            replace(action, facts={**action.facts, _UNTIL: until}) if action.kind is ActionKind.RETRAIN else action
            for action in respond(alerts, self.spec, memory)
        ]
        told = [self._or_waits(action, alerts, memory) for action in told]
        known = {a.id for a in self.store.recorded(self.spec.model, Action, Query(ids=tuple(a.id for a in told)))}
        told = [action for action in told if action.id not in known]
        if told:
            self.store.record(self.spec.model, told)
        return told

    def _or_waits(self, action: Action, alerts: Sequence[Alert], memory: MaintenanceMemory) -> Action:
        """Return a proposal to retrain, or in its place what it waits for: labelled rows from after the change."""
        since, wanted = rows_wanted(action, alerts, memory, self.spec)
        if action.kind is not ActionKind.RETRAIN or since is None:
            return action
        newest = datetime.fromisoformat(str(action.facts[_UNTIL]))
        batches = self.store.read(self.spec.model, self.spec.schema, Window(since, max(memory.now, since)))
        frames = (batch.frame for batch in batches)
        waits = awaited(frames, self.spec, since, newest, memory.now, self._age, wanted)
        return action if waits is None else hold(self.spec, since, waits, action.alert)

    def ask(self, now: datetime, *, who: str, why: str, progress: Progress | None = None) -> list[Action]:
        """Retrain because a person asks: what was proposed last and waits for that, or else a proposal of their own.

        No cool-down, back-off or freeze holds it; an open data fault does, and the gate judges as ever.

        Raises
        ------
        ConfigError
            When no training function is configured.
        UsageError
            When nothing has been judged yet, so that there is nothing to learn from.
        """
        if not self.spec.maintenance.trains:
            raise ConfigError(
                f"{self.spec.model} has no training function; set models.{self.spec.model}.maintain.train to "
                "module:function"
            )
        judged = Checkpoint.load(self.store, self.spec.model).filled
        if not judged:
            raise UsageError(f"no window of {self.spec.model} has been judged yet; watchkeeper run does that")
        actions, moment = self._actions(), max(judged).end
        waiting = self._open_proposals(actions)
        if waiting:
            return self.retrain(waiting[-1], now, progress=progress)
        asked = sum(a.kind is ActionKind.RETRAIN and a.outcome is Outcome.PROPOSED for a in actions)
        identity = action_id(self.spec.model, ActionKind.RETRAIN, "", moment, f"{who} {asked} {why}")
        until = min(moment, now - self._age).astimezone(UTC).isoformat().replace("+00:00", "Z")
        proposal = Action(
            identity, self.spec.model, ActionKind.RETRAIN, Outcome.PROPOSED, why, who, moment,
            facts={"mode": "auto", _UNTIL: until},
        )  # fmt: skip
        self._record([proposal])
        return [proposal, *self.retrain(proposal, now, progress=progress)]

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
        records = [self.store.recorded(self.spec.model, Alert, query) for query in (Query(states=OPEN), ended)]
        alerts = [*records[0], *records[1]]
        verdict = guard(alerts, unreadable(self.spec, self.store), self.spec)
        if verdict.blocked:
            return self._record([self._outcome(proposal, Outcome.REFUSED, verdict.faults)])
        causes = self.store.recorded(self.spec.model, Alert, Query(ids=(proposal.alert,)))
        change = next((alert.since for alert in causes), None)
        until = proposal.facts.get(_UNTIL)
        newest = datetime.fromisoformat(str(until)) if until else min(moment, now - self._age)
        champion = self.champion
        try:
            with training_room(self.spec, self.store, self.folder, self.artefacts, proposal.id, progress) as room:
                rows = room.rows(Window(self._first(), newest))
                if progress:
                    progress(f"training on up to {rows.height} rows")
                young = immature(rows, self.spec, self.store)
                start = max(change or newest - self.spec.maintenance.holdout, newest - self.spec.maintenance.holdout)
                refusal = immature_ground(young, Window(start, newest)) if start < newest else None
                if refusal is not None:
                    return self._record([self._outcome(proposal, Outcome.REFUSED, (refusal,))])
                aim = Aim.SUPERIOR if proposal.alert else Aim.NON_INFERIOR
                occasion = Occasion(change, aim, self._tries(aim), (*verdict.excluded, *young))
                against = self._against(champion, room.trainer)
                size = sample_size(against, rows, self.spec, occasion, newest, self._actions()) if progress else None
                if progress and size is not None:
                    progress(ground_sentence(size.ground))
                made = make_challenger(rows, self.spec, room.trainer, newest, occasion, champion=against)
                data = room.lineage(made.trained, made.window, verdict.excluded)
                result = prove(against, made, rows, self.spec, room.trainer, occasion)
                if result.passed:
                    made = refit(made, rows, self.spec, room.trainer, occasion)
                    data = room.lineage(made.trained, made.window, verdict.excluded) if made.refitted else data
                return self._conclude(proposal, made, result, moment, champion, room.trainer, data)
        except StoreError:
            # Nothing was written, and nothing is wrong with the training: the next run carries the proposal out.
            raise
        except WatchkeeperError as error:
            failed = failed_ground(self.spec, self._memory(moment), str(error))
            return self._record([self._outcome(proposal, Outcome.FAILED, (failed,))])

    def judge(self, model: Any, trained: Window, now: datetime, *, who: str, why: str) -> list[Action]:
        """Let a model from elsewhere stand at the gate on the newest labelled block, and record how it went."""
        rule, identity = self.spec.maintenance, f"judge-{now:%Y%m%dT%H%M%S}"
        block = Window(now - rule.label_delay - rule.holdout, now - rule.label_delay)
        with training_room(self.spec, self.store, self.folder, self.artefacts, identity) as room:
            trainer, rows = room.trainer, room.rows(Window(self._first(), block.end))
            offered = Challenger(model, None, trained, 0, block)
            occasion = Occasion(tries=self._tries(Aim.SUPERIOR), excluded=immature(rows, self.spec, self.store))
            result = prove(self._against(self.champion, trainer), offered, rows, self.spec, trainer, occasion)
        recorded: list[Action] = []

        def validated(registered: Action) -> tuple[Sequence[Action], Moves]:
            recorded[:] = [registered, self._validated(registered.version, result, block.end, "")]
            return recorded, {}

        draft = Draft(model, block.end, who, why, trained=trained, parent=self.champion, trainer=trainer)
        self.registry.record(draft, validated)
        return recorded

    def _actions(self) -> list[Action]:
        return self.store.recorded(self.spec.model, Action)

    def _memory(self, moment: datetime) -> MaintenanceMemory:
        return maintenance_memory(self.spec, self.store, self.champion, moment)

    def _record(self, actions: list[Action], moves: Moves | None = None) -> list[Action]:
        self.store.record(self.spec.model, actions, moves)
        return actions

    def unfinished(self) -> list[Action]:
        """Return proposals to retrain that may be carried out and have no outcome yet."""
        return [
            a for a in self._open_proposals(trainings(self.store, self.spec.model)) if a.facts.get("mode") == "auto"
        ]

    @staticmethod
    def _open_proposals(actions: Sequence[Action]) -> list[Action]:
        """Return proposals to retrain that nothing has come of yet; what was trained since has answered older ones."""
        retrain = [a for a in actions if a.kind is ActionKind.RETRAIN]
        closed = {str(a.facts["proposal"]) for a in retrain if "proposal" in a.facts}
        open_: list[Action] = []
        for action in retrain:
            if action.outcome is Outcome.DONE:
                open_ = [a for a in open_ if a.facts.get("mode") == "auto"]
            elif action.outcome is Outcome.PROPOSED and action.id not in closed:
                open_.append(action)
        return open_

    def _first(self) -> datetime:
        """Return when the log begins."""
        return min(Checkpoint.load(self.store, self.spec.model).judged).start

    def _in_charge(self, champion: str | None) -> Version | None:
        return next((v for v in self.versions() if v.name == champion), None)

    @property
    def _age(self) -> timedelta:
        return label_age(self.spec, self.store)

    def _tries(self, aim: Aim) -> int:
        return tries_since_promotion(self._actions(), aim) + 1

    def _against(self, champion: str | None, trainer: Trainer) -> Champion:
        """Return what a challenger meets: the champion, asked anew, or as logged where its model is kept elsewhere."""
        version = self._in_charge(champion)
        until = version.trained.end if version is not None and version.trained else None
        if version is None or not version.artefact:
            return Champion(lambda rows: rows, until)
        model = self.model(version.name)
        names = getattr(model, "feature_names_in_", None)
        features = None if names is None else tuple(str(name) for name in names)
        return Champion(lambda rows: score_rows(model, rows, self.spec.schema, trainer), until, features, model)

    def _conclude(
        self, proposal: Action, made: Challenger, result: GateResult, moment: datetime, champion: str | None,
        trainer: Trainer, data: DataLineage,
    ) -> list[Action]:  # fmt: skip
        """Register a challenger and record what follows from its proof, in one transaction.

        Parameters
        ----------
        champion
            The version it was proven against; where another is in charge by now, that is a conflict.
        """
        trained = (Ground("trained", made.window, n=made.rows, tried=made.choice.tried if made.choice else ()),)
        recorded: list[Action] = []

        def follow(registered: Action) -> tuple[Sequence[Action], Moves]:
            version = registered.version
            validated = self._validated(version, result, moment, proposal.alert)
            last, moves = self._decided(registered, result, proposal, moment, champion)
            recorded[:] = [self._outcome(proposal, Outcome.DONE, trained, version), registered, validated, *last]
            return recorded, moves

        draft = Draft(
            made.model, moment, WHO, because=trained, trained=made.trained, parent=champion, trainer=trainer,
            data=data, parameters={"window": made.window},
            metrics={c.metric: c.challenger for c in (*result.checks[:1], *result.others)},
        )  # fmt: skip
        self.registry.record(draft, follow)
        return recorded

    def _decided(
        self, registered: Action, result: GateResult, proposal: Action, moment: datetime, champion: str | None
    ) -> tuple[list[Action], Moves]:
        """Return what becomes of a challenger after its proof: nothing, a wait for a person, or the promotion."""
        version, model = registered.version, self.spec.model
        if not result.passed:
            return [], {}
        barrier = promotion_barrier(self.spec, self._memory(moment))
        if barrier:
            facts: dict[str, float | str] = {"from": champion or "", "to": version}
            identity = action_id(model, ActionKind.PROMOTE, version, moment, same_grounds((barrier,)))
            waiting = Action(
                identity, model, ActionKind.PROMOTE, Outcome.PROPOSED, "", WHO, moment, version, proposal.alert, facts,
                (barrier,),
            )  # fmt: skip
            challenger = VersionRole.CHALLENGER
            return [waiting], {challenger.value: (self.registry.role(challenger), version)}
        action, moves = promote(
            [*self._actions(), registered], champion, version, model=model, who=WHO, why="", at=moment,
            because=result.grounds,
        )  # fmt: skip
        return [replace(action, alert=proposal.alert)], self.registry.moves(moves)

    def _outcome(self, proposal: Action, outcome: Outcome, because: tuple[Ground, ...], version: str = "") -> Action:
        identity = action_id(self.spec.model, ActionKind.RETRAIN, version, proposal.at, f"{proposal.id} {outcome}")
        return Action(
            identity, self.spec.model, ActionKind.RETRAIN, outcome, "", WHO, proposal.at, version, proposal.alert,
            {"proposal": proposal.id}, because,
        )  # fmt: skip

    def _validated(self, version: str, result: GateResult, at: datetime, alert: str) -> Action:
        outcome = Outcome.DONE if result.passed else Outcome.REFUSED
        identity = action_id(self.spec.model, ActionKind.VALIDATE, version, at, outcome.value)
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

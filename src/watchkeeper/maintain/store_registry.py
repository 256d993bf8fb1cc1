"""Versions in the store: numbered once, loaded only as they were registered, and put in charge by compare-and-set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import ArtefactError, ConflictError, UsageError, near_miss
from watchkeeper.core.ground import Ground
from watchkeeper.core.provenance import DataLineage, Provenance, Tenure, VersionRole, served_at
from watchkeeper.core.query import Query
from watchkeeper.core.spec import Spec
from watchkeeper.core.store import Noun, Store
from watchkeeper.core.window import Window
from watchkeeper.maintain import registry
from watchkeeper.maintain.artefact import format_of, load, save
from watchkeeper.maintain.environment import code_digest, environment
from watchkeeper.maintain.registry import AUTOMATION, VERSIONS, Moves, Version
from watchkeeper.maintain.signature import check_signature, signature_of
from watchkeeper.maintain.train import Trainer

__all__ = ["Draft", "Registry", "StoreRegistry", "Then"]

_ATTEMPTS = 100

Then = Callable[[Action], tuple[Sequence[Action], Moves]]
"""What is recorded, and moved, together with a registration."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A model that is to be registered.

    Parameters
    ----------
    model
        The fitted model; None for one that is kept elsewhere.
    at
        The moment it belongs to; not the clock, or a repeated run would register it again.
    who, why, because
        Who registers it, why in words, and on which grounds.
    trained, parent, metrics
        See ``Version``.
    data, trainer, parameters
        See ``Provenance``.
    name
        What to call the version, where it has a name already; empty for the next number.
    """

    model: Any
    at: datetime
    who: str
    why: str = ""
    because: tuple[Ground, ...] = ()
    trained: Window | None = None
    parent: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    data: DataLineage | None = None
    trainer: Trainer | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    name: str = ""


@runtime_checkable
class Registry(Protocol):
    """The versions of one model, and who of them serves.

    Every method raises StoreError when the registry cannot be reached, and then leaves it as it was.
    """

    def register(self, draft: Draft) -> str:
        """Register a model under the next number and return its name; that of before where the same was registered."""

    def versions(self) -> list[Version]:
        """Return all versions, oldest first."""

    def load(self, version: str) -> Any:
        """Return the fitted model; ArtefactError unless its file is what was registered and may be loaded."""

    def role(self, role: VersionRole) -> str | None:
        """Return the version that has a role; None where none has."""

    def promote(
        self, version: str, *, who: str, why: str, at: datetime, force: bool = False, instead_of: str | None = None
    ) -> Action:
        """Put a version in charge, once its file was loaded; ConflictError where another is in charge by now."""

    def roll_back(self, to: str | None = None, *, who: str, why: str, at: datetime) -> Action:
        """Put an earlier champion in charge again, once its file was loaded."""

    def history(self) -> list[Tenure]:
        """Return who got which role when, oldest first."""


@dataclass(frozen=True, slots=True)
class StoreRegistry:
    """The versions of a model in a store, with model files in a folder.

    Parameters
    ----------
    artefacts
        Folder or URL of the model files.
    """

    spec: Spec
    store: Store
    artefacts: str

    def actions(self) -> list[Action]:
        """Return all recorded actions of the model, oldest first."""
        return self.store.recorded(self.spec.model, Action)

    def versions(self) -> list[Version]:
        """Return all versions, oldest first."""
        return registry.versions(self.actions(), self.role(VersionRole.CHAMPION))

    def version(self, name: str) -> Version:
        """Return a version.

        Raises
        ------
        UsageError
            When there is none of that name.
        """
        known = {version.name: version for version in self.versions()}
        if name not in known:
            raise UsageError(f"there is no version {name!r}; {near_miss(name, known)}")
        return known[name]

    def provenance(self, name: str) -> Provenance | None:
        """Return what a version is made of; None where that was not recorded."""
        found = self.store.recorded(self.spec.model, Provenance, Query(versions=(name,)))
        return found[0] if found else None

    def role(self, role: VersionRole) -> str | None:
        """Return the version that has a role; None where none has."""
        return self.store.pointer(self.spec.model, role.value)

    def history(self) -> list[Tenure]:
        """Return who got which role when, oldest first."""
        return self.store.recorded(self.spec.model, Tenure)

    def load(self, version: str) -> Any:
        """Return the fitted model of a version, once its file is found to be what was registered.

        Raises
        ------
        UsageError
            When there is no such version or its model is kept elsewhere.
        ArtefactError
            When its file is missing, altered, not on the allow-list, or of another signature than was registered.
        """
        found = self.version(version)
        if not found.artefact:
            raise UsageError(f"the model of {version} is kept elsewhere, and no model file is kept for it here")
        rule = self.spec.maintenance
        model = load(found.artefact, self.artefacts, trusted=rule.trusted_names, pickle_allowed=rule.pickle)
        made = self.provenance(version)
        if made is not None:
            where = f"the model file of {version}"
            if made.artefact != found.artefact:
                raise ArtefactError(f"{where} is not the one that its record names; watchkeeper audit verify says more")
            if made.signature is not None:
                check_signature(made.signature, model, self.spec.schema, where)
        return model

    def register(self, draft: Draft) -> str:
        """Register a model under the next number and return its name; that of before where the same was registered."""
        return self.record(draft).version

    def record(self, draft: Draft, then: Then | None = None) -> Action:
        """Save a model, register it under the next free number, and record what belongs to it in one transaction.

        Raises
        ------
        ArtefactError
            When the model cannot be saved.
        ConflictError
            When a pointer that ``then`` moves was moved by somebody else; nothing is recorded.
        """
        rule, model = self.spec.maintenance, self.spec.model
        address = ""
        if draft.model is not None:
            address = save(draft.model, self.artefacts, trusted=rule.trusted_names, pickle_allowed=rule.pickle)
        made = self._provenance(draft, address)
        for attempt in range(_ATTEMPTS):
            # The counter is read first: a version that is registered after that moves it.
            counter, known = self.store.pointer(model, VERSIONS), self.actions()
            action = registry.register(
                known, model, address, who=draft.who, why=draft.why, at=draft.at, trained=draft.trained,
                parent=draft.parent, metrics=draft.metrics, because=draft.because, counter=counter, provenance=made,
                name=draft.name,
            )  # fmt: skip
            actions, moves = then(action) if then else ([action], {})
            nouns: list[Noun] = list(actions)
            if all(one is not action for one in known):
                nouns.append(replace(made, version=action.version))
                number = str(int(counter or 0) + 1) if draft.name else action.version.removeprefix("v")
                moves = {**moves, VERSIONS: (counter, number)}
            try:
                self.store.record(model, nouns, moves)
            except ConflictError:
                if attempt == _ATTEMPTS - 1 or self.store.pointer(model, VERSIONS) == counter:
                    raise
            else:
                return action
        raise AssertionError

    def _provenance(self, draft: Draft, address: str) -> Provenance:
        trainer, rule = draft.trainer, self.spec.maintenance
        parameters = {"seed": str(rule.seed), **draft.parameters} if trainer else dict(draft.parameters)
        kept = draft.model is not None
        return Provenance(
            "", address, format_of(address, self.artefacts) if kept else "",
            signature_of(draft.model, self.spec.schema) if kept else None, draft.data,
            trainer.name if trainer else "", code_digest(trainer) if trainer else "", parameters, draft.parent or "",
            environment(),
        )  # fmt: skip

    def promote(
        self, version: str, *, who: str, why: str, at: datetime, force: bool = False, instead_of: str | None = None
    ) -> Action:
        """Put a version in charge, once its file was loaded.

        Where ``maintenance.second_person`` asks for that, the first person who wants it only proposes it, and the
        second puts it in charge; the automation is no person.

        Parameters
        ----------
        force
            Whether one that the gate has refused is promoted all the same.
        instead_of
            The champion this was decided about; None for the one at this moment.

        Raises
        ------
        UsageError
            When there is no such version, it is in charge, or the gate has refused it and ``force`` is not given.
        ArtefactError
            When its file is not what was registered.
        ConflictError
            When another version is in charge by now.
        """
        before = self.role(VersionRole.CHAMPION) if instead_of is None else instead_of
        actions = self.actions()
        action, moves = registry.promote(
            actions, before, version, model=self.spec.model, who=who, why=why, at=at, force=force
        )
        self.check(version)
        if not self.may_decide(version, who):
            waiting = replace(
                action, id=registry.action_id(self.spec.model, ActionKind.PROMOTE, version, at, f"{who} first {why}"),
                outcome=Outcome.PROPOSED, because=(Ground("second_person", who),),
            )  # fmt: skip
            self.store.record(self.spec.model, [waiting], {registry.CHAMPION: (before, before)} if before else None)
            return waiting
        self.store.record(self.spec.model, [action], self.moves(moves))
        return action

    def may_decide(self, version: str, who: str) -> bool:
        """Return whether a person may put a version in charge.

        Where ``maintenance.second_person`` is set, another one must have asked for it since a champion changed last.
        """
        if not self.spec.maintenance.second_person:
            return True
        asked = False
        for action in self.actions():
            if action.kind in (ActionKind.PROMOTE, ActionKind.ROLL_BACK) and action.outcome is Outcome.DONE:
                asked = False
            elif action.kind is ActionKind.PROMOTE and action.outcome is Outcome.PROPOSED and action.version == version:
                asked = asked or (action.who not in (who, AUTOMATION))
        return asked

    def roll_back(self, to: str | None = None, *, who: str, why: str, at: datetime) -> Action:
        """Put an earlier champion in charge again, once its file was loaded.

        Raises
        ------
        UsageError
            When there is nothing to roll back to.
        ArtefactError
            When its file is not what was registered.
        """
        action, moves = registry.roll_back(
            self.actions(), self.role(VersionRole.CHAMPION), to, model=self.spec.model, who=who, why=why, at=at
        )
        self.check(action.version)
        self.store.record(self.spec.model, [action], self.moves(moves))
        return action

    def check(self, version: str) -> None:
        """Load the file of a version, where one is kept here; raise what ``load`` raises."""
        if self.version(version).artefact:
            self.load(version)

    def moves(self, champion: Moves) -> Moves:
        """Return the moves of all roles that follow from one of the champion."""
        old, new = champion[registry.CHAMPION]
        moved = {VersionRole.PREVIOUS: (self.role(VersionRole.PREVIOUS), old)}
        if self.role(VersionRole.CHALLENGER) == new:
            moved[VersionRole.CHALLENGER] = (new, None)
        return {**champion, **{role.value: move for role, move in moved.items() if move[0] != move[1]}}

    def served_at(self, moment: datetime) -> str:
        """Return the version that was in charge at a moment; empty where none was."""
        return served_at(self.history(), moment)

    def named_artefacts(self) -> set[str]:
        """Return the addresses of all model files that a version names."""
        query = Query(kinds=(ActionKind.REGISTER,), outcomes=(Outcome.DONE,))
        actions = self.store.recorded(self.spec.model, Action, query)
        return {str(a.facts["artefact"]) for a in actions if a.facts.get("artefact")}

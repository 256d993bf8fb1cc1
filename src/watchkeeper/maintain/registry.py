"""The versions of a model, read off the actions that were recorded; and the actions that change them.

Nothing here writes: each function returns the action and the moves of pointers for ``Store.record``, which makes both
happen in one transaction and adds the action to the audit chain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import UsageError, near_miss
from watchkeeper.core.ground import Ground
from watchkeeper.core.provenance import Provenance, VersionRole
from watchkeeper.core.window import Window
from watchkeeper.maintain.grounds import same_grounds

__all__ = [
    "AUTOMATION", "CHAMPION", "VERSIONS", "Moves", "Standing", "Version", "action_id", "promote", "register",
    "roll_back", "versions",
]  # fmt: skip

CHAMPION = VersionRole.CHAMPION.value
"""The pointer that names the version in charge."""

VERSIONS = "versions"
"""The pointer that counts the versions: whoever registers one moves it, so that no two get the same number."""

AUTOMATION = "watchkeeper"
"""The name automatic actions carry; people have their own."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,59}")
_NUMBERED = re.compile(r"v(\d+)")

Moves = dict[str, tuple[str | None, str | None]]
"""Pointers to move, each from the value it must hold to the new one."""


class Standing(StrEnum):
    """What a version is at the moment."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    REFUSED = "refused"
    RETIRED = "retired"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class Version:
    """An immutable version of a model.

    Parameters
    ----------
    name
        v1, v2, … in the order of registration.
    artefact
        SHA-256 of the model file; empty for a model that is kept elsewhere.
    trained
        Window of its training rows, None where unknown.
    parent
        The champion it was made to replace; empty for the first.
    metrics
        Numbers from its registration.
    """

    name: str
    artefact: str
    trained: Window | None
    parent: str
    standing: Standing
    registered: datetime | None
    metrics: Mapping[str, float] = field(default_factory=dict)


def action_id(model: str, kind: ActionKind, version: str, at: datetime | None, why: str) -> str:
    """Return the identity of an action: the same deed has the same one, so that a repeated run records it once."""
    moment = at.astimezone(UTC).isoformat() if at else ""
    return sha256(f"{model}\n{kind.value}\n{version}\n{moment}\n{why}".encode()).hexdigest()[:24]


def versions(actions: Sequence[Action], pointer: str | None) -> list[Version]:
    """Return the versions that were registered, oldest first.

    Parameters
    ----------
    actions
        All recorded actions of one model, oldest first.
    pointer
        What the pointer ``champion`` holds.
    """
    found: dict[str, Version] = {}
    line = _line(actions)
    for action in actions:
        if action.kind is ActionKind.REGISTER and action.outcome is Outcome.DONE and action.version not in found:
            found[action.version] = _version(action, _standing(action.version, actions, line, pointer))
    return list(found.values())


def register(
    actions: Sequence[Action],
    model: str,
    artefact: str,
    *,
    who: str,
    why: str,
    at: datetime,
    trained: Window | None = None,
    parent: str | None = None,
    metrics: Mapping[str, float] | None = None,
    because: tuple[Ground, ...] = (),
    counter: str | None = None,
    provenance: Provenance | None = None,
    name: str = "",
) -> Action:
    """Return the action that registers a new version; the recorded one when the same was registered before.

    Parameters
    ----------
    actions
        All recorded actions of the model: they give the new version its number.
    artefact
        What ``artefact.save`` returned; empty for a model that is kept elsewhere.
    at
        The moment it belongs to, such as the end of the judged window; not the clock, or a repeated run would register
        the version again.
    trained, parent, metrics
        See ``Version``.
    because
        The grounds, where it was no person who did it.
    counter
        What the pointer ``versions`` holds.
    provenance
        What it is made of, without its number; the action seals it.
    name
        What to call it, where it has a name already; empty for the next number.

    Raises
    ------
    UsageError
        When another version has the name already, or it is none.
    """
    done = [a for a in actions if a.kind is ActionKind.REGISTER and a.outcome is Outcome.DONE]
    facts: dict[str, float | str] = {"artefact": artefact, "parent": parent or ""}
    if trained is not None:
        facts |= {"trained_from": trained.start.isoformat(), "trained_until": trained.end.isoformat()}
    same = ("artefact", "parent", "trained_from", "trained_until")
    for action in done:
        if all(action.facts.get(key) == facts.get(key) for key in same) and name in ("", action.version):
            return action
    if name:
        _refuse_name(name, done)
    numbers = [int(number[1]) for a in done if (number := _NUMBERED.fullmatch(a.version))]
    name = name or f"v{max([*numbers, len({a.version for a in done}), int(counter or 0)]) + 1}"
    facts |= {f"metric:{key}": value for key, value in (metrics or {}).items()}
    if provenance is not None:
        facts["provenance"] = replace(provenance, version=name).digest
    identity = action_id(model, ActionKind.REGISTER, name, at, why or same_grounds(because))
    return Action(identity, model, ActionKind.REGISTER, Outcome.DONE, why, who, at, name, facts=facts, because=because)


def _refuse_name(name: str, done: Sequence[Action]) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a version; use up to 60 letters, digits and . _ + -")
    if any(action.version == name for action in done):
        raise UsageError(f"there is a version {name} already, of another model file or other training rows")


def promote(
    actions: Sequence[Action], pointer: str | None, version: str, *, model: str, who: str, why: str, at: datetime,
    because: tuple[Ground, ...] = (), force: bool = False,
) -> tuple[Action, Moves]:  # fmt: skip
    """Return the action that makes ``version`` the champion, and the move of the pointer.

    Parameters
    ----------
    force
        Whether a version that the gate has refused is promoted all the same; ``why`` must say why.

    Raises
    ------
    UsageError
        When there is no such version, it is the champion already, or it was refused.
    """
    _known(actions, version)
    if version == pointer:
        raise UsageError(f"{version} is the champion already")
    refused = _standing(version, actions, _line(actions), pointer) is Standing.REFUSED
    if refused and not (force and why.strip()):
        raise UsageError(
            f"{version} was refused by the gate (watchkeeper why {version} says on which grounds). To put it in charge "
            "all the same, force it and say why: --force --why WORDS"
        )
    action, moves = _put(ActionKind.PROMOTE, pointer, version, model, who, why, at, because)
    return (replace(action, facts={**action.facts, "forced": 1.0}) if refused else action), moves


def roll_back(
    actions: Sequence[Action],
    pointer: str | None,
    to: str | None = None,
    *,
    model: str,
    who: str,
    why: str,
    at: datetime,
) -> tuple[Action, Moves]:
    """Return the action that puts an earlier champion in charge again, and the move of the pointer.

    Rolling back twice goes back two champions, not back and forth.

    Parameters
    ----------
    to
        One of the champions before this one; None for the one just before.

    Raises
    ------
    UsageError
        When there is no earlier champion, or ``to`` is none of them.
    """
    earlier = _before(_line(actions), pointer)
    if not earlier:
        raise UsageError(f"there is nothing to roll back to: no champion came before {pointer or 'the first one'}")
    chosen = to or earlier[-1]
    if chosen not in earlier:
        _known(actions, chosen)
        if chosen == pointer:
            raise UsageError(f"{chosen} is the champion already; {near_miss(chosen, earlier)}")
        raise UsageError(
            f"{chosen} is no champion from before {pointer}; {near_miss(chosen, earlier)}. To put it in charge anyway, "
            "promote it"
        )
    return _put(ActionKind.ROLL_BACK, pointer, chosen, model, who, why, at)


def _put(
    kind: ActionKind, pointer: str | None, version: str, model: str, who: str, why: str, at: datetime,
    because: tuple[Ground, ...] = (),
) -> tuple[Action, Moves]:  # fmt: skip
    facts: dict[str, float | str] = {"from": pointer or "", "to": version}
    identity = action_id(model, kind, version, at, why or same_grounds(because))
    action = Action(identity, model, kind, Outcome.DONE, why, who, at, version, "", facts, because)
    return action, {CHAMPION: (pointer, version)}


def _known(actions: Sequence[Action], version: str) -> None:
    done = [a for a in actions if a.kind is ActionKind.REGISTER and a.outcome is Outcome.DONE]
    if all(a.version != version for a in done):
        raise UsageError(f"there is no version {version!r}; {near_miss(version, [a.version for a in done])}")
    files = {a.facts.get("artefact"): a.who for a in done if a.version == version}
    if len(files) > 1:
        # Version 0.1.0 gave one number twice to those who registered at the same time.
        raise UsageError(
            f"{len(files)} models are called {version}, registered by {', '.join(files.values())} at the same time; "
            "register the right one again, and name it by its new number"
        )


def _line(actions: Sequence[Action]) -> list[str]:
    """Return the champions from the first to the present one, without those that were rolled back from."""
    line: list[str] = []
    for action in actions:
        if action.outcome is not Outcome.DONE:
            continue
        if action.kind is ActionKind.PROMOTE:
            line.append(action.version)
        elif action.kind is ActionKind.ROLL_BACK and action.version in line:
            while line[-1] != action.version:
                line.pop()
    return line


def _before(line: Sequence[str], pointer: str | None) -> list[str]:
    if pointer is None or pointer not in line:
        return list(line)
    last = len(line) - 1 - list(reversed(line)).index(pointer)
    return [name for name in line[:last] if name != pointer]


def _standing(name: str, actions: Sequence[Action], line: Sequence[str], pointer: str | None) -> Standing:
    if name == pointer:
        return Standing.CHAMPION
    if name in line:
        return Standing.RETIRED
    own = [a for a in actions if a.version == name]
    left = (a for a in actions if a.kind is ActionKind.ROLL_BACK and a.facts.get("from") == name)
    if any(a.kind is ActionKind.PROMOTE and a.outcome is Outcome.DONE for a in own) or any(left):
        return Standing.ROLLED_BACK
    # That somebody asks for it is no proof.
    judged = [
        a for a in own if a.kind in (ActionKind.VALIDATE, ActionKind.PROMOTE) and a.outcome is not Outcome.PROPOSED
    ]
    refused = bool(judged) and judged[-1].outcome is Outcome.REFUSED
    return Standing.REFUSED if refused else Standing.CHALLENGER


def _version(action: Action, standing: Standing) -> Version:
    facts = action.facts
    start, end = (facts.get(key) for key in ("trained_from", "trained_until"))
    trained = Window(datetime.fromisoformat(str(start)), datetime.fromisoformat(str(end))) if start and end else None
    metrics = {k.removeprefix("metric:"): float(v) for k, v in facts.items() if k.startswith("metric:")}
    artefact, parent = (str(facts.get(key, "")) for key in ("artefact", "parent"))
    return Version(action.version, artefact, trained, parent, standing, action.at, metrics)

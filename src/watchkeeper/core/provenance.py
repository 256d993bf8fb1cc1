"""What a version of a model is made of, and who served when.

A version is registered by an action, which names the SHA-256 of its provenance: the audit chain seals what is recorded
here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

import msgspec

from watchkeeper.core.encode import as_values

__all__ = ["DataLineage", "Port", "Provenance", "Signature", "Tenure", "VersionRole", "reigns", "served_at"]


class VersionRole(StrEnum):
    """What a version may be at the moment; the pointer of that name holds it."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    SHADOW = "shadow"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class Port:
    """A column that a model takes or gives, its kind, and its classes where it has such."""

    name: str
    kind: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model takes, in its order, and what it gives."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class DataLineage:
    """Which rows a version was trained on.

    Parameters
    ----------
    log
        Versions of the tables of predictions and of labels, as ``p:12,l:9``; empty where they are not known.
    start, end
        The rows' times lie in [start, end).
    excluded
        Stretches in between that were left out, as start and end.
    window
        The training window that was chosen, as in the configuration.
    rows
        How many there are.
    digest
        SHA-256 of their values, in the order of the log.
    """

    log: str
    start: datetime
    end: datetime
    excluded: tuple[tuple[datetime, datetime], ...] = ()
    window: str = ""
    rows: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a version is made of.

    Parameters
    ----------
    version
        The version it is about.
    artefact, format
        SHA-256 of the model file, and how it is written; empty for a model that is kept elsewhere.
    signature
        What it takes and gives; None where that is not known.
    data
        What it was trained on; None where that is not known.
    trainer, code
        The training function, and the SHA-256 of the module it stands in.
    parameters
        What it was trained with, such as the seed.
    parent
        The champion it was made to replace.
    environment
        Versions of the packages it was made with.
    """

    version: str
    artefact: str = ""
    format: str = ""
    signature: Signature | None = None
    data: DataLineage | None = None
    trainer: str = ""
    code: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    parent: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        return sha256(msgspec.json.encode(as_values(self), order="deterministic")).hexdigest()


@dataclass(frozen=True, slots=True)
class Tenure:
    """Since when a version has had a role, by the deed that gave it; an empty version says that none has it."""

    role: VersionRole
    version: str
    since: datetime


def reigns(history: Iterable[Tenure]) -> list[Tenure]:
    """Return who was in charge, in the order of time; of deeds at the same moment the last recorded one counts."""
    by_moment = {one.since: one for one in history if one.role is VersionRole.CHAMPION}
    return [by_moment[since] for since in sorted(by_moment)]


def served_at(history: Iterable[Tenure], moment: datetime) -> str:
    """Return the version that was in charge at a moment; empty where none was."""
    return next((one.version for one in reversed(reigns(history)) if one.since <= moment), "")

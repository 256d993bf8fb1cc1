"""What the commands about versions and the audit trail write with ``--json``."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.alerts.payload import SchemaVersion
from watchkeeper.core.action import ActionKind, Outcome
from watchkeeper.core.encode import Moment
from watchkeeper.core.provenance import VersionRole
from watchkeeper.maintain.registry import Standing
from watchkeeper.views.documents import ActionDocument
from watchkeeper.views.intervals import WindowDocument
from watchkeeper.views.version_story import StoryLineDocument

__all__ = [
    "AdoptDocument",
    "AuditDocument",
    "AuditVerifyDocument",
    "CompressDocument",
    "GcDocument",
    "MoveDocument",
    "RetrainDocument",
    "TenureDocument",
    "VersionDocument",
    "VersionsDocument",
    "WhyDocument",
]


@dataclass(frozen=True, slots=True)
class AuditDocument:
    """Whether the audit trail is as it was written.

    Attributes
    ----------
    faults
        Where it is not, in words.
    """

    whole: bool
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDocument:
    """A version of a model.

    Attributes
    ----------
    standing
        What it is at the moment.
    artefact
        SHA-256 of the model file; empty for a model that is kept elsewhere.
    parent
        The champion it was made to replace; empty for the first.
    trained
        Window of its training rows; null where that is not known.
    metrics
        Numbers from its registration.
    """

    name: str
    standing: Standing
    artefact: str
    parent: str
    registered: Moment | None
    trained: WindowDocument | None
    metrics: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class TenureDocument:
    """Since when a version has had a role; an empty version says that none had it from then on."""

    role: VersionRole
    version: str
    since: Moment


@dataclass(frozen=True, slots=True)
class VersionsDocument:
    """The versions of a model, and its audit trail.

    Attributes
    ----------
    history
        Who got which role when, oldest first.
    served
        The version that was in charge at the time of ``--at``, empty where none was; null without it.
    """

    schema_version: SchemaVersion
    model: str
    audit: AuditDocument
    versions: tuple[VersionDocument, ...]
    history: tuple[TenureDocument, ...]
    served: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveDocument:
    """What ``promote`` and ``rollback`` did.

    Attributes
    ----------
    version
        The version that is in charge now; where the outcome is ``proposed``, the one that waits for a second person.
    """

    schema_version: SchemaVersion
    kind: ActionKind
    outcome: Outcome
    version: str
    who: str
    why: str
    at: Moment | None


@dataclass(frozen=True, slots=True)
class AdoptDocument:
    """A model that serves already, as it was registered.

    Attributes
    ----------
    standing
        ``champion`` where it is in charge.
    artefact
        SHA-256 of the model file; empty for a model that is kept elsewhere.
    trained
        Window of its training rows; null where that is not known.
    """

    schema_version: SchemaVersion
    model: str
    version: str
    standing: Standing
    artefact: str
    trained: WindowDocument | None
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class RetrainDocument:
    """What came of a retraining that was asked for."""

    schema_version: SchemaVersion
    actions: tuple[ActionDocument, ...]


@dataclass(frozen=True, slots=True)
class CompressDocument:
    """What came of another form of a version.

    Attributes
    ----------
    version
        The name of the form as a version of its own.
    passed
        Whether it may be promoted.
    """

    schema_version: SchemaVersion
    version: str
    passed: bool
    actions: tuple[ActionDocument, ...]


@dataclass(frozen=True, slots=True)
class AuditVerifyDocument:
    """Whether the audit trail of a model is whole.

    Attributes
    ----------
    faults
        Where it is not, in words.
    records
        Links of the chain.
    newest
        The hash of the newest one, to be kept elsewhere; empty where there is none.
    """

    schema_version: SchemaVersion
    model: str
    whole: bool
    faults: tuple[str, ...]
    records: int
    newest: str


@dataclass(frozen=True, slots=True)
class WhyDocument:
    """How a version came to be and what became of it."""

    schema_version: SchemaVersion
    model: str
    version: str
    story: tuple[StoryLineDocument, ...]


@dataclass(frozen=True, slots=True)
class GcDocument:
    """Model files that no version names and that were removed, or would be."""

    schema_version: SchemaVersion
    dry_run: bool
    files: tuple[str, ...]
    bytes: int

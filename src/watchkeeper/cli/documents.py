"""What each command writes with ``--json``: the documents of commands, and the schema of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from watchkeeper.alerts.payload import AlertPayload, SchemaVersion
from watchkeeper.alerts.webhook import AlertsPayload
from watchkeeper.cli.notify_documents import OutboxDocument, TrialsDocument
from watchkeeper.cli.quarantine_documents import QuarantineDocument, QuarantinedRowsDocument, RemovalDocument
from watchkeeper.cli.rules_documents import OffendingRulesDocument, RuleChangesDocument, RulesDocument
from watchkeeper.cli.store_documents import (
    StoreCheckDocument,
    StoreCompactDocument,
    StoreInfoDocument,
    StoreVacuumDocument,
)
from watchkeeper.cli.triage_documents import TriageDocument
from watchkeeper.cli.version_documents import (
    AdoptDocument,
    AuditVerifyDocument,
    CompressDocument,
    GcDocument,
    MoveDocument,
    RetrainDocument,
    VersionsDocument,
    WhyDocument,
)
from watchkeeper.core.encode import SCHEMA_VERSION
from watchkeeper.views.behaviour_json import BehaviourDocument
from watchkeeper.views.diagnosis_json import ExplanationDocument
from watchkeeper.views.documents import (
    ActionDocument,
    ModelsDocument,
    ReportDocument,
)
from watchkeeper.views.intervals import WindowDocument
from watchkeeper.views.json_schema import json_schema
from watchkeeper.views.model_card import ModelCardDocument
from watchkeeper.views.proof_json import ProofsDocument
from watchkeeper.views.rollout import RolloutStatusDocument, VerdictDocument

__all__ = [
    "OUTPUTS",
    "AnomaliesDocument",
    "AnomalyDocument",
    "ConfigDocument",
    "ErrorDocument",
    "FailureDocument",
    "RunDocument",
    "RunsDocument",
    "SettingDocument",
    "failure",
    "output_schemas",
]


@dataclass(frozen=True, slots=True)
class ErrorDocument:
    """Why a command could not run.

    Attributes
    ----------
    kind
        Such as ``source``, ``config``, ``usage``, ``store``; ``internal`` for a fault of Watchkeeper itself.
    """

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class FailureDocument:
    """What every command writes in place of its document when it could not run."""

    schema_version: SchemaVersion
    verdict: Literal["failed"]
    error: ErrorDocument
    measurements: tuple[()] = ()
    alerts: tuple[()] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDocument:
    """What the run of one model came to: ``error`` where it could not run, else all the other fields.

    Attributes
    ----------
    rows
        Rows taken in.
    summarised, judged, revised
        Windows that were summarised, judged, and judged again after late data.
    alerts
        All that are open, and those that have just ended.
    changed
        Of the alerts those that are new or whose state changed.
    actions
        What was done or proposed.
    orphans
        Labels without a prediction.
    problems
        What a person should know beside the result.
    dry_run
        True where all of it only would have been; else left out.
    """

    error: ErrorDocument | UnsetType = UNSET
    rows: int | UnsetType = UNSET
    summarised: tuple[WindowDocument, ...] | UnsetType = UNSET
    judged: tuple[WindowDocument, ...] | UnsetType = UNSET
    revised: tuple[WindowDocument, ...] | UnsetType = UNSET
    alerts: tuple[AlertPayload, ...] | UnsetType = UNSET
    changed: tuple[AlertPayload, ...] | UnsetType = UNSET
    actions: tuple[ActionDocument, ...] | UnsetType = UNSET
    orphans: int | UnsetType = UNSET
    problems: tuple[str, ...] | UnsetType = UNSET
    dry_run: bool | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class RunsDocument:
    """What runs came to, by model."""

    schema_version: SchemaVersion
    models: dict[str, RunDocument]


@dataclass(frozen=True, slots=True)
class AnomalyDocument:
    """A row that is unlike those of the reference.

    Attributes
    ----------
    row
        Its position among the rows that were judged, counted from 0.
    adjusted
        The p-value adjusted for all rows; at most ``rate`` where the row is called anomalous.
    features
        What stands out, with its value as text.
    values
        The whole row, as text.
    """

    row: int
    score: float | None
    p_value: float | None
    adjusted: float | None
    features: dict[str, str]
    values: dict[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomaliesDocument:
    """The rows that are least like those of a reference.

    Attributes
    ----------
    method
        Who judged them.
    rows, judged
        Rows of the table, and of them judged.
    rate
        Ordinary rows accepted among those called anomalous.
    anomalous
        How many of ``found`` are called anomalous.
    id
        The column that tells rows from one another; null where there is none.
    found
        The strangest first.
    """

    schema_version: SchemaVersion
    method: str
    rows: int
    judged: int
    rate: float
    anomalous: int
    id: str | None
    found: tuple[AnomalyDocument, ...]


@dataclass(frozen=True, slots=True)
class SettingDocument:
    """A value of the configuration; secrets are masked.

    Attributes
    ----------
    path
        Its keys, joined by dots.
    origin
        ``default``, ``watchkeeper.yaml:LINE`` or ``env NAME``.
    """

    path: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """The configuration in force."""

    schema_version: SchemaVersion
    values: tuple[SettingDocument, ...]


OUTPUTS: Mapping[str, type[Any]] = {
    "ack": TriageDocument,
    "adopt": AdoptDocument,
    "anomalies": AnomaliesDocument,
    "audit verify": AuditVerifyDocument,
    "behaviour": BehaviourDocument,
    "check": ReportDocument,
    "config show": ConfigDocument,
    "explain": ExplanationDocument,
    "gc": GcDocument,
    "retrain": RetrainDocument,
    "compress": CompressDocument,
    "why": WhyDocument,
    "model-card": ModelCardDocument,
    "promote": MoveDocument,
    "mute": TriageDocument,
    "notify retry": OutboxDocument,
    "notify status": OutboxDocument,
    "notify test": TrialsDocument,
    "prove": ProofsDocument,
    "report": ReportDocument,
    "rollback": MoveDocument,
    "rollout abort": RolloutStatusDocument,
    "rollout pause": RolloutStatusDocument,
    "rollout resume": RolloutStatusDocument,
    "rollout start": RolloutStatusDocument,
    "rollout status": RolloutStatusDocument,
    "rollout verdict": VerdictDocument,
    "rules diff": RuleChangesDocument,
    "rules rows": OffendingRulesDocument,
    "rules suggest": RulesDocument,
    "run": RunsDocument,
    "status": ModelsDocument,
    "store check": StoreCheckDocument,
    "store compact": StoreCompactDocument,
    "store forget": RemovalDocument,
    "store info": StoreInfoDocument,
    "store quarantine drop": RemovalDocument,
    "store quarantine list": QuarantineDocument,
    "store quarantine release": RemovalDocument,
    "store quarantine show": QuarantinedRowsDocument,
    "store vacuum": StoreVacuumDocument,
    "unmute": TriageDocument,
    "versions": VersionsDocument,
}
"""Command → the document it writes with ``--json``."""


def failure(kind: str, message: str) -> FailureDocument:
    """Return the one shape in which every command with ``--json`` says that it could not run."""
    return FailureDocument(SCHEMA_VERSION, "failed", ErrorDocument(kind, message))


def output_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of the output of every command, and of what notifiers send, by the name of its file."""
    schemas = {
        command.replace(" ", "-"): json_schema(f"watchkeeper {command} --json", document, FailureDocument)
        for command, document in OUTPUTS.items()
    }
    sent = {
        "alert": json_schema("an alert as the notifiers file and webhook send it", AlertPayload),
        "alerts": json_schema("many alerts at once as the notifier webhook sends them", AlertsPayload),
    }
    return {**schemas, **sent}

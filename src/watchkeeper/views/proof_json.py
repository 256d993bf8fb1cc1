"""A proof as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchkeeper.alerts.payload import SchemaVersion
from watchkeeper.core.alert import Cause
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.encode import SCHEMA_VERSION
from watchkeeper.core.proof import ProofResult, Tally, Trial, TrialOutcome
from watchkeeper.views.intervals import WindowDocument, window_document

__all__ = ["FalseAlarmDocument", "ProofDocument", "ProofsDocument", "TallyDocument", "TrialDocument", "proof_document"]


@dataclass(frozen=True, slots=True)
class TallyDocument:
    """What came of trials of one kind; shares are null where they are of nothing.

    Attributes
    ----------
    planted, found, share
        Faults that changed the rows, those of them that an alert found, and their share.
    not_plantable, failed
        Trials that are in neither.
    delay
        Median number of windows to the alert, 1 for the first with the fault.
    kind_first, column_first
        Share of what was found whose diagnosis named the right kind, or column, before all others.
    """

    planted: int
    found: int
    share: float | None
    not_plantable: int
    failed: int
    delay: float | None
    kind_first: float | None
    column_first: float | None


@dataclass(frozen=True, slots=True)
class TrialDocument:
    """One fault planted once."""

    fault: str
    size: float
    kind: HypothesisKind
    says: str
    column: str
    seed: int
    outcome: TrialOutcome
    since: WindowDocument | None
    windows: int
    delay: int | None
    cause: Cause | None
    kind_first: bool | None
    column_first: bool | None
    reason: str


@dataclass(frozen=True, slots=True)
class FalseAlarmDocument:
    """An alert of the replay without faults."""

    cause: Cause
    since: WindowDocument
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProofDocument:
    """What a set-up sees.

    Attributes
    ----------
    basis
        ``history`` of the model's log, or the part of the reference that was ``held_out`` from it.
    why
        Why nothing could be tried; empty where something was.
    kinds, faults, columns
        What came of the trials: by kind, by fault and size (``nulls@0.1``), and by column.
    required
        By kind, fault, or fault and size, whether the share that was required of it was found.
    untried
        Trials that a limit left out.
    """

    model: str
    basis: str
    why: str
    reference: WindowDocument | None
    replayed: WindowDocument | None
    windows: int
    rows: int
    horizon: int
    false_alarms: tuple[FalseAlarmDocument, ...]
    kinds: dict[str, TallyDocument]
    faults: dict[str, TallyDocument]
    columns: dict[str, TallyDocument]
    required: dict[str, bool]
    untried: int
    trials: tuple[TrialDocument, ...]


@dataclass(frozen=True, slots=True)
class ProofsDocument:
    """What set-ups see, by model."""

    schema_version: SchemaVersion
    models: dict[str, ProofDocument]


def proof_document(result: ProofResult, required: Mapping[str, bool]) -> ProofDocument:
    """Return a proof for programs."""
    reference, windows = result.reference, result.replayed
    return ProofDocument(
        model=result.model,
        basis=result.basis,
        why=result.why,
        reference=None if reference is None else window_document(reference),
        replayed=None if not windows else WindowDocument(
            window_document(windows[0]).start, window_document(windows[-1]).end
        ),
        windows=len(windows),
        rows=result.rows,
        horizon=result.horizon,
        false_alarms=tuple(
            FalseAlarmDocument(one.cause, window_document(one.since), one.columns) for one in result.false_alarms
        ),
        kinds={kind.value: _tally(tally) for kind, tally in result.by(lambda t: t.kind).items()},
        faults={name: _tally(tally) for name, tally in result.by(lambda t: f"{t.fault}@{t.size:g}").items()},
        columns={name: _tally(tally) for name, tally in result.by(lambda t: t.column).items()},
        required=dict(required),
        untried=result.untried,
        trials=tuple(_trial(trial) for trial in result.trials),
    )  # fmt: skip


def proofs_document(documents: Mapping[str, ProofDocument]) -> ProofsDocument:
    """Return several proofs for programs."""
    return ProofsDocument(SCHEMA_VERSION, dict(documents))


def _tally(tally: Tally) -> TallyDocument:
    return TallyDocument(
        tally.planted, tally.found, tally.share, tally.not_plantable, tally.failed, tally.delay, tally.kind_first,
        tally.column_first,
    )  # fmt: skip


def _trial(t: Trial) -> TrialDocument:
    return TrialDocument(
        t.fault, t.size, t.kind, t.says, t.column, t.seed, t.outcome,
        None if t.since is None else window_document(t.since), t.windows, t.delay, t.cause, t.kind_first,
        t.column_first, t.reason,
    )  # fmt: skip

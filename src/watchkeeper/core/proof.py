"""What a proof tried and what came of it: faults planted into a replay, and the replay without them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import TypeVar

from watchkeeper.core.alert import Cause
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.window import Window

__all__ = ["FalseAlarm", "ProofResult", "Tally", "Trial", "TrialOutcome"]

K = TypeVar("K", bound=Hashable)


class TrialOutcome(StrEnum):
    """What came of one planted fault."""

    FOUND = "found"
    MISSED = "missed"
    NOT_PLANTABLE = "not_plantable"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault planted once.

    Parameters
    ----------
    fault, size, kind
        Registry key of the fault, how much of it, and what it is first of all.
    says
        The fault and its size in a few words.
    column
        The column it was planted in.
    seed
        Of what was drawn, and of the window it began in.
    since
        The first window that it changed; None where it changed nothing.
    windows
        Windows that were judged with it.
    delay
        Windows until an alert, 1 for the first; None where there was none.
    cause
        Of that alert.
    kind_first, column_first
        Whether its diagnosis named the right kind, and the right column, before all others; None where nothing was
        found, or for the column of a fault that is not in one.
    reason
        Why it could not be judged.
    """

    fault: str
    size: float
    kind: HypothesisKind
    says: str
    column: str
    seed: int
    outcome: TrialOutcome
    since: Window | None = None
    windows: int = 0
    delay: int | None = None
    cause: Cause | None = None
    kind_first: bool | None = None
    column_first: bool | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """An alert that began to fire in the replay without faults."""

    cause: Cause
    since: Window
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of several trials.

    Parameters
    ----------
    planted
        Trials in which the fault changed the rows and could be judged.
    found
        Of these, those that an alert found.
    not_plantable, failed
        Trials that are in neither.
    delay
        Median of the windows it took; None where nothing was found.
    kind_first, column_first
        Share of what was found whose diagnosis named the right kind, or column, first; None where that is not known.
    """

    planted: int = 0
    found: int = 0
    not_plantable: int = 0
    failed: int = 0
    delay: float | None = None
    kind_first: float | None = None
    column_first: float | None = None

    @property
    def share(self) -> float | None:
        """Share of the planted faults that were found; None where none could be planted."""
        return self.found / self.planted if self.planted else None

    @classmethod
    def of(cls, trials: Iterable[Trial]) -> Tally:
        """Count trials."""
        listed = list(trials)
        found = [t for t in listed if t.outcome is TrialOutcome.FOUND]
        return cls(
            planted=sum(t.outcome in (TrialOutcome.FOUND, TrialOutcome.MISSED) for t in listed),
            found=len(found),
            not_plantable=sum(t.outcome is TrialOutcome.NOT_PLANTABLE for t in listed),
            failed=sum(t.outcome is TrialOutcome.FAILED for t in listed),
            delay=median(t.delay for t in found if t.delay is not None) if found else None,
            kind_first=_share(t.kind_first for t in found),
            column_first=_share(t.column_first for t in found),
        )


def _share(flags: Iterable[bool | None]) -> float | None:
    known = [flag for flag in flags if flag is not None]
    return sum(known) / len(known) if known else None


@dataclass(frozen=True)
class ProofResult:
    """What a set-up sees: the replay without faults, and what came of each planted one.

    Parameters
    ----------
    model
        The model, or what the table is called.
    basis
        ``history`` where windows of the model's log were replayed against its reference; ``held_out`` where the
        last part of the reference was replayed against the rest of it.
    reference
        The time of the rows that windows are compared with; None where they have none.
    replayed
        The windows that were replayed.
    rows
        Rows of these.
    horizon
        Most windows with a fault in each trial.
    false_alarms
        Alerts of the replay without faults.
    trials
        Each fault that was tried, in order.
    untried
        Trials that the limit of work left out.
    why
        Why nothing could be tried; empty where something was.
    """

    model: str
    basis: str
    reference: Window | None
    replayed: tuple[Window, ...]
    rows: int
    horizon: int
    false_alarms: tuple[FalseAlarm, ...] = ()
    trials: tuple[Trial, ...] = ()
    untried: int = 0
    why: str = ""

    @property
    def tried(self) -> bool:
        """Whether any fault could be tried, or was left out by the limit of work alone."""
        return bool(self.trials) or self.untried > 0

    def by(self, key: Callable[[Trial], K]) -> dict[K, Tally]:
        """Return what came of the trials that share a key, in the order in which keys first occur."""
        groups: dict[K, list[Trial]] = {}
        for trial in self.trials:
            groups.setdefault(key(trial), []).append(trial)
        return {name: Tally.of(trials) for name, trials in groups.items()}

    def share(self, name: str) -> float | None:
        """Return the share found of a kind, a fault, or a fault and its size (``nulls@0.1``); None where none was."""
        named = [t for t in self.trials if name in (t.kind.value, t.fault, f"{t.fault}@{t.size:g}")]
        return Tally.of(named).share

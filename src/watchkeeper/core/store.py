"""What a store must be able to do; the stores themselves are in ``watchkeeper.store``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar, runtime_checkable

import polars as pl

from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert
from watchkeeper.core.batch import Batch
from watchkeeper.core.delivery import Delivery
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.intake import TimeLimits
from watchkeeper.core.lease import Lease
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.provenance import Provenance
from watchkeeper.core.query import Query
from watchkeeper.core.remembered import Remembered
from watchkeeper.core.schema import Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.window import Window, WindowRule

__all__ = [
    "Appended",
    "AuditEvent",
    "Changes",
    "Forgets",
    "Noun",
    "Replaces",
    "SetsAside",
    "Store",
    "Table",
    "Unusable",
    "Versioned",
]

Noun = Spec | Measurement | Signal | Alert | Diagnosis | Action | Remembered | Provenance | Delivery
"""What ``record`` takes."""

T = TypeVar("T")


class Table(StrEnum):
    """The two append-only tables of a log."""

    PREDICTIONS = "predictions"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Unusable:
    """Values of one column that cannot be stored, and are null in the log.

    Parameters
    ----------
    type
        What the column holds.
    values
        How many of its values that concerns.
    """

    column: str
    type: str
    values: int


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of appended rows.

    Parameters
    ----------
    rows
        Rows written.
    doubled
        Rows left out because another row of the same rows has their id: of predictions the first is written, of labels
        the last. They are kept aside in quarantine.
    refused
        Rows kept aside in quarantine because their id or time was null, unreadable or cannot be.
    reason
        Why rows were kept aside, with counts, in words.
    known
        Whether this source had been appended before, in which case nothing was written.
    unusable
        Values that could not be stored; their rows were written without them.
    """

    rows: int = 0
    doubled: int = 0
    refused: int = 0
    reason: str = ""
    known: bool = False
    unusable: tuple[Unusable, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """Stored windows (grains) that rows or labels were appended to since a cursor, in order of time.

    Parameters
    ----------
    cursor
        Pass it to the next call to see only what comes after; its text is the store's own business.
    windows
        The grains touched.
    orphans
        Labels appended since whose prediction id is unknown so far.
    """

    cursor: str
    windows: tuple[Window, ...] = ()
    orphans: int = 0


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One link of the chain: an action and the SHA-256 over the previous link's hash and the action's JSON."""

    number: int
    action: Action
    previous: str
    hash: str


@runtime_checkable
class Forgets(Protocol):
    """A store that can remove what is no longer wanted; what remains is as if nothing else had been there."""

    def forget(
        self,
        model: str,
        kind: type[Any],
        before: datetime | None = None,
        keep: Collection[Window] = (),
        *,
        lease: Lease | None = None,
    ) -> int:
        """Remove records of a kind that end by ``before`` (None: all), but for those of the windows to keep.

        Measurements go with the signals that judge them, alerts with their diagnoses, and only alerts that ended go.
        Nothing else is removed but what is remembered: actions, the audit chain and specs stay. Returns how many
        went, signals and diagnoses not counted.
        """


@runtime_checkable
class SetsAside(Protocol):
    """A store that can say what it has set aside."""

    def quarantine_size(self, model: str) -> int:
        """Return how many rows are in quarantine."""

    def set_aside(self, model: str) -> pl.DataFrame:
        """Return of each prediction in quarantine its ``arrival``, its ``code`` and the moment it is ``filed`` under.

        Rows that another one stands for, and those of version 0.1.0, are left out.
        """


@runtime_checkable
class Versioned(Protocol):
    """A store whose log has versions, so that what was read of it can be named."""

    def log_version(self, model: str) -> str:
        """Return the versions of the tables of predictions and of labels, as ``p:12,l:9``; -1 before the first."""


@runtime_checkable
class Replaces(Protocol):
    """A store that knows which file a prediction came from, and can let go of a file's rows."""

    def rows_of(self, model: str, schema: Schema, rule: WindowRule, origin: str) -> tuple[int, list[Window]]:
        """Return the newest arrival there is, and the stored windows that rows of a file lie in."""

    def remove_rows(self, model: str, origin: str, until: int) -> int:
        """Remove the predictions of a file that arrived up to ``until``; return how many there were."""


class Store(Protocol):
    """The log of one or more models and everything derived from it.

    Every method raises StoreError with the place and the remedy when the store cannot be read or written, and leaves
    what was there before untouched.
    """

    def append(
        self,
        model: str,
        table: Table,
        rows: pl.DataFrame,
        schema: Schema,
        *,
        source: str = "",
        limits: TimeLimits | None = None,
    ) -> Appended:
        """Append predictions or labels in one atomic commit; a ``source`` named before writes nothing.

        Rows whose time lies outside the limits (None: the usual ones) are set aside.
        """

    def read(self, model: str, schema: Schema, window: Window) -> Iterator[Batch]:
        """Return the predictions of a window with their newest labels, one row per id, in bounded memory.

        Of predictions with the same id in the window the first appended counts. Batches hold the columns of the schema
        that the log has, times in UTC, and name no window, so that one read may span several stored windows.
        """

    def changes(self, model: str, schema: Schema, windows: WindowRule, cursor: str) -> Changes:
        """Return which stored windows have new rows or labels since ``cursor`` (empty: since the beginning)."""

    def put_states(
        self, model: str, states: Mapping[Window | None, Iterable[State]], *, lease: Lease | None = None
    ) -> None:
        """Replace all states of each stored window given (None: the reference) in one atomic commit.

        With a lease that another worker has taken over: LeaseLostError, and nothing is written.
        """

    def states(self, model: str, window: Window | None, columns: Sequence[str] = ()) -> dict[StateKey, State]:
        """Return the states whose window lies in ``window`` (None: the reference), of all or some columns."""

    def record(
        self,
        model: str,
        nouns: Sequence[Noun],
        pointers: Mapping[str, tuple[str | None, str | None]] | None = None,
        *,
        lease: Lease | None = None,
    ) -> None:
        """Write nouns and move pointers in one transaction.

        A noun with the same identity is replaced: a measurement by version, window, family, name, column and segment, a
        signal by these and its chart, an alert or action by its id, a diagnosis by its alert, a provenance by its
        version, a delivery by its id; specs are kept as a history whose last is in force, and what is remembered is
        replaced window by window. Each action is added to the audit chain once, and the pointer ``audit`` holds the
        hash of its newest link; the pointer ``alerts`` counts how often alerts were recorded otherwise than before. A
        pointer is moved from the first to the second value (None: it does not exist); ConflictError, with nothing
        written, when it does not hold the first. One that names the version in a role leaves a Tenure, from the latest
        moment of the actions recorded with it, or from now. With a lease that another worker has taken over:
        LeaseLostError, and nothing is written.
        """

    def recorded(self, model: str, kind: type[T], query: Query | None = None) -> list[T]:
        """Return the recorded nouns of a kind that a query asks for, oldest first; None asks for all.

        AuditEvents and Tenures can be asked for too.

        Measurements and signals belong to a window they lie in, alerts and diagnoses to one they overlap, actions and
        audit events to the one they happened in, specs to all. Only what is returned is read. Oldest first is the order
        of windows for measurements, signals and what is remembered, of those of one window the order in which their
        series were recorded first, then that of charts by name; for everything else it is the order of its first
        record.
        """

    def pointer(self, model: str, name: str) -> str | None:
        """Return what a pointer holds."""

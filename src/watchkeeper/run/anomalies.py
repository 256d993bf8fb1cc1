"""The rows of a table that are unlike those of a reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from watchkeeper.compare.anomalous_rows import AnomalousRow, anomalous_rows
from watchkeeper.core.batch import Batch
from watchkeeper.core.errors import SchemaError, UsageError, near_miss
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import ALL, Kind, Role
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import JOINT
from watchkeeper.ingest.door import Door
from watchkeeper.ingest.pace import SAMPLE
from watchkeeper.ingest.sources import Source, open_table, rows_beside
from watchkeeper.schema.declared import NOTHING_DECLARED, Declared
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.joint import joint_columns
from watchkeeper.stats.piece import problem_of
from watchkeeper.stats.point_sample import PointSamplePart
from watchkeeper.stats.summarise import summarise

__all__ = ["METHODS", "Anomalies", "find_anomalies"]

METHODS = ("isolation_forest", "local_outlier_factor")

_KEPT = "large_sample"
_MOST_ROWS = 200_000
"""Rows that are judged at once; of longer tables an even sample, which is said."""

_LEAST = 20
"""Rows of the reference below which none can be called unlike them."""

_TOLD = 50
_KINDS = (Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN)


@dataclass(frozen=True)
class Anomalies:
    """The strangest rows of a table.

    Attributes
    ----------
    method
        Who judged them.
    rows, judged
        Rows of the table, and of them judged.
    found
        The strangest, the strangest first.
    discovery
        False discovery rate: rows whose adjusted p-value is at most this are called anomalous.
    values
        Of each of them the columns of the table, in the same order.
    id
        The column that tells rows from one another; empty where there is none.
    """

    method: str
    rows: int
    judged: int
    found: tuple[AnomalousRow, ...]
    discovery: float
    values: tuple[Mapping[str, Any], ...]
    id: str = ""

    @property
    def anomalous(self) -> tuple[AnomalousRow, ...]:
        """The rows that are called anomalous."""
        return tuple(row for row in self.found if row.adjusted <= self.discovery)


def find_anomalies(
    current: Any,
    reference: Any,
    *,
    roles: Mapping[Role, str] | None = None,
    features: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    declared: Declared = NOTHING_DECLARED,
    method: str = METHODS[0],
    discovery: float = 0.1,
    most: int = 20,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Anomalies:
    """Return the rows of a table that are least like those of a reference.

    Parameters
    ----------
    current, reference
        Anything ``open_table`` reads.
    declared
        What is declared of the values.
    method
        ``isolation_forest`` or ``local_outlier_factor``.
    discovery
        Share of ordinary rows among those called anomalous that is accepted on average.
    most
        Rows to return.

    Raises
    ------
    SourceError
        When a table cannot be read.
    SchemaError
        When current lacks a feature, nothing is left to judge rows by, or the reference has fewer than 20 rows.
    UsageError
        When there is no such method, or no such share or number of rows.
    """
    if method not in METHODS:
        raise UsageError(f"there is no method {method!r} to find anomalous rows; {near_miss(method, METHODS)}")
    if not 0 < discovery < 1 or most < 1:
        raise UsageError(f"discovery lies between 0 and 1, and most is 1 or more; this is {discovery:g} and {most}")
    door = Door(declared)
    theirs = open_table(reference, door=replace(door, beside=rows_beside(current)))
    schema = infer_schema(
        theirs.sample(SAMPLE), roles=roles or {}, features=features, ignore=ignore, kinds=declared.kinds
    )
    ours = open_table(current, door=door.expecting(schema, theirs.first_readings))
    if not joint_columns(schema):
        raise SchemaError(f"{theirs.name} has no features that rows could be judged by")
    for column in schema.features:
        if column.name not in ours.columns:
            raise SchemaError(f"{ours.name} has no column {column.name!r}; {near_miss(column.name, ours.columns)}")
    rows = ours.sample(_MOST_ROWS)
    judged_by = [column for column in schema.features if column.kind in _KINDS]
    changed = [problem for column in judged_by if (problem := problem_of(rows, column))]
    if changed:
        # Taken for missing, values of another type would make no row strange.
        raise SchemaError(f"{ours.name}: {changed[0]}")
    spec = Spec("anomalies", schema, keep=(_KEPT,))
    wanted = [column.name for column in schema if column.name in theirs.columns]
    batches = (Batch(frame, schema) for frame in theirs.batches(columns=wanted))
    seen = _Counted("reference", theirs, progress)
    state = merged(summarise(batches, spec, progress=seen).values(), None, spec.model).get((ALL, JOINT))
    part = state.parts.get(_KEPT) if state else None
    kept = part.rows if isinstance(part, PointSamplePart) else 0
    if state is None or (not state.problem and kept < _LEAST):
        raise SchemaError(f"{theirs.name} has {kept} rows; {_LEAST} are needed to say what is unlike them")
    detector = plugins("comparison")[method]
    found = anomalous_rows(state, rows, schema, detector=detector, most=most)
    name = schema.name_of(Role.ID) or ""
    key = name if name in rows.columns else ""
    return Anomalies(method, ours.rows, rows.height, found, discovery, _values(rows, found, key), key)


class _Counted:
    """Tells how many rows were read."""

    def __init__(self, name: str, source: Source, progress: Callable[[str, int, int | None], None] | None) -> None:
        self._name, self._total, self._progress = name, source.rows if progress else 0, progress

    def __call__(self, rows: int) -> None:
        if self._progress is not None:
            self._progress(self._name, rows, self._total)


def _values(rows: pl.DataFrame, found: Sequence[AnomalousRow], id: str) -> tuple[Mapping[str, Any], ...]:
    """Return the first columns of the rows found, their id in front."""
    others = (name for name in rows.columns if name != id)
    order = [*((id,) if id else ()), *others][:_TOLD]
    return tuple({name: rows[name][one.row] for name in order} for one in found)

"""Rows that are to go, and rows that were set aside: removed, dropped or taken in after all, each with a record."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import polars as pl

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import UsageError
from watchkeeper.core.intake import TimeLimits
from watchkeeper.core.schema import Kind, Role, Schema
from watchkeeper.core.store import Appended, Table
from watchkeeper.core.window import WindowRule
from watchkeeper.ingest.logged_rows import series_of
from watchkeeper.maintain.registry import action_id
from watchkeeper.run.lease import leased
from watchkeeper.run.project import Project
from watchkeeper.schema.event_time import to_utc
from watchkeeper.store.again import summarise_again
from watchkeeper.store.erasure import Erased
from watchkeeper.store.lake import LakeStore

__all__ = ["Selection", "drop_rows", "forget_rows", "quarantined_rows", "release_rows"]

_ANY_TIME = TimeLimits(datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC), None)


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows in quarantine: those that meet all that is said; all where nothing is.

    Attributes
    ----------
    keys
        Rows by their keys.
    source, code
        Where they came from, and why they were set aside.
    """

    keys: tuple[str, ...] = ()
    source: str = ""
    code: str = ""

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows that are meant.

        Raises
        ------
        UsageError
            When there is no row of a key.
        """
        unknown = sorted(set(self.keys) - set(rows["key"]))
        if unknown:
            raise UsageError(f"no row {unknown[0]!r} is in quarantine; watchkeeper store quarantine list names them")
        found = rows.filter(pl.col("key").is_in(list(self.keys))) if self.keys else rows
        found = found.filter(pl.col("source") == self.source) if self.source else found
        return found.filter(pl.col("code") == self.code) if self.code else found


def quarantined_rows(project: Project, model: str, selection: Selection) -> pl.DataFrame:
    """Return rows in quarantine: key, table, source, code, reason, the moment they are filed under, and the row."""
    return selection.of(_lake(project).quarantined(model))


def forget_rows(project: Project, model: str, ids: Collection[str], *, who: str, why: str, at: datetime) -> Action:
    """Remove all rows with these ids for good: from the log, from quarantine and from what was derived of them.

    The windows they lay in are summarised and judged again in a run, and the files that held them go at once. The
    audit trail says how many rows went, and not which. Files that the rows came from are not touched.

    Raises
    ------
    UsageError
        When the model's rows have no ids.
    LeasedError
        When another worker is at work on the model.
    """
    lake = _lake(project)
    with _held(project, model) as store:
        holder = replace(project, store=store)
        spec = holder.spec(model)
        if spec.schema.name_of(Role.ID) is None:
            raise UsageError(f"rows of {model!r} have no ids, so that none can be named; set columns.id")
        rule = spec.windows or WindowRule()
        # Said before anything goes: whoever dies in between leaves it to the next run.
        summarise_again(store, model, lake.windows_of(model, spec.schema, rule, ids))
        erased = lake.erase(model, spec.schema, ids)
        lake.upkeep(model).purge()
        facts = {"ids": len(set(ids)), **_counts(erased)}
        action = _action(model, ActionKind.FORGET, who, why, at, facts)
        store.record(model, [action])
        holder.run(model, at)
        # The states of before hold samples of rows.
        lake.upkeep(model).purge()
    return action


def drop_rows(project: Project, model: str, selection: Selection, *, who: str, why: str, at: datetime) -> Action:
    """Remove rows from quarantine for good."""
    lake = _lake(project)
    with _held(project, model) as store:
        keys = selection.of(lake.quarantined(model))["key"].to_list()
        removed = lake.remove_quarantined(model, keys)
        action = _action(model, ActionKind.DROP, who, why, at, {"rows": removed})
        store.record(model, [action])
        lake.upkeep(model).purge()
    return action


def release_rows(project: Project, model: str, selection: Selection, *, who: str, why: str, at: datetime) -> Action:
    """Take rows in after all, whatever their times; those without an id or a readable time stay in quarantine."""
    lake = _lake(project)
    with _held(project, model) as store:
        schema = replace(project, store=store).spec(model).schema
        rows, results = selection.of(lake.quarantined(model)), list[Appended]()
        for table in Table:
            part = rows.filter(pl.col("table") == table.value)
            if part.is_empty():
                continue
            keys = part["key"].to_list()
            frame = _typed([json.loads(row) for row in part["row"]], schema)
            # Named by what is released, so that a release that was cut short does it once.
            source = f"released:{sha256(json.dumps(keys).encode()).hexdigest()[:16]}"
            results.append(store.append(model, table, frame, schema, source=source, limits=_ANY_TIME))
            lake.remove_quarantined(model, keys)
        facts = {"rows": sum(one.rows for one in results), "refused": sum(one.refused + one.doubled for one in results)}
        action = _action(model, ActionKind.RELEASE, who, why, at, facts)
        store.record(model, [action])
    return action


def _typed(rows: Sequence[Mapping[str, Any]], schema: Schema) -> pl.DataFrame:
    """Return rows that were kept as JSON in the types of their columns."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: series_of(name, [row.get(name) for row in rows]) for name in names}
    for column in schema:
        series = columns.get(column.name)
        if series is None or series.dtype != pl.String:
            continue
        if column.kind is Kind.TIME:
            columns[column.name] = to_utc(series)
        elif column.kind is Kind.NUMERIC:
            columns[column.name] = series.cast(pl.Float64, strict=False)
    return pl.DataFrame(columns)


def _counts(erased: Erased) -> dict[str, float | str]:
    return {"predictions": erased.predictions, "labels": erased.labels, "quarantine": erased.quarantine}


def _action(model: str, kind: ActionKind, who: str, why: str, at: datetime, facts: Mapping[str, float | str]) -> Action:
    return Action(action_id(model, kind, "", at, why), model, kind, Outcome.DONE, why, who, at, facts=facts)


def _held(project: Project, model: str) -> AbstractContextManager[Any]:
    return leased(project.store, model, project.config.store.lease)


def _lake(project: Project) -> LakeStore:
    if not isinstance(project.store, LakeStore):
        raise UsageError("a store in memory keeps no rows; set store.url to a folder")
    return project.store

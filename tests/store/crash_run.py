"""A run that appends, folds and records in steps, to be killed at any moment and started again.

Usage: python crash_run.py FOLDER STEPS [DATABASE]. Each line on the standard input starts the run once in a process of
its own, forked after the imports and after a first database so that starting costs little; its number is printed, and
how it ended.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import alembic.command  # noqa: F401
import polars as pl

from tests.lives import serve_lives
from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.store import AuditEvent, Table
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.stats.summarise import summarise
from watchkeeper.store.audit import audit_breaks
from watchkeeper.store.lake import LakeStore
from watchkeeper.store.open import open_store

START = datetime(2024, 3, 1, tzinfo=UTC)
RULE = WindowRule()
SCHEMA = Schema(
    (
        Column("id", Role.ID, Kind.IDENTIFIER, "Int64"),
        Column("at", Role.TIME, Kind.TIME, "Datetime"),
        Column("x", Role.FEATURE, Kind.NUMERIC, "Float64"),
        Column("label", Role.LABEL, Kind.NUMERIC, "Int64"),
    )
)
ROWS = 40
EVER = Window(START, START + timedelta(days=100))


def feed(step: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the predictions of a step, three of them refused, and the labels of the step before."""
    ids = list(range(step * ROWS, (step + 1) * ROWS))
    at = [(START + timedelta(minutes=20 * i)).isoformat() if i % 13 else None for i in ids]
    late = [i - ROWS for i in ids]
    return (
        pl.DataFrame({"id": ids, "at": pl.Series(at, dtype=pl.String), "x": [i**0.5 for i in ids]}),
        pl.DataFrame({"id": late, "label": [i % 2 for i in late]}),
    )


def run(store: LakeStore, steps: int) -> None:
    """Do what a run does: append what is new, fold what changed, record, and move the cursor last."""
    spec = Spec("m", SCHEMA, RULE)
    for step in range(steps):
        predictions, labels = feed(step)
        store.append("m", Table.PREDICTIONS, predictions, SCHEMA, source=f"predictions {step}")
        store.append("m", Table.LABELS, labels, SCHEMA, source=f"labels {step}")
        cursor = store.pointer("m", "cursor")
        changes = store.changes("m", SCHEMA, RULE, cursor or "")
        if changes.cursor == cursor:
            continue
        nouns: list[Measurement | Action] = []
        for window in changes.windows:
            states = summarise(store.read("m", SCHEMA, window), spec)
            store.put_states("m", {window: states.values()})
            nouns.append(_measure(store, window))
            nouns.append(Action(str(window), "m", ActionKind.HOLD, Outcome.DONE, "seen", "test", window.end))
        store.record("m", nouns, {"cursor": (cursor, changes.cursor)})


def everything(store: LakeStore) -> dict[str, object]:
    rows = pl.concat([b.frame for b in store.read("m", SCHEMA, EVER)], how="diagonal_relaxed").sort("id")
    events = store.recorded("m", AuditEvent)
    assert audit_breaks(events, store.pointer("m", "audit")) == []
    # An action that was recorded before its window grew is the same action, so even the order of links is the same.
    return {
        "rows": rows.to_dict(as_series=False),
        "states": {key: encode_state(state) for key, state in store.states("m", EVER).items()},
        "measurements": store.recorded("m", Measurement),
        "actions": store.recorded("m", Action),
        "chain": [event.hash for event in events],
        "cursor": store.pointer("m", "cursor"),
    }


def _measure(store: LakeStore, window: Window) -> Measurement:
    rows = pl.concat([batch.frame for batch in store.read("m", SCHEMA, window)], how="diagonal_relaxed")
    known = int(rows["label"].count())
    return Measurement(Family.METRIC, "labels", float(known), rows.height, window=window)


def live(_: str) -> None:
    database = sys.argv[3] if len(sys.argv) > 3 else None
    with open_store(sys.argv[1], sql_url=database, encode=encode_state, decode=decode_state) as opened:
        assert isinstance(opened, LakeStore)
        run(opened, int(sys.argv[2]))


if __name__ == "__main__":
    plugins("statistic")
    # No row is read or written here: threads of Polars and of Delta would not be there in what is forked.
    open_store(f"{sys.argv[1]}-first", encode=encode_state, decode=decode_state).close()
    serve_lives(live)

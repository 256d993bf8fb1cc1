"""Small logs for the tests of diagnosis, through the real summaries."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.batch import Batch
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema, SegmentRule, Task
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State
from watchkeeper.diagnose.case import Case
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise

SCHEMA = Schema(
    (
        Column("id", Role.ID, Kind.IDENTIFIER),
        Column("x", Role.FEATURE, Kind.NUMERIC, "Float64", NumericMap(0.0, 1.35)),
        Column("u", Role.FEATURE, Kind.NUMERIC, "Float64", NumericMap(50.0, 20.0)),
        Column("region", Role.FEATURE, Kind.CATEGORICAL, "String"),
        Column("score", Role.SCORE, Kind.NUMERIC, "Float64"),
        Column("label", Role.LABEL, Kind.BOOLEAN, "Int64"),
        Column("version", Role.VERSION, Kind.CATEGORICAL, "String"),
    ),
    Task.BINARY,
    ("0", "1"),
    "1",
    (SegmentRule("region"),),
)


def alert(cause: Cause = Cause.PERFORMANCE) -> Alert:
    return Alert("a", "m", cause, Severity.PAGE, AlertState.FIRING)


def log(
    seed: int,
    rows: int = 4_000,
    *,
    north: float = 0.5,
    shift: float = 0.0,
    turned: float = 0.0,
    labelled: float = 1.0,
) -> pl.DataFrame:
    """Rows whose score is the true probability, but where ``turned`` of the north's labels are the other class.

    x is higher in the north by 1; u lies around 50.
    """
    rng = np.random.default_rng(seed)
    region = np.where(rng.random(rows) < north, "north", "south")
    x = rng.normal(size=rows) + shift + (region == "north")
    score = 1 / (1 + np.exp(-2 * x))
    y = rng.random(rows) < score
    y = np.where((region == "north") & (rng.random(rows) < turned), ~y, y).astype(int)
    label = pl.Series("label", y)
    late = pl.Series(rng.random(rows) >= labelled)
    return pl.DataFrame(
        {
            "id": np.arange(rows) + seed * 10**6,
            "x": x,
            "u": rng.normal(50, 15, rows),
            "region": region,
            "score": score,
            "label": label.zip_with(~late, pl.Series("label", [None] * rows, dtype=pl.Int64)),
            "version": ["1"] * rows,
        }
    )


def states(frame: pl.DataFrame, schema: Schema = SCHEMA) -> Mapping[tuple[str, str], State]:
    """The states of one window by (segment, column)."""
    made = summarise([Batch(frame, schema)], Spec("m", schema))
    return merged(made.values(), None, "m")


def case(before: pl.DataFrame, now: pl.DataFrame, cause: Cause = Cause.PERFORMANCE, schema: Schema = SCHEMA) -> Case:
    return Case(alert(cause), Spec("m", schema), states(before, schema), states(now, schema))

"""One table of 30 columns: read, summarised plainly, and with 20 segments, suggested rules and all comparisons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from timing import answer, arguments, in_turns

from watchkeeper.core.batch import Batch
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.spec import AlertRule, Spec
from watchkeeper.quality.suggest import suggest
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise
from watchkeeper.steps.assess import assess
from watchkeeper.steps.monitors import default_monitors

SEGMENTS = 20

reference, current, runs = arguments()


def read(path: str, seed: int) -> pl.DataFrame:
    """Return the table with two more columns: a number, and the shop that a row comes from."""
    draw, frame = np.random.default_rng(seed), pl.read_parquet(path)
    shops = pl.Series([f"shop {i}" for i in range(SEGMENTS)])
    shop = shops.gather(draw.integers(0, SEGMENTS, frame.height))
    return frame.with_columns(pl.Series("x20", draw.normal(size=frame.height)), shop.alias("shop"))


def spec_of(segments: list[str]) -> Spec:
    """Return what is watched by default."""
    roles = {Role.LABEL: "label", Role.PREDICTION: "prediction", Role.SCORE: "score"}
    schema = infer_schema(before.head(50_000), roles=roles, segments=segments)
    return Spec("bench", schema, monitors=default_monitors(schema, AlertRule(), history=False))


before, after = read(reference, 1), read(current, 2)
plain, cut = spec_of([]), spec_of(["shop"])
known = merged(summarise([Batch(before, cut.schema)], cut).values(), None, "bench")
whole = {column: state for (segment, column), state in known.items() if segment == ALL}
watched = replace(cut, rules=suggest(cut.schema, whole, before.head(2_000)))
held: dict[str, Any] = {}


def cut_up() -> None:
    """Summarise with segments and rules."""
    held["states"] = merged(summarise([Batch(after, watched.schema)], watched).values(), None, "bench")


def compared() -> None:
    """Compare."""
    held["count"] = len(assess(held["states"], known, watched))


times, busy = in_turns(
    {
        "read": lambda: pl.read_parquet(current),
        "plain": lambda: summarise([Batch(after, plain.schema)], plain),
        "summarise": cut_up,
        "compare": compared,
    },
    runs,
)
answer(
    times,
    ["watchkeeper", "polars", "numpy"],
    measurements=held["count"],
    rules=len(watched.rules),
    columns=after.width,
    busy=busy,
)

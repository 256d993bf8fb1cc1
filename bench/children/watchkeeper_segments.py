"""One table of 30 columns: read, summarised plainly, and with 20 segments, suggested rules and all comparisons."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import polars as pl
from timing import answer, arguments

from watchkeeper.core.batch import Batch
from watchkeeper.core.inference import infer_schema
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.spec import AlertRule, Spec
from watchkeeper.quality.suggest import suggest
from watchkeeper.run.monitors import default_monitors
from watchkeeper.run.steps import assess, merged
from watchkeeper.stats.summarise import summarise

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


def now() -> tuple[float, float]:
    """Wall time and processor time over all threads."""
    return time.perf_counter(), time.process_time()


before, after = read(reference, 1), read(current, 2)
plain, cut = spec_of([]), spec_of(["shop"])
known = merged(summarise([Batch(before, cut.schema)], cut).values(), None, "bench")
whole = {column: state for (segment, column), state in known.items() if segment == ALL}
watched = replace(cut, rules=suggest(cut.schema, whole, before.head(2_000)))
times: dict[str, list[float]] = {"read": [], "plain": [], "summarise": [], "compare": []}
busy: dict[str, list[float]] = {name: [] for name in times}
count = 0
for _ in range(runs + 1):
    marks = [now()]
    pl.read_parquet(current)
    marks.append(now())
    summarise([Batch(after, plain.schema)], plain)
    marks.append(now())
    states = merged(summarise([Batch(after, watched.schema)], watched).values(), None, "bench")
    marks.append(now())
    count = len(assess(states, known, watched))
    marks.append(now())
    for name, start, end in zip(times, marks, marks[1:], strict=False):
        times[name].append(end[0] - start[0])
        busy[name].append(end[1] - start[1])
answer(
    {name: found[1:] for name, found in times.items()},
    ["watchkeeper", "polars", "numpy"],
    measurements=count,
    rules=len(watched.rules),
    columns=after.width,
    busy={name: found[1:] for name, found in busy.items()},
)

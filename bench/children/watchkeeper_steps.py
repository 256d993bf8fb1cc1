"""The steps one by one on frames in memory: read, summarise, compare. Reading and summarising take turns."""

from __future__ import annotations

import time

import polars as pl
from timing import answer, arguments

from watchkeeper.core.batch import Batch
from watchkeeper.core.inference import infer_schema
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import AlertRule, Spec
from watchkeeper.run.monitors import default_monitors
from watchkeeper.run.steps import assess, merged
from watchkeeper.stats.summarise import summarise

reference, current, runs = arguments()
roles = {Role.LABEL: "label", Role.PREDICTION: "prediction", Role.SCORE: "score"}
schema = infer_schema(pl.read_parquet(reference).head(50_000), roles=roles)
spec = Spec("bench", schema, monitors=default_monitors(schema, AlertRule(), history=False))
times: dict[str, list[float]] = {"read": [], "summarise": [], "compare": []}
busy: dict[str, list[float]] = {name: [] for name in times}
count = 0


def now() -> tuple[float, float]:
    """Wall time and processor time over all threads."""
    return time.perf_counter(), time.process_time()


for _ in range(runs + 1):
    marks = [now()]
    frames = [pl.read_parquet(path) for path in (reference, current)]
    marks.append(now())
    states = [merged(summarise([Batch(frame, schema)], spec).values(), None, "bench") for frame in frames]
    marks.append(now())
    count = len(assess(states[1], states[0], spec))
    marks.append(now())
    for name, start, end in zip(times, marks, marks[1:], strict=False):
        times[name].append(end[0] - start[0])
        busy[name].append(end[1] - start[1])
answer(
    {name: found[1:] for name, found in times.items()},
    ["watchkeeper", "polars", "numpy"],
    measurements=count,
    busy={name: found[1:] for name, found in busy.items()},
)

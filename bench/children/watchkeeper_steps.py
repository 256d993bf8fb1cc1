"""The steps one by one on frames in memory: read, summarise, compare. Reading and summarising take turns."""

from __future__ import annotations

from typing import Any

import polars as pl
from timing import answer, arguments, in_turns

from watchkeeper.core.batch import Batch
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import AlertRule, Spec
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise
from watchkeeper.steps.assess import assess
from watchkeeper.steps.monitors import default_monitors

reference, current, runs = arguments()
roles = {Role.LABEL: "label", Role.PREDICTION: "prediction", Role.SCORE: "score"}
schema = infer_schema(pl.read_parquet(reference).head(50_000), roles=roles)
spec = Spec("bench", schema, monitors=default_monitors(schema, AlertRule(), history=False))
held: dict[str, Any] = {}


def read() -> None:
    """Read both files."""
    held["frames"] = [pl.read_parquet(path) for path in (reference, current)]


def summarised() -> None:
    """Summarise both tables."""
    held["states"] = [merged(summarise([Batch(f, schema)], spec).values(), None, "bench") for f in held["frames"]]


def compared() -> None:
    """Compare them."""
    held["count"] = len(assess(held["states"][1], held["states"][0], spec))


times, busy = in_turns({"read": read, "summarise": summarised, "compare": compared}, runs)
answer(times, ["watchkeeper", "polars", "numpy"], measurements=held["count"], busy=busy)

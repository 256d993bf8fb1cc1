"""Estimates of every method, and what was realised, block by block."""

from __future__ import annotations

import time
from collections.abc import Mapping

import polars as pl

from bench.estimation.sets import LogSet
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Schema
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.performance.assess_estimates import assess_estimates, default_estimates, estimators_for
from watchkeeper.stats.summarise import summarise_rows

Row = tuple[float, float, float]
"""Estimate, lower and upper end of the band."""

Blocks = dict[str, dict[str, list[Row | None]]]
"""By method and metric the row of each block."""


def estimates_of(log: LogSet) -> tuple[Blocks, dict[str, list[float]], dict[str, float]]:
    """Return the estimates, the realised values by metric and block, and the seconds of each method."""
    keep = ("answer_sample",)
    reference = states_of(log.reference, log.schema, keep)
    methods = [name for name in estimators_for(log.schema) if name != "prediction_powered"]
    found: Blocks = {}
    realised: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    for number, block in enumerate(log.blocks):
        hidden = block.with_columns(block[log.label].clear(block.height).alias(log.label))
        current, labelled = states_of(hidden, log.schema, keep), states_of(block, log.schema, ())
        for name, metric in plugins("metric").items():
            if log.schema.task in metric.tasks and metric.applies(log.schema):
                value = metric.measure(labelled[OUTCOME]).value
                if value is not None:
                    realised.setdefault(name, [float("nan")] * len(log.blocks))[number] = value
        for method in (*methods, "default"):
            start = time.perf_counter()
            told = (
                default_estimates(reference, current, log.schema)
                if method == "default"
                else assess_estimates(reference, current, log.schema, [method])
            )
            seconds[method] = seconds.get(method, 0.0) + time.perf_counter() - start
            for one in told:
                rows = found.setdefault(method, {}).setdefault(one.name, [None] * len(log.blocks))
                rows[number] = _row(one)
    return found, realised, seconds


def _row(one: Measurement) -> Row | None:
    if one.value is None or one.interval is None:
        return None
    return one.value, *one.interval


def states_of(frame: pl.DataFrame, schema: Schema, keep: tuple[str, ...]) -> Mapping[str, State]:
    """Return the states of a frame by column."""
    return {state.key.column: state for state in summarise_rows(frame, schema, keep=keep)}


def timed(log: LogSet) -> dict[str, dict[str, float]]:
    """Return by method the seconds of summarising both sides, and of estimating all blocks, learning included."""
    hidden = [block.with_columns(block[log.label].clear(block.height).alias(log.label)) for block in log.blocks]
    found: dict[str, dict[str, float]] = {}
    for method in ("cbpe", "default"):
        keep = () if method == "cbpe" else ("answer_sample",)
        start = time.perf_counter()
        reference = states_of(log.reference, log.schema, keep)
        blocks = [states_of(block, log.schema, keep) for block in hidden]
        summarised = time.perf_counter()
        for current in blocks:
            if method == "cbpe":
                assess_estimates(reference, current, log.schema, [method])
            else:
                default_estimates(reference, current, log.schema)
        found[method] = {"summarise": summarised - start, "estimate": time.perf_counter() - summarised}
    return found

"""Estimates of every method, and what was realised, block by block."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import reduce
from itertools import pairwise

import numpy as np
import polars as pl

from bench.estimation.sets import LogSet
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Schema
from watchkeeper.core.state import JOINT, OUTCOME, State
from watchkeeper.performance.assess_estimates import (
    assess_estimates,
    default_estimates,
    estimators_for,
    kept_for,
    kept_now_for,
)
from watchkeeper.performance.between_blocks import BetweenBlocks, between_blocks
from watchkeeper.stats.codec import merge_states
from watchkeeper.stats.summarise import summarise_rows

Row = tuple[float, float, float]
"""Estimate, lower and upper end of the band."""

Blocks = dict[str, dict[str, list[Row | None]]]
"""By method and metric the row of each block."""


PIECES = 20
"""Blocks that a reference is cut into, in the order of its rows."""


def estimates_of(log: LogSet) -> tuple[Blocks, dict[str, list[float]], dict[str, float]]:
    """Return the estimates, the realised values by metric and block, and the seconds of each method."""
    keep = kept_now_for(estimators_for(log.schema))
    reference, between = learnt_from(log.reference, log.schema, kept_for(estimators_for(log.schema)))
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
        for method in (*methods, *DEFAULTS):
            start = time.perf_counter()
            told = _told(method, reference, current, log.schema, between)
            seconds[method] = seconds.get(method, 0.0) + time.perf_counter() - start
            for one in told:
                rows = found.setdefault(method, {}).setdefault(one.name, [None] * len(log.blocks))
                rows[number] = _row(one)
    return found, realised, seconds


DEFAULTS = ("scores", "default")
"""``estimate: scores``, and what ``run`` and ``check`` take by default."""


def learnt_from(frame: pl.DataFrame, schema: Schema, keep: tuple[str, ...]) -> tuple[dict[str, State], BetweenBlocks]:
    """Return the states of a reference, and how far performance moves between its blocks."""
    ends = np.linspace(0, frame.height, PIECES + 1).astype(int).tolist()
    pieces = [states_of(frame[a:b], schema, keep) for a, b in pairwise(ends)]
    whole = {column: reduce(merge_states, [piece[column] for piece in pieces]) for column in pieces[0]}
    return whole, between_blocks(whole, pieces, schema)


def _told(
    method: str, reference: Mapping[str, State], current: Mapping[str, State], schema: Schema, between: BetweenBlocks
) -> list[Measurement]:
    if method not in DEFAULTS:
        return assess_estimates(reference, current, schema, [method])
    if method == "scores":
        current = {column: state for column, state in current.items() if column != JOINT}
    return default_estimates(reference, current, schema, between)


def _row(one: Measurement) -> Row | None:
    if one.value is None or one.interval is None:
        return None
    return one.value, *one.interval


def states_of(frame: pl.DataFrame, schema: Schema, keep: tuple[str, ...]) -> Mapping[str, State]:
    """Return the states of a frame by column."""
    return {state.key.column: state for state in summarise_rows(frame, schema, keep=keep)}


def timed(log: LogSet) -> dict[str, dict[str, float]]:
    """Return by method the seconds of summarising both sides and of estimating all blocks, and of the processor."""
    hidden = [block.with_columns(block[log.label].clear(block.height).alias(log.label)) for block in log.blocks]
    found: dict[str, dict[str, float]] = {}
    for method in ("cbpe", *DEFAULTS):
        names = estimators_for(log.schema) if method == "default" else ()
        keep = kept_now_for(names)
        start, used = time.perf_counter(), time.process_time()
        if method == "cbpe":
            reference, between = states_of(log.reference, log.schema, ()), BetweenBlocks()
        else:
            reference, between = learnt_from(log.reference, log.schema, kept_for(names))
        blocks = [states_of(block, log.schema, keep) for block in hidden]
        summarised = time.perf_counter()
        for current in blocks:
            _told(method, reference, current, log.schema, between)
        found[method] = {
            "summarise": summarised - start,
            "estimate": time.perf_counter() - summarised,
            "processor": time.process_time() - used,
        }
    return found

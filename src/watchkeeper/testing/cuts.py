"""A table that is cut into parts, summarised part by part, and merged in the order of the parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import polars as pl

from watchkeeper.core.batch import Batch
from watchkeeper.core.plugins import plugins
from watchkeeper.core.rule import Rule
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema, SegmentRule, Task
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State, StateKey
from watchkeeper.stats.codec import merge_states
from watchkeeper.stats.statistic import is_optional
from watchkeeper.stats.summarise import summarise

__all__ = ["CUTS", "cut_tables", "states_apart", "summarised_apart"]

CUTS = ((0, 1, 700, 1_500), (0, 400, 800, 1_200, 1_500))
"""Where each part of the table begins, and where the last one ends; one part may be a single row."""

_N = CUTS[0][-1]


@lru_cache(maxsize=4)
def cut_tables(seed: int = 0) -> Mapping[str, tuple[pl.DataFrame, Spec]]:
    """Return tables with a column of every kind, outcomes, segments and rules of order; with ids and without.

    No id is doubled: which rows are doubled is told within a part alone.
    """
    rng = np.random.default_rng(seed)
    x = rng.lognormal(0.0, 0.5, _N)
    score = rng.beta(2, 3, _N)
    falls = np.where(rng.random(_N) < 0.02, -1, 1).cumsum()
    frame = pl.DataFrame(
        {
            "id": np.arange(_N) * 7,
            "x": x,
            "y": 0.6 * x + rng.normal(size=_N),
            "falls": falls,
            "level": rng.choice(["a", "b", "é", "<b>"], _N),
            "text": [" ".join(rng.choice(["late", "parcel", "again", "配達"], 4)) for _ in range(_N)],
            "vector": pl.Series(rng.normal(size=(_N, 3)), dtype=pl.Array(pl.Float64, 3)),
            "score": score,
            "label": (rng.random(_N) < score).astype(int),
        }
    )
    numbers = {name: NumericMap(float(np.median(frame[name].to_numpy())), 1.0) for name in ("x", "y", "falls")}
    columns = (
        *(Column(name, Role.FEATURE, Kind.NUMERIC, str(frame[name].dtype), map_) for name, map_ in numbers.items()),
        Column("level", Role.FEATURE, Kind.CATEGORICAL, "String"),
        Column("text", Role.FEATURE, Kind.TEXT, "String"),
        Column("vector", Role.FEATURE, Kind.VECTOR, "List(Float64)"),
        Column("score", Role.SCORE, Kind.NUMERIC, "Float64", NumericMap(0.0, 1.0)),
        Column("label", Role.LABEL, Kind.CATEGORICAL, "Int64"),
    )
    rules = (
        Rule("ordered", ("falls",)), Rule("ordered", ("falls",), {"strictly": True}), Rule("unique", ("x",)),
        Rule("in_range", ("y",), {"upper": 2.0}),
    )  # fmt: skip
    keep = tuple(name for name, statistic in plugins("statistic").items() if is_optional(statistic))
    spec = {
        name: Spec(
            "m",
            Schema((*own, *columns), Task.BINARY, classes=("0", "1"), positive="1", segments=(SegmentRule("level"),)),
            rules=rules,
            keep=keep,
        )
        for name, own in (("ids", (Column("id", Role.ID, Kind.IDENTIFIER, "Int64"),)), ("no ids", ()))
    }
    return {"a table with ids": (frame, spec["ids"]), "a table without ids": (frame.drop("id"), spec["no ids"])}


def summarised_apart(frame: pl.DataFrame, spec: Spec, cuts: Sequence[int]) -> dict[StateKey, State]:
    """Return the states of a table whose parts are summarised apart, each told where it begins, and merged in order."""
    states: dict[StateKey, State] = {}
    for start, stop in pairwise(cuts):
        part = summarise([Batch(frame[start:stop], spec.schema, first_row=start)], spec)
        for key, state in part.items():
            states[key] = merge_states(states[key], state) if key in states else state
    return states


@lru_cache(maxsize=16)
def states_apart(table: str, cuts: tuple[int, ...], seed: int = 0) -> Mapping[StateKey, State]:
    """Return what ``summarised_apart`` gives of one of the tables."""
    return summarised_apart(*cut_tables(seed)[table], cuts)

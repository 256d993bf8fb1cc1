"""Rows, schemas and models that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.schema import Column, Kind, Role, Schema, SegmentRule, Task

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def binary() -> Schema:
    """Two features, a time, a score, a prediction and a label of the classes 0 and 1."""
    return Schema(
        (
            Column("id", Role.ID, Kind.IDENTIFIER),
            Column("time", Role.TIME, Kind.TIME),
            Column("x", Role.FEATURE, Kind.NUMERIC),
            Column("colour", Role.FEATURE, Kind.CATEGORICAL),
            Column("prediction", Role.PREDICTION, Kind.CATEGORICAL),
            Column("score", Role.SCORE, Kind.NUMERIC),
            Column("label", Role.LABEL, Kind.CATEGORICAL),
        ),
        Task.BINARY,
        ("0", "1"),
        "1",
    )


@pytest.fixture
def by_colour(binary: Schema) -> Schema:
    """The same, split by colour."""
    return Schema(binary.columns, binary.task, binary.classes, binary.positive, (SegmentRule("colour"),))


@pytest.fixture
def log() -> Callable[..., pl.DataFrame]:
    """Return rows spread evenly over some days, whose label follows x with a given slope."""

    def make(n: int, *, days: int = 7, start: datetime = MONDAY, slope: float = 1.0, seed: int = 0) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=n)
        label = (rng.random(n) < 1 / (1 + np.exp(-slope * x))).astype(int)
        step = timedelta(days=days) / n
        return pl.DataFrame(
            {
                "id": [f"{seed}-{i}" for i in range(n)],
                "time": [start + i * step for i in range(n)],
                "x": x,
                "colour": rng.choice(["red", "green", "blue"], n),
                "label": label,
            }
        )

    return make

"""Rows of every task, for statistics that read outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.schema import Column, Kind, Role, Schema, Task

__all__ = ["off_by", "outcome_rows"]

_N = 3_000
_CLASSES = ("a", "b", "c")


def off_by(label: NDArray[Any], prediction: NDArray[Any], score: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return a metric of the user's: how far each prediction is off, with no number for some rows."""
    return np.where((prediction > label) | (score is not None), np.nan, label - prediction)


def outcome_rows(rng: np.random.Generator) -> list[tuple[str, pl.DataFrame, Schema]]:
    """Return named rows with their schema: lists of classes, forecasts, rankings, late labels, user's metrics."""
    forecasts, predicted = _forecasts(rng)
    return [
        ("lists of classes", *_lists(rng)),
        ("forecasts with quantiles", forecasts, predicted),
        ("forecasts without their quantiles", forecasts.drop("low"), predicted),
        ("ranked groups", *_ranked(rng)),
        ("labels that come late", *_late(rng)),
    ]


def _lists(rng: np.random.Generator) -> tuple[pl.DataFrame, Schema]:
    def some(names: tuple[str, ...], rate: float) -> pl.Series:
        drawn = rng.random((_N, len(names))) < rate
        lists = [[name for name, there in zip(names, row, strict=True) if there] for row in drawn]
        return pl.Series(lists, dtype=pl.List(pl.String)).set(pl.Series(rng.random(_N) < 0.1), None)

    frame = pl.DataFrame({"label": some(_CLASSES, 0.4), "prediction": some((*_CLASSES, "x"), 0.3)})
    columns = (Column("label", Role.LABEL, Kind.CATEGORICAL), Column("prediction", Role.PREDICTION, Kind.CATEGORICAL))
    return frame, Schema(columns, Task.MULTILABEL, _CLASSES)


def _forecasts(rng: np.random.Generator) -> tuple[pl.DataFrame, Schema]:
    middle = rng.normal(100, 10, _N)
    label = pl.Series(middle + rng.normal(0, 3, _N)).set(pl.Series(rng.random(_N) < 0.1), None)
    low = pl.Series(middle - 3).set(pl.Series(rng.random(_N) < 0.05), None)
    frame = pl.DataFrame({"label": label, "prediction": middle, "low": low, "high": middle + 4})
    columns = (
        Column("label", Role.LABEL, Kind.NUMERIC), Column("prediction", Role.PREDICTION, Kind.NUMERIC),
        Column("low", Role.QUANTILE, Kind.NUMERIC), Column("high", Role.QUANTILE, Kind.NUMERIC),
    )  # fmt: skip
    places = tuple(f"{__name__}:{name}" for name in ("off_by", "off_bye"))
    return frame, Schema(columns, Task.REGRESSION, quantiles=((0.1, "low"), (0.9, "high")), metrics=places)


def _ranked(rng: np.random.Generator) -> tuple[pl.DataFrame, Schema]:
    frame = pl.DataFrame(
        {
            "query": pl.Series(rng.integers(0, 300, _N)).set(pl.Series(rng.random(_N) < 0.02), None),
            "score": rng.integers(0, 20, _N) / 10,
            "label": pl.Series(rng.integers(0, 4, _N)).set(pl.Series(rng.random(_N) < 0.02), None),
        }
    )
    columns = (
        Column("query", Role.GROUP, Kind.IDENTIFIER), Column("score", Role.SCORE, Kind.NUMERIC),
        Column("label", Role.LABEL, Kind.NUMERIC),
    )  # fmt: skip
    return frame, Schema(columns, Task.RANKING)


def _late(rng: np.random.Generator) -> tuple[pl.DataFrame, Schema]:
    asked = pl.Series(1_700_000_000 + np.arange(_N) * 60.0)
    waited = pl.Series(rng.lognormal(8, 2, _N)).set(pl.Series(rng.random(_N) < 0.3), None)
    label = pl.Series(rng.integers(0, 2, _N)).set(waited.is_null(), None)
    frame = pl.DataFrame(
        {"asked": asked, "known": asked + waited, "label": label, "prediction": rng.integers(0, 2, _N)}
    )
    columns = (
        Column("asked", Role.TIME, Kind.TIME), Column("known", Role.LABEL_TIME, Kind.TIME),
        Column("label", Role.LABEL, Kind.CATEGORICAL), Column("prediction", Role.PREDICTION, Kind.CATEGORICAL),
    )  # fmt: skip
    return frame, Schema(columns, Task.BINARY, ("0", "1"), "1")

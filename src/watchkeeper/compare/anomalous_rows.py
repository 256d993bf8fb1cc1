"""The anomalous rows themselves, and what is strange about each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from watchkeeper.compare.anomalous_share import SAMPLE
from watchkeeper.compare.conformal_detector import ConformalDetector, Detector
from watchkeeper.compare.isolation_forest import IsolationForest
from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Schema
from watchkeeper.core.state import State
from watchkeeper.stats.joint import JointSource
from watchkeeper.stats.point_sample import PointSamplePart

__all__ = ["AnomalousRow", "anomalous_rows"]

Matrix = NDArray[np.float64]

_TOLD = 3
_WEAK = 0.2


@dataclass(frozen=True, slots=True)
class AnomalousRow:
    """A row and how strange it is.

    Attributes
    ----------
    row
        Its place among the rows that were judged.
    score
        The detector's; larger is stranger.
    p_value
        Conformal: the chance that a row like those of the reference scores as high.
    adjusted
        By Benjamini and Hochberg over all rows judged: among the rows with at most q, a share of at most q is expected
        to be ordinary.
    features
        What stands out, with the values: the features without whose values the score falls most, worst first.
    """

    row: int
    score: float
    p_value: float
    adjusted: float
    features: tuple[tuple[str, str], ...] = ()


def anomalous_rows(
    reference: State, rows: pl.DataFrame, schema: Schema, *, detector: Detector | None = None, most: int = 20
) -> tuple[AnomalousRow, ...]:
    """Return the strangest rows under a reference, the strangest first.

    Parameters
    ----------
    reference
        State of all features together (``@joint``) that keeps ``large_sample``, or at least ``point_sample``.
    rows
        Rows of the log, such as the row sample of a window; they are told apart by their id where the schema has one.
    schema
        The schema the reference was summarised with.
    detector
        ``IsolationForest()``, the default, or ``LocalOutlierFactor()``.
    most
        How many rows to return.

    Raises
    ------
    StateError
        When the reference keeps no sample of points, or one of other features.

    References
    ----------
    Benjamini and Hochberg (1995), Controlling the false discovery rate, doi:10.1111/j.2517-6161.1995.tb02031.x. That it
    holds for conformal p-values of one calibration sample: Bates et al. (2023), doi:10.1214/22-AOS2244.
    """
    kept = SAMPLE if SAMPLE in reference.parts else "point_sample"
    before, now = reference.part(kept, PointSamplePart), _points(rows, schema)
    if not len(before.hashes) or not len(now.hashes):
        return ()
    if before.names != now.names or before.levels.columns != now.levels.columns:
        left, right = (", ".join((*part.names, *part.levels.columns)) for part in (before, now))
        raise StateError(f"rows of {right} cannot be judged by a reference of {left}")
    judge = ConformalDetector.fitted(detector or IsolationForest(), before)
    scores = judge.scores(now)
    p_values = judge.p_values(now, scores)
    adjusted = false_discovery_control(p_values)
    chosen = np.lexsort((-scores, p_values))[:most]
    return tuple(
        AnomalousRow(
            int(k),
            float(scores[k]),
            float(p_values[k]),
            float(adjusted[k]),
            _told(judge, now, int(k), float(scores[k])),
        )
        for k in chosen
    )


def _points(rows: pl.DataFrame, schema: Schema) -> PointSamplePart:
    source, every = JointSource(rows, schema), np.arange(rows.height)
    names = tuple(column.name for column in source.columns)
    return PointSamplePart(rows.height, source.hashes, source.numbers(every), source.levels(every), names, source.by_id)


def _told(judge: ConformalDetector, rows: PointSamplePart, row: int, score: float) -> tuple[tuple[str, str], ...]:
    """Return the features whose replacement by values of reference rows lowers the score most, with their values."""
    names, lost = (*rows.names, *rows.levels.columns), score - judge.without(rows, row)
    first = np.argsort(-lost)[:_TOLD]
    return tuple((names[k], _value(rows, row, int(k))) for k in first if lost[k] > max(0.0, _WEAK * lost[first[0]]))


def _value(rows: PointSamplePart, row: int, place: int) -> str:
    if place < len(rows.names):
        return "null" if np.isnan(rows.x[row, place]) else f"{rows.x[row, place]:g}"
    level = rows.levels[row, place - len(rows.names)]
    return "null" if level is None else str(level)

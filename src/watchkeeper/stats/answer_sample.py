"""A uniform sample of rows with all features, what was answered and what was true."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import Column, Kind, Role
from watchkeeper.stats.blocks import Outcomes
from watchkeeper.stats.joint import Joint, JointSource
from watchkeeper.stats.point_sample import PointSample, PointSamplePart

__all__ = ["LABEL", "PREDICTION", "SCORE", "AnswerSample"]

LABEL, PREDICTION, SCORE = "@label", "@prediction", "@score"
"""Names of the label and the prediction (of a classifier their codes), and of the score; of several ``@score:code``."""


class AnswerSample(PointSample):
    """Bottom-k sample of 50,000 rows: features, label, prediction and score.

    Estimators that weight rows or learn from features rest on it; of 20,000 rows they learn a quarter less. It takes 8
    bytes for each number of each row, up to ten megabytes for 20 features: it is kept only of a reference, and of
    windows where an estimator needs all their labels. Labels and predictions of a classifier are codes of the classes,
    -2 for one that is not known; NaN is none.

    References
    ----------
    Cohen and Kaplan (2007), Summarizing data using bottom-k sketches, doi:10.1145/1281100.1281133.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "answer_sample"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Joint,)
    part_type: ClassVar[type] = PointSamplePart
    optional: ClassVar[bool] = True
    size: ClassVar[int] = 50_000

    def applies(self, column: Column) -> bool:
        """All features together."""
        return column.kind is Kind.JOINT

    def numbers(self, source: JointSource, rows: NDArray[np.intp]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Return features, label, prediction and scores of some rows."""
        names, x = super().numbers(source, rows)
        answers = _answers(source, rows)
        return (*names, *answers), np.column_stack([x, *answers.values()])


def _answers(source: JointSource, rows: NDArray[np.intp]) -> dict[str, NDArray[np.float64]]:
    """Return the answers by name; NaN where they cannot be read."""
    try:
        block = source.outcomes(rows)
    except (SchemaError, pl.exceptions.PolarsError):
        block = Outcomes(len(rows), None, None, None)
    nothing = np.full(len(rows), np.nan)
    found = {
        LABEL: nothing if block.label is None else _known(block.label),
        PREDICTION: nothing if block.prediction is None else _known(block.prediction),
    }
    if source.schema.of(Role.SCORE) is not None:
        found[SCORE] = nothing if block.score is None else block.score
    for code in range(len(source.schema.class_scores)):
        found[f"{SCORE}:{code}"] = nothing if block.class_scores is None else block.class_scores[:, code]
    return found


def _known(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return codes, or numbers, with NaN for those that are missing."""
    return values if values.dtype.kind == "f" else np.where(values == -1, np.nan, values.astype(np.float64))

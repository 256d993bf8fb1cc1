"""Confidence-based performance estimation: what scores, calibrated on the reference, say of the current rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.evidence import Estimation
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Schema, Task
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.core.tasks import CLASSIFICATION
from watchkeeper.performance.calibrator import Calibrator, calibrator_of
from watchkeeper.performance.estimator import ASSUMES
from watchkeeper.performance.expectation import Expectation
from watchkeeper.performance.expected import Answered, Replicates, estimates_of, measurements_of, metrics_for
from watchkeeper.stats.score_cells import ScoreCellsPart, score_of

__all__ = ["Cbpe", "cells_of", "lack_of_labels", "learnt_from"]

LEAST = 50
"""Labelled rows, and ten of each side, below which nothing is learnt."""

_FEWEST = 10


class Cbpe:
    """Expected metrics under P(y = 1 | score), calibrated on the reference (CBPE).

    With c the calibrated probability of a row, TP = Σ c·1[ŷ = 1], FP = Σ (1 - c)·1[ŷ = 1], FN = Σ c·1[ŷ = 0] and
    TN = Σ (1 - c)·1[ŷ = 0]; accuracy, precision, recall, specificity, F1, AUROC, average precision, log loss and Brier
    score are computed from the expected counts at each score. More than two classes are taken one against the rest and
    averaged plainly.

    The band is for the realised value of the window. Its variance is that of the labels given the rows, Σ g²·c·(1 - c)
    with the metric's derivative g by the label of a row, and that of the calibrator by the bootstrap. It covers at its
    level as long as P(y | score) is that of the reference; covariate shift that changes it is what ``pape`` and
    ``multicalibrated`` correct for, and concept shift is invisible to all of them. Scores are binned as in
    ``score_cells``, which shifts no estimate by more than 5e-4.

    References
    ----------
    Kivimäki et al. (2023), Confidence-based estimators for predictive performance in model monitoring,
    doi:10.1613/jair.1.16709.
    """

    plugin: ClassVar[str] = "estimator"
    name: ClassVar[str] = "cbpe"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION
    needs: ClassVar[tuple[str, ...]] = ()

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has scores."""
        return bool(metrics_for(schema))

    def estimate(
        self, reference: Mapping[str, State], current: Mapping[str, State], schema: Schema
    ) -> list[Measurement]:
        """Return the estimates from the outcome states."""
        before, now = cells_of(reference), cells_of(current)
        key = current[OUTCOME].key
        names = metrics_for(schema)
        if lack := lack_of_labels(before, now):
            return [Measurement.missing(key, Family.ESTIMATE, name, lack) for name in names]
        learnt = [calibrator_of(before, before.classes.index(name)) for name in now.classes]
        answered = [learnt_from(now, code, one) for code, one in enumerate(learnt)]
        estimation = Estimation(self.name, ASSUMES)
        learned_from = min(one.labelled for one in learnt)
        details: dict[str, float | str] = {
            "calibrated": "isotonic" if any(one.isotonic for one in learnt) else "no: the score is calibrated already",
            "calibration_gain": float(np.mean([one.gain for one in learnt])),
        }
        expected = estimates_of(answered, names, now.probability)
        return measurements_of(key, expected, estimation, learned_from, details)


def cells_of(states: Mapping[str, State]) -> ScoreCellsPart:
    """Return the counts of scores; StateError when the outcomes could not be summarised."""
    return states[OUTCOME].part("score_cells", ScoreCellsPart)


def lack_of_labels(reference: ScoreCellsPart, current: ScoreCellsPart) -> str:
    """Say why nothing can be estimated; empty when it can."""
    if not current.classes or not len(current.cells):
        return "no row has a score"
    if not reference.classes:
        return "the reference has no scores"
    if set(current.classes) - set(reference.classes):
        return "the reference knows other classes"
    learnable = 0
    for code, name in enumerate(reference.classes):
        cells = reference.table(code)[1]
        negatives, positives = cells.sum(axis=0).sum(axis=0)[:2].tolist()
        learnable += positives >= _FEWEST
        if positives + negatives < LEAST or (len(reference.classes) == 1 and min(positives, negatives) < _FEWEST):
            return (
                f"the reference has {positives} rows labelled {name!r} and {negatives} others; "
                f"{LEAST} rows and {_FEWEST} of each are needed"
            )
    if len(reference.classes) > 1 and learnable < 2:
        return f"the reference has {_FEWEST} labels of {learnable} of its classes; two classes are needed"
    return ""


def learnt_from(current: ScoreCellsPart, code: int, calibrator: Calibrator) -> Answered:
    """Return the rows of one class with the positives that the calibrator expects among them."""
    places, counts = current.table(code)
    rows: NDArray[np.float64] = (counts[:, :, 0] + counts[:, :, 1] + counts[:, :, 2]).astype(float)
    expected = Expectation.of(score_of(places), rows, calibrator.curve[places])
    return Answered(expected, (Replicates(calibrator.draws[:, places], 1 / len(calibrator.draws)),))

"""States of simulated classifiers and regressors for the tests of estimators."""

import numpy as np
from scipy.special import expit

from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.state import OUTCOME, State, StateKey
from watchkeeper.stats.blocks import Outcomes
from watchkeeper.stats.score_cells import ScoreCells
from watchkeeper.stats.statistic import fold

SCORE = Column("score", Role.SCORE, Kind.NUMERIC)
BINARY = Schema(
    (
        SCORE,
        Column("prediction", Role.PREDICTION, Kind.BOOLEAN),
        Column("label", Role.LABEL, Kind.BOOLEAN),
    ),
    Task.BINARY,
    ("0", "1"),
    "1",
)


def outcome_state(score, prediction, label, classes=("0", "1"), class_scores=None):
    """Return the outcome state with the counts that estimators rest on; the label -1 is unknown."""
    positive = 1 if len(classes) == 2 else None
    block = Outcomes(len(prediction), label, prediction, score, classes, positive, class_scores)
    return {OUTCOME: State(StateKey(column=OUTCOME), None, {"score_cells": fold(ScoreCells(), SCORE, [block])})}


def scored(rng, n, shape="calibrated", shift=0.0):
    """Return scores, predictions and labels of a classifier whose scores are right or wrong in a known way."""
    logit = rng.normal(shift, 1.5, n)
    probability = expit(logit)
    score = {
        "calibrated": probability,
        "overconfident": expit(2 * logit),
        "biased": expit(logit + 1),
        "rare": expit(logit + 3),
    }[shape]
    if shape == "rare":
        probability, score = expit(logit - 3), expit(logit - 3) ** 0.5
    prediction = (score >= (0.3 if shape == "rare" else 0.5)).astype(np.int64)
    return score, prediction, (rng.random(n) < probability).astype(np.int64)

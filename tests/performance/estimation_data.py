"""States of simulated classifiers and regressors for the tests of estimators."""

import numpy as np
import polars as pl
from scipy.special import expit

from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.state import OUTCOME, State, StateKey
from watchkeeper.stats.blocks import Outcomes
from watchkeeper.stats.score_cells import ScoreCells
from watchkeeper.stats.statistic import fold
from watchkeeper.stats.summarise import summarise_rows

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


def applicants(rng, n, shift=0.0, concept=0.0):
    """Return rows of a classifier that does not look at the feature ``z``, on which labels depend.

    A shift of ``z`` is covariate shift that changes P(y | score); ``concept`` is added to the log odds of the label
    where ``x`` is positive, which no feature shows.
    """
    x, w, z = rng.normal(size=(3, n))
    z = z + shift
    score = expit(1.8 * x + 1.2 * w)
    label = rng.random(n) < expit(1.6 * x + w + 1.4 * z - 0.3 + concept * (x > 0))
    return pl.DataFrame(
        {
            "x": x,
            "w": w,
            "z": z,
            "region": np.where(z > 0.5, "north", "south"),
            "score": score,
            "prediction": (score > 0.5).astype(int),
            "label": label.astype(int),
        }
    )


def prices(rng, n, spread=1.0):
    """Return rows of a regressor whose errors are normal with the deviation .5 + |w|, and w grows with ``spread``."""
    x, w = rng.normal(size=(2, n))
    w = w * spread
    truth = 20 + 3 * x
    return pl.DataFrame({"x": x, "w": w, "prediction": truth, "label": truth + (0.5 + np.abs(w)) * rng.normal(size=n)})


def states_of(frame, schema):
    """Return the states of a frame by column, with the sample of rows."""
    return {state.key.column: state for state in summarise_rows(frame, schema, keep=("answer_sample",))}


def without_labels(frame, known=0):
    """Return the frame with the labels of its first rows alone."""
    return frame.with_columns(pl.when(pl.int_range(pl.len()) < known).then(pl.col("label")).alias("label"))

"""Outcome states folded from arrays by the real statistics."""

import numpy as np
import pytest

from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Column, Kind, NumericMap, Role
from watchkeeper.core.state import OUTCOME, State, StateKey
from watchkeeper.stats.blocks import Outcomes
from watchkeeper.stats.statistic import fold

PROBABILITY = NumericMap()


def _state(block, scored=True, scores=PROBABILITY):
    column = Column("s" if scored else "", Role.SCORE, Kind.NUMERIC, map=scores)
    parts = {name: fold(s, column, [block]) for name, s in plugins("statistic").items() if Outcomes in s.reads}
    return State(StateKey("m", "1", None, "all", OUTCOME), None, parts)


@pytest.fixture
def state_of():
    """Return the state of some outcomes."""
    return _state


@pytest.fixture
def binary():
    """Return a function that makes the state of a binary classifier whose labels are 0 and 1, -1 for none."""

    def make(label, prediction=None, score=None, scores=PROBABILITY):
        label = np.asarray(label, np.int64)
        prediction = None if prediction is None else np.asarray(prediction, np.int64)
        score = None if score is None else np.asarray(score, float)
        return _state(Outcomes(len(label), label, prediction, score, ("0", "1"), 1), score is not None, scores)

    return make


@pytest.fixture
def regression():
    """Return a function that makes the state of a regressor."""

    def make(label, prediction):
        label, prediction = np.asarray(label, float), np.asarray(prediction, float)
        return _state(Outcomes(len(label), label, prediction, None), False)

    return make


@pytest.fixture
def measure():
    """Return a function that measures a state by the registry key of a metric."""
    return lambda name, state: plugins("metric")[name].measure(state)

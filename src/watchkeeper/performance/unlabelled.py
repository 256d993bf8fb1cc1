"""States of rows as they would be if no label had come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from watchkeeper.core.state import JOINT, OUTCOME, State
from watchkeeper.stats.answer_sample import LABEL
from watchkeeper.stats.error_sums import ErrorSumsPart
from watchkeeper.stats.point_sample import PointSamplePart
from watchkeeper.stats.score_cells import ScoreCellsPart

__all__ = ["unlabelled"]


def unlabelled(states: Mapping[str, State]) -> dict[str, State]:
    """Return what estimators without labels read of rows, with every label taken away.

    What was estimated of a window can so be compared with what its labels show, whenever it is looked at.
    """
    return {column: _hidden(column, state) for column, state in states.items()}


def _hidden(column: str, state: State) -> State:
    hide = {OUTCOME: _without, JOINT: _rows_without}.get(column)
    return replace(state, parts={name: hide(part) for name, part in state.parts.items()}) if hide else state


def _without(part: object) -> object:
    if isinstance(part, ScoreCellsPart):
        return part.unlabelled()
    return ErrorSumsPart(part.rows) if isinstance(part, ErrorSumsPart) else part


def _rows_without(part: object) -> object:
    if not isinstance(part, PointSamplePart) or LABEL not in part.names:
        return part
    x = part.x.copy()
    x[:, part.names.index(LABEL)] = np.nan
    return replace(part, x=x)

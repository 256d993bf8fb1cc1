"""Outcomes of every task as statistics see them; expected values by hand."""

import numpy as np
import polars as pl

from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.stats.outcomes import outcomes

CLASSES = ("a", "b", "c")
SCORES = tuple(Column(f"p_{name}", Role.CLASS_SCORE, Kind.NUMERIC) for name in CLASSES)
SCHEMA = Schema(
    (Column("y", Role.LABEL, Kind.CATEGORICAL), *SCORES), Task.MULTICLASS, CLASSES,
    class_scores=tuple((name, f"p_{name}") for name in CLASSES),
)  # fmt: skip


def test_class_scores_stand_in_the_order_of_the_classes():
    frame = pl.DataFrame({"p_c": [0.7, None], "p_a": [0.1, 0.2], "y": ["c", "a"], "p_b": [0.2, 0.3]})
    block = outcomes(frame, SCHEMA)
    assert np.array_equal(block.class_scores, [[0.1, 0.2, 0.7], [0.2, 0.3, np.nan]], equal_nan=True)
    assert block.label.tolist() == [2, 0]


def test_without_the_scores_of_one_class_there_are_none():
    assert outcomes(pl.DataFrame({"y": ["c"], "p_a": [0.1], "p_b": [0.9]}), SCHEMA).class_scores is None

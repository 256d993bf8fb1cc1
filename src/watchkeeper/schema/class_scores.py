"""Which columns hold the probability of each class, read off their names where they are not given."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, near_miss
from watchkeeper.core.schema import Task
from watchkeeper.core.tasks import Labels
from watchkeeper.schema.kinds import is_probability
from watchkeeper.schema.outcome import Answer, sorted_classes

__all__ = ["PREFIXES", "class_scores_of"]

PREFIXES = (
    "y_pred_proba", "predicted_probability", "prediction_proba", "prediction_score", "probability", "y_proba",
    "y_score", "y_prob", "score", "proba", "prob",
)  # fmt: skip
"""What a column of class scores is called before ``_<class>``; case does not matter."""

_LEAST = 3


def class_scores_of(
    frame: pl.DataFrame, answer: Answer, given: Mapping[str, str], free: Collection[str]
) -> tuple[Answer, tuple[tuple[str, str], ...]]:
    """Return the answer, with the classes that only columns of scores show, and (class, column) for each class.

    Parameters
    ----------
    frame
        A sample of the log.
    answer
        What labels and predictions say of the task and its classes.
    given
        Column by class, as the owner names them.
    free
        The columns that have no role so far.

    Returns
    -------
    tuple
        No pairs where no columns are given and none are recognised: those are recognised of which there are at least
        three, named alike but for a class at the end, one for each class, with values between 0 and 1.

    Raises
    ------
    SchemaError
        When columns are given and there are fewer than three, one of the classes has none, or one holds no numbers.
    """
    if given:
        return _given(frame, answer, given)
    if answer.task.spec.labels is not Labels.CLASS:
        return answer, ()
    for prefix in PREFIXES:
        found = _named(frame, prefix, answer.classes, free)
        if len(found) >= _LEAST and set(answer.classes) <= found.keys():
            return _ordered(answer, found)
    return answer, ()


def _named(frame: pl.DataFrame, prefix: str, classes: Sequence[str], free: Collection[str]) -> dict[str, str]:
    """Return the columns of probabilities that begin with a prefix, by the class that their name ends with."""
    plain = {_plain(name): name for name in classes}
    found: dict[str, str] = {}
    for name in frame.columns:
        if name in free and name.lower().startswith(f"{prefix}_") and is_probability(series_named(frame, name)):
            ending = name[len(prefix) + 1 :]
            found.setdefault(plain.get(_plain(ending), ending), name)
    return found


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def _given(frame: pl.DataFrame, answer: Answer, given: Mapping[str, str]) -> tuple[Answer, tuple[tuple[str, str], ...]]:
    if answer.task.spec.labels not in (Labels.CLASS, Labels.NOTHING):
        raise SchemaError(
            f"scores of classes were given, but the task is {answer.task.value}; leave columns.scores out"
        )
    if len(given) < _LEAST:
        raise SchemaError(
            f"scores of {len(given)} classes were given, which tell more than two apart; "
            "with two classes name the column of the positive one as columns.score"
        )
    without = [name for name in answer.classes if name not in given]
    if without:
        raise SchemaError(f"the class {without[0]!r} has no column of scores; {near_miss(without[0], given)}")
    for column in given.values():
        if not (frame[column].dtype.is_numeric() or frame[column].dtype == pl.Null):
            raise SchemaError(
                f"the column of scores {column!r} holds {frame[column].dtype}, where numbers were expected"
            )
    return _ordered(answer, given)


def _ordered(answer: Answer, found: Mapping[str, str]) -> tuple[Answer, tuple[tuple[str, str], ...]]:
    classes = sorted_classes(found)
    why = answer.why if classes == answer.classes else f"{len(classes)} classes, as the columns of scores say"
    return replace(answer, task=Task.MULTICLASS, classes=classes, positive=None, why=why), tuple(
        (name, found[name]) for name in classes
    )

"""What a model answers: its task, its classes and the positive one, read off labels, predictions and scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

import polars as pl

from watchkeeper.core.errors import SchemaError, near_miss
from watchkeeper.core.schema import Task
from watchkeeper.schema.kinds import as_text, is_probability

__all__ = ["Answer", "answer_of", "is_mistaken_score", "not_classes", "sorted_classes"]

_YES = ("1", "true", "yes", "y", "t", "positive", "pos", "+")
_PAIRS = {"0": ("0", "1"), "1": ("0", "1"), "false": ("false", "true"), "true": ("false", "true")}
_MOST_CLASSES = 20
_MOST_TEXTS = 1_000
_MANY_ROWS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """Task, classes in sorted order, the positive class of a binary task, and in words how they were found."""

    task: Task
    classes: tuple[str, ...] = ()
    positive: str | None = None
    why: str = ""


def answer_of(
    label: pl.Series | None, prediction: pl.Series | None, score: pl.Series | None, positive: str | None
) -> Answer:
    """Return what the model answers.

    Parameters
    ----------
    label, prediction, score
        Samples of the columns with these roles; None where there is none.
    positive
        The positive class where the user names it.

    Raises
    ------
    SchemaError
        When ``positive`` is not among the classes, labels are 0 and 1 but predictions true and false, or labels and
        predictions share no class.
    """
    shown = [s for s in (label, prediction) if s is not None and len(s.drop_nulls())]
    if not shown:
        return _named_only(positive, "no label and no prediction in the sample")
    if any(_continuous(s) for s in shown):
        return Answer(Task.REGRESSION, why="label or prediction are numbers with many values")
    classes = _classes(shown)
    if len(classes) > 2 and set(classes) <= {"0", "1", "false", "true"}:
        raise SchemaError(
            f"labels and predictions are written in two ways, as numbers and as truth values: {', '.join(classes)}; "
            "write both the same way"
        )
    if label is not None and prediction is not None and len(classes) > 2:
        _refuse_other_words(label, prediction)
    if len(classes) == 1:
        classes = _PAIRS.get(classes[0], classes)
    if len(classes) < 2 or len(classes) > _MOST_TEXTS:
        return _named_only(positive, f"{len(classes)} classes in the sample")
    if len(classes) > 2:
        if positive is not None:
            _known(positive, classes)
        return Answer(Task.MULTICLASS, classes, why=f"{len(classes)} classes")
    if positive is not None:
        return Answer(Task.BINARY, classes, _known(positive, classes), "two classes; the positive one was given")
    chosen, why = _choose(classes, label if label is not None else prediction, score)
    return Answer(Task.BINARY, classes, chosen, why)


def _refuse_other_words(label: pl.Series, prediction: pl.Series) -> None:
    """Raise where no prediction can be right; a few rows of many classes may be all wrong by chance."""
    said, true = _classes([prediction]), _classes([label])
    together = int((label.is_not_null() & prediction.is_not_null()).sum())
    if together >= _MANY_ROWS and said and true and not set(said) & set(true):
        labels, predictions = (f"{', '.join(names[:3])}{' and so on' * (len(names) > 3)}" for names in (true, said))
        raise SchemaError(
            f"labels in {label.name!r} ({labels}) and predictions in {prediction.name!r} ({predictions}) share no "
            "class, so that no prediction could be right; write both the same way"
        )


def is_mistaken_score(prediction: pl.Series, label: pl.Series | None) -> bool:
    """Return whether a column named like a prediction holds probabilities of one of two classes."""
    if label is None or not prediction.dtype.is_float() or not is_probability(prediction):
        return False
    values = prediction.drop_nulls().drop_nans()
    fractional = bool((values != values.floor()).any())
    return fractional and not _continuous(label) and len(_classes([label])) <= 2


def not_classes(prediction: pl.Series, label: pl.Series) -> bool:
    """Return whether predictions are numbers with fractions and labels are texts or truth values: no such is right."""
    if label.dtype.is_numeric() or label.dtype.is_nested() or not len(label.drop_nulls()):
        return False
    values = prediction.drop_nulls().drop_nans() if prediction.dtype.is_float() else prediction.head(0)
    return len(values) > 0 and bool((values != values.floor()).any())


def _continuous(series: pl.Series) -> bool:
    if not series.dtype.is_numeric():
        return False
    values = series.drop_nulls()
    if series.dtype.is_float():
        values = values.filter(values.is_finite())
        if len(values) and bool((values != values.floor()).any()):
            return True
    distinct = values.n_unique() if len(values) else 0
    return distinct > _MOST_CLASSES or (distinct > 2 and distinct > 0.5 * len(values))


def _classes(columns: list[pl.Series]) -> tuple[str, ...]:
    found: set[str] = set()
    for series in columns:
        values = series.unique().drop_nulls()
        if values.dtype.is_float():
            values = values.drop_nans()
        if not values.dtype.is_nested():
            found.update(as_text(values).to_list())
    return sorted_classes(found)


def sorted_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Return classes in the order of their codes: by their numbers if all are numbers, else by their texts."""
    found = set(names)
    try:
        return tuple(sorted(found, key=lambda name: (float(name), name)))
    except ValueError:
        return tuple(sorted(found))


def _known(positive: str, classes: tuple[str, ...]) -> str:
    for name in classes:
        if name == positive or name.casefold() == positive.casefold():
            return name
    try:
        return next(name for name in classes if float(name) == float(positive))
    except (StopIteration, ValueError):
        raise SchemaError(f"positive class {positive!r} does not occur; {near_miss(positive, classes)}") from None


def _named_only(positive: str | None, why: str) -> Answer:
    if positive in _PAIRS and positive is not None:
        return Answer(Task.BINARY, _PAIRS[positive], positive, f"{why}; the positive class was given")
    return Answer(Task.NONE, why=why)


def _choose(classes: tuple[str, ...], truth: pl.Series | None, score: pl.Series | None) -> tuple[str, str]:
    """Choose the positive class by its name, else the larger one unless the score says otherwise."""
    named = [name for name in classes if name.casefold() in _YES]
    chosen = named[0] if len(named) == 1 else classes[-1]
    why = f"positive class {chosen!r} " + ("by its name" if len(named) == 1 else "as the larger of the two")
    lift = _lift(chosen, truth, score)
    if lift is None:
        return chosen, why
    if lift >= 0:
        return chosen, f"{why}, and its rows score higher"
    if len(named) == 1:
        return chosen, f"{why}, but its rows score lower: check what the score is the probability of"
    other = classes[0] if chosen == classes[1] else classes[1]
    return other, f"positive class {other!r}, because its rows score higher"


def _lift(chosen: str, truth: pl.Series | None, score: pl.Series | None) -> float | None:
    """Return by how much rows of ``chosen`` score higher, in standard errors; None when it cannot be told."""
    if truth is None or score is None or not score.dtype.is_numeric():
        return None
    pairs = pl.DataFrame({"y": as_text(truth) == chosen, "s": score.cast(pl.Float64)})
    pairs = pairs.drop_nulls().filter(pl.col("s").is_finite())
    groups = {
        key[0]: (len(part), float(part["s"].to_numpy().mean()), float(part["s"].to_numpy().var()))
        for key, part in pairs.partition_by("y", as_dict=True).items()
    }
    if len(groups) < 2 or min(n for n, _, _ in groups.values()) < 10:
        return None
    (n1, m1, v1), (n0, m0, v0) = groups[True], groups[False]
    error = sqrt(v1 / n1 + v0 / n0)
    z = (m1 - m0) / error if error else 0.0
    return z if abs(z) > 3 else None

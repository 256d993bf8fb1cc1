"""A metric as a function of arrays: the same formula that a monitor uses, over the same states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from watchkeeper.core.errors import SchemaError, UsageError
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.metric import Metric
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.state import OUTCOME
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.summarise import summarise_rows

__all__ = ["MetricCallable"]

_LABEL, _GROUP = "label", "group"
_ANSWERS = {Role.PREDICTION: "prediction", Role.SCORE: "score"}
_TWO = 2


class MetricCallable:
    """A registered metric that is called with labels and answers, as those of scikit-learn are.

    Parameters
    ----------
    name
        Registry key of the metric.

    Raises
    ------
    UsageError
        When it is called with arrays it cannot be measured from.

    Examples
    --------
    >>> round(MetricCallable("log_loss")([0, 1, 1], [0.2, 0.7, 0.9]), 3)
    0.228
    >>> MetricCallable("accuracy")(["no", "yes"], ["no", "no"])
    0.5
    """

    def __init__(self, name: str) -> None:
        self.metric: Metric = plugins("metric")[name]
        self.__name__, self.__doc__ = name, type(self.metric).__doc__

    def __call__(
        self,
        label: Any,
        answer: Any,
        *,
        positive: Any = None,
        group: Any = None,
        quantiles: Mapping[float, Any] | None = None,
    ) -> float:
        """Return the metric of rows.

        Parameters
        ----------
        label
            The truth, of shape (n,); missing where it is not known.
        answer
            What was answered, of shape (n,): predictions, or probabilities of the positive class for metrics of
            scores; of shape (n, classes) the probabilities of all classes in sorted order.
        positive
            The class that probabilities are of; None for the one that a check would take.
        group
            What was ranked together, of shape (n,).
        quantiles
            Predicted quantiles of shape (n,) by level.
        """
        found = self.measure(label, answer, positive=positive, group=group, quantiles=quantiles)
        if found.status is not Status.OK or found.value is None:
            raise UsageError(f"{self.__name__} cannot be measured: {found.reason}")
        return found.value

    def measure(
        self,
        label: Any,
        answer: Any,
        *,
        positive: Any = None,
        group: Any = None,
        quantiles: Mapping[float, Any] | None = None,
    ) -> Measurement:
        """Return the same with its rows, its standard error and its 95 % interval; takes what a call takes."""
        frame, roles = self._rows(label, answer, group)
        levels = {level: f"quantile_{level:g}" for level in quantiles or {}}
        frame = frame.with_columns(_series(levels[level], values) for level, values in (quantiles or {}).items())
        schema = self._schema(frame, roles, None if positive is None else str(positive), levels)
        (state,) = (s for s in summarise_rows(frame, schema) if s.key.column == OUTCOME)
        return self.metric.measure(state)

    def __repr__(self) -> str:
        return f"<metric {self.__name__}>"

    def _rows(self, label: Any, answer: Any, group: Any) -> tuple[pl.DataFrame, dict[Role, str] | None]:
        """Return the arrays as a frame, and their roles; None where the answer may be a prediction or a score."""
        columns = [_series(_LABEL, label)]
        roles: dict[Role, str] | None = None
        given: Any = np.asarray(answer) if hasattr(answer, "shape") else np.empty(0)
        if given.ndim == _TWO:
            classes = _classes(columns[0])
            if given.shape[1] != len(classes):
                raise UsageError(
                    f"{self.__name__}: the answers have {given.shape[1]} columns, and the labels "
                    f"{len(classes)} classes: {', '.join(classes[:6])}"
                )
            if len(classes) == _TWO:
                columns.append(pl.Series("score", given[:, 1]))
            else:
                columns += [pl.Series(f"score_{name}", given[:, k]) for k, name in enumerate(classes)]
            roles = {Role.LABEL: _LABEL, **({Role.SCORE: "score"} if len(classes) == _TWO else {})}
        else:
            columns.append(_series("answer", answer))
        if group is not None:
            columns.append(_series(_GROUP, group))
        heights = [len(series) for series in columns]
        if len(set(heights)) > 1:
            raise UsageError(f"{self.__name__}: {heights[0]} labels and {heights[1]} answers; one each a row is needed")
        return pl.DataFrame(columns), roles

    def _schema(
        self, frame: pl.DataFrame, roles: dict[Role, str] | None, positive: str | None, levels: Mapping[float, str]
    ) -> Schema:
        grouped = {Role.GROUP: _GROUP} if _GROUP in frame.columns else {}
        scores = {c.removeprefix("score_"): c for c in frame.columns if c.startswith("score_")}
        tries = [roles] if roles else [{Role.LABEL: _LABEL, role: "answer"} for role in self._first(frame)]
        problem: SchemaError | None = None
        for tried in tries:
            try:
                schema = infer_schema(
                    frame, roles={**tried, **grouped}, features=(), positive=positive, task=self._task(frame),
                    scores=scores or None, quantiles={level: levels[level] for level in sorted(levels)} or None,
                )  # fmt: skip
            except SchemaError as error:
                problem = error
                continue
            if schema.task is Task.REGRESSION and tried.get(Role.PREDICTION):
                # Of labels 0 and 1 a number between is taken for a score, which no regression has.
                mended = (replace(c, role=Role.PREDICTION) if c.name == "answer" else c for c in schema)
                schema = schema.with_columns(tuple(mended))
            if schema.task in self.metric.tasks and self.metric.applies(schema):
                return schema
        told = f": {problem}" if problem else ""
        tasks = ", ".join(sorted(task.value for task in self.metric.tasks))
        raise UsageError(f"{self.__name__} cannot be measured from these arrays{told}. It is defined for {tasks}")

    def _first(self, frame: pl.DataFrame) -> Sequence[Role]:
        """Return what the answer may be, the likelier first: numbers between the classes are probabilities."""
        answer, label = frame["answer"], frame[_LABEL]
        between = answer.dtype.is_float() and not set(answer.drop_nulls().to_list()) <= set(
            label.drop_nulls().to_list()
        )
        return (Role.SCORE, Role.PREDICTION) if between else (Role.PREDICTION, Role.SCORE)

    def _task(self, frame: pl.DataFrame) -> Task | None:
        """Return the one task it is defined for; None where labels must tell."""
        if len(self.metric.tasks) == 1:
            return next(iter(self.metric.tasks))
        if Task.BINARY not in self.metric.tasks or Task.REGRESSION in self.metric.tasks:
            return None
        return Task.BINARY if len(_classes(frame[_LABEL])) <= _TWO else Task.MULTICLASS


def _series(name: str, values: Any) -> pl.Series:
    if isinstance(values, pl.Series):
        return values.alias(name)
    plain = isinstance(values, list) and any(v is None or isinstance(v, list | tuple | set) for v in values)
    array = None if plain else np.asarray(values)
    if array is None or array.dtype == object:
        return pl.Series(name, [sorted(v) if isinstance(v, set) else v for v in values], strict=False)
    return pl.Series(name, array)


def _classes(label: pl.Series) -> list[str]:
    """Return the classes in the order in which scikit-learn has them."""
    return [str(value) for value in label.drop_nulls().unique().sort().to_list()]

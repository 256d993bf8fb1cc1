"""Models whose worth is known: rows of every task, answered well or as much worse as is wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, softmax

from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema, Task
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.stats.summarise import summarise_rows

__all__ = ["MODELS", "Answering", "drawn_states", "state_of_rows"]

Floats = NDArray[np.float64]

_CLASSES = ("a", "b", "c")
_NAMES = np.array(_CLASSES)
_GROUP = 15
_PLACES = np.array([1, 2, 4])
_SETS = pl.Series([[_CLASSES[k] for k in range(3) if code >> k & 1] for code in range(8)], dtype=pl.List(pl.String))
"""Every set of classes, by the sum of the places of its members."""


@dataclass(frozen=True, slots=True)
class Answering:
    """A model that answers rows.

    Attributes
    ----------
    schema
        Task and roles of its log.
    draw
        Makes rows from a generator, their number, and how much worse than well they are answered: 0 for as well as
        can be, 1 for hardly better than chance, later and with fewer labels.
    """

    schema: Schema
    draw: Callable[[np.random.Generator, int, float], pl.DataFrame]

    @property
    def name(self) -> str:
        """The task, and what it has besides."""
        more = ", with quantiles" if self.schema.quantiles else ""
        return f"{self.schema.task.value}{more}"


def state_of_rows(frame: pl.DataFrame, schema: Schema) -> State:
    """Return the state of the outcomes of some rows."""
    return next(state for state in summarise_rows(frame, schema) if state.key.column == OUTCOME)


@cache
def drawn_states(name: str, harm: float, rows: int, count: int, seed: int) -> tuple[State, ...]:
    """Return the states of independent draws of a model's rows; every metric is asked of the same ones."""
    model = next(model for model in MODELS if model.name == name)
    rng = np.random.default_rng([seed, round(harm * 100), rows])
    return tuple(state_of_rows(model.draw(rng, rows, harm), model.schema) for _ in range(count))


def _late(rng: np.random.Generator, frame: pl.DataFrame, harm: float, together: int = 1) -> pl.DataFrame:
    """Lose the labels of some rows, or of so many rows together, and let the others come late; more of it with harm.

    Labels that are lost together depend on each other, which no interval over rows knows: of those none is lost where
    there is no harm.
    """
    n = frame.height
    asked = pl.Series("asked", 1_700_000_000 + 60.0 * np.arange(n))
    known = asked + pl.Series(rng.lognormal(8, 0.5, n) * (1 + 3 * harm))
    rate = 0.4 * harm + (0.05 if together == 1 else 0.0)
    lost = pl.Series((rng.random(n // together + 1) < rate)[np.arange(n) // together])
    return frame.with_columns(
        frame["label"].set(lost, None) if frame.schema["label"].is_numeric() else _nulled(frame["label"], lost),
        asked,
        known.set(lost, None).alias("known"),
    )


def _nulled(series: pl.Series, lost: pl.Series) -> pl.Series:
    return pl.select(pl.when(~lost).then(series).alias(series.name)).to_series()


def _worse(rng: np.random.Generator, signal: Floats, harm: float) -> Floats:
    """Return a signal of which noise takes the place, and which is too sure of itself."""
    noise = rng.normal(0, float(signal.std()) or 1.0, signal.shape)
    return np.asarray(((1 - harm) * signal + harm * noise) * (1 + harm))


def _binary(rng: np.random.Generator, n: int, harm: float) -> pl.DataFrame:
    x = rng.normal(0, 1.5, n)
    score = expit(_worse(rng, x, harm)).round(3)
    frame = pl.DataFrame({"score": score, "prediction": (score >= 0.5).astype(int)})
    return _late(rng, frame.with_columns(label=pl.Series((rng.random(n) < expit(x)).astype(int))), harm)


def _multiclass(rng: np.random.Generator, n: int, harm: float) -> pl.DataFrame:
    x = rng.normal(0, 1.5, (n, 3))
    truth, scores = softmax(x, axis=1), softmax(_worse(rng, x, harm), axis=1)
    label = _NAMES[(rng.random((n, 1)) > truth.cumsum(axis=1)).sum(axis=1).clip(0, 2)]
    each = {f"p_{name}": scores[:, code] for code, name in enumerate(_CLASSES)}
    return _late(rng, pl.DataFrame({**each, "prediction": _NAMES[scores.argmax(axis=1)], "label": label}), harm)


def _multilabel(rng: np.random.Generator, n: int, harm: float) -> pl.DataFrame:
    x = rng.normal(0, 1.5, (n, 3))
    true, told = rng.random((n, 3)) < expit(x), _worse(rng, x, harm) > 0
    sides = {name: _SETS.gather(side @ _PLACES).alias(name) for name, side in (("label", true), ("prediction", told))}
    return _late(rng, pl.DataFrame(sides), harm)


def _regression(rng: np.random.Generator, n: int, harm: float) -> pl.DataFrame:
    x = rng.normal(0, 1, n)
    middle = 40 + 4 * _worse(rng, x, harm)
    spread = 2 + 2 * rng.random(n)
    label = 40 + 4 * x + spread * rng.normal(0, 1, n)
    reach = 1.28 * spread
    frame = pl.DataFrame({"prediction": middle, "low": middle - reach, "high": middle + reach, "label": label})
    return _late(rng, frame, harm)


def _ranking(rng: np.random.Generator, n: int, harm: float) -> pl.DataFrame:
    x = rng.normal(0, 1, n)
    label = np.digitize(x + 0.5 * rng.normal(0, 1, n), [1.2, 1.7, 2.3]).astype(float)
    frame = pl.DataFrame({"query": np.arange(n) // _GROUP, "score": _worse(rng, x, harm), "label": label})
    return _late(rng, frame, harm, _GROUP)


def _scored(rng: np.random.Generator, n: int, harm: float) -> pl.DataFrame:
    return pl.DataFrame({"score": expit(_worse(rng, rng.normal(0, 1.5, n), harm))})


def _schema(task: Task, *columns: tuple[str, Role, Kind], **more: object) -> Schema:
    times = (("asked", Role.TIME, Kind.TIME), ("known", Role.LABEL_TIME, Kind.TIME)) if task is not Task.NONE else ()
    made = tuple(Column(name, role, kind, map=NumericMap()) for name, role, kind in (*columns, *times))
    return Schema(made, task, **more)  # type: ignore[arg-type]


_LABEL, _PREDICTION = (("label", Role.LABEL), ("prediction", Role.PREDICTION))
_NUMBER, _LEVEL = Kind.NUMERIC, Kind.CATEGORICAL
_SCORE = ("score", Role.SCORE, _NUMBER)

MODELS = (
    Answering(
        _schema(Task.BINARY, (*_LABEL, _LEVEL), (*_PREDICTION, _LEVEL), _SCORE, classes=("0", "1"), positive="1"),
        _binary,
    ),
    Answering(
        _schema(
            Task.MULTICLASS, (*_LABEL, _LEVEL), (*_PREDICTION, _LEVEL),
            *((f"p_{name}", Role.CLASS_SCORE, _NUMBER) for name in _CLASSES),
            classes=_CLASSES, class_scores=tuple((name, f"p_{name}") for name in _CLASSES),
        ),
        _multiclass,
    ),
    Answering(_schema(Task.MULTILABEL, (*_LABEL, _LEVEL), (*_PREDICTION, _LEVEL), classes=_CLASSES), _multilabel),
    Answering(
        _schema(
            Task.REGRESSION, (*_LABEL, _NUMBER), (*_PREDICTION, _NUMBER), ("low", Role.QUANTILE, _NUMBER),
            ("high", Role.QUANTILE, _NUMBER), quantiles=((0.1, "low"), (0.9, "high")),
        ),
        _regression,
    ),
    Answering(
        _schema(Task.RANKING, ("query", Role.GROUP, Kind.IDENTIFIER), _SCORE, (*_LABEL, _NUMBER)), _ranking
    ),
    Answering(_schema(Task.NONE, _SCORE), _scored),
)  # fmt: skip
"""One model for each task."""

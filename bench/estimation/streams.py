"""Long logs cut into many blocks, most of them with a concept that drifts: on these it shows what bands learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression

from bench.estimation.sets import LogSet, as_set, bikes, modelled_in_time, published, score_frame, softmax
from watchkeeper.core.schema import Task

ROWS = 1_000
BLOCKS = 60
REFERENCE = 20_000

Drift = Callable[[float, np.random.Generator], float]


def _jumping(levels: np.ndarray) -> Drift:
    return lambda t, _: float(levels[int(t * len(levels)) % len(levels)])


DRIFTS: dict[str, Drift] = {
    "no drift": lambda _, __: 0.0,
    "concept that drifts away": lambda t, _: 2.0 * t,
    "concept that breaks": lambda t, _: 2.5 * (t > 0.4),
    "concept that jumps": _jumping(np.random.default_rng(3).normal(size=9)),
    "concept of a season": lambda t, _: float(np.sin(12 * np.pi * t)),
    "concept that wavers": lambda _, rng: float(rng.normal()),
}
"""By name how much the relation of features to labels has moved, at a time from 0 to 1."""


def long_streams() -> Iterator[LogSet]:
    """Return the logs one after the other."""
    for number, (name, drift) in enumerate(DRIFTS.items()):
        yield _binary(name, number, drift)
        yield _classes(name, number, drift)
        yield _regression(name, number, drift)
    yield from modelled_in_time("showing", 400)
    yield from bikes(250, ("in order of time",))
    yield from published(ROWS)


def _blocks(rows: Callable[[int, float], pl.DataFrame], drift: Drift, seed: int) -> list[pl.DataFrame]:
    rng = np.random.default_rng(900 + seed)
    return [rows(ROWS, drift(k / BLOCKS, rng)) for k in range(BLOCKS)]


def _moves(name: str) -> float:
    """Return how much features move, too."""
    return 0.3 if name.endswith(("away", "wavers")) else 0.0


def _binary(name: str, seed: int, drift: Drift) -> LogSet:
    rng = np.random.default_rng(300 + seed)
    slope, turned = rng.normal(size=5), rng.normal(size=5)

    def draw(n: int, concept: float) -> tuple[np.ndarray, np.ndarray]:
        x = rng.normal(size=(n, 5)) + _moves(name) * concept
        odds = x @ slope + 0.5 * x[:, 0] * x[:, 1] - 0.5 + concept * (0.6 * x @ turned - 0.4)
        return x, (rng.random(n) < expit(odds)).astype(int)

    learner = LogisticRegression(max_iter=500).fit(*draw(8_000, 0.0))

    def rows(n: int, concept: float) -> pl.DataFrame:
        x, y = draw(n, concept)
        return score_frame(x, y, learner.predict_proba(x)[:, 1], 0.5)

    reference = rows(REFERENCE, 0.0)
    return as_set(f"two classes, {name}", "showing", name, reference, _blocks(rows, drift, seed))


def _classes(name: str, seed: int, drift: Drift) -> LogSet:
    rng = np.random.default_rng(400 + seed)
    names, slope, turned = np.array(["a", "b", "c"]), rng.normal(size=(4, 3)), rng.normal(size=(4, 3))

    def rows(n: int, concept: float) -> pl.DataFrame:
        x = rng.normal(size=(n, 4)) + _moves(name) * concept
        truth = softmax(x @ (slope + 0.5 * concept * turned))
        label = names[(rng.random((n, 1)) > truth.cumsum(axis=1)).sum(axis=1).clip(0, 2)]
        scores = softmax(1.4 * x @ slope)
        answers = {f"score_{name}": scores[:, k] for k, name in enumerate(names)}
        columns = {f"x{k}": x[:, k] for k in range(4)}
        return pl.DataFrame({**columns, **answers, "prediction": names[scores.argmax(axis=1)], "label": label})

    reference = rows(REFERENCE, 0.0)
    return as_set(f"three classes, {name}", "showing", name, reference, _blocks(rows, drift, seed))


def _regression(name: str, seed: int, drift: Drift) -> LogSet:
    rng = np.random.default_rng(500 + seed)
    slope, turned, loud = rng.normal(size=5), rng.normal(size=5), 0.4 * rng.normal(size=5)

    def draw(n: int, concept: float) -> tuple[np.ndarray, np.ndarray]:
        x = rng.normal(size=(n, 5)) + _moves(name) * concept
        truth = 60 + 3 * x @ slope + x[:, 0] * x[:, 1] + concept * (x @ turned)
        return x, truth + np.exp(np.clip(x @ loud, -2, 2)) * rng.standard_t(6, n)

    learner = HistGradientBoostingRegressor(max_iter=80, random_state=0).fit(*draw(8_000, 0.0))

    def rows(n: int, concept: float) -> pl.DataFrame:
        x, y = draw(n, concept)
        columns = {f"x{k}": x[:, k] for k in range(5)}
        return pl.DataFrame({**columns, "prediction": learner.predict(x), "label": y})

    reference = rows(REFERENCE, 0.0)
    blocks = _blocks(rows, drift, seed)
    return as_set(f"numbers, {name}", "showing", name, reference, blocks, task=Task.REGRESSION)

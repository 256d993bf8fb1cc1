"""Logs of models with all labels, cut into blocks: generated ones, and those in ../shared/data where it is present."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.schema.inference import infer_schema

DATA = Path(__file__).parents[3] / "shared" / "data"
BLOCK = 5_000
_WAYS = ("in order of time", "drawn by features")


@dataclass
class LogSet:
    """A reference and the blocks after it.

    ``use`` is ``choosing`` for what the default rule was chosen on and ``showing`` for what it is shown on.
    """

    name: str
    use: str
    what: str
    reference: pl.DataFrame
    blocks: list[pl.DataFrame]
    schema: Schema
    scores: dict[str, str] = field(default_factory=dict)
    label: str = "label"
    prediction: str = "prediction"


def every_set() -> Iterator[LogSet]:
    """Return the sets one after the other."""
    for seed in range(6):
        yield _generated(seed, "choosing")
    yield from _real("choosing")
    for seed in range(4):
        yield _regressed(seed)
    yield from bikes()
    for seed in range(6, 9):
        yield _generated(seed, "showing")
    yield _three_classes()
    yield _prices()
    yield from published()


def as_set(name: str, use: str, what: str, reference: pl.DataFrame, blocks: list[pl.DataFrame], **given: Any) -> LogSet:
    schema = infer_schema(reference, **given)
    if schema.task is Task.BINARY:
        scores = {schema.positive or "": schema.name_of(Role.SCORE) or ""}
    else:
        scores = dict(schema.class_scores)
    label, prediction = (schema.name_of(role) or "" for role in (Role.LABEL, Role.PREDICTION))
    return LogSet(name, use, what, reference, blocks, schema, scores, label, prediction)


def score_frame(x: np.ndarray, y: np.ndarray, score: np.ndarray, threshold: float) -> pl.DataFrame:
    columns = {f"x{k}": x[:, k] for k in range(x.shape[1])}
    return pl.DataFrame({**columns, "score": score, "prediction": (score >= threshold).astype(int), "label": y})


def _generated(seed: int, use: str) -> LogSet:
    """Six normal features, a logistic truth with interactions, one of three learners, and shifts of growing size."""
    rng = np.random.default_rng(100 + seed)
    slope, pairs = rng.normal(size=6), 0.3 * rng.normal(size=(6, 6))

    def draw(n: int, shift: Any, scale: float) -> tuple[np.ndarray, np.ndarray]:
        x = rng.normal(size=(n, 6)) * scale + shift
        odds = x @ slope + 0.5 * np.einsum("ni,ij,nj->n", x, pairs, x) - 0.5
        return x, (rng.random(n) < expit(odds)).astype(int)

    learner = (
        LogisticRegression(max_iter=500),
        HistGradientBoostingClassifier(max_iter=80, random_state=0),
        HistGradientBoostingClassifier(max_iter=300, max_leaf_nodes=63, random_state=0),
    )[seed % 3]
    learner.fit(*draw(8_000, 0.0, 1.0))

    def rows(n: int, shift: Any = 0.0, scale: float = 1.0) -> pl.DataFrame:
        x, y = draw(n, shift, scale)
        return score_frame(x, y, learner.predict_proba(x)[:, 1], 0.5)

    blocks = [rows(BLOCK), rows(BLOCK)]
    for size, scale in ((0.3, 1.0), (0.6, 0.8), (1.0, 1.0), (1.5, 1.25)):
        direction = rng.normal(size=6)
        blocks.append(rows(BLOCK, size * direction / np.linalg.norm(direction), scale))
    kind = ("logistic regression", "boosted trees", "overfitted trees")[seed % 3]
    return as_set(f"generated {seed}", use, f"{kind}, covariate shift", rows(30_000), blocks)


def _real(use: str) -> Iterator[LogSet]:
    """Public data with a model of our own: in order of time, and with rows drawn by their features."""
    for name, x, y in _tables():
        for how in ("in order of time", "drawn by features"):
            yield _modelled(f"{name}, {how}", use, x, y, how)


def modelled_in_time(use: str, size: int) -> Iterator[LogSet]:
    """Public data with a model of our own, in order of time, in blocks of so many rows."""
    for name, x, y in _tables():
        yield _modelled(f"{name}, blocks of {size}", use, x, y, "in order of time", size)


def _tables() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    for name, path, label, dropped in (
        ("electricity", "electricity/electricity.parquet", "class", ()),
        ("bank marketing", "bank_marketing/bank_full.parquet", "y", ("duration",)),
        ("credit default", "uci_credit_default/UCI_Credit_Card.parquet", "default.payment.next.month", ("ID",)),
    ):
        if not (DATA / path).exists():
            continue
        whole = pl.read_parquet(DATA / path).drop(dropped)
        y = (whole[label].cast(pl.String).rank("dense").to_numpy() - 1).astype(int)
        x = np.column_stack([_number(whole[column]) for column in whole.columns if column != label])
        yield name, x, y


def _number(series: pl.Series) -> np.ndarray:
    numbers = series.cast(pl.String).rank("dense") if series.dtype == pl.String else series
    return numbers.cast(pl.Float64, strict=False).fill_null(-1).to_numpy()


def _modelled(name: str, use: str, x: np.ndarray, y: np.ndarray, how: str, size: int = 2_500) -> LogSet:
    rng = np.random.default_rng(5)
    n = len(x)
    order = np.arange(n) if how == "in order of time" else rng.permutation(n)
    x, y, third = x[order], y[order], n // 3
    model = HistGradientBoostingClassifier(max_iter=100, random_state=0).fit(x[:third], y[:third])
    score = model.predict_proba(x)[:, 1]
    threshold = 0.5 if y[third : 2 * third].mean() > 0.3 else float(np.quantile(score[third : 2 * third], 0.85))
    whole = score_frame(x, y, score, threshold)
    chosen = _later(np.arange(2 * third, n), x, how, rng, size)
    return as_set(name, use, how, whole[third : 2 * third], [whole[rows] for rows in chosen])


def _later(later: np.ndarray, x: np.ndarray, how: str, rng: np.random.Generator, size: int) -> list[np.ndarray]:
    """Return the rows of each block: one after the other, or drawn by a direction among the features."""
    if how == "in order of time":
        return [later[start : start + size] for start in range(0, len(later) - size + 1, size)]
    z = np.clip((x[later] - x[later].mean(axis=0)) / (x[later].std(axis=0) + 1e-9), -3, 3)
    chosen = []
    for strength in (0.0, 0.5, 1.0, 1.0, 1.5, 2.0):
        direction = z @ (rng.normal(size=z.shape[1]) * (rng.random(z.shape[1]) < 0.4))
        weight = np.exp(np.clip(strength * direction / (direction.std() + 1e-9), -4, 4))
        chosen.append(rng.choice(later, size, p=weight / weight.sum()))
    return chosen


def _three_classes() -> LogSet:
    """Three classes with scores that are too sure of themselves, and classes that grow."""
    rng = np.random.default_rng(20)
    names = np.array(["a", "b", "c"])
    slope = rng.normal(size=(4, 3))

    def rows(n: int, shift: float) -> pl.DataFrame:
        x = rng.normal(size=(n, 4)) + np.array([shift, 0, 0, 0])
        truth = softmax(x @ slope + 0.6 * np.column_stack([x[:, 0] * x[:, 1], np.zeros(n), x[:, 2]]))
        label = names[(rng.random((n, 1)) > truth.cumsum(axis=1)).sum(axis=1).clip(0, 2)]
        scores = softmax(1.6 * x @ slope)
        told = {f"score_{name}": scores[:, k] for k, name in enumerate(names)}
        columns = {f"x{k}": x[:, k] for k in range(4)}
        return pl.DataFrame({**columns, **told, "prediction": names[scores.argmax(axis=1)], "label": label})

    blocks = [rows(BLOCK, shift) for shift in (0, 0, 0, 0.3, 0.6, 0.9)]
    return as_set("three classes", "showing", "sure of themselves, covariate shift", rows(30_000, 0), blocks)


def softmax(z: np.ndarray) -> np.ndarray:
    odds = np.exp(z - z.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def _prices() -> LogSet:
    """A regressor whose errors grow with a feature that moves."""
    rng = np.random.default_rng(21)

    def rows(n: int, shift: float) -> pl.DataFrame:
        x = rng.normal(size=(n, 3)) + np.array([0, shift, 0])
        truth = 50 + 5 * x[:, 0] + 2 * x[:, 2]
        label = truth + np.exp(0.5 * x[:, 1]) * rng.standard_t(6, n)
        columns = {f"x{k}": x[:, k] for k in range(3)}
        return pl.DataFrame({**columns, "prediction": truth + 0.3 * np.sin(3 * x[:, 0]), "label": label})

    blocks = [rows(BLOCK, shift) for shift in (0, 0, 0, 0.3, 0.6, 0.9)]
    return as_set("prices", "showing", "errors grow with a feature", rows(30_000, 0), blocks, task=Task.REGRESSION)


def _regressed(seed: int) -> LogSet:
    """Six normal features, a curved truth, one of two learners, one of four kinds of noise, and growing shifts."""
    rng = np.random.default_rng(200 + seed)
    slope, pairs, loud = rng.normal(size=6), 0.3 * rng.normal(size=(6, 6)), 0.4 * rng.normal(size=6)

    def draw(n: int, shift: Any, scale: float) -> tuple[np.ndarray, np.ndarray]:
        x = rng.normal(size=(n, 6)) * scale + shift
        truth = 30 + 3 * x @ slope + 1.5 * np.einsum("ni,ij,nj->n", x, pairs, x)
        noise = (rng.normal(size=n), rng.standard_t(5, n), rng.gamma(2.0, 0.7, n) - 1.4, rng.laplace(size=n))[seed]
        return x, truth + np.exp(np.clip(x @ loud, -2, 2)) * noise

    learner = (LinearRegression(), HistGradientBoostingRegressor(max_iter=80, random_state=0))[seed % 2]
    learner.fit(*draw(8_000, 0.0, 1.0))

    def rows(n: int, shift: Any = 0.0, scale: float = 1.0) -> pl.DataFrame:
        x, y = draw(n, shift, scale)
        columns = {f"x{k}": x[:, k] for k in range(6)}
        return pl.DataFrame({**columns, "prediction": learner.predict(x), "label": y})

    blocks = [rows(BLOCK), rows(BLOCK)]
    for size, scale in ((0.3, 1.0), (0.6, 0.8), (1.0, 1.0), (1.5, 1.25)):
        direction = rng.normal(size=6)
        blocks.append(rows(BLOCK, size * direction / np.linalg.norm(direction), scale))
    kind = ("linear regression, normal", "boosted trees, t", "linear regression, gamma", "boosted trees, Laplace")[seed]
    what = f"{kind} noise, covariate shift"
    return as_set(f"generated regression {seed}", "choosing", what, rows(30_000), blocks, task=Task.REGRESSION)


def bikes(size: int = 1_000, ways: tuple[str, ...] = _WAYS) -> Iterator[LogSet]:
    """Hourly counts of rented bicycles with a model of our own."""
    path = DATA / "bike_sharing" / "hour.parquet"
    if not path.exists():
        return
    whole = pl.read_parquet(path)
    y = whole["cnt"].cast(pl.Float64).to_numpy()
    left_out = ("cnt", "casual", "registered", "instant", "dteday")
    x = np.column_stack([_number(whole[column]) for column in whole.columns if column not in left_out])
    for how in ways:
        n, rng = len(x), np.random.default_rng(5)
        order = np.arange(n) if how == "in order of time" else rng.permutation(n)
        third = n // 3
        model = HistGradientBoostingRegressor(max_iter=100, random_state=0).fit(x[order[:third]], y[order[:third]])
        columns = {f"x{k}": x[order, k] for k in range(x.shape[1])}
        frame = pl.DataFrame({**columns, "prediction": model.predict(x[order]), "label": y[order]})
        chosen = _later(np.arange(2 * third, n), x[order], how, rng, size)
        blocks = [frame[rows] for rows in chosen]
        reference = frame[third : 2 * third]
        name = f"bicycles, {how}" if size == 1_000 else f"bicycles, blocks of {size}"
        yield as_set(name, "choosing", how, reference, blocks, task=Task.REGRESSION)


def million(rows: int) -> LogSet:
    """A long log in blocks, for timing: its reference is as long."""
    rng = np.random.default_rng(30)
    slope = np.array([1.0, 0.5, -0.7, 0.3, 0.2, 0.1])

    def draw() -> pl.DataFrame:
        x = rng.normal(size=(rows, 6))
        y = (rng.random(rows) < expit(x @ slope)).astype(int)
        return score_frame(x, y, expit(1.3 * x[:, :4] @ slope[:4]), 0.5)

    reference, later = draw(), draw()
    blocks = [later[start : start + BLOCK] for start in range(0, rows, BLOCK)]
    return as_set("timing", "timing", "a long log", reference, blocks)


def published(size: int = BLOCK) -> Iterator[LogSet]:
    """The data sets that come with NannyML, in blocks of 5,000 rows or of so many."""
    for name, folder, files, label, given in (
        ("car loan", "nannyml_car_loan", "synthetic_car_loan_{}", "repaid", {}),
        ("credit cards", "nannyml_multiclass_mc", "mc_{}", "y_true", {}),
        ("car prices", "nannyml_car_price_regression", "regression_synthetic_{}", "y_true", {"task": Task.REGRESSION}),
    ):
        home = DATA / folder
        if not home.exists():
            continue
        reference = pl.read_parquet(home / f"{files.format('reference')}.parquet")
        current = pl.read_parquet(home / f"{files.format('analysis')}.parquet")
        labels = next(home.glob("*analysis_target*.parquet"), None) or next(home.glob("*_gt.parquet"))
        current = current.join(pl.read_parquet(labels), on="id", how="left", maintain_order="left")
        current = current.select(reference.columns).cast(dict(reference.schema))
        blocks = [current[start : start + size] for start in range(0, current.height, size)]
        called = name if size == BLOCK else f"{name}, blocks of {size}"
        yield as_set(called, "showing", "published with NannyML", reference, blocks, roles={Role.LABEL: label}, **given)

"""What every way to explain a model must obey."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema, Task
from watchkeeper.explanation.explainer import Attributions, Explainer, ExplainMethod, ExplainRequest, predict_function

__all__ = ["check_explainer"]

Floats = NDArray[np.float64]

_NUMBERS = ("a", "b", "c", "unused")
_COEFFICIENTS = np.array([2.0, -1.0, 0.5, 0.0])
_ROWS, _BACKGROUND = 4, 30
_CLOSE = 1e-6
_ERRORS = 5.0
"""Standard errors that a value may be off: of some hundred values one is beyond in 10,000 suites."""

_BIASED = 0.05
"""Share of a value that a surrogate may be off beside its error, for the penalty on its weights."""


@dataclass(frozen=True)
class _Case:
    """A model to explain, and what is known of the true values."""

    words: str
    asked: ExplainRequest
    rows: pl.DataFrame


class _Answers:
    """A model that is a formula of its columns, which no method can look into."""

    def __init__(self, formula: Callable[[pl.DataFrame], Floats]) -> None:
        self.formula = formula

    def predict(self, rows: pl.DataFrame) -> Floats:
        return self.formula(rows)


def check_explainer(explainer: ExplainMethod, seed: int = 0) -> None:
    """Assert that a way to explain obeys its contract on models whose explanations are known.

    Checked: the protocol; the shapes and the finiteness of what it returns; rows, features and scores are those asked
    about; where it claims to be faithful (``fidelity`` 1) base and values add up to the score; a feature that the model
    does not use adds nothing; two features that the model and the background treat alike add the same; the values of a
    linear model are β_j·(x_j - mean of the background), within their stated errors; more features than are gone through
    exactly keep all that; levels and missing values are explained as numbers are; the same seed gives the same values,
    and explaining leaves rows and background as they were.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    UsageError
        When the package that it needs is not installed.

    References
    ----------
    Lundberg and Lee (2017), A unified approach to interpreting model predictions, arXiv:1705.07874, properties 1 and 2
    and corollary 1; Shapley (1953), doi:10.1515/9781400881970-018, for symmetry and null players.
    """
    assert callable(getattr(explainer, "of", None)), "it lacks the method of(asked, *, exact, orders, seed)"
    assert explainer.__doc__, "it has no docstring"
    name = getattr(explainer, "name", "")
    assert type(plugins("explainer").get(name)) is type(explainer), f"{name!r} is not registered"
    for case in _cases(seed):
        for exact in (8, 2):
            found = _explained(explainer, case, exact)
            _check_form(case, found)
            _check_sum(case, found)
            _check_unused(case, found)
            again = _explained(explainer, case, exact)
            assert np.array_equal(found.values, again.values), f"{case.words}: the same seed gives other values"
    for exact in (8, 2):
        _check_linear(explainer, seed, exact)
        _check_symmetry(explainer, seed, exact)


def _cases(seed: int) -> list[_Case]:
    """Return models of numbers, of levels with missing values, and one that trees and the log of odds are read of."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LinearRegression

    rng = np.random.default_rng(seed)
    background, rows = _numbers(rng, _BACKGROUND), _numbers(rng, _ROWS)
    train = _numbers(rng, 400)
    signal = train.select(_NUMBERS).to_numpy() @ _COEFFICIENTS
    line = LinearRegression().fit(train.select(_NUMBERS[:3]), signal)
    label = rng.random(400) < expit(signal)
    trees = HistGradientBoostingClassifier(max_iter=10, early_stopping=False, random_state=0)
    trees.fit(train.select(_NUMBERS[:3]), label)
    mixed = [side.with_columns(_levels(rng, side.height)) for side in (background, rows)]
    joined = _Answers(lambda x: (x["a"] * x["b"] + x["c"].abs()).to_numpy())
    leveled = _Answers(lambda x: ((x["kind"] == "u").fill_null(False).cast(float) * x["a"] + x["b"]).to_numpy())
    regression, binary = _schema(Task.REGRESSION, background), _schema(Task.BINARY, background)
    three = background.select(_NUMBERS[:3]), rows.select(_NUMBERS[:3])
    return [
        _Case("a linear model", _asked(line, regression, three[0]), three[1]),
        _Case("boosted trees", _asked(trees, binary, three[0]), three[1]),
        _Case("a product of features", _asked(joined, regression, background), rows),
        _Case("levels with missing values", _asked(leveled, _schema(Task.REGRESSION, mixed[0]), mixed[0]), mixed[1]),
    ]


def _numbers(rng: np.random.Generator, n: int) -> pl.DataFrame:
    return pl.DataFrame({name: rng.normal(size=n) for name in _NUMBERS})


def _levels(rng: np.random.Generator, n: int) -> pl.Series:
    names = rng.choice(["u", "v", "w"], n).tolist()
    return pl.Series("kind", [None if k % 5 == 0 else level for k, level in enumerate(names)], dtype=pl.String)


def _schema(task: Task, rows: pl.DataFrame) -> Schema:
    def column(name: str) -> Column:
        if rows[name].dtype == pl.String:
            return Column(name, Role.FEATURE, Kind.CATEGORICAL, "String")
        return Column(name, Role.FEATURE, Kind.NUMERIC, "Float64", NumericMap(0.0, 1.35))

    features = tuple(column(name) for name in rows.columns)
    if task is Task.REGRESSION:
        return Schema((*features, Column("prediction", Role.PREDICTION, Kind.NUMERIC, "Float64")), task)
    score = Column("score", Role.SCORE, Kind.NUMERIC, "Float64")
    return Schema((*features, score), task, ("false", "true"), "true")


def _asked(model: Any, schema: Schema, background: pl.DataFrame) -> ExplainRequest:
    return ExplainRequest(model, schema, predict_function(model, schema), background)


def _explained(explainer: ExplainMethod, case: _Case, exact: int, seed: int = 1) -> Attributions:
    before, background = case.rows.clone(), case.asked.background.clone()
    made = explainer.of(case.asked, exact=exact, orders=8, seed=seed)
    assert isinstance(made, Explainer), "what it makes lacks the method explain(rows)"
    found = made.explain(case.rows)
    kept = case.rows.equals(before, null_equal=True) and case.asked.background.equals(background, null_equal=True)
    assert kept, f"{case.words}: explaining changed the rows"
    return found


def _check_form(case: _Case, found: Attributions) -> None:
    n, d = case.rows.height, len(case.asked.background.columns)
    assert found.features == tuple(case.asked.background.columns), f"{case.words}: the features are {found.features}"
    for words, held, shape in (
        ("values", found.values, (n, d)),
        ("errors", found.errors, (n, d)),
        ("base", found.base, (n,)),
        ("scores", found.scores, (n,)),
        ("fidelity", found.fidelity, (n,)),
    ):
        assert held.shape == shape, f"{case.words}: {words} have the shape {held.shape}, not {shape}"
        assert np.isfinite(held).all(), f"{case.words}: {words} are not finite"
    assert (found.errors >= 0).all(), f"{case.words}: an error is negative"
    assert (found.fidelity <= 1).all(), f"{case.words}: a fidelity is above 1"
    assert found.scale in ("score", "log_odds"), f"{case.words}: there is no scale {found.scale!r}"
    answered = case.asked.predict(case.rows)
    scores = expit(found.scores) if found.scale == "log_odds" else found.scores
    assert np.allclose(scores, answered, atol=_CLOSE), f"{case.words}: the scores are not what the model answers"


def _check_sum(case: _Case, found: Attributions) -> None:
    off = np.abs(found.base + found.values.sum(axis=1) - found.scores)
    claimed = found.fidelity >= 1
    room = _CLOSE * np.maximum(1.0, np.abs(found.scores))
    assert (off <= room)[claimed].all(), f"{case.words}: base and values miss the score by {off[claimed].max():.3g}"


def _check_unused(case: _Case, found: Attributions) -> None:
    if "unused" in found.features:
        place = found.features.index("unused")
        value, error = np.abs(found.values[:, place]), found.errors[:, place]
        assert (value <= _ERRORS * error + _CLOSE).all(), (
            f"{case.words}: a feature that is not used adds {value.max():.3g}"
        )


def _check_linear(explainer: ExplainMethod, seed: int, exact: int) -> None:
    rng = np.random.default_rng([seed, 1])
    background, rows = _numbers(rng, _BACKGROUND), _numbers(rng, _ROWS)
    model = _Answers(lambda x: np.asarray(x.select(_NUMBERS).to_numpy() @ _COEFFICIENTS))
    found = _explained(
        explainer,
        _Case("a linear formula", _asked(model, _schema(Task.REGRESSION, background), background), rows),
        exact,
    )
    expected = _COEFFICIENTS * (rows.to_numpy() - background.to_numpy().mean(axis=0))
    _near("a linear formula: values are not those of its coefficients", found, found.values, expected, found.errors)


def _check_symmetry(explainer: ExplainMethod, seed: int, exact: int) -> None:
    rng = np.random.default_rng([seed, 2])
    half = _numbers(rng, _BACKGROUND // 2)
    turned = half.select(pl.col("b").alias("a"), pl.col("a").alias("b"), "c", "unused")
    background, rows = pl.concat([half, turned]), _numbers(rng, _ROWS).with_columns(b="a")
    model = _Answers(lambda x: (x["a"] * x["b"] + x["a"] + x["b"] + x["c"]).to_numpy())
    asked = _asked(model, _schema(Task.REGRESSION, background), background)
    found = _explained(explainer, _Case("a symmetric formula", asked, rows), exact)
    first, second = found.values[:, 0], found.values[:, 1]
    errors = np.hypot(found.errors[:, 0], found.errors[:, 1])
    _near("a symmetric formula: two features alike differ", found, first, second, errors)


def _near(words: str, found: Attributions, value: Floats, expected: Floats, errors: Floats) -> None:
    claimed = found.fidelity >= 1 if value.ndim == 1 else (found.fidelity >= 1)[:, None]
    biased = np.where(claimed, 0.0, _BIASED * np.abs(expected))
    room = _ERRORS * errors + biased + _CLOSE
    off = np.abs(value - expected)
    worst = np.unravel_index(int(np.argmax(off - room)), off.shape)
    assert (off <= room).all(), f"{words}: {value[worst]:.4g} where {expected[worst]:.4g} is right"

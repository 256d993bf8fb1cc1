"""Exact values of the package shap beside those that come from the definition."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.explanation.explainer import Explainer, ExplainRequest, predict_function
from watchkeeper.explanation.shapley_values import ShapleyValues

pytest.importorskip("shap", reason="the extra shap is not installed")

from watchkeeper.integrations.shap import Shap

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = ["a", "b", "kind", "c"]


@pytest.fixture
def one_thread():
    with threadpool_limits(1):
        yield


def schema(task: Task, classes: tuple[str, ...] = (), positive: str | None = None) -> Schema:
    columns = [Column(n, Role.FEATURE, Kind.CATEGORICAL if n == "kind" else Kind.NUMERIC) for n in NAMES]
    return Schema((*columns, Column("label", Role.LABEL, Kind.CATEGORICAL)), task, classes, positive)


def log(n: int = 400) -> tuple[pl.DataFrame, np.ndarray]:
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({n_: rng.normal(size=n) for n_ in ("a", "b", "c")})
    frame = frame.with_columns(kind=pl.Series(rng.choice(["x", "y", "z"], n))).select(NAMES)
    a, b, kind, c = frame.to_numpy().T
    return frame, (a * b + c + 2 * (kind == "y")).astype(float)


def coded():
    return make_column_transformer((OrdinalEncoder(), ["kind"]), ("passthrough", ["a", "b", "c"]))


def hot(**options):
    numbers = make_pipeline(StandardScaler(), StandardScaler())
    return make_column_transformer((OneHotEncoder(**options), ["kind"]), (numbers, ["c", "a", "b"]))


def both(model, known: Schema, of: str = ""):
    frame, _ = log()
    background, rows = frame.head(60), frame.tail(6)
    explainer = Shap(model, known, background, of=of)
    assert isinstance(explainer, Explainer)
    return explainer.explain(rows), ShapleyValues(predict_function(model, known, of=of), background).explain(rows)


@pytest.mark.parametrize("options", [{}, {"drop": "first"}, {"min_frequency": 140}])
def test_a_linear_pipeline_has_its_exact_values_by_feature(options):
    frame, y = log()
    model = make_pipeline(hot(**options), Ridge()).fit(frame, y)
    found, exact = both(model, schema(Task.REGRESSION))
    assert found.method == "shap_linear"
    assert found.values == pytest.approx(exact.values, abs=1e-9)
    assert found.base == pytest.approx(exact.base)


@pytest.mark.parametrize("positive", ["no", "yes"])
def test_a_logistic_regression_is_explained_in_log_odds_of_the_positive_class(positive):
    frame, y = log()
    model = make_pipeline(hot(), LogisticRegression()).fit(frame, np.where(y > 1, "yes", "no"))
    found, _ = both(model, schema(Task.BINARY, ("no", "yes"), positive))
    p = model.predict_proba(frame.tail(6))[:, ["no", "yes"].index(positive)]
    assert found.method == "shap_linear"
    assert found.scale == "log_odds"
    assert found.base + found.values.sum(axis=1) == pytest.approx(np.log(p / (1 - p)))
    logit = ShapleyValues(
        lambda rows: model.decision_function(rows) * (1 if positive == "yes" else -1), frame.head(60)
    ).explain(frame.tail(6))
    assert found.values == pytest.approx(logit.values, abs=1e-9)


@pytest.mark.parametrize("positive", ["no", "yes"])
def test_forests_are_explained_exactly_as_probabilities(positive):
    frame, y = log()
    model = make_pipeline(coded(), RandomForestClassifier(n_estimators=10, random_state=0))
    model.fit(frame, np.where(y > 1, "yes", "no"))
    found, exact = both(model, schema(Task.BINARY, ("no", "yes"), positive))
    assert found.method == "shap_tree"
    assert found.scale == "score"
    assert found.values == pytest.approx(exact.values, abs=1e-6)
    assert found.scores == pytest.approx(exact.scores)


@pytest.mark.parametrize("positive", ["no", "yes"])
def test_boosted_classifiers_are_explained_exactly_as_log_odds(positive):
    frame, y = log()
    model = make_pipeline(coded(), HistGradientBoostingClassifier(max_iter=20, random_state=0))
    model.fit(frame, np.where(y > 1, "yes", "no"))
    sign, background, rows = 1 if positive == "yes" else -1, frame.head(60), frame.tail(6)
    found = Shap(model, schema(Task.BINARY, ("no", "yes"), positive), background).explain(rows)
    exact = ShapleyValues(lambda f: sign * model.decision_function(f), background).explain(rows)
    assert found.method == "shap_tree"
    assert found.scale == "log_odds"
    assert found.values == pytest.approx(exact.values, abs=1e-6)
    assert found.base == pytest.approx(exact.base, abs=1e-6)


@pytest.mark.parametrize(
    "last", [HistGradientBoostingRegressor(max_iter=20, random_state=0), GradientBoostingRegressor(n_estimators=20)]
)
def test_boosters_of_numbers_are_explained_exactly(last):
    frame, y = log()
    model = make_pipeline(coded(), last).fit(frame, y)
    found, exact = both(model, schema(Task.REGRESSION))
    assert found.method == "shap_tree"
    assert found.values == pytest.approx(exact.values, abs=1e-6)


def test_one_class_of_several_is_explained():
    frame, y = log()
    labels = np.select([y < 0, y < 2], ["low", "mid"], "top")
    model = make_pipeline(coded(), RandomForestClassifier(n_estimators=10, random_state=0)).fit(frame, labels)
    found, exact = both(model, schema(Task.MULTICLASS, ("low", "mid", "top")), of="mid")
    assert found.method == "shap_tree"
    assert found.values == pytest.approx(exact.values, abs=1e-6)


@pytest.mark.parametrize(
    "model",
    [
        # One feature is three columns: their Shapley values do not add up to that of the feature.
        make_pipeline(hot(), GradientBoostingRegressor(n_estimators=20)),
        make_pipeline(coded(), KNeighborsRegressor()),
        # Linear in the logarithm of its answer only.
        make_pipeline(hot(), PoissonRegressor()),
    ],
    ids=["one-hot trees", "neighbours", "poisson"],
)
def test_what_shap_cannot_do_exactly_comes_from_the_definition(model):
    frame, y = log()
    model.fit(frame, np.exp(y / 4))
    found, exact = both(model, schema(Task.REGRESSION))
    assert found.method == "shapley"
    assert np.array_equal(found.values, exact.values)


def test_the_effort_and_the_scores_that_were_asked_for_are_used():
    frame, y = log()
    model = make_pipeline(coded(), KNeighborsRegressor()).fit(frame, y)
    asked = ExplainRequest(model, schema(Task.REGRESSION), lambda rows: 2 * model.predict(rows), frame.head(10))
    found = plugin("explainer", "shap").of(asked, exact=2, orders=3, seed=5).explain(frame.tail(2))
    drawn = ShapleyValues(asked.predict, frame.head(10), most_exact=2, orders=3, seed=5).explain(frame.tail(2))
    assert np.array_equal(found.values, drawn.values)
    assert found.errors.any()

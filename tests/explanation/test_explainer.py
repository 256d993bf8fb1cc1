"""Scores to explain, from models of every task, in the terms of the schema."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from watchkeeper.core.errors import SchemaError, TrainingError, UsageError
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.explanation.explainer import (
    Explainer,
    background_rows,
    feature_names,
    labelled_rows,
    predict_function,
)
from watchkeeper.explanation.lime import Lime
from watchkeeper.explanation.mixing import asked, mixed
from watchkeeper.explanation.shapley_values import ShapleyValues
from watchkeeper.maintain.artefact import load, save

FEATURES = (Column("size", Role.FEATURE, Kind.NUMERIC, "Float64"), Column("kind", Role.FEATURE, Kind.CATEGORICAL))


def log(n: int = 200, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({"size": rng.normal(size=n), "kind": rng.choice(["a", "b", "c"], n)})
    labels = np.where(frame["size"].to_numpy() + (frame["kind"] == "c").to_numpy() > 0.5, "late", "early")
    return frame.with_columns(label=pl.Series(labels))


def schema(task: Task, classes: tuple[str, ...] = (), positive: str | None = None) -> Schema:
    return Schema((*FEATURES, Column("label", Role.LABEL, Kind.CATEGORICAL)), task, classes, positive)


def columns() -> object:
    return make_column_transformer((StandardScaler(), ["size"]), (OneHotEncoder(handle_unknown="ignore"), ["kind"]))


def test_the_score_of_a_binary_model_that_was_stored_is_the_probability_of_the_positive_class(tmp_path):
    rows, known = log(), schema(Task.BINARY, ("early", "late"), "late")
    model = make_pipeline(columns(), LogisticRegression()).fit(rows.select("size", "kind"), rows["label"].to_numpy())
    stored = load(save(model, str(tmp_path)), str(tmp_path))
    scores = predict_function(stored, known)(rows)
    assert scores == pytest.approx(model.predict_proba(rows.select("size", "kind"))[:, 1])
    assert feature_names(stored, known) == ("size", "kind")
    explained = ShapleyValues(predict_function(stored, known), background_rows(rows, ("size", "kind"), 20))
    assert isinstance(explained, Explainer)
    assert isinstance(Lime(predict_function(stored, known), rows), Explainer)
    found = explained.explain(rows.head(3))
    assert found.base + found.values.sum(axis=1) == pytest.approx(scores[:3], abs=1e-12)


def test_the_score_of_a_regressor_is_its_prediction():
    rows = log()
    model = make_pipeline(columns(), LinearRegression()).fit(rows.select("size", "kind"), rows["size"] * 3)
    assert predict_function(model, schema(Task.REGRESSION))(rows) == pytest.approx(rows["size"].to_numpy() * 3)


def test_a_multiclass_model_is_explained_one_class_at_a_time():
    rows, known = log(), schema(Task.MULTICLASS, ("a", "b", "c"))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows.select("size"), rows["kind"].to_numpy())
    scores = sum(predict_function(model, known, of=name)(rows) for name in "abc")
    assert scores == pytest.approx(np.ones(200))
    with pytest.raises(UsageError, match="no class 'd' to explain; Valid: a, b, c"):
        predict_function(model, known, of="d")


def test_labels_become_numbers_and_rows_without_one_are_left_out():
    rows = pl.DataFrame({"size": [1.0, 2.0, 3.0], "label": ["late", None, "early"]})
    kept, labels = labelled_rows(rows, schema(Task.BINARY, ("early", "late"), "late"))
    assert kept["size"].to_list() == [1.0, 3.0]
    assert labels.tolist() == [1.0, 0.0]
    three = schema(Task.MULTICLASS, ("early", "late", "never"))
    assert labelled_rows(rows, three, of="early")[1].tolist() == [0.0, 1.0]
    with pytest.raises(UsageError, match="did you mean 'early'"):
        labelled_rows(rows, three, of="erly")


def test_mixed_rows_take_features_from_the_row_or_the_donor():
    row = pl.DataFrame({"size": [9.0], "kind": ["z"]})
    others = pl.DataFrame({"size": [1, 2], "kind": ["a", None]})
    own = np.array([[True, False], [False, True], [False, False]])
    found = mixed(row, others, own, np.array([0, 1, 1]))
    assert found.rows() == [(9.0, "a"), (2.0, "z"), (2.0, None)]
    coded = others.with_columns(pl.col("kind").cast(pl.Categorical))
    assert mixed(row, coded, own, np.array([0, 1, 1])).rows() == found.rows()


def test_what_cannot_be_explained_is_told():
    with pytest.raises(SchemaError, match="did you mean 'size'"):
        background_rows(log(), ("siz",))
    with pytest.raises(SchemaError, match="the background has no rows"):
        background_rows(log().clear(), ("size",))
    with pytest.raises(SchemaError, match=r"cannot be mixed: 'size' \(String, Float64\)"):
        ShapleyValues(lambda rows: rows["size"].to_numpy(), log().select("size")).explain(pl.DataFrame({"size": ["9"]}))
    with pytest.raises(TrainingError, match="failed on 200 rows: ZeroDivisionError"):
        asked(lambda rows: 1 / 0, log())
    with pytest.raises(TrainingError, match="not finite"):
        asked(lambda rows: np.full(rows.height, np.nan), log())
    with pytest.raises(TrainingError, match=r"shape \(200, 2\) for 200 rows"):
        asked(lambda rows: np.zeros((rows.height, 2)), log())


class Odd:
    """A model of ``early`` and ``late`` that answers with something else than it should."""

    classes_ = np.array(["early", "late"])

    def __init__(self, answer):
        self.answer = answer

    def predict_proba(self, rows):
        return self.answer(rows.height)


def broken(_):
    raise ValueError("the table is gone")


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (broken, "the Odd failed on 7 rows: ValueError: the table is gone"),
        (lambda n: np.full((n - 2, 2), 0.5), "(gave scores of shape|failed on 7 rows)"),
        (lambda n: np.full(n, 0.5), "failed on 7 rows"),
        (lambda n: np.full((n, 2), np.nan), "no finite numbers"),
        (lambda n: np.full((n, 2), "many"), "failed on 7 rows"),
    ],
)
def test_a_model_that_fails_or_answers_oddly_is_said_to(task, answer, words):
    known = schema(task, ("early", "late"), "late" if task is Task.BINARY else None)
    with pytest.raises(TrainingError, match=words):
        predict_function(Odd(answer), known, of="late")(log(7))

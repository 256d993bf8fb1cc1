"""What is explained of a model between two windows hangs together."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from watchkeeper.core.encode import as_json
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.state import StateKey
from watchkeeper.explanation.behaviour import explain_model
from watchkeeper.views.behaviour_json import behaviour_document

FEATURES = ("a", "b", "kind")
SCHEMA = Schema(
    (
        Column("a", Role.FEATURE, Kind.NUMERIC, "Float64"),
        Column("b", Role.FEATURE, Kind.NUMERIC, "Float64"),
        Column("kind", Role.FEATURE, Kind.CATEGORICAL, "String"),
        Column("late", Role.LABEL, Kind.CATEGORICAL, "Int64"),
    ),
    Task.BINARY,
    ("0", "1"),
    "1",
)


def log(rng: np.random.Generator, n: int, spread: float = 1.0) -> pl.DataFrame:
    a, b, kind = spread * rng.normal(size=n), rng.normal(size=n), rng.choice(["x", "y"], n)
    late = rng.random(n) < 1 / (1 + np.exp(-(2 * a + 0.5 * (kind == "y"))))
    return pl.DataFrame({"a": a, "b": b, "kind": kind, "late": late.astype(int)})


@pytest.fixture(scope="module")
def model():
    rows = log(np.random.default_rng(0), 3_000)
    columns = make_column_transformer((StandardScaler(), ["a", "b"]), (OneHotEncoder(), ["kind"]))
    return make_pipeline(columns, LogisticRegression()).fit(rows.select(FEATURES), rows["late"].to_numpy())


def test_features_that_move_apart_are_told_with_all_that_belongs_to_them(model):
    rng = np.random.default_rng(1)
    found = explain_model(model, SCHEMA, log(rng, 1_000), log(rng, 1_000, 0.2), key=StateKey("m"))
    assert found.features[0] == "a"
    moved = {m.column: m for m in found.drift}
    # The score rests less on a where it varies a fifth as much.
    assert moved["a"].evidence.change.after < moved["a"].evidence.change.before - 0.1
    assert moved["a"].evidence.p_value < 1e-4
    assert {m.model for m in found.drift} == {"m"}
    assert found.importance[0].feature == "a"
    assert found.labelled == 1_000
    assert {d.feature for d in found.dependence} == set(FEATURES)
    assert found.examples.base + found.examples.values.sum(axis=1) == pytest.approx(found.examples.scores)
    assert len(found.places) == 3


def test_the_document_is_json_and_the_same_for_the_same_seed(model):
    rng = np.random.default_rng(2)
    reference, current = log(rng, 300), log(rng, 300)
    first, again = (
        as_json(behaviour_document("m", explain_model(model, SCHEMA, reference, current, places=[7], rows=40)))
        for _ in range(2)
    )
    assert first == again
    told = json.loads(first)
    assert told["examples"][0]["row"] == 7
    assert {part["feature"] for part in told["examples"][0]["contributions"]} == set(FEATURES)
    assert told["rows"] == {"reference": 40, "current": 40}


def test_without_labels_there_is_no_importance_and_without_rows_an_error(model):
    rng = np.random.default_rng(3)
    reference, current = log(rng, 100), log(rng, 100)
    late = explain_model(model, SCHEMA, reference, current.with_columns(late=None), rows=25)
    absent = explain_model(model, SCHEMA, reference, current.drop("late"), rows=25)
    assert (late.importance, late.labelled) == (absent.importance, absent.labelled) == ((), 0)
    with pytest.raises(SchemaError, match="nothing to explain"):
        explain_model(model, SCHEMA, reference, current.clear())
    with pytest.raises(SchemaError, match="the rows lack the feature 'kind'"):
        explain_model(model, SCHEMA, reference.drop("kind"), current)

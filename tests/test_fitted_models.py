"""A check as who has a fitted model writes it: the model, its frames or arrays, labels beside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

import watchkeeper
from watchkeeper.core.errors import SourceError, UsageError

N = 2_500


def people(seed: int, shift: float = 0.0) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"age": rng.normal(shift, 1, N), "fee": rng.normal(size=N)})
    return frame, (frame.age + rng.normal(size=N) > 0).astype(int)


@pytest.fixture(scope="module")
def sides() -> tuple[pd.DataFrame, pd.Series, pd.DataFrame, pd.Series]:
    return (*people(1), *people(2, 0.6))


@pytest.fixture(scope="module")
def model(sides: Any) -> LogisticRegression:
    return LogisticRegression().fit(sides[0], sides[1])


def test_a_model_and_its_frames_are_enough(sides: Any, model: LogisticRegression) -> None:
    before, y_before, now, y_now = sides
    report = watchkeeper.check(now, before, model=model, y=y_now, y_reference=y_before)
    assert [a.columns[0] for a in report.alerts if "age" in a.columns] != []
    assert report.schema is not None
    assert {c.name: c.role.value for c in report.schema} == {
        "age": "feature", "fee": "feature", "prediction": "prediction", "score": "score", "label": "label",
    }  # fmt: skip
    table = report.to_frame()
    loss = table.filter(pl.col("name") == "log_loss", pl.col("family") == "metric")["value"].item()
    assert loss == pytest.approx(watchkeeper.metrics.log_loss(y_now, model.predict_proba(now)[:, 1]))


def test_arrays_and_polars_frames_give_the_same_as_pandas(sides: Any, model: LogisticRegression) -> None:
    before, y_before, now, y_now = sides
    ours = watchkeeper.check(now, before, model=model, y=y_now, y_reference=y_before).to_frame()
    for one in (pl.from_pandas, lambda f: {name: f[name].to_numpy() for name in f}):
        found = watchkeeper.check(one(now), one(before), model=model, y=list(y_now), y_reference=list(y_before))
        assert found.to_frame().equals(ours)
    plain = LogisticRegression().fit(before.to_numpy(), y_before)
    found = watchkeeper.check(now.to_numpy(), before.to_numpy(), model=plain, y=y_now, y_reference=y_before)
    assert list(found)[:2] == ["x0", "x1"]
    assert found.to_frame()["value"].to_list() == pytest.approx(ours["value"].to_list(), nan_ok=True)


def test_columns_that_the_model_was_not_fitted_on_are_no_features(sides: Any, model: LogisticRegression) -> None:
    before, _, now, _ = sides
    report = watchkeeper.check(now.assign(row=range(N)), before.assign(row=range(N)), model=model)
    assert report.schema is not None
    assert report.schema["row"].role.value == "ignored"
    assert [c.name for c in report.schema.features] == ["age", "fee"]


def test_several_classes_and_regressions_work_too() -> None:
    iris = load_iris(as_frame=True)
    many = LogisticRegression(max_iter=2000).fit(iris.data, iris.target_names[iris.target])
    report = watchkeeper.check(iris.data, iris.data, model=many, y=iris.target_names[iris.target])
    assert {"score_setosa", "score_versicolor", "score_virginica"} <= set(report)
    before, _ = people(3)
    line = LinearRegression().fit(before[["age"]], before.fee)
    found = watchkeeper.check(before, before, model=line, y=before.fee, y_reference=before.fee).to_frame()
    assert "rmse" in found["name"].to_list()


def test_labels_of_the_current_rows_alone_are_measured_too(sides: Any, model: LogisticRegression) -> None:
    before, _, now, y_now = sides
    table = watchkeeper.check(now, before, model=model, y=y_now).to_frame()
    assert table.filter(pl.col("name") == "accuracy", pl.col("family") == "metric")["value"].item() > 0.6
    line = LinearRegression().fit(before[["age"]], before.fee)
    names = watchkeeper.check(now, before, model=line, y=now.fee).to_frame().filter(family="metric")["name"]
    assert {"mae", "rmse"} <= set(names)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": LogisticRegression()}, "the model cannot answer the reference rows: NotFittedError"),
        ({"model": 3}, "model must have a method predict; a int has none"),
        ({"y": [1]}, "y goes with model; without one, name the column that holds the labels"),
    ],
)
def test_what_cannot_be_used_says_why(sides: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        watchkeeper.check(sides[2], sides[0], **given)


def test_labels_of_another_length_and_named_answers_are_refused(sides: Any, model: LogisticRegression) -> None:
    with pytest.raises(UsageError, match=r"y of the current rows has the shape \(2,\); there are 2500 rows"):
        watchkeeper.check(sides[2], sides[0], model=model, y=[1, 0])
    with pytest.raises(UsageError, match="leave out label"):
        watchkeeper.check(sides[2], sides[0], model=model, label="fee")


def test_dictionaries_of_arrays_are_tables() -> None:
    rng = np.random.default_rng(4)
    before = {"x": rng.normal(size=N), "plan": list(rng.choice(["a", "b"], N)), "n": pd.Series(rng.poisson(3, N))}
    now = {**before, "x": before["x"] + 1}
    report = watchkeeper.check(now, before)
    assert [a.columns for a in report.alerts] == [("x",)]
    assert list(report) == ["x", "plan", "n"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"x": [1, 2], "y": [1]}, "not equally long: 'x' 2, 'y' 1"),
        ({"x": np.zeros((3, 2))}, r"'x' of the dictionary has the shape \(3, 2\)"),
        ({"x": "text"}, "'x' of the dictionary is a str, and no array or list"),
        ({}, "has no columns"),
        (np.zeros((2, 2, 2)), r"an array of the shape \(2, 2, 2\) is no table"),
    ],
)
def test_a_dictionary_that_is_no_table_says_why(table: Any, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        watchkeeper.check(table, {"x": [1, 2]})

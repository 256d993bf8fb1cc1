"""The user's training function and the answers of what it returns."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from watchkeeper.core.errors import ConfigError, SchemaError, TrainingError
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.maintain.train import Trainer, load_trainer, score_rows

Log = Callable[..., pl.DataFrame]

MODULE = """
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

limit = 3

def train(rows, seed):
    columns = make_column_transformer((StandardScaler(), ["x"]), (OneHotEncoder(handle_unknown="ignore"), ["colour"]))
    return make_pipeline(columns, LogisticRegression(random_state=seed)).fit(rows, rows["label"])

def fails(rows):
    return rows["no such column"]

def empty(rows):
    return object()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a training module, taken off the import path afterwards."""
    (tmp_path / "flight_training.py").write_text(MODULE)
    (tmp_path / "broken_training.py").write_text("import no_such_package\n")
    path, modules = list(sys.path), set(sys.modules)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.endswith("_training"):
            del sys.modules[name]


def test_a_module_beside_the_configuration_trains_and_answers(folder: Path, binary: Schema, log: Log) -> None:
    trainer = load_trainer("flight_training:train", str(folder))
    rows = log(400)
    model = trainer.train(rows, binary, seed=3)
    assert model[-1].random_state == 3
    scored = score_rows(model, rows, binary)
    assert scored["score"].to_numpy() == pytest.approx(model.predict_proba(rows)[:, 1])
    assert scored["prediction"].to_list() == (scored["score"] >= 0.5).cast(pl.Int64).to_list()
    assert scored.drop("score", "prediction").equals(rows)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("flight_training", "Valid: module:function"),
        ("flight_trainin:train", "there is no module 'flight_trainin'"),
        ("flight_training:trian", "no function 'trian'; did you mean 'train'"),
        ("flight_training:limit", "no function 'limit'"),
    ],
)
def test_a_name_that_leads_nowhere_is_a_configuration_error(name: str, message: str, folder: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        load_trainer(name, str(folder))


def test_a_module_that_misses_a_package_is_not_called_missing_itself(folder: Path) -> None:
    with pytest.raises(TrainingError, match="No module named 'no_such_package'"):
        load_trainer("broken_training:train", str(folder))


def test_a_failing_function_is_shown_with_the_line_that_failed(folder: Path, binary: Schema, log: Log) -> None:
    with pytest.raises(
        TrainingError, match=r"(?s)fails failed on 10 rows: ColumnNotFound.*flight_training\.py:\d+ in fails"
    ):
        load_trainer("flight_training:fails", str(folder)).train(log(10), binary)


def test_something_that_cannot_predict_is_refused(folder: Path, binary: Schema, log: Log) -> None:
    with pytest.raises(TrainingError, match="returned object without predict and predict_proba and classes_"):
        load_trainer("flight_training:empty", str(folder)).train(log(10), binary)
    regression = replace(binary, task=Task.REGRESSION)
    with pytest.raises(TrainingError, match="without predict;"):
        load_trainer("flight_training:empty", str(folder)).train(log(10), regression)


def test_weights_reach_a_function_that_takes_them_and_no_other(binary: Schema, log: Log) -> None:
    seen = {}

    def weighed(rows: pl.DataFrame, weights: np.ndarray | None = None) -> LogisticRegression:
        seen["weights"] = weights
        return LogisticRegression().fit(rows.select("x"), rows["label"], sample_weight=weights)

    def plain(rows: pl.DataFrame) -> LogisticRegression:
        return LogisticRegression().fit(rows.select("x"), rows["label"])

    assert Trainer("m:weighed", weighed).weighs
    Trainer("m:weighed", weighed).train(log(50), binary, weights=np.ones(50))
    assert seen["weights"].sum() == 50
    assert not Trainer("m:plain", plain).weighs
    Trainer("m:plain", plain).train(log(50), binary, weights=np.ones(50))


def test_the_positive_class_is_found_by_name_not_by_place(binary: Schema, log: Log) -> None:
    schema = replace(binary, classes=("late", "on time"), positive="late")
    rows = log(300).with_columns(label=pl.when(pl.col("label") == 1).then(pl.lit("late")).otherwise(pl.lit("on time")))
    model = LogisticRegression().fit(rows.select("x"), rows["label"])
    scored = score_rows(model, rows, schema)
    assert scored["score"].to_numpy() == pytest.approx(model.predict_proba(rows.select("x"))[:, 0])
    assert scored.filter(pl.col("score") >= 0.5)["prediction"].unique().to_list() == ["late"]


def test_a_model_that_does_not_know_the_positive_class_is_a_schema_error(binary: Schema, log: Log) -> None:
    rows = log(50)
    model = LogisticRegression().fit(rows.select("x"), np.where(rows["x"] > 0, "a", "b"))
    with pytest.raises(SchemaError, match="does not know the positive class '1'; Valid: a, b"):
        score_rows(model, rows, binary)


def test_a_missing_feature_is_named(binary: Schema, log: Log) -> None:
    rows = log(50)
    model = LogisticRegression().fit(rows.select("x"), rows["label"])
    with pytest.raises(SchemaError, match="needs the feature 'x'"):
        score_rows(model, rows.drop("x"), binary)


def test_no_rows_are_answered_by_no_rows(binary: Schema, log: Log) -> None:
    rows = log(50)
    model = LogisticRegression().fit(rows.select("x"), rows["label"])
    assert score_rows(model, rows.clear(), binary).height == 0


def test_a_regression_model_has_a_prediction_and_no_score(log: Log) -> None:
    schema = Schema((Column("x", Role.FEATURE, Kind.NUMERIC), Column("y", Role.LABEL, Kind.NUMERIC)), Task.REGRESSION)
    rows = log(50).select("x", y=2 * pl.col("x") + 1)
    scored = score_rows(LinearRegression().fit(rows.select("x"), rows["y"]), rows, schema)
    assert scored["prediction"].to_numpy() == pytest.approx(rows["y"].to_numpy())
    assert "score" not in scored.columns


def test_a_multiclass_score_is_the_probability_of_the_predicted_class(log: Log) -> None:
    schema = Schema(
        (Column("x", Role.FEATURE, Kind.NUMERIC), Column("colour", Role.LABEL, Kind.CATEGORICAL)), Task.MULTICLASS,
        ("blue", "green", "red"),
    )  # fmt: skip
    rows = log(200)
    model = LogisticRegression().fit(rows.select("x"), rows["colour"])
    scored = score_rows(model, rows, schema)
    chances = model.predict_proba(rows.select("x"))
    assert scored["prediction"].to_list() == model.predict(rows.select("x")).tolist()
    assert scored["score"].to_numpy() == pytest.approx(chances.max(axis=1))


def test_a_module_with_its_own_predict_may_return_any_model(binary: Schema, log: Log) -> None:
    rows = log(20)
    trainer = Trainer(
        "m:train", lambda rows: rows["x"].mean(), lambda model, rows: rows.with_columns(score=pl.lit(0.25))
    )
    model = trainer.train(rows, binary)
    assert score_rows(model, rows, binary, trainer)["score"].to_list() == [0.25] * 20
    wrong = Trainer("m:train", trainer.function, lambda model, rows: rows.head(1))
    with pytest.raises(TrainingError, match="one row for each of the 20"):
        score_rows(model, rows, binary, wrong)
    silent = Trainer("m:train", trainer.function, lambda model, rows: rows.select("x"))
    with pytest.raises(TrainingError, match="name its columns prediction and score"):
        score_rows(model, rows, binary, silent)

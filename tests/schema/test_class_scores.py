"""Columns of class scores, recognised or given; expected values by reading the sample."""

from pathlib import Path

import polars as pl
import pytest

from watchkeeper.config.configuration import read_config
from watchkeeper.config.starter import starter_yaml
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import NumericMap, Role, Task
from watchkeeper.schema.inference import infer_schema

CARDS = ("highstreet card", "prepaid-card", "upmarket_card")


def log(names=CARDS, labels=CARDS, prefix="y_pred_proba", **more):
    columns = {f"{prefix}_{name}": [0.2, 0.3, 0.1, 0.4] * 2 for name in names}
    cycle = [labels[i % len(labels)] for i in range(8)]
    return pl.DataFrame(
        {"id": range(8), "x": [1.5, 2.5, 0.5, 7.5] * 2, "y_pred": cycle, "y_true": cycle, **columns, **more}
    )


def roles(schema, role):
    return [c.name for c in schema if c.role is role]


@pytest.mark.parametrize("prefix", ["y_pred_proba", "score", "Proba", "prob", "probability"])
def test_columns_named_after_the_classes_are_their_scores(prefix):
    schema = infer_schema(log(prefix=prefix))
    assert schema.class_scores == tuple((name, f"{prefix}_{name}") for name in CARDS)
    assert schema.classes == CARDS
    assert roles(schema, Role.FEATURE) == ["x"]
    assert {schema[column].map for _, column in schema.class_scores} == {NumericMap(0.0, 1.0)}
    assert schema[f"{prefix}_prepaid-card"].why.startswith("score of the class 'prepaid-card': named")


def test_the_order_is_that_of_the_classes_whatever_the_order_of_the_columns():
    schema = infer_schema(log(names=("10", "9", "2"), labels=(2, 9, 10)))
    assert schema.class_scores == tuple((name, f"y_pred_proba_{name}") for name in ("2", "9", "10"))


def test_blanks_and_case_in_the_names_of_columns_do_not_matter():
    schema = infer_schema(log(names=("Highstreet_Card", "prepaid_card", "UPMARKET_CARD")))
    assert [name for name, _ in schema.class_scores] == list(CARDS)


def test_a_class_that_only_a_column_knows_is_a_class():
    schema = infer_schema(log(labels=CARDS[:2]))
    assert (schema.task, schema.classes, schema.positive) == (Task.MULTICLASS, CARDS, None)
    assert "as the columns of scores say" in schema["y_true"].why


@pytest.mark.parametrize(
    "frame",
    [
        log(names=CARDS[:2]),
        log(names=("a", "b", "c")),
        log(names=("no", "yes"), labels=("no", "yes")),
        log().with_columns(pl.col("y_pred_proba_prepaid-card") * 100),
        log().drop("y_pred", "y_true"),
    ],
    ids=["a class without column", "other names", "two classes", "no probabilities", "neither labels nor predictions"],
)
def test_columns_that_do_not_fit_the_classes_stay_features(frame):
    schema = infer_schema(frame)
    assert schema.class_scores == ()
    assert not roles(schema, Role.CLASS_SCORE)


def test_given_columns_win_over_names():
    frame = log(a=[0.1] * 8, b=[0.2] * 8, c=[0.7] * 8)
    schema = infer_schema(frame, scores=dict(zip(CARDS, "abc", strict=True)))
    assert schema.class_scores == tuple(zip(CARDS, "abc", strict=True))
    assert "y_pred_proba_prepaid-card" in roles(schema, Role.FEATURE)


@pytest.mark.parametrize(
    ("scores", "task", "words"),
    [
        ({"prepaid-card": "x", "other": "y_true", "more": "y_pred"}, None, "as the label and as the score"),
        (dict(zip(CARDS, ("x", "id", "gone"), strict=True)), None, "'gone' does not exist"),
        (dict.fromkeys(CARDS, "x"), None, "column 'x' is named as"),
        ({"prepaid-card": "x", "upmarket_card": "id"}, None, "columns.score"),
        ({"prepaid-card": "x", "upmarkt_card": "id", "z": "zero"}, None, "has no column of scores"),
        (dict(zip(CARDS, ("x", "zero", "word"), strict=True)), None, "where numbers were expected"),
        (dict(zip(CARDS, ("x", "id", "zero"), strict=True)), Task.REGRESSION, "the task is regression"),
    ],
)
def test_columns_that_cannot_be_class_scores_are_refused_in_words(scores, task, words):
    frame = log(zero=[0.0] * 8, word=list("abcdabcd"))
    label = {Role.LABEL: "y_true", Role.PREDICTION: "y_pred"} if "y_true" in scores.values() else {}
    with pytest.raises(SchemaError, match=words):
        infer_schema(frame, roles=label, scores=scores, task=task)


def test_the_first_configuration_names_the_class_scores():
    schema = infer_schema(log())
    columns = read_config(starter_yaml("m", schema)).model("m").column_options
    assert columns.scores == dict(schema.class_scores)
    again = infer_schema(log(), roles=columns.roles(), features=columns.features, scores=columns.scores)
    assert (again.class_scores, again.classes) == (schema.class_scores, schema.classes)


@pytest.mark.validation
def test_the_columns_of_a_published_data_set_are_recognised():
    path = Path(__file__).parents[3] / "shared" / "data" / "nannyml_multiclass_mc" / "mc_reference.parquet"
    if not path.exists():
        pytest.skip("the shared data sets are not beside the repository")
    schema = infer_schema(pl.read_parquet(path))
    assert [name for name, _ in schema.class_scores] == ["highstreet_card", "prepaid_card", "upmarket_card"]
    assert all(column == f"y_pred_proba_{name}" for name, column in schema.class_scores)

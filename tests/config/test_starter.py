"""The first configuration reads back as it was inferred."""

from datetime import UTC, datetime

import polars as pl

from watchkeeper.config.configuration import read_config
from watchkeeper.config.starter import starter_yaml
from watchkeeper.core.schema import Role
from watchkeeper.schema.inference import infer_schema

FRAME = pl.DataFrame(
    {
        "id": [1, 2, 3], "when": pl.Series(["2013-01-01", "2013-01-02", "2013-01-03"]), "NO": ["a", "b", "a"],
        "line\nbreak: #": [1, 2, 3], "<b>": [0.5, 1.5, 2.5], "": [1, 1, 1], "y": [0, 1, 0],
    }
)  # fmt: skip


def test_what_was_inferred_comes_back_whatever_the_columns_are_called():
    schema = infer_schema(FRAME, segments=["NO"])
    model = read_config(starter_yaml("on", schema, reference="ref, 2.parquet")).model("on")
    again = infer_schema(
        FRAME, roles=model.column_options.roles(), features=model.columns.features, ignore=model.columns.ignore,
        segments=model.segments, positive=model.positive,
    )  # fmt: skip
    assert [(c.name, c.role, c.kind, c.map) for c in again] == [(c.name, c.role, c.kind, c.map) for c in schema]
    assert (again.task, again.classes, again.positive) == (schema.task, schema.classes, schema.positive)
    assert model.reference.source == "ref, 2.parquet"


def test_each_role_says_how_it_was_recognised_or_that_it_was_not():
    text = starter_yaml("m", infer_schema(FRAME))
    assert "id: named 'id' and all different" in text
    assert "# latency: none was recognised" in text


def test_a_schema_without_features_reads_back():
    schema = infer_schema(pl.DataFrame({"id": [1, 2]}))
    columns = read_config(starter_yaml("m", schema)).model("m").column_options
    assert columns.features == ()
    assert columns.roles() == {Role.ID: "id"}


def test_quantiles_groups_and_the_time_of_labels_are_named_where_they_are_known():
    moments = pl.Series([datetime(2013, 1, 1, i, tzinfo=UTC) for i in range(8)])
    frame = pl.DataFrame(
        {"ts": moments, "labelled_at": moments, "query": [1, 1, 2, 2] * 2, "label": [0.5] * 8, "low": [0.1] * 8}
    )
    forecast = infer_schema(frame, quantiles={0.1: "low"}, features=[])
    columns = read_config(starter_yaml("m", forecast)).model("m").column_options
    assert columns.quantiles == {0.1: "low"}
    assert columns.roles() == {Role.TIME: "ts", Role.LABEL: "label", Role.LABEL_TIME: "labelled_at"}
    ranking = infer_schema(frame, roles={Role.GROUP: "query"}, features=[])
    assert read_config(starter_yaml("m", ranking)).model("m").columns.group == "query"

"""Metrics of the user's, what predictions are worth, and fairness, as the configuration says it."""

import pytest

from watchkeeper.config.check_options import ColumnOptions
from watchkeeper.config.configuration import check_names, read_config
from watchkeeper.config.model import columns_fingerprint
from watchkeeper.core.errors import ConfigError
from watchkeeper.core.fingerprint import fingerprint
from watchkeeper.core.schema import Role, Schema, Task

BINARY = Schema((), Task.BINARY, ("no", "yes"), "yes")
MANY = Schema((), Task.MULTICLASS, ("a", "b", "c"))


def model(text):
    lines = "\n".join(f"    {line}" for line in text.splitlines())
    return read_config(f"models:\n  m:\n{lines}\n").model("m")


def test_a_list_names_functions_and_a_mapping_says_more():
    assert model("metrics: [ours.metrics:late]").metrics.functions == ("ours.metrics:late",)
    both = model("metrics:\n  functions: [ours:late]\n  value: {TP: 10, FP: -2.5}")
    assert both.spec("m", BINARY).schema.metrics == ("ours:late",)
    assert both.spec("m", BINARY).value == {"yes": {"yes": 10.0, "no": 0.0}, "no": {"yes": -2.5, "no": 0.0}}


def test_a_full_matrix_names_labels_and_predictions():
    found = model("metrics: {value: {a: {a: 1, b: -1}, c: {c: 3}}}").spec("m", MANY)
    assert found.value == {"a": {"a": 1.0, "b": -1.0}, "c": {"c": 3.0}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("metrics: [late]", "Valid: module:function"),
        ("metrics: [a:late, b:late]", "two functions are called 'late'"),
        ("metrics: {value: {TP: 1, FB: 2}}", "Valid: FN, FP, TN, TP"),
        ("metrics: {value: {TP: 1, a: {b: 2}}}", "not both"),
        ("columns: {quantiles: {1.5: high}}", "less than 1"),
        ("metrics: {vallue: {TP: 1}}", "did you mean 'value'"),
    ],
)
def test_what_is_off_is_said_with_its_place(text, words):
    with pytest.raises(ConfigError, match=words) as raised:
        model(text)
    assert "watchkeeper.yaml:" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "schema", "words"),
    [
        ("metrics: {value: {TP: 1}}", MANY, "need two classes"),
        ("metrics: {value: {a: {d: 1}}}", MANY, "no class 'd'"),
    ],
)
def test_a_value_that_does_not_fit_the_classes_is_refused(text, schema, words):
    with pytest.raises(ConfigError, match=words):
        model(text).spec("m", schema)


def test_columns_of_fairness_are_segments_too():
    found = model("segments: [region]\nfairness: [sex, region]")
    assert found.split_by == ("region", "sex")
    assert found.spec("m", BINARY).fairness == ("sex", "region")


def test_monitors_may_name_what_the_model_measures_itself():
    def config(text):
        lines = "\n".join(f"    {line}" for line in text.splitlines())
        return read_config(f"models:\n  m:\n{lines}\n    monitors: {{also: [{{measure: late, chart: shewhart}}]}}\n")

    check_names(config("metrics: [ours:late]"))
    with pytest.raises(ConfigError, match="there is no measure 'late'"):
        check_names(config("metrics: [ours:later]"))
    with pytest.raises(ConfigError, match="there is a measure 'accuracy' already"):
        check_names(config("metrics: [ours:late, ours:accuracy]"))


def test_quantiles_group_and_label_time_are_columns():
    columns = model("columns: {quantiles: {0.9: p90, 0.1: p10}, group: query, label_time: known_at}").columns
    assert columns.quantiles == {0.9: "p90", 0.1: "p10"}
    assert ColumnOptions(**dict(columns)).roles() == {Role.GROUP: "query", Role.LABEL_TIME: "known_at"}


def test_a_project_that_uses_nothing_new_is_known_by_the_same_columns_as_before():
    columns = model("columns: {time: t, label: y}").columns
    known = fingerprint("columns", 1, {"columns": {"time": "t", "label": "y"}})
    assert columns_fingerprint(columns, (), None, None, None) == known
    more = model("columns: {time: t, label: y, scores: {a: p_a}}").columns
    assert columns_fingerprint(more, (), None, None, None) != known

"""Rules as they are written: read, checked, written back, compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from watchkeeper.core.errors import ConfigError, SourceError
from watchkeeper.core.plugins import plugins
from watchkeeper.core.rule import RuleKind
from watchkeeper.ingest.rules import load_rules
from watchkeeper.quality.difference import difference
from watchkeeper.quality.rule_set import check_columns, read_rules, rules_from, rules_yaml

EVERY: list[dict[str, Any]] = [
    {"rule": "has_type", "column": "age", "type": "integer"},
    {"rule": "not_null", "column": "age", "mostly": 0.99, "alpha": 0.001, "severity": "notice"},
    {"rule": "in_range", "column": "age", "lower": 0, "upper": 120.5},
    {"rule": "in_range", "column": "at", "lower": "2024-01-01", "upper": "2024-02-01T10:30:00+02:00", "strictly": True},
    {"rule": "in_set", "column": "plan", "values": ["a", "NO", "1", "x: y", "é\n"]},
    {"rule": "not_in_set", "column": "plan", "values": ["N/A", ""]},
    {"rule": "matches", "column": "id", "pattern": "r\\d{2,}:'\""},
    {"rule": "has_length", "column": "id", "upper": 10},
    {"rule": "unique", "columns": ["id", "at"]},
    {"rule": "unique", "name": "no row twice"},
    {"rule": "ordered", "column": "at", "strictly": True},
    {"rule": "compares", "column": "paid", "relation": "at_most", "other": "due", "room": 0.01},
    {"rule": "mean", "column": "age", "lower": 20, "upper": 50},
    {"rule": "median", "column": "age", "upper": 50},
    {"rule": "quantile", "column": "age", "q": 0.9, "upper": 90},
    {"rule": "deviation", "column": "age", "lower": 1},
    {"rule": "total", "column": "paid", "lower": 0},
    {"rule": "distinct_values", "column": "plan", "upper": 5},
    {"rule": "most_common", "column": "plan", "values": ["a"]},
    {"rule": "varies", "column": "plan"},
    {"rule": "volume", "lower": 100},
    {"rule": "fresh", "column": "at", "within": "36h"},
    {
        "rule": "not_null",
        "column": "paid",
        "name": "paid when closed",
        "when": [{"rule": "in_set", "column": "plan", "values": ["closed"]}],
    },
]


def test_rules_that_are_written_read_back_as_the_same_rules() -> None:
    rules = rules_from(EVERY)
    text = rules_yaml(rules)
    assert read_rules(text, "rules.yaml") == rules
    assert rules_yaml(read_rules(text, "rules.yaml")) == text
    assert {rule.kind for rule in rules} == set(plugins("rule")) - {"references"}


@pytest.mark.parametrize("name", list(plugins("rule")))
def test_a_registered_kind_of_rule_obeys_its_protocol(name: str) -> None:
    kind: RuleKind = plugins("rule")[name]
    assert isinstance(kind, RuleKind)
    assert type(kind).__doc__
    assert kind.subject in ("column", "columns", "rows")
    assert kind.work in ("rows", "values", "order", "states")
    assert name not in {*plugins("comparison"), *plugins("metric"), "rows", "doubled_ids"}
    keys = {"rule", "column", "columns", "name", "mostly", "alpha", "severity", "when"}
    assert not keys & {parameter.name for parameter in kind.parameters}
    assert all(parameter.about for parameter in kind.parameters)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"rule": "in_rnage", "column": "age"}, "did you mean 'in_range'?"),
        ({"column": "age"}, "the key 'rule' is missing"),
        ({"rule": "in_range", "column": "age"}, "give lower, upper or both"),
        ({"rule": "in_range", "column": "age", "lower": 9, "upper": 1}, "lower (9) is above upper (1)"),
        ({"rule": "in_range", "column": "age", "lowr": 9}, "no parameter 'lowr'; did you mean 'lower'?"),
        ({"rule": "in_range", "column": "age", "lower": "x"}, "lower should be a number, or a date or time"),
        ({"rule": "in_range", "column": "age", "lower": True}, "lower should be a number"),
        ({"rule": "in_range", "column": "age", "lower": 1, "upper": "2024-01-01"}, "both be numbers or both be times"),
        ({"rule": "in_set", "column": "age"}, "in_set needs values"),
        ({"rule": "in_set", "column": "age", "values": []}, "values should be a list of values"),
        ({"rule": "in_set", "column": "age", "values": [None]}, "null is what not_null speaks of"),
        ({"rule": "matches", "column": "id", "pattern": "(a"}, "pattern should be a regular expression"),
        ({"rule": "matches", "column": "id", "pattern": r"(a)\1"}, "without look-around and back-references"),
        ({"rule": "has_type", "column": "id", "type": "int"}, "type should be one of integer, number"),
        ({"rule": "not_null"}, "not_null needs column"),
        ({"rule": "not_null", "column": "a", "columns": ["b"]}, "takes no columns"),
        ({"rule": "unique", "columns": ["a", "a"]}, "names the column 'a' twice"),
        ({"rule": "volume", "column": "a", "lower": 1}, "takes no column"),
        ({"rule": "not_null", "column": "a", "mostly": 1.5}, "mostly should be a number from 0 to 1"),
        ({"rule": "not_null", "column": "a", "alpha": 0.1}, "alpha needs mostly"),
        ({"rule": "mean", "column": "a", "lower": 1, "mostly": 0.9}, "mostly and alpha belong to rules about rows"),
        ({"rule": "not_null", "column": "a", "severity": "pgae"}, "did you mean 'page'?"),
        ({"rule": "not_null", "column": "a", "name": "psi"}, "the name 'psi' belongs to a measure"),
        ({"rule": "not_null", "column": "a", "when": {"rule": "unique", "column": "b"}}, "is not about single rows"),
        ({"rule": "compares", "column": "a", "relation": "equal", "other": "a"}, "other is the column itself"),
        ({"rule": "fresh", "column": "a", "within": "soon"}, "within should be"),
        (["not_null"], "must be a mapping"),
    ],
    ids=str,
)
def test_a_rule_that_is_off_is_told_with_its_number_and_what_is_valid(rule: Any, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        rules_from([{"rule": "not_null", "column": "fine"}, rule])
    assert str(error.value).startswith("rule 2: ")
    assert told in str(error.value)


def test_a_file_is_named_with_its_line_and_all_faults_come_at_once() -> None:
    text = "rules:\n- rule: not_null\n  column: a\n- rule: not_nul\n  column: b\n- rule: in_set\n  column: c\n"
    with pytest.raises(ConfigError) as error:
        read_rules(text, "rules.yaml")
    lines = str(error.value).splitlines()
    assert lines[0].startswith("rules.yaml:4: rule 2: there is no kind of rule 'not_nul'")
    assert lines[1].startswith("rules.yaml:6: rule 3: in_set needs values")
    with pytest.raises(ConfigError, match="unknown key; did you mean 'rules'"):
        read_rules("rule: []\n", "rules.yaml")


def test_two_rules_that_a_report_could_not_tell_apart_need_names() -> None:
    twice = [{"rule": "in_range", "column": "a", "lower": 1}, {"rule": "in_range", "column": "a", "lower": 2}]
    with pytest.raises(ConfigError, match=r"rule 2: rule 1 is called 'in_range' of a too; give one a name"):
        rules_from(twice)
    assert len(rules_from([twice[0], {**twice[1], "name": "higher"}])) == 2


def test_a_column_that_does_not_exist_is_told_with_the_nearest_one() -> None:
    rules = rules_from([{"rule": "not_null", "column": "aeg"}])
    with pytest.raises(
        ConfigError, match=r"rule 1 \(not_null\): there is no column 'aeg' in the table; did you mean 'age'"
    ):
        check_columns(rules, ["age", "plan"], "the table")


def test_references_are_read_from_the_other_table_beside_the_rules(tmp_path: Path) -> None:
    pl.DataFrame({"code": ["UA", "DL", None, "UA"]}).write_parquet(tmp_path / "carriers.parquet")
    (tmp_path / "rules.yaml").write_text(
        "rules:\n- rule: references\n  column: carrier\n  table: carriers.parquet\n  key: code\n"
    )
    rule = load_rules(tmp_path / "rules.yaml")[0]
    assert rule.options["known"] == ("DL", "UA")
    assert "known" not in rules_yaml([rule])
    with pytest.raises(ConfigError, match="no column 'cod'; did you mean 'code'"):
        load_rules([{"rule": "references", "column": "c", "table": "carriers.parquet", "key": "cod"}], tmp_path)
    with pytest.raises(SourceError):
        load_rules([{"rule": "references", "column": "c", "table": "gone.parquet"}], tmp_path)
    with pytest.raises(ConfigError, match=r"rules suggest"):
        load_rules(tmp_path / "gone.yaml")


def test_a_difference_names_what_was_added_removed_and_changed() -> None:
    before = rules_from([{"rule": "not_null", "column": "a"}, {"rule": "in_range", "column": "a", "upper": 1}])
    after = rules_from([{"rule": "in_range", "column": "a", "upper": 2}, {"rule": "unique", "column": "a"}])
    told = [line for change in difference(before, after) for line in change.told]
    assert told == ["~ in_range of a: upper 1 → 2", "+ unique of a: rule unique", "- not_null of a: rule not_null"]
    assert difference(before, before) == ()


def test_what_decides_which_rows_break_a_rule_decides_what_its_counts_are_kept_under() -> None:
    one = {"rule": "in_range", "column": "a", "upper": 1}
    first, looser, other = rules_from([one, {**one, "name": "b", "mostly": 0.5}, {**one, "name": "c", "upper": 2}])
    assert first.digest == looser.digest
    assert first.digest != other.digest


@pytest.mark.fuzz
def test_whatever_is_written_as_a_rule_is_a_rule_that_reads_back_or_an_error_in_words(
    cases: Callable[[int, int], int],
) -> None:
    rng = Random(1)
    odd: list[Any] = [
        None, True, 0, -1, 1.5, float("inf"), 10**400, "", "x", "a\nb", "é", "2024-01-01", "6h", "page", [], [1], ["a"],
        [None], [[1]], {}, {"rule": "not_null", "column": "a"}, {"a": 1}, "(", "99999999d", 1e308,
    ]  # fmt: skip
    fit = {
        "type": "integer",
        "values": ["a"],
        "relation": "equal",
        "other": "b",
        "pattern": "x",
        "q": 0.5,
        "within": "6h",
    }
    kinds = plugins("rule")
    read, told = 0, set()
    rounds = cases(50, 20_000)
    for _ in range(rounds):
        name = rng.choice(list(kinds))
        rule: dict[str, Any] = {"rule": name, "column": "a"} if rng.random() < 0.8 else {"rule": name}
        rule |= {p.name: fit[p.name] for p in kinds[name].parameters if p.name in fit}
        keys = [
            "column",
            "columns",
            "name",
            "mostly",
            "alpha",
            "severity",
            "when",
            *(p.name for p in kinds[name].parameters),
        ]
        rule |= {key: rng.choice(odd) for key in keys if rng.random() < 0.25}
        try:
            rules = rules_from([rule])
        except ConfigError as error:
            told.add(str(error)[:8])
            continue
        read += 1
        assert read_rules(rules_yaml(rules), "rules.yaml") == rules
    assert read > rounds // 40
    assert told == {"rule 1: "}

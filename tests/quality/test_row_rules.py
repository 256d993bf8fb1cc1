"""Rules about rows: every number below is counted by hand from the ten rows of the table."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from watchkeeper.core.alert import Cause, Severity
from watchkeeper.core.batch import Batch
from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import Role
from watchkeeper.core.signal import Zone
from watchkeeper.core.spec import Spec
from watchkeeper.quality.assess import assess_rules, judge_rules
from watchkeeper.quality.rule_set import rules_from
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.summarise import summarise
from watchkeeper.words.signals import rule_in_words

from .conftest import counts, judged

NAN = float("nan")
ROWS = pl.DataFrame(
    {
        "id": ["r1", "r2", "r3", "r3", "r5", "x6", "r7", "r8", "r9", None],
        "age": [30, 17, None, 65, 120, -1, 44, 44, 44, 130],
        "paid": [1.0, 2.5, NAN, None, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0],
        "due": [1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 7.0, 8.0, 9.0, 9.5],
        "plan": ["a", "b", "a", "c", None, "A", "a", "b", "a", "b"],
        "open": [True, False, True, None, True, True, True, True, True, True],
        "at": [datetime(2024, 1, day, 12, tzinfo=UTC) for day in (1, 2, 3, 3, 5, 4, 7, 8, 9, 10)],
        "day": [date(2024, 1, day) for day in range(1, 11)],
        "code": [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.5],
    }
)
CASES: list[tuple[dict[str, Any], float, float]] = [
    ({"rule": "not_null", "column": "age"}, 1, 10),
    ({"rule": "not_null", "column": "paid"}, 2, 10),
    ({"rule": "in_range", "column": "age", "lower": 0, "upper": 120}, 2, 9),
    ({"rule": "in_range", "column": "age", "lower": 17, "upper": 120, "strictly": True}, 4, 9),
    ({"rule": "in_range", "column": "paid", "upper": 8}, 2, 8),
    ({"rule": "in_range", "column": "at", "lower": "2024-01-02T12:00:00Z"}, 1, 10),
    ({"rule": "in_range", "column": "at", "upper": "2024-01-08T14:00:00+02:00"}, 2, 10),
    ({"rule": "in_range", "column": "day", "upper": "2024-01-08"}, 2, 10),
    ({"rule": "in_set", "column": "plan", "values": ["a", "b"]}, 2, 9),
    ({"rule": "in_set", "column": "code", "values": [1, 2, 3]}, 2, 10),
    ({"rule": "in_set", "column": "open", "values": [True]}, 1, 9),
    ({"rule": "not_in_set", "column": "age", "values": [-1, 130]}, 2, 9),
    ({"rule": "matches", "column": "id", "pattern": r"r\d"}, 1, 9),
    ({"rule": "matches", "column": "id", "pattern": "r"}, 9, 9),
    ({"rule": "has_length", "column": "plan", "lower": 2}, 9, 9),
    ({"rule": "has_length", "column": "id", "upper": 1}, 9, 9),
    ({"rule": "has_type", "column": "code", "type": "integer"}, 1, 10),
    ({"rule": "has_type", "column": "code", "type": "number"}, 0, 10),
    ({"rule": "has_type", "column": "age", "type": "text"}, 9, 9),
    ({"rule": "has_type", "column": "day", "type": "date"}, 0, 10),
    ({"rule": "has_type", "column": "at", "type": "date"}, 10, 10),
    ({"rule": "has_type", "column": "at", "type": "time"}, 0, 10),
    ({"rule": "compares", "column": "paid", "relation": "equal", "other": "due"}, 5, 10),
    ({"rule": "compares", "column": "paid", "relation": "equal", "other": "due", "skip_nulls": True}, 3, 8),
    ({"rule": "compares", "column": "paid", "relation": "equal", "other": "due", "room": 0.5}, 3, 10),
    ({"rule": "compares", "column": "paid", "relation": "at_most", "other": "due"}, 2, 8),
    ({"rule": "compares", "column": "paid", "relation": "less", "other": "due"}, 7, 8),
    ({"rule": "compares", "column": "paid", "relation": "at_least", "other": "due"}, 1, 8),
    ({"rule": "compares", "column": "paid", "relation": "greater", "other": "due"}, 6, 8),
    ({"rule": "compares", "column": "paid", "relation": "unequal", "other": "due"}, 5, 10),
    ({"rule": "compares", "column": "paid", "relation": "unequal", "other": "due", "skip_nulls": True}, 5, 8),
    ({"rule": "compares", "column": "day", "relation": "less", "other": "at"}, 2, 10),
    ({"rule": "unique", "column": "id"}, 1, 9),
    ({"rule": "unique", "columns": ["plan", "code"]}, 0, 9),
    ({"rule": "unique"}, 0, 10),
    ({"rule": "unique", "columns": ["plan", "open"]}, 4, 8),
    ({"rule": "ordered", "column": "at"}, 1, 10),
    ({"rule": "ordered", "column": "at", "strictly": True}, 2, 10),
    ({"rule": "ordered", "column": "at", "direction": "decreasing"}, 7, 10),
    ({"rule": "ordered", "column": "age"}, 2, 9),
    (
        {
            "rule": "in_range",
            "column": "age",
            "lower": 18,
            "when": {"rule": "in_set", "column": "plan", "values": ["a"]},
        },
        0,
        3,
    ),
    (
        {
            "rule": "not_null",
            "column": "id",
            "when": [
                {"rule": "in_set", "column": "plan", "values": ["b"]},
                {"rule": "in_range", "column": "age", "lower": 18},
            ],
        },
        1,
        2,
    ),
    ({"rule": "unique", "column": "code", "when": {"rule": "in_set", "column": "plan", "values": ["a"]}}, 0, 4),
]


@pytest.mark.parametrize("pieces", [1, 2, 5, 10])
def test_rows_are_counted_exactly_however_they_arrive(pieces: int) -> None:
    rules = [{**rule, "name": f"rule {place}"} for place, (rule, _, _) in enumerate(CASES)]
    found = [counts(signal) for signal in judged(ROWS, *rules, pieces=pieces, roles={Role.ID: "id"})]
    wrong = [(CASES[i][0], found[i], CASES[i][1:]) for i in range(len(CASES)) if found[i] != CASES[i][1:]]
    assert not wrong


def test_a_kept_rule_is_seen_as_kept_and_a_broken_one_tells_how_many_and_which() -> None:
    kept, broken = judged(
        ROWS,
        {"rule": "in_range", "column": "age", "lower": -1, "upper": 130},
        {"rule": "in_set", "column": "plan", "values": ["a", "b"]},
        roles={Role.ID: "id"},
    )
    assert (kept.fired, kept.zone, kept.measurement.value, kept.measurement.n) == (False, Zone.WITHIN_1, 0.0, 9)
    assert broken.zone is Zone.BEYOND
    assert "2 of 9 rows" in rule_in_words(broken)
    assert set(broken.measurement.evidence.rule.examples.split("; ")) == {"id: r3, plan: c", "id: x6, plan: A"}


def test_mostly_allows_its_share_and_not_a_row_more() -> None:
    nine = {"rule": "in_set", "column": "plan", "values": ["a", "b"]}
    frame = pl.DataFrame({"plan": ["a"] * 9 + ["z"], "more": range(10)})
    assert [judged(frame, {**nine, "mostly": m})[0].fired for m in (1.0, 0.91, 0.9, 0.5)] == [True, True, False, False]


def test_chance_is_allowed_for_only_when_alpha_is_given() -> None:
    # Three of ten rows where one in ten may: P(X ≥ 3) = .0702 by the binomial table.
    frame = pl.DataFrame({"plan": ["a"] * 7 + ["z"] * 3, "more": range(10)})
    rule = {"rule": "in_set", "column": "plan", "values": ["a"], "mostly": 0.9}
    assert judged(frame, rule)[0].fired
    assert not judged(frame, {**rule, "alpha": 0.07})[0].fired
    found = judged(frame, {**rule, "alpha": 0.071})[0]
    assert found.fired
    assert "p 0.07" in rule_in_words(found)


def test_a_missing_column_and_one_of_the_wrong_type_fail_and_signal() -> None:
    found = judged(
        ROWS,
        {"rule": "not_null", "column": "gone"},
        {"rule": "in_range", "column": "plan", "lower": 0},
        {"rule": "compares", "column": "plan", "relation": "equal", "other": "age"},
        {"rule": "not_null", "column": "age"},
    )
    assert [s.measurement.status for s in found] == [Status.FAILED] * 3 + [Status.OK]
    assert [s.fired for s in found] == [True] * 4
    assert "'gone' is missing" in rule_in_words(found[0])
    assert "String, where numbers were expected" in rule_in_words(found[1])


def test_no_rows_to_check_are_no_data_and_no_signal() -> None:
    frame = ROWS.with_columns(age=pl.lit(None, pl.Int64))
    found = judged(frame, {"rule": "in_range", "column": "age", "lower": 0})[0]
    assert (found.measurement.status, found.fired) == (Status.NO_DATA, False)


def test_faults_of_type_null_and_set_page_where_the_model_sees_the_column() -> None:
    rules = [
        {"rule": "not_null", "column": "age"},
        {"rule": "in_range", "column": "age", "lower": 0},
        {"rule": "not_null", "column": "id"},
        {"rule": "not_null", "column": "paid", "severity": "notice"},
    ]
    found = [str(s.measurement.evidence.rule.severity) for s in judged(ROWS, *rules, roles={Role.ID: "id"})]
    assert found == ["page", "warning", "warning", "notice"]
    assert Severity.PAGE > Severity.WARNING


def test_names_and_values_are_data_and_never_code() -> None:
    strange = ["^.*$", 'x"; DROP TABLE t; --', "col('a')", "*", ""]
    frame = pl.DataFrame({name: [1, 2, None] for name in strange[:4]} | {"v": strange[:3]})
    rules = [{"rule": "not_null", "column": name} for name in strange[:4]]
    assert [counts(s) for s in judged(frame, *rules)] == [(1.0, 3.0)] * 4
    kept = judged(frame, {"rule": "in_set", "column": "v", "values": strange})[0]
    assert counts(kept) == (0.0, 3.0)


def test_a_pattern_takes_linear_time() -> None:
    # The classical bomb: (a+)+b over many a takes 2^n steps in an engine that backtracks.
    frame = pl.DataFrame({"v": ["a" * 5_000] * 200})
    assert counts(judged(frame, {"rule": "matches", "column": "v", "pattern": "(a+)+b"})[0]) == (200.0, 200.0)


def test_rows_that_were_summarised_before_a_rule_was_made_are_no_data_and_no_signal() -> None:
    schema = infer_schema(ROWS)
    old, new = rules_from([{"rule": "not_null", "column": "age"}, {"rule": "not_null", "column": "plan"}])
    spec = Spec("m", schema, rules=(old,))
    states = {key.column: state for key, state in summarise([Batch(ROWS, schema)], spec).items()}
    for held, rules in ((states, (old, new)), ({}, (new,))):
        measured = assess_rules(rules, held, schema)
        assert (measured[-1].status, measured[-1].column) == (Status.NO_DATA, "plan")
        assert not judge_rules(measured, rules, schema)[-1][1].fired


def test_a_rule_of_a_label_is_a_fault_of_the_label() -> None:
    schema = infer_schema(ROWS, roles={Role.LABEL: "open"})
    rules = rules_from([{"rule": "not_null", "column": "open"}, {"rule": "not_null", "column": "age"}])
    states = {k.column: s for k, s in summarise([Batch(ROWS, schema)], Spec("m", schema, rules=rules)).items()}
    causes = [cause for cause, _ in judge_rules(assess_rules(rules, states, schema), rules, schema)]
    assert causes == [Cause.LABEL_FAULT, Cause.DATA_FAULT]

"""Rules about statistics, against numpy and hand arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import Role
from watchkeeper.words.signals import rule_in_words

from .conftest import judged

X = np.random.default_rng(5).gamma(3.0, 10.0, 5_000)
QS = (0, 0.1, 0.25, 0.5, 0.9, 1)
FRAME = pl.DataFrame(
    {
        "x": X,
        "kind": ["a"] * 3_000 + ["b"] * 1_500 + ["c"] * 500,
        "level": np.repeat([1, 2, 5, 9], [2_000, 1_500, 1_000, 500]).astype(float),
        "same": [7] * 5_000,
        "at": pl.datetime_range(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC), "17s", eager=True)[
            :5_000
        ],
    }
)


@pytest.mark.parametrize(
    ("rule", "expected", "relative"),
    [
        ({"rule": "mean", "column": "x"}, X.mean(), 1e-12),
        ({"rule": "deviation", "column": "x"}, X.std(ddof=1), 1e-12),
        ({"rule": "total", "column": "x"}, X.sum(), 1e-12),
        ({"rule": "median", "column": "x"}, np.median(X), 4e-3),
        ({"rule": "quantile", "column": "x", "q": 0.9}, np.quantile(X, 0.9), 4e-3),
        ({"rule": "distinct_values", "column": "kind"}, 3.0, 0.0),
        ({"rule": "distinct_values", "column": "level"}, 4.0, 0.0),
        ({"rule": "most_common", "column": "kind"}, 0.6, 1e-12),
        ({"rule": "most_common", "column": "level"}, 0.4, 1e-12),
        ({"rule": "volume"}, 5_000.0, 0.0),
    ],
    ids=str,
)
def test_a_number_between_its_limits_is_kept_and_outside_it_is_not(
    rule: dict[str, Any], expected: float, relative: float
) -> None:
    room = 0.01 * abs(expected)
    inside, below, above = judged(
        FRAME,
        {**rule, "name": "inside", "lower": expected - room, "upper": expected + room},
        {**rule, "name": "below", "lower": expected + (room if expected != 1 else 0)} | ({"upper": 1}
          if rule["rule"] == "most_common" else {}),
        {**rule, "name": "above", "upper": expected - room},
        pieces=3,
    )  # fmt: skip
    assert inside.measurement.value == pytest.approx(expected, rel=relative, abs=1e-12)
    assert [s.fired for s in (inside, below, above)] == [False, True, True]
    assert "is below" in rule_in_words(below)
    assert "is above" in rule_in_words(above)


def test_quantiles_are_interpolated_as_numpy_does_and_end_at_the_extremes() -> None:
    frame = pl.DataFrame({"four": [1.0, 2.0, 3.0, 4.0], "odd": [5.5, 1.25, 9.0, 2.0], "whole": [1, 1, 2, 4]})
    rules = [{"rule": "quantile", "column": c, "q": q, "name": f"{q}", "lower": 0} for c in frame.columns for q in QS]
    for name in frame.columns:
        medians = judged(frame, {"rule": "median", "column": name, "lower": 0})
        assert medians[0].measurement.value == pytest.approx(float(np.median(frame[name])), abs=1e-12)
    for signal, rule in zip(judged(frame, *rules, pieces=2), rules, strict=True):
        by_numpy = float(np.quantile(frame[rule["column"]], rule["q"]))
        assert signal.measurement.value == pytest.approx(by_numpy, abs=1e-12)
    many = judged(FRAME, {"rule": "quantile", "column": "x", "q": 1, "lower": 0})[0]
    assert many.measurement.value == X.max()


def test_truths_and_few_whole_numbers_keep_what_rules_ask_of_them() -> None:
    frame = pl.DataFrame({"yes": [True, True, False, True, None] * 20, "few": [1, 2, 2, 5, 5] * 20})
    asked = [("mean", "yes", 0.75), ("mean", "few", 3.0), ("total", "few", 300.0), ("median", "few", 2.0)]
    asked.append(("deviation", "few", float(np.std([1, 2, 2, 5, 5] * 20, ddof=1))))
    signals = judged(frame, *({"rule": kind, "column": c, "lower": 0} for kind, c, _ in asked), pieces=3)
    assert [s.measurement.value for s in signals] == pytest.approx([value for *_, value in asked], abs=1e-12)


def test_dates_and_times_are_held_against_dates_and_times() -> None:
    rules = [
        {"rule": "median", "column": "at", "lower": "2024-01-01", "upper": "2024-01-02"},
        {"rule": "quantile", "column": "at", "q": 1, "upper": "2024-01-01T12:00:00Z"},
        {"rule": "mean", "column": "at", "lower": 5},
    ]
    kept, broken, wrong = judged(FRAME, *rules)
    assert not kept.fired
    assert rule_in_words(broken) == "2024-01-01 23:36:23 is above 2024-01-01 12:00:00"
    assert "must be dates or times" in wrong.measurement.reason


def test_values_as_common_as_the_most_common_one_are_named() -> None:
    frame = pl.DataFrame({"kind": ["a", "b", "a", "b", "c"], "x": [1.5, 2.5, 1.5, 2.5, 3.5]})
    rule = {"rule": "most_common", "column": "kind", "values": ["a"]}
    tied, allowed = judged(frame, {**rule, "name": "all"}, {**rule, "name": "one", "ties_okay": True})
    assert rule_in_words(tied) == "'a' and 'b' are the most common values, equally often; they may be a"
    assert not allowed.fired
    numbers = judged(frame, {"rule": "most_common", "column": "x", "values": [1.5, 2.5]})[0]
    assert not numbers.fired
    assert numbers.measurement.evidence.rule.ties == ("2.5",)


def test_the_most_common_value_must_be_one_of_those_named() -> None:
    right, wrong = judged(
        FRAME,
        {"rule": "most_common", "column": "kind", "values": ["a", "b"]},
        {"rule": "most_common", "column": "level", "values": [2]},
    )
    assert not right.fired
    assert "the most common value is '1'" in rule_in_words(wrong)


def test_a_constant_column_is_told_from_one_that_varies() -> None:
    constant, varied = judged(FRAME, {"rule": "varies", "column": "same"}, {"rule": "varies", "column": "kind"})
    assert (constant.rule, varied.fired) == ("constant", False)
    few = judged(FRAME.head(29), {"rule": "varies", "column": "same"})[0]
    assert (few.measurement.status, few.fired) == (Status.NO_DATA, False)


def test_freshness_counts_from_the_moment_of_judging() -> None:
    newest = FRAME["at"].max()
    assert isinstance(newest, datetime)
    late = datetime(2024, 1, 2, 6, tzinfo=UTC)
    age = (late - newest).total_seconds()
    rules = [{"rule": "fresh", "column": "at", "within": w, "name": w} for w in ("6h", "12h")]
    soon, far = judged(FRAME, *rules, roles={Role.TIME: "at"}, now=late)
    assert soon.measurement.value == pytest.approx(age)
    assert (soon.fired, far.fired) == (age > 6 * 3_600, False)
    assert soon.fired
    nowhen = judged(FRAME, rules[0], roles={Role.TIME: "at"})[0]
    assert nowhen.measurement.status is Status.NO_DATA
    fixed = judged(FRAME, {**rules[0], "at": "2024-01-02T03:00:00Z"}, roles={Role.TIME: "at"})[0]
    assert not fixed.fired


def test_a_statistic_of_a_missing_column_fails_and_signals() -> None:
    found = judged(
        FRAME, {"rule": "mean", "column": "gone", "lower": 0}, {"rule": "mean", "column": "kind", "lower": 0}
    )
    assert [(s.measurement.status, s.fired) for s in found] == [(Status.FAILED, True)] * 2

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

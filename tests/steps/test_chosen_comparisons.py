"""Columns judged by the comparison their owner chose."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import watchkeeper
from watchkeeper.core.errors import UsageError


def rows(seed: int, shift: float = 0.0, *, nulls: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    n = 4_000
    age = pl.Series(rng.normal(shift, 1, n))
    lost = pl.Series(rng.random(n) < nulls)
    plan = rng.choice(["a", "b"], n)
    return pl.DataFrame({"age": age.set(lost, None), "fee": rng.normal(size=n), "plan": plan})


BEFORE, MOVED = rows(1), rows(2, 0.5)


@pytest.mark.parametrize(
    ("chosen", "verdict"),
    [
        ("ks", "alert"), ("ks_test", "alert"), ("psi:0.1", "alert"), ("psi:0.5", "ok"), ("wasserstein:0.3", "alert"),
        ("wasserstein:0.6", "ok"), ("ks_test:0.01", "alert"), ("t_test", "alert"),
    ],
)  # fmt: skip
def test_the_chosen_comparison_and_nothing_else_judges_the_column(chosen: str, verdict: str) -> None:
    report = watchkeeper.check(MOVED, BEFORE, comparisons={"age": chosen})
    assert report.verdict.value == verdict
    name = chosen.partition(":")[0]
    drift = {"ks", "l_infinity", "level_rise", name}
    judged = {s.measurement.name for s in report["age"].signals if s.chart} & drift
    assert judged == {name}
    assert [a.columns for a in report.alerts] == ([("age",)] if verdict == "alert" else [])
    others = {s.measurement.column for s in report.signals if s.measurement.name in drift and s.chart}
    assert others == {"age", "fee", "plan"}


def test_a_distance_without_a_limit_keeps_the_tolerance_of_its_column() -> None:
    kept = {"comparisons": {"age": "ks"}, "tolerances": {"age": 0.4}}
    assert watchkeeper.check(MOVED, BEFORE, **kept).verdict.value == "ok"


def test_guards_against_faults_stay() -> None:
    report = watchkeeper.check(rows(3, nulls=0.3), BEFORE, comparisons={"age": "psi:9"})
    assert [(a.cause.value, a.columns) for a in report.alerts] == [("data_fault", ("age",))]


def test_a_test_without_a_limit_is_rarely_wrong() -> None:
    # 40 looks at unchanged rows, 20 looks to a false alarm on average: 2 are expected, and more than 6 have a chance of
    # 1 in 300.
    fees = [(rows(k).select("fee")[:300], rows(999 + k).select("fee")[:300]) for k in range(40)]
    chosen = {"comparisons": {"fee": "ks_test"}, "run_length": 20.0}
    assert sum(watchkeeper.check(now, before, **chosen).verdict.value == "alert" for now, before in fees) <= 6


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"age": "psi"}, r"psi of 'age' needs a limit, such as psi:0.2"),
        ({"aeg": "ks"}, "there is no column 'aeg'; did you mean 'age'"),
        ({"age": "kss"}, "there is no comparison 'kss'; did you mean 'ks'"),
        ({"age": "l_infinity"}, "l_infinity does not fit 'age', which is numeric"),
        ({"age": "psi:much"}, "the limit 'much' is no number"),
    ],
)
def test_a_choice_that_cannot_judge_says_why(chosen: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        watchkeeper.check(MOVED, BEFORE, comparisons=chosen)

"""Random halves of real tables are samples of one distribution: comparisons must say so, and agree with scipy there."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from watchkeeper.compare.anderson_darling import variance
from watchkeeper.core.measurement import Status
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import Kind, Schema
from watchkeeper.core.state import State
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.summarise import summarise_rows

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
TABLES = ("uci_credit_default/UCI_Credit_Card.parquet", "electricity/electricity.parquet", "bike_sharing/hour.parquet")
TESTED = (
    "ks_test", "chi_square_test", "cramer_von_mises_test", "anderson_darling_test", "t_test", "mann_whitney_test",
    "energy_distance",
)  # fmt: skip

pytestmark = pytest.mark.validation


def table(name: str) -> pl.DataFrame:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return pl.read_parquet(path)


def states(frame: pl.DataFrame, schema: Schema) -> dict[str, State]:
    return {s.key.column: s for s in summarise_rows(frame, schema) if not s.problem}


@pytest.mark.parametrize("name", TABLES)
def test_no_test_rejects_real_halves_more_often_than_it_may(name: str) -> None:
    whole, rng = table(name), np.random.default_rng(1)
    rejected: dict[str, list[bool]] = {test: [] for test in TESTED}
    for _ in range(6):
        order = rng.permutation(whole.height)[:9_000]
        first, second = whole[order[:6_000]], whole[order[6_000:]]
        schema = infer_schema(first, roles={})
        before, now = states(first, schema), states(second, schema)
        for column in schema:
            for test in TESTED:
                if column.kind is Kind.NUMERIC and column.name in before:
                    found = plugin("comparison", test).compare(before[column.name], now[column.name])
                    if found.status is Status.OK:
                        rejected[test].append(float(found.evidence.p_value) < 0.05)
    for test, told in rejected.items():
        # Columns of one table are dependent: three standard errors of some forty independent ones.
        assert np.mean(told) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 40), test


@pytest.mark.parametrize("name", TABLES)
def test_values_of_real_columns_are_scipys_within_the_stated_bounds(name: str) -> None:
    whole = table(name)
    order = np.random.default_rng(2).permutation(whole.height)[:9_000]
    first, second = whole[order[:6_000]], whole[order[6_000:]]
    schema = infer_schema(first, roles={})
    before, now = states(first, schema), states(second, schema)
    met = 0
    for column in schema:
        if column.kind is not Kind.NUMERIC or not whole[column.name].dtype.is_numeric():
            continue
        x, y = (side[column.name].drop_nulls().to_numpy().astype(float) for side in (first, second))
        sides = before[column.name], now[column.name]
        energy = plugin("comparison", "energy_distance").compare(*sides)
        exact = stats.energy_distance(x, y) ** 2 / energy.evidence.details["scale"]
        assert abs(energy.value - exact) <= energy.evidence.bound + 1e-12, column.name
        ks = plugin("comparison", "ks_test").compare(*sides)
        least = ks.evidence.details["p_value_least"]
        assert least - 1e-9 <= stats.ks_2samp(x, y).pvalue <= ks.value + 1e-9, column.name
        ranks = plugin("comparison", "mann_whitney_test").compare(*sides)
        superiority = stats.mannwhitneyu(y, x).statistic / (len(x) * len(y))
        assert abs(ranks.evidence.details["superiority"] - superiority) <= ranks.evidence.bound / 2 + 1e-12, column.name
        mean = plugin("comparison", "t_test").compare(*sides)
        assert mean.value == pytest.approx(stats.ttest_ind(y, x, equal_var=False).pvalue, rel=1e-6), column.name
        with warnings.catch_warnings():
            # It caps its p-value, which is not looked at.
            warnings.simplefilter("ignore")
            normalised = stats.anderson_ksamp([x, y], variant="midrank").statistic
        # Rows of one bin count as ties, and there is no bound for what that moves.
        tails = plugin("comparison", "anderson_darling").compare(*sides)
        statistic = tails.evidence.details["statistic"]
        assert (statistic - 1) / variance(len(x), len(y)) ** 0.5 == pytest.approx(normalised, abs=0.3)
        met += 1
    assert met >= 5

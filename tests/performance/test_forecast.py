"""Quantiles of forecasts; expected values from scikit-learn, by hand and by simulation."""

import numpy as np
import polars as pl
import pytest
import sklearn.metrics
from scipy import stats

from watchkeeper.core.batch import Batch
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import OUTCOME
from watchkeeper.performance.assess import assess_performance
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.summarise import summarise

LEVELS = {0.1: "p10", 0.5: "p50", 0.9: "p90"}


def forecasts(n, seed=0, spread=1.0):
    """Normal labels, with the quantiles of a normal distribution that is ``spread`` times as wide."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform(50, 150, n)
    frame = pl.DataFrame({"label": middle + rng.normal(0, 5, n), "prediction": middle})
    return frame.with_columns(
        pl.Series(name, middle + 5 * spread * stats.norm.ppf(level)) for level, name in LEVELS.items()
    )


def measured(frame, size=400, levels=LEVELS):
    schema = infer_schema(frame, quantiles=levels)
    batches = [Batch(frame[start : start + size], schema) for start in range(0, max(1, frame.height), size)]
    state = {k.column: s for k, s in summarise(batches, Spec("m", schema)).items()}[OUTCOME]
    return {m.name: m for m in assess_performance(state, schema)}


def test_the_pinball_loss_is_the_mean_of_scikit_learns_over_the_levels():
    frame = forecasts(2_000)
    found = measured(frame)["pinball_loss"]
    each = {a: sklearn.metrics.mean_pinball_loss(frame["label"], frame[name], alpha=a) for a, name in LEVELS.items()}
    assert found.value == pytest.approx(np.mean(list(each.values())), rel=1e-9)
    assert {a: found.evidence.details[f"at {a}"] for a in LEVELS} == pytest.approx(each, rel=1e-9)
    y = frame["label"].to_numpy()[:, None]
    q, a = frame.select(LEVELS.values()).to_numpy(), np.array(list(LEVELS))
    rows = np.maximum(a * (y - q), (a - 1) * (y - q)).mean(axis=1)
    assert found.error == pytest.approx(rows.std(ddof=1) / np.sqrt(2_000), rel=1e-9)


def test_coverage_width_and_bias_are_those_of_the_rows():
    frame = forecasts(1_500)
    found = measured(frame)
    y, low, high = (frame[name].to_numpy() for name in ("label", "p10", "p90"))
    coverage = found["interval_coverage"]
    assert coverage.value == pytest.approx(((low <= y) & (y <= high)).mean(), rel=1e-12)
    assert coverage.interval == pytest.approx(
        stats.binomtest(int(coverage.value * 1_500 + 0.5), 1_500).proportion_ci(method="wilson"), rel=1e-9
    )
    assert coverage.evidence.details["nominal"] == pytest.approx(0.8)
    assert coverage.evidence.details["below 0.5"] == pytest.approx((y <= frame["p50"].to_numpy()).mean())
    assert found["interval_width"].value == pytest.approx((high - low).mean(), rel=1e-12)
    assert found["bias"].value == pytest.approx((frame["prediction"].to_numpy() - y).mean(), rel=1e-9)


@pytest.mark.parametrize(("spread", "held"), [(1.0, 0.8), (0.5, 2 * stats.norm.cdf(0.5 * stats.norm.ppf(0.9)) - 1)])
def test_a_forecast_that_is_too_sure_covers_less_than_it_says(spread, held):
    found = measured(forecasts(4_000, spread=spread))["interval_coverage"]
    assert found.value == pytest.approx(held, abs=4 * found.error)
    assert (found.interval[0] <= 0.8 <= found.interval[1]) == (spread == 1.0)


def test_a_label_on_the_edge_is_covered():
    frame = pl.DataFrame({"label": [1.5, 2.5, 3.75], "prediction": [2.25] * 3, "p10": [1.5] * 3, "p90": [2.5] * 3})
    found = measured(frame, levels={0.1: "p10", 0.9: "p90"})["interval_coverage"]
    assert found.value == pytest.approx(2 / 3)


def test_rows_without_label_count_for_the_width_alone_and_rows_without_a_quantile_for_nothing():
    frame = forecasts(10).with_columns(
        label=pl.when(pl.int_range(10) < 4).then(None).otherwise(pl.col("label")),
        p90=pl.when(pl.int_range(10) == 9).then(None).otherwise(pl.col("p90")),
    )
    found = measured(frame)
    assert found["pinball_loss"].n == 5
    assert found["interval_width"].n == 9


def test_quantiles_that_cross_are_counted():
    frame = forecasts(10).with_columns(p90=pl.col("p10") - 1)
    assert measured(frame)["interval_width"].evidence.details["crossed"] == 10


def test_labels_that_have_not_come_are_no_data():
    schema = infer_schema(forecasts(50), quantiles=LEVELS)
    late = forecasts(50).with_columns(label=pl.lit(None, pl.Float64))
    state = {k.column: s for k, s in summarise([Batch(late, schema)], Spec("m", schema)).items()}[OUTCOME]
    found = {m.name: m for m in assess_performance(state, schema)}
    assert found["pinball_loss"].status is Status.NO_DATA
    assert found["interval_coverage"].status is Status.NO_DATA
    assert found["interval_width"].status is Status.OK


def test_quantiles_are_columns_of_a_regression_and_no_features():
    schema = infer_schema(forecasts(50), quantiles=dict(reversed(LEVELS.items())))
    assert schema.quantiles == tuple(LEVELS.items())
    assert [c.name for c in schema if c.role is Role.QUANTILE] == ["p10", "p50", "p90"]
    two = forecasts(50).with_columns(label=pl.Series(["a", "b"] * 25), prediction=pl.Series(["a", "b"] * 25))
    with pytest.raises(SchemaError, match="the task is binary"):
        infer_schema(two, quantiles=LEVELS)
    with pytest.raises(SchemaError, match="'p99' does not exist"):
        infer_schema(forecasts(50), quantiles={0.99: "p99"})


def test_the_intervals_of_loss_and_coverage_hold_the_truth():
    # The expected pinball loss of the true quantile q_a of a normal distribution is its scale times its density there.
    truth = {
        "pinball_loss": 5 * np.mean([stats.norm.pdf(stats.norm.ppf(a)) for a in LEVELS]),
        "interval_coverage": 0.8,
    }
    schema = infer_schema(forecasts(50), quantiles=LEVELS)
    held = {name: [] for name in truth}
    for seed in range(200):
        states = summarise([Batch(forecasts(200, seed), schema)], Spec("m", schema))
        state = next(s for k, s in states.items() if k.column == OUTCOME)
        for m in assess_performance(state, schema):
            if m.name in truth:
                held[m.name].append(m.interval[0] <= truth[m.name] <= m.interval[1])
    # A share of .95 of 200 draws is known to .015.
    assert all(0.9 <= np.mean(found) <= 0.995 for found in held.values())

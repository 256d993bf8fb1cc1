"""Anomalous rows: scikit-learn's ranking, conformal p-values, and shares that keep the stated rate."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.ensemble import IsolationForest as Forest
from sklearn.neighbors import LocalOutlierFactor as Factor

from watchkeeper.charts.tolerance import Tolerance
from watchkeeper.compare.anomalous_rows import anomalous_rows
from watchkeeper.compare.conformal import conformal_p, excess_p, least_rows
from watchkeeper.compare.conformal_detector import ConformalDetector, half_of
from watchkeeper.compare.isolation_forest import IsolationForest
from watchkeeper.compare.local_outlier_factor import LocalOutlierFactor
from watchkeeper.compare.row_features import RowFeatures
from watchkeeper.core.alert import Cause
from watchkeeper.core.errors import StateError
from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.spec import AlertRule, Monitor, Spec
from watchkeeper.core.state import JOINT, State, StateKey
from watchkeeper.schema.kinds import map_of
from watchkeeper.stats.piece import fold_joint
from watchkeeper.stats.summarise import summarise_rows
from watchkeeper.steps.assess import assess
from watchkeeper.steps.judge import JudgeMemory, judge
from watchkeeper.steps.monitors import kept

from .points import POPULATIONS, features, normal

LARGE = ("large_sample",)
JOINT_DRIFT = Cause.JOINT_DRIFT
DETECTORS = (IsolationForest(), LocalOutlierFactor())


def log(rng: np.random.Generator, n: int, first: int = 0) -> pl.DataFrame:
    x = normal(rng, n, 3)
    levels = rng.choice(["card", "cash", "bank"], n, p=[0.6, 0.3, 0.1])
    return pl.DataFrame({"id": np.arange(first, first + n), "a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "paid": levels})


def known(frame: pl.DataFrame) -> Schema:
    numbers = [Column(name, Role.FEATURE, Kind.NUMERIC, "Float64", map_of(frame[name])) for name in "abc"]
    paid = Column("paid", Role.FEATURE, Kind.CATEGORICAL, "String")
    return Schema((Column("id", Role.ID, Kind.IDENTIFIER), *numbers, paid))


def joint(frame: pl.DataFrame, schema: Schema, keep: tuple[str, ...] = LARGE) -> State:
    return fold_joint(frame, schema, StateKey(), keep)[0]


@pytest.mark.parametrize("detector", DETECTORS)
def test_rows_are_ranked_as_scikit_learn_ranks_them(detector):
    rng = np.random.default_rng(1)
    reference, current = features(normal(rng, 1_500, 4), 1.5 * normal(rng, 400, 4), keep=LARGE)
    p, q = (side.parts["large_sample"] for side in (reference, current))
    found = ConformalDetector.fitted(detector, p).scores(q)
    for number in (0, 1):
        # Numbers from the median in interquartile ranges of the rows that are learnt from, which are the other half's.
        fit, mine = p.x[half_of(p.hashes) != number], q.x[half_of(q.hashes) == number]
        low, middle, high = np.quantile(fit, [0.25, 0.5, 0.75], axis=0)
        fit, mine = (fit - middle) / (high - low), (mine - middle) / (high - low)
        fresh = Forest(random_state=0) if isinstance(detector, IsolationForest) else Factor(20, novelty=True)
        theirs = -fresh.fit(fit).score_samples(mine)
        assert stats.spearmanr(theirs, found[half_of(q.hashes) == number]).statistic == pytest.approx(1, abs=1e-9)


def test_a_conformal_p_value_is_worked_by_hand():
    calibration = np.array([1.0, 2.0, 2.0, 3.0])
    # Scores of at least 2.5, 2, 0 and 9: one, three, four and none of the four.
    assert conformal_p(calibration, np.array([2.5, 2.0, 0.0, 9.0])).tolist() == [0.4, 0.8, 1.0, 0.2]
    assert conformal_p(calibration, np.array([2.0]), np.array([True])).tolist() == [0.6]


def test_the_smallest_calibration_sample_can_just_say_one_percent():
    assert least_rows(0.01) == 99
    assert conformal_p(np.zeros(99), np.ones(1))[0] == 0.01


def test_the_chance_of_an_excess_is_the_beta_binomial_one():
    # One of nine calibration rows or the new one is largest: k = 1 of n + 1 = 10. Two new rows are the two largest of
    # all eleven with probability 1/C(11, 2); at least one is above all nine with 1 - C(9, 9)·9/11.
    assert excess_p(2, [2], [9], 0.1) == pytest.approx(1 / 55, rel=1e-12)
    assert excess_p(1, [2], [9], 0.1) == pytest.approx(2 / 11, rel=1e-12)
    assert excess_p(0, [2, 3], [9, 19], 0.1) == pytest.approx(1.0)
    # Two parts add up.
    none = stats.betabinom.pmf(0, 2, 1, 9) * stats.betabinom.pmf(0, 3, 2, 18)
    assert excess_p(1, [2, 3], [9, 19], 0.1) == pytest.approx(1 - none, rel=1e-12)


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("kind", POPULATIONS)
def test_p_values_of_clean_rows_are_uniform(detector, kind):
    rng = np.random.default_rng(2)
    found = []
    for _ in range(4):
        p, q = (
            side.parts["large_sample"]
            for side in features(POPULATIONS[kind](rng, 4_000, 4), POPULATIONS[kind](rng, 375, 4), keep=LARGE)
        )
        judge = ConformalDetector.fitted(detector, p)
        found.append(judge.p_values(q, judge.scores(q)))
    # Steps of 1/2,000 and four shared calibration samples are far below what 1,500 rows can tell.
    assert stats.kstest(np.concatenate(found), "uniform").pvalue > 0.005


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_share_flagged_on_clean_rows_is_within_a_fifth_of_the_stated_rate(detector):
    rng = np.random.default_rng(3)
    found = [
        detector.compare(*features(normal(rng, 12_000, 4), normal(rng, 12_000, 4), keep=LARGE)).evidence
        for _ in range(4)
    ]
    shares = np.array([one.change.after for one in found])
    # Binomial noise of 40,000 rows is 5 % of the rate and that of four calibration samples as much: three of both.
    assert shares.mean() == pytest.approx(0.01, rel=0.2)
    assert stats.kstest([one.p_value for one in found], "uniform").pvalue > 0.001


@pytest.mark.parametrize("detector", DETECTORS)
def test_strange_rows_are_counted_and_the_chart_signals_at_its_budget(detector):
    rng = np.random.default_rng(4)
    reference, clean, odd = (normal(rng, n, 4) for n in (12_000, 3_000, 3_000))
    odd[:150] = rng.normal(size=(150, 4)) * 6
    before, same, changed = features(reference, clean, odd, keep=LARGE)
    options = {"run_length": 1_000.0, "series": 30.0}
    quiet = Tolerance().step(None, detector.compare(before, same), options)[1]
    loud = Tolerance().step(None, detector.compare(before, changed), options)[1]
    assert not quiet.fired
    assert loud.fired
    found = loud.measurement
    assert 0.035 < float(found.evidence.change.after) < 0.062
    assert float(found.evidence.p_value) < 1e-12
    assert found.value == pytest.approx(float(found.evidence.change.after) - float(found.evidence.change.before))


def test_a_monitor_has_the_sample_kept_and_its_alert_names_the_columns():
    rng = np.random.default_rng(12)
    reference, clean, odd = log(rng, 6_000), log(rng, 2_000, 10_000), log(rng, 2_000, 20_000)
    odd = odd.with_columns(b=pl.when(pl.col("id") % 10 == 0).then(8 - pl.col("b")).otherwise(pl.col("b")))
    monitor = Monitor("local_outlier_factor", "tolerance", (JOINT,), options={"run_length": 365.0}, cause=JOINT_DRIFT)
    spec = Spec("m", known(reference), monitors=(monitor,), alerts=AlertRule(1, 1), keep=kept([monitor]))
    before, same, changed = (
        {(s.key.segment, s.key.column): s for s in summarise_rows(side, spec.schema, keep=spec.keep)}
        for side in (reference, clean, odd)
    )
    quiet, loud = (judge(assess(side, before, spec), spec, JudgeMemory(), None).alerts for side in (same, changed))
    assert not [alert for alert in quiet if alert.cause is JOINT_DRIFT]
    (alert,) = [alert for alert in loud if alert.cause is JOINT_DRIFT]
    assert alert.columns[0] == "b"


def test_the_local_outlier_factor_sees_a_broken_relation_between_ordinary_values():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(6_000, 1)), rng.normal(size=(3_000, 1))
    reference = np.column_stack([x, x + 0.1 * rng.normal(size=x.shape)])
    broken = np.column_stack([y, y + 0.1 * rng.normal(size=y.shape)])
    broken[:150, 1] = -broken[:150, 1]
    noise = [rng.normal(size=(len(side), 2)) for side in (reference, broken)]
    sides = features(
        *(np.hstack([side, more]) for side, more in zip((reference, broken), noise, strict=True)), keep=LARGE
    )
    found = LocalOutlierFactor().compare(*sides)
    assert found.value > 0.015
    assert {found.evidence.about[0], found.evidence.about[1]} == {"x0", "x1"}


def test_equal_rows_give_no_difference_however_many_times_they_repeat():
    rng = np.random.default_rng(6)
    few = rng.integers(0, 4, size=(3_000, 2)).astype(float)
    same, other = features(few, rng.integers(0, 4, size=(1_000, 2)).astype(float), keep=LARGE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for detector in DETECTORS:
            assert detector.compare(same, same).value == 0.0
            # Sixteen kinds of rows tie, and ties are never flagged more often than stated.
            assert float(detector.compare(same, other).evidence.change.after) <= 0.015


def test_a_reference_too_small_for_the_rate_is_no_data():
    rng = np.random.default_rng(7)
    found = IsolationForest().compare(*features(normal(rng, 150, 3), normal(rng, 500, 3), keep=LARGE))
    assert found.status is Status.NO_DATA
    assert "150 rows" in found.reason


def test_nulls_levels_and_infinities_become_points():
    x = np.array([[0.0, 5.0], [2.0, np.nan], [4.0, 5.0], [6.0, 5.0]])
    levels = pl.DataFrame({"k": ["u", "u", None, "v"]})
    learnt = RowFeatures.of(x, levels)
    # Quartiles of 0, 2, 4, 6 are 1.5, 3 and 4.5; the second feature is constant and has a null.
    points = learnt.points(np.array([[6.0, 5.0], [np.inf, np.nan]]), pl.DataFrame({"k": ["u", "new"]}))
    assert points[0] == pytest.approx([1.0, 0.0, 0.0, np.log(2)])
    assert points[1] == pytest.approx([1e6, 0.0, 1.0, np.log(5)])


@pytest.mark.parametrize("detector", DETECTORS)
def test_listed_rows_are_the_strange_ones_with_what_is_strange_about_them(detector):
    rng = np.random.default_rng(8)
    reference = log(rng, 6_000)
    schema = known(reference)
    rows = log(rng, 500, first=10_000).with_columns(
        b=pl.when(pl.col("id") == 10_007).then(9.0).otherwise(pl.col("b")),
        c=pl.when(pl.col("id") == 10_007).then(-9.0).otherwise(pl.col("c")),
        paid=pl.when(pl.col("id") == 10_011).then(pl.lit("cheque")).otherwise(pl.col("paid")),
    )
    found = anomalous_rows(joint(reference, schema), rows, schema, detector=detector, most=5)
    told = {row.row: row for row in found}
    assert set(told[7].features[:2]) == {("b", "9"), ("c", "-9")}
    assert told[7].p_value < 0.002
    # A forest cannot tell a level it never saw from the rarest it knows; distances can.
    if isinstance(detector, LocalOutlierFactor):
        assert {found[0].row, found[1].row} == {7, 11}
        assert told[11].features == (("paid", "cheque"),)
        assert told[11].adjusted < 0.1
    assert len(found) == 5
    assert [row.p_value for row in found] == sorted(row.p_value for row in found)


def test_adjusted_p_values_rarely_list_an_ordinary_row():
    rng = np.random.default_rng(9)
    listed = 0
    for _ in range(20):
        reference = log(rng, 3_000)
        schema = known(reference)
        rows = log(rng, 200, first=10_000)
        found = anomalous_rows(joint(reference, schema), rows, schema, detector=LocalOutlierFactor(), most=3)
        listed += found[0].adjusted <= 0.1
    # Where all rows are ordinary, any listing is false: in at most a tenth of the logs.
    assert stats.binomtest(listed, 20, 0.1, alternative="greater").pvalue > 0.005


def test_rows_of_other_features_are_refused_by_name():
    rng = np.random.default_rng(10)
    reference = log(rng, 500)
    schema = known(reference)
    fewer = Schema(tuple(column for column in schema if column.name != "c"))
    with pytest.raises(StateError, match="rows of a, b, paid cannot be judged by a reference of a, b, c, paid"):
        anomalous_rows(joint(reference, schema, ("point_sample",)), log(rng, 50), fewer)


def test_without_rows_nothing_is_listed():
    reference = log(np.random.default_rng(11), 500)
    schema = known(reference)
    assert anomalous_rows(joint(reference, schema), reference.clear(), schema) == ()

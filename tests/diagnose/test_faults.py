"""Faults of data and labels."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from tests.diagnose.logs import SCHEMA, case, log
from watchkeeper.compare.usual_rates import UsualRates
from watchkeeper.config.check_options import CheckOptions
from watchkeeper.core.alert import Cause
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.evidence import Evidence, Labels
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.core.window import Window
from watchkeeper.diagnose.case import dkw_half_width, weight_of
from watchkeeper.diagnose.faults import clean_rows, data_faults, faults_of
from watchkeeper.diagnose.labels import label_faults
from watchkeeper.run.check import check_tables
from watchkeeper.words.causes import sentence

BEFORE = log(1, 6_000)
NOW = log(2, 1_500)
NINTH, EIGHTH = pl.col("id") % 9 == 0, pl.col("id") % 8 == 0
EAST = NOW.with_columns(pl.when(NINTH).then(pl.lit("east")).otherwise("region").alias("region"))


def nulled(frame: pl.DataFrame, column: str, share: float) -> pl.DataFrame:
    lost = pl.Series(np.random.default_rng(0).random(frame.height) < share)
    return frame.with_columns(pl.when(lost).then(None).otherwise(pl.col(column)).alias(column))


def test_clean_rows_have_no_fault() -> None:
    one = case(BEFORE, NOW)
    assert data_faults(one) == []
    assert label_faults(one) == []


@pytest.mark.parametrize(
    ("what", "now", "column"),
    [
        ("null_rate", nulled(NOW, "u", 0.1), "u"),
        ("unit_change", NOW.with_columns(pl.col("u") * 1_000), "u"),
        ("constant", NOW.with_columns(pl.lit(3.0).alias("x")), "x"),
        ("silent_default", NOW.with_columns(pl.when(EIGHTH).then(-9999.0).otherwise("u").alias("u")), "u"),
        ("unseen_levels", EAST, "region"),
        ("encoding_change", NOW.with_columns(pl.col("region").str.to_uppercase()), "region"),
        ("missing", NOW.drop("u"), "u"),
        ("type", NOW.with_columns(pl.format("about {}", "u").alias("u")), "u"),
    ],
)  # fmt: skip
def test_each_fault_is_found_in_its_column_and_in_no_other(what: str, now: pl.DataFrame, column: str) -> None:
    one = case(BEFORE, now)
    assert faults_of(one, SCHEMA[column])[0].what == what
    found = [f for f in data_faults(one) if f.columns[:1] != ("score",)]
    assert [f.columns for f in found] == [(column,)]
    assert found[0].kind is HypothesisKind.DATA_FAULT
    assert repr(column) in sentence(found[0].evidence[0])


def test_a_drift_of_few_rows_that_lie_far_out_is_a_fault_and_one_of_near_rows_is_none() -> None:
    """Two of 24 rows are too few for the rate to be sure by itself; a drift that names the column makes it so."""
    few, last = NOW.head(24), pl.int_range(pl.len()) >= 22
    for value, kinds in ((-99_999.0, ["out_of_range"]), (float(BEFORE["u"].max()), [])):
        one = case(BEFORE, few.with_columns(pl.when(last).then(value).otherwise("u").alias("u")))
        drift = replace(one, alert=replace(one.alert, cause=Cause.DRIFT))
        assert [f.what for f in faults_of(drift, SCHEMA["u"]) if f.what == "out_of_range"] == kinds


def test_few_rows_are_constant_where_no_window_of_the_reference_was() -> None:
    now = NOW.head(24).with_columns(pl.lit(3.0).alias("x"))
    one = case(BEFORE, now)
    assert "constant" not in {f.what for f in faults_of(one, SCHEMA["x"])}
    for repeated, known in ((0.3, True), (1.0, False)):
        told = replace(one, rates={"x": UsualRates(100, repeated=repeated)})
        assert ("constant" in {f.what for f in faults_of(told, SCHEMA["x"])}) is known


def test_rows_sent_twice_rows_of_old_and_no_rows_are_faults_without_a_column() -> None:
    doubled = pl.concat([NOW, NOW.head(150)])
    assert "sent twice" in sentence(data_faults(case(BEFORE, doubled))[0].evidence[0])
    old = pl.concat([NOW.head(1_000), BEFORE.head(500)])
    assert "old rows" in sentence(data_faults(case(BEFORE, old))[0].evidence[0])
    nothing = data_faults(case(BEFORE, NOW.head(0)))
    assert any("no rows arrived" in sentence(f.evidence[0]) for f in nothing)


def test_rows_with_a_fault_are_told_from_the_others() -> None:
    now = nulled(NOW, "u", 0.2)
    one = case(BEFORE, now)
    kept = clean_rows(now, BEFORE, faults_of(one, SCHEMA["u"]))
    assert (kept == now["u"].is_not_null().to_numpy()).all()
    kept = clean_rows(EAST, BEFORE, faults_of(case(BEFORE, EAST), SCHEMA["region"]))
    assert (kept == (EAST["region"] != "east").to_numpy()).all()


@pytest.mark.parametrize(
    ("words", "now"),
    [
        ("late or lost", log(3, 1_500, labelled=0.4)),
        ("the opposite of before", NOW.with_columns((1 - pl.col("label")).alias("label"))),
    ],
)
def test_faults_of_labels_are_told(words: str, now: pl.DataFrame) -> None:
    found = label_faults(case(BEFORE, now))
    assert [f.kind for f in found] == [HypothesisKind.LABEL_FAULT]
    assert any(words in sentence(one) for one in found[0].evidence)
    more = label_faults(case(BEFORE, now, Cause.LABEL_FAULT))
    assert more[0].weight > found[0].weight


@pytest.mark.parametrize("now", [NOW.drop("label"), NOW.with_columns(pl.lit(None, pl.Int64).alias("label"))])
def test_labels_that_are_all_lacking_are_a_fault_only_where_the_alert_is_about_labels(now: pl.DataFrame) -> None:
    assert label_faults(case(BEFORE, now)) == []
    assert [f.kind for f in label_faults(case(BEFORE, now, Cause.LABEL_FAULT))] == [HypothesisKind.LABEL_FAULT]


def test_where_no_rows_arrived_that_is_the_only_fault() -> None:
    empty = replace(case(BEFORE, NOW, Cause.NO_DATA), current={})
    assert [f.evidence for f in data_faults(empty)] == [(Statement(StatementCode.NO_ROWS),)]


def test_labels_that_are_not_due_yet_are_not_missed_and_those_that_are_weigh_more() -> None:
    window = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))

    def weighed(due: float) -> list[float]:
        told = Measurement(
            Family.METRIC,
            "brier",
            0.1,
            600,
            window=window,
            evidence=Evidence(labels=Labels(0.5, due)),
            column="@outcome",
        )
        return [f.weight for f in label_faults(replace(late, history=(told,)))]

    late = case(BEFORE, log(3, 1_500, labelled=0.4))
    assert weighed(0.42) == []
    (unknown,) = [f.weight for f in label_faults(late)]
    assert weighed(0.99)[0] > unknown + 2


def test_a_few_labels_less_are_no_fault() -> None:
    assert label_faults(case(BEFORE, log(4, 1_500, labelled=0.93))) == []


def test_the_room_for_chance_is_massarts_by_hand() -> None:
    # √(ln 40/(2·100)).
    assert dkw_half_width(100) == pytest.approx(0.13581, abs=1e-5)
    assert dkw_half_width(100, 1, 4) == pytest.approx(2 * dkw_half_width(100))
    assert dkw_half_width(0) == float("inf")
    assert weight_of(0.05, 0.05) == pytest.approx(1.3863, abs=1e-4)


@pytest.mark.parametrize(("factor", "words"), [(1e300, "labels reach"), (100.0, "is 100 times what it was")])
@pytest.mark.filterwarnings("error")
def test_labels_in_another_unit_are_a_label_fault_whatever_overflows(factor: float, words: str) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=6_000)
    before = pl.DataFrame({"x": x, "prediction": 5 + x, "label": np.exp(0.2 * x + 0.1 * rng.normal(size=6_000))})
    now = before.tail(2_000).with_columns(pl.col("label") * factor)
    found = check_tables(now, before.head(4_000), CheckOptions(prediction="prediction", label="label"))
    told = {alert.cause: diagnosis for alert, diagnosis in zip(found.alerts, found.diagnoses, strict=True)}
    assert Cause.PERFORMANCE in told
    for diagnosis in told.values():
        first = diagnosis.hypotheses[0]
        assert (first.kind, first.columns) == ("label_fault", ("label",))
        assert words in " ".join(sentence(one) for one in first.evidence)
    assert told[Cause.PERFORMANCE].attributions == ()
    assert "labels are faulty" in sentence(told[Cause.PERFORMANCE].notes[0])


def test_ids_that_count_the_rows_of_each_table_are_no_rows_sent_again() -> None:
    """By hand: all rows are sampled, ids begin anew, and only in the second case half of the rows are old ones."""
    before, after = (frame.with_columns(id=pl.int_range(pl.len())) for frame in (BEFORE[:1_000], NOW[:800]))
    replayed = pl.concat([before[:400], after[400:]])
    found = {
        name: [s for one in data_faults(case(before, now)) for s in one.evidence if s.code == "rows_replayed"]
        for name, now in (("counted", after), ("replayed", replayed))
    }
    assert found["counted"] == []
    assert found["replayed"] == [Statement(StatementCode.ROWS_REPLAYED, after=0.5)]


@pytest.mark.parametrize("seed", range(20))
def test_rows_that_are_alike_by_chance_are_none_sent_again(seed: int) -> None:
    """Ids begin anew, and what is left to tell rows by is a region of two: half of them agree by chance."""
    frames = [log(seed + k, n).select("id", "region", "score", "label") for k, n in ((50, 1_000), (90, 800))]
    before, after = (frame.with_columns(id=pl.int_range(pl.len())) for frame in frames)
    assert not [s for one in data_faults(case(before, after)) for s in one.evidence if s.code == "rows_replayed"]


@pytest.mark.parametrize(("factor", "between"), [(0.1, True), (2.54, True), (1.0, False), (3.0, False)])
def test_values_between_the_steps_a_column_counts_in_are_a_fault(factor: float, between: bool) -> None:
    rng = np.random.default_rng(3)
    # Kilometres per hour over 67, rounded, as in a well-known table of hired bicycles.
    was, now = (pl.Series("u", (rng.poisson(lam, n) / 67).round(4)) for lam, n in ((12, 6_000), (14, 1_500)))
    faults = faults_of(case(BEFORE.with_columns(was), NOW.with_columns(now * factor)), SCHEMA["u"])
    assert [f.what for f in faults if f.what == "other_steps"] == ["other_steps"] * between


def test_numbers_without_steps_have_none_to_lie_between() -> None:
    assert "other_steps" not in {
        f.what for f in faults_of(case(BEFORE, NOW.with_columns(pl.col("u") / 3)), SCHEMA["u"])
    }


def test_one_level_in_all_rows_is_a_fault_where_no_window_of_the_reference_had_it_alone() -> None:
    one = case(BEFORE, NOW.with_columns(region=pl.lit(BEFORE["region"][0])))
    for alone, found in ((False, ["constant"]), (True, [])):
        rates = UsualRates(100, repeated=1.0, stretches={"": 0} if alone else {})
        assert [f.what for f in faults_of(replace(one, rates={"region": rates}), SCHEMA["region"])] == found

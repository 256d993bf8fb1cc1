"""Two causes in one window: every alert names its own."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest

from bench.diagnosis.pairs import Owned, owned
from bench.diagnosis.planted import KINDS, Cause, World, alone, choose, day, joined
from bench.diagnosis.watched import Watched
from tests.diagnose.logs import SCHEMA, alert, case, log
from watchkeeper.config.check_options import CheckOptions
from watchkeeper.core.alert import Cause as AlertCause
from watchkeeper.core.diagnosis import Diagnosis, HypothesisKind
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Signal
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.diagnose.case import Finding
from watchkeeper.diagnose.faults import faults_of
from watchkeeper.diagnose.relevance import Subject, relevant, subjects_of
from watchkeeper.run.check import CheckResult, check_tables
from watchkeeper.words.causes import sentence

BEFORE = log(1, 8_000)
OPTIONS = CheckOptions(id="id", score="score", label="label", version="version", segments=["region"])


def checked(now: pl.DataFrame) -> CheckResult:
    return check_tables(now, BEFORE, OPTIONS)


def of(found: CheckResult, cause: AlertCause) -> Diagnosis:
    (wanted,) = [a.id for a in found.alerts if a.cause is cause]
    return next(one for one in found.diagnoses if one.alert == wanted)


def lost(rows: pl.Expr) -> pl.Expr:
    return pl.when(rows).then(None).otherwise("u").alias("u")


def test_a_null_spike_of_one_column_is_not_told_as_the_cause_of_a_drift_of_another() -> None:
    now = log(2, 3_000, shift=0.6).with_columns(lost(pl.col("id") % 6 == 0))
    found = checked(now)
    drift, fault = of(found, AlertCause.DRIFT), of(found, AlertCause.DATA_FAULT)
    assert (drift.hypotheses[0].kind, drift.hypotheses[0].columns[0]) == ("covariate_shift", "x")
    assert (fault.hypotheses[0].kind, fault.hypotheses[0].columns[0]) == ("data_fault", "u")
    assert HypothesisKind.COVARIATE_SHIFT not in {h.kind for h in fault.hypotheses}
    # What explains the other alert is still said, as that.
    assert any("not the subject of this alert: covariate shift of 'x'" in sentence(note) for note in fault.notes)


def test_a_drift_found_in_the_faulty_rows_alone_is_one_incident_with_the_fault() -> None:
    faulty = pl.col("id") % 4 == 0
    now = log(2, 4_000).with_columns(lost(faulty), pl.when(faulty).then(pl.col("x") + 2).otherwise("x").alias("x"))
    drift = of(checked(now), AlertCause.DRIFT)
    told = [h for h in drift.hypotheses if h.kind is HypothesisKind.DATA_FAULT]
    assert [h.columns for h in told] == [("u",)]
    assert Statement(StatementCode.MOVED_WITH_FAULT, ("x", "u")) in told[0].evidence


def test_drift_of_a_feature_is_no_concept_shift_where_labels_show_one_elsewhere() -> None:
    moved = log(2, 4_000, turned=0.3).with_columns(pl.col("u") + 12)
    found = checked(moved)
    drift, harm = of(found, AlertCause.DRIFT), of(found, AlertCause.PERFORMANCE)
    assert (drift.hypotheses[0].kind, drift.hypotheses[0].columns) == ("covariate_shift", ("u",))
    assert HypothesisKind.CONCEPT_SHIFT not in {h.kind for h in drift.hypotheses}
    assert (harm.hypotheses[0].kind, harm.hypotheses[0].segments) == ("concept_shift", ("region=north",))


def test_a_fault_that_costs_nothing_does_not_explain_a_loss_that_rose_elsewhere() -> None:
    # u plays no part in the score, so that rows without it lose no more than others.
    now = log(2, 4_000, turned=0.35).with_columns(lost(pl.col("id") % 5 == 0))
    found = checked(now)
    assert of(found, AlertCause.PERFORMANCE).hypotheses[0].kind == "concept_shift"
    assert of(found, AlertCause.DATA_FAULT).hypotheses[0].columns == ("u",)


def test_labels_lost_at_random_do_not_explain_a_loss() -> None:
    found = of(checked(log(2, 6_000, turned=0.3, labelled=0.5)), AlertCause.PERFORMANCE)
    assert found.hypotheses[0].kind == "concept_shift"


def signal(
    column: str, family: Family = Family.COMPARISON, segment: str = "all", about: tuple[str, ...] = ()
) -> Signal:
    measured = Measurement(family, "ks", 0.3, 100, column=column, segment=segment, evidence=Evidence(about=about))
    return Signal(measured, "t", rule="above_upper", fired=True)


def test_an_alert_is_about_the_columns_metrics_and_pairs_of_its_evidence() -> None:
    evidence = (signal("x"), signal("@outcome", Family.METRIC, "region=north"), signal("x"))
    told = replace(alert(), evidence=evidence, columns=("u",))
    assert subjects_of(told) == (Subject("x"), Subject("", True, "region=north"))
    pair = replace(alert(), evidence=(signal("@joint", about=("x", "u")),))
    assert subjects_of(pair) == (Subject("x"), Subject("u"))
    assert subjects_of(replace(alert(), columns=("u",))) == (Subject("u"),)
    assert subjects_of(alert()) == ()


def test_a_concept_shift_of_one_segment_does_not_explain_a_metric_of_another() -> None:
    about = replace(alert(), evidence=(signal("@outcome", Family.METRIC, "region=south"),))
    one = replace(case(BEFORE, log(2, 2_000)), alert=about)
    concept = Finding(HypothesisKind.CONCEPT_SHIFT, 3.0, (), ("region=north",))
    assert relevant(one, [concept], []) == ([], [concept])
    nearer = replace(concept, segments=("region=south",))
    assert relevant(one, [concept, nearer], [])[0] == [nearer]


def test_faults_that_one_alert_names_are_one_cause_and_no_alternatives() -> None:
    now = log(2, 3_000).with_columns(
        lost(pl.col("id") % 6 == 0), pl.when(pl.col("id") % 5 == 0).then(None).otherwise("x").alias("x")
    )
    first, second = of(checked(now), AlertCause.DATA_FAULT).hypotheses
    assert (first.kind, first.columns) == ("data_fault", ("x", "u"))
    assert [(one.code, one.columns) for one in first.evidence[:2]] == [("null_rate", ("x",)), ("null_rate", ("u",))]
    assert second.kind == "unknown"


def test_a_broken_rule_is_a_data_fault_of_its_column_though_its_values_look_as_before() -> None:
    rules = [{"rule": "in_range", "column": "u", "lower": 0, "upper": 80}]
    found = check_tables(log(2, 3_000), BEFORE, replace(OPTIONS, rules=rules))
    first = of(found, AlertCause.DATA_FAULT).hypotheses[0]
    assert (first.kind, first.columns) == ("data_fault", ("u",))
    assert first.evidence[0].code == "alert_itself"


def test_drift_of_a_text_is_told_by_the_alert_itself() -> None:
    def noted(frame: pl.DataFrame, words: str) -> pl.DataFrame:
        rng, known = np.random.default_rng(0), words.split()
        notes = [" ".join(rng.choice(known, rng.integers(4, 9))) for _ in range(frame.height)]
        return frame.with_columns(pl.Series("note", notes))

    now = noted(log(2, 3_000), "parcel never delivered although courier said otherwise angry refund lost broken")
    usual = noted(BEFORE, "parcel came in time thanks everything fine courier was friendly will order again soon")
    found = check_tables(now, usual, OPTIONS)
    first = of(found, AlertCause.DRIFT).hypotheses[0]
    assert (first.kind, first.columns) == ("covariate_shift", ("note",))


def test_what_explains_two_thirds_of_what_another_explains_loses_two_of_weight() -> None:
    about = replace(alert(AlertCause.DRIFT), evidence=(signal("score"), signal("x")))
    now = log(2, 3_000, shift=0.6)
    one = replace(case(BEFORE, now), alert=about)
    both = Finding(HypothesisKind.COVARIATE_SHIFT, 4.0, ("x",))
    release = Finding(HypothesisKind.RELEASE, 4.0, ("version",))
    kept, others = relevant(one, [both, release], faults_of(one, SCHEMA["u"]))
    # The first subject counts 1, the second 1/2: 6·(1 - 1/1.5) = 2.
    assert [f.weight for f in kept] == pytest.approx([4.0, 2.0])
    assert others == []


@cache
def pairs() -> tuple[Owned, ...]:
    # Seeds that neither the tables of docs/diagnosis.md nor the fit of confidences use.
    chosen = [joined(name, 201) for name in ("null spike", "mix shift", "concept shift in one segment")]
    return tuple(owned(Watched(World(201)), chosen))


@pytest.mark.slow
def test_of_two_planted_causes_each_alert_names_the_one_that_raises_it() -> None:
    known = [one for one in pairs() if one.owners]
    assert len(known) >= 5
    assert sum(one.placed for one in known) >= 0.8 * len(known)


def test_leaving_one_of_two_causes_out_leaves_all_else_as_it_was() -> None:
    both = replace(choose("mix shift", 4), also=Cause("null spike", KINDS["null spike"], "amount", 0.5))
    first, second = alone(both)
    world = World(4)
    whole, without, other = (day(world, 30, one) for one in (both, first, second))
    # The nulls are gone and the regions are those of both; then the other way round.
    assert whole["amount"].null_count() > 0 == without["amount"].null_count()
    assert whole["region"].equals(without["region"])
    usual = np.bincount(day(world, 30)["region"].rank("dense").to_numpy() - 1)
    assert np.array_equal(np.bincount(other["region"].rank("dense").to_numpy() - 1), usual)
    assert other["amount"].null_count() > 0

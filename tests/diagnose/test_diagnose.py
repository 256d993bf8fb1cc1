"""From an alert to ranked causes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import msgspec
import numpy as np
import polars as pl
import pytest

from bench.diagnosis.planted import KINDS, NOTHING, choose
from bench.diagnosis.watched import Seen, seen
from tests.diagnose.logs import SCHEMA, alert, case, log, states
from watchkeeper.core.alert import Cause
from watchkeeper.core.diagnosis import Diagnosis, HypothesisKind
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema, Task
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.window import Window
from watchkeeper.diagnose.case import Finding
from watchkeeper.diagnose.diagnose import diagnose, findings_of, onset_of, ranked
from watchkeeper.words.causes import sentence

DAY = timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)
BEFORE = log(1, 8_000)
LOST = log(2, 3_000).with_columns(pl.when(pl.col("id") % 6 == 0).then(None).otherwise("u").alias("u"))


def diagnosed(now: pl.DataFrame, cause: Cause = Cause.PERFORMANCE, **further: object) -> Diagnosis:
    spec = Spec("m", SCHEMA)
    return diagnose(alert(cause), spec, states(BEFORE), states(now), **further)


@pytest.mark.parametrize(
    ("kind", "place", "now"),
    [
        ("data_fault", "u", LOST),
        ("traffic_mix", "region", log(2, 3_000, north=0.8)),
        ("covariate_shift", "x", log(2, 3_000, shift=0.6)),
        ("concept_shift", "region=north", log(2, 3_000, turned=0.3)),
        ("label_fault", "label", log(2, 3_000, labelled=0.4)),
    ],
)  # fmt: skip
def test_a_cause_that_is_alone_is_ranked_first_with_its_place(kind: str, place: str, now: pl.DataFrame) -> None:
    cause = Cause.LABEL_FAULT if kind == "label_fault" else Cause.PERFORMANCE
    first = diagnosed(now, cause, attributed=False).hypotheses[0]
    assert first.kind == kind
    assert place in first.columns[:1] + first.segments[:1]
    assert first.confidence > 0.5
    assert first.evidence


@cache
def planted() -> tuple[Seen, ...]:
    some = ("null spike", "mix shift", "concept shift in one segment", "version change")
    wanted = {1: (*KINDS, NOTHING), 3: some}
    return tuple(one for seed, names in wanted.items() for one in seen(seed, [choose(name, seed) for name in names]))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*KINDS, NOTHING])
def test_causes_planted_in_the_log_of_a_fitted_model_are_found(name: str) -> None:
    # Two of the twenty logs of docs/diagnosis.md, a classifier's and a regressor's.
    for one in (s for s in planted() if s.cause.name == name):
        assert one.diagnosis is not None
        assert one.right, one.diagnosis.hypotheses
        assert one.placed or name == NOTHING


@pytest.mark.slow
def test_a_planted_change_is_dated_to_its_day() -> None:
    onsets = [one.diagnosis.onset for one in planted() if one.diagnosis and one.cause.name != NOTHING]
    changed = START + 28 * DAY
    assert sum(o is not None and o.earliest <= changed <= o.latest for o in onsets) >= 0.8 * len(onsets)


def test_confidences_are_the_softmax_by_hand_and_add_up() -> None:
    findings = [Finding(HypothesisKind.RELEASE, 2.0), Finding(HypothesisKind.DATA_FAULT, 3.0, ("x",))]
    found = ranked(findings, scale=1.0, in_doubt=1.0)
    # e³, e² and e¹ over their sum.
    assert [h.confidence for h in found] == pytest.approx([0.66524, 0.24473, 0.09003], abs=1e-5)
    assert [h.kind for h in found] == ["data_fault", "release", "unknown"]
    assert ranked([], scale=1.0, in_doubt=1.0)[0].confidence == 1
    even = [Finding(HypothesisKind.CONCEPT_SHIFT, 2.0), Finding(HypothesisKind.TRAFFIC_MIX, 2.0)]
    assert ranked(even)[0].kind == "traffic_mix"


def test_rows_with_a_fault_do_not_make_a_concept_shift() -> None:
    # Where u is missing the model answers nonsense; elsewhere nothing changed.
    lost = pl.col("id") % 4 == 0
    now = log(2, 3_000).with_columns(
        pl.when(lost).then(None).otherwise("u").alias("u"), pl.when(lost).then(0.99).otherwise("score").alias("score")
    )
    kinds = [f.kind for f in findings_of(case(BEFORE, now))[0] if f.weight > 0]
    assert "data_fault" in kinds
    assert "concept_shift" not in kinds


def test_a_fault_in_all_rows_leaves_nothing_to_say_of_labels_and_says_so() -> None:
    found = diagnosed(log(2, 3_000).with_columns(pl.col("u") * 100), Cause.DATA_FAULT)
    assert found.hypotheses[0].kind == "data_fault"
    assert found.attributions == ()
    assert any("labels cannot be compared" in sentence(note) for note in found.notes)


def test_attributions_add_up_and_the_worst_segment_is_where_labels_changed() -> None:
    found = diagnosed(log(2, 3_000, north=0.6, turned=0.3))
    assert [a.over for a in found.attributions] == ["causes", "segments", "features"]
    for one in found.attributions:
        assert sum(part.value for part in one.parts) == pytest.approx(one.total, abs=1e-12)
    assert "region = north" in found.worst[0].rule
    assert found == diagnosed(log(2, 3_000, north=0.6, turned=0.3))


def test_a_diagnosis_is_plain_data() -> None:
    found = diagnosed(log(2, 3_000, turned=0.3))
    again = msgspec.convert(msgspec.to_builtins(found), Diagnosis)
    assert again == found


def test_the_onset_is_that_of_the_series_that_fired_and_else_that_of_the_alert() -> None:
    rng = np.random.default_rng(0)
    windows = [Window(START + k * DAY, START + (k + 1) * DAY) for k in range(20)]
    level = np.where(np.arange(20) >= 14, 0.4, 0.1) + 0.02 * rng.normal(size=20)
    history = [
        Measurement(Family.COMPARISON, "ks", float(v), 100, window=w) for v, w in zip(level, windows, strict=True)
    ]
    other = [replace(m, column="u", value=float(k > 5)) for k, m in enumerate(history)]
    fired = Signal(history[15], "tolerance", rule="above_upper", fired=True)
    found = onset_of(replace(alert(), evidence=(fired,), since=START + 15 * DAY), [*history, *other])
    assert found is not None
    assert found.at == START + 14 * DAY
    told = onset_of(replace(alert(), since=START + 3 * DAY), history)
    assert told is not None
    assert (told.at, told.windows) == (START + 3 * DAY, 0)
    assert onset_of(alert(), history) is None


REGRESSOR = Schema(
    (
        Column("x", Role.FEATURE, Kind.NUMERIC, "Float64", NumericMap(0.0, 1.35)),
        Column("prediction", Role.PREDICTION, Kind.NUMERIC, "Float64", NumericMap(0.0, 1.35)),
        Column("label", Role.LABEL, Kind.NUMERIC, "Float64", NumericMap(0.0, 1.7)),
    ),
    Task.REGRESSION,
)


def regressed(seed: int, rows: int, slope: float = 1.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return pl.DataFrame({"x": x, "prediction": x, "label": slope * x + rng.normal(size=rows)})


def test_a_regressor_without_segments_or_times_is_diagnosed() -> None:
    sides = [states(one, REGRESSOR) for one in (regressed(1, 5_000), regressed(2, 3_000, slope=-0.2))]
    found = diagnose(alert(), Spec("m", REGRESSOR), *sides)
    assert found.hypotheses[0].kind == "concept_shift"
    assert [a.loss for a in found.attributions] == ["absolute_error", "absolute_error"]
    # The loss rose where |x| is large, at both ends.
    assert found.worst[0].columns == ("x",)


@pytest.mark.parametrize("gone", [False, True])
def test_rows_that_wait_for_all_their_labels_are_no_label_fault_unless_the_alert_is_about_labels(gone: bool) -> None:
    late = log(2, 3_000, shift=0.6).with_columns(pl.lit(None, dtype=pl.Int64).alias("label"))
    late = late.drop("label") if gone else late
    drifted = diagnosed(late, Cause.DRIFT).hypotheses
    assert drifted[0].kind == HypothesisKind.COVARIATE_SHIFT
    assert HypothesisKind.LABEL_FAULT not in {one.kind for one in drifted}
    assert diagnosed(late, Cause.LABEL_FAULT).hypotheses[0].kind == HypothesisKind.LABEL_FAULT


def test_windows_without_rows_labels_or_states_are_diagnosed_without_an_error() -> None:
    spec = Spec("m", SCHEMA)
    empty = diagnose(alert(Cause.NO_DATA), spec, states(BEFORE), {})
    assert empty.hypotheses[0].kind == "data_fault"
    assert "no rows arrived" in " ".join(sentence(one) for h in empty.hypotheses for one in h.evidence)
    assert diagnose(alert(), spec, {}, states(BEFORE)).hypotheses
    unlabelled = BEFORE.with_columns(pl.lit(None, dtype=pl.Int64).alias("label"))
    found = diagnose(alert(Cause.DRIFT), spec, states(unlabelled), states(unlabelled.head(2_000)))
    assert found.attributions == ()

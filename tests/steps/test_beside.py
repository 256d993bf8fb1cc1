"""A rate of the label that is unlikely, yet no alarm by itself, is told beside a drift of the model's answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from watchkeeper.compare.rate_change import RateChange
from watchkeeper.core.alert import Cause
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.spec import AlertRule, Monitor, Spec
from watchkeeper.core.state import State
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise_rows
from watchkeeper.steps.judge import Judged, JudgeMemory, judge
from watchkeeper.words.alerts import alert_sentence

ROWS = 3_000
OPTIONS = {"run_length": 730.0, "series": 18.0, "tolerance": 0.25, "beside": 0.01}
DRIFT = Monitor("ks", "tolerance", ("score",), options={"run_length": 730.0, "series": 18.0})


def frame(labels: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"score": np.linspace(0.001, 0.2, ROWS), "label": [1] * labels + [0] * (ROWS - labels), "x": range(ROWS)}
    )


SCHEMA = infer_schema(frame(75), roles={Role.LABEL: "label", Role.SCORE: "score"})


def label(rows: int) -> State:
    return merged(summarise_rows(frame(rows), SCHEMA, "m"), None, "m")[ALL, "label"]


BEFORE = label(75)


def drift(value: float, column: str = "score", segment: str = ALL) -> Measurement:
    evidence = Evidence(size=Size(ROWS, ROWS / 2))
    return Measurement(Family.COMPARISON, "ks", value, ROWS, column=column, segment=segment, evidence=evidence)


def looked(*measurements: Measurement, beside: float = 0.01, monitors: tuple[Monitor, ...] = (DRIFT,)) -> Judged:
    rates = Monitor("rate_change", "significance", ("label",), options={**OPTIONS, "beside": beside})
    spec = Spec("m", SCHEMA, monitors=(*monitors, rates), alerts=AlertRule(k=1, n=1, budget=730.0))
    rows = Measurement(Family.QUALITY, "rows", float(ROWS), ROWS)
    return judge([rows, *measurements], spec, JudgeMemory(), None)


def test_the_rate_is_told_in_the_alert_of_the_drift() -> None:
    judged = looked(drift(0.17), RateChange().compare(BEFORE, label(42)))
    (alert,) = judged.alerts
    assert {s.measurement.column for s in judged.signals if s.fired} == {"score", "label"}
    assert "label has '1' rarer, 2.5% → 1.4%" in alert_sentence(alert)


def test_by_itself_it_is_no_alarm() -> None:
    assert looked(drift(0.02), RateChange().compare(BEFORE, label(42))).alerts == ()


def test_by_itself_a_change_at_the_budget_is_one() -> None:
    (alert,) = looked(drift(0.02), RateChange().compare(BEFORE, label(15))).alerts
    assert alert.cause is Cause.DRIFT


def test_a_drift_of_a_feature_does_not_confirm_it() -> None:
    monitors = (replace(DRIFT, columns=("score", "x")),)
    judged = looked(drift(0.17, "x"), RateChange().compare(BEFORE, label(42)), monitors=monitors)
    assert {s.measurement.column for s in judged.signals if s.fired} == {"x"}


def test_a_drift_of_another_segment_does_not_confirm_it() -> None:
    monitors = (replace(DRIFT, segments=(ALL, "north")),)
    judged = looked(drift(0.17, segment="north"), RateChange().compare(BEFORE, label(42)), monitors=monitors)
    assert not any(s.fired and s.measurement.column == "label" for s in judged.signals)


@pytest.mark.parametrize("seed", range(2))
def test_windows_with_an_alarm_are_the_same_with_and_without_it(seed: int) -> None:
    """Unchanged windows, and a level beside drift that is passed one time in five."""
    rng = np.random.default_rng(seed)
    loose = (replace(DRIFT, options={"run_length": 2.0, "tolerance": 0.0}),)
    windows = [(float(rng.uniform(0, 0.05)), int(rng.binomial(ROWS, 0.025))) for _ in range(30)]
    seen = [
        [
            bool(looked(drift(far), RateChange().compare(BEFORE, label(ones)), beside=level, monitors=loose).alerts)
            for far, ones in windows
        ]
        for level in (0.0, 0.2)
    ]
    assert seen[0] == seen[1]
    assert any(seen[0])

"""Metrics and estimates say what the metric was in the reference."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.evidence import Quantity
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.performance.before import with_before
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise_rows
from watchkeeper.steps.assess import assess

ROLES = {Role.LABEL: "label", Role.PREDICTION: "prediction", Role.SCORE: "score"}


def answers(seed: int, n: int, wrong: float) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    label = rng.random(n) < 0.5
    prediction = label ^ (rng.random(n) < wrong)
    return pl.DataFrame(
        {
            "side": rng.choice(["l", "r"], n),
            "label": label,
            "prediction": prediction,
            "score": np.where(prediction, 0.8, 0.2),
        }
    )


BEFORE, NOW = answers(0, 3_000, 0.1), answers(1, 2_000, 0.3)
SCHEMA = infer_schema(BEFORE, roles=ROLES, segments=["side"])


def states(rows: pl.DataFrame) -> dict[tuple[str, str], State]:
    return merged(summarise_rows(rows, SCHEMA), None, "m")


def accuracy(rows: pl.DataFrame) -> float:
    return float((rows["label"] == rows["prediction"]).mean())


def test_a_metric_says_what_it_was_in_each_segment() -> None:
    found = assess(states(NOW), states(BEFORE), Spec("m", SCHEMA))
    changes = {m.segment: m.evidence.change for m in found if m.name == "accuracy" and m.family is Family.METRIC}
    assert set(changes) == {"all", "side=l", "side=r"}
    for segment, change in changes.items():
        before, now = (
            rows if segment == "all" else rows.filter(pl.col("side") == segment.removeprefix("side="))
            for rows in (BEFORE, NOW)
        )
        assert change.quantity is Quantity.METRIC
        assert (change.before, change.after) == pytest.approx((accuracy(before), accuracy(now)))


def test_an_estimate_says_what_the_metric_was() -> None:
    unlabelled = NOW.with_columns(label=pl.lit(None, pl.Boolean))
    found = assess(states(unlabelled), states(BEFORE), Spec("m", SCHEMA))
    (one,) = (m for m in found if m.name == "accuracy" and m.family is Family.ESTIMATE and m.segment == "all")
    assert one.evidence.change.before == pytest.approx(accuracy(BEFORE))
    assert one.evidence.change.after == one.value


def test_a_reference_without_labels_leaves_before_open_and_says_now() -> None:
    metric = Measurement(Family.METRIC, "accuracy", 0.7, 100, column=OUTCOME)
    (told,) = with_before([metric], {}, SCHEMA)
    assert (told.evidence.change.before, told.evidence.change.after) == (None, 0.7)


def test_a_metric_without_a_number_has_nothing_to_compare() -> None:
    lost = Measurement(Family.METRIC, "accuracy", None, 0, status=Status.NO_DATA, column=OUTCOME)
    assert with_before([lost], states(BEFORE), SCHEMA) == [lost]


def test_the_reference_is_measured_once_for_all_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    from watchkeeper.performance import before

    whole = before.assess_performance
    monkeypatch.setattr(before, "assess_performance", lambda *a, **k: calls.append("") or whole(*a, **k))
    reference, metric = states(BEFORE), Measurement(Family.METRIC, "accuracy", 0.7, 100, column=OUTCOME)
    for _ in range(5):
        with_before([metric, metric], reference, SCHEMA)
    assert len(calls) == 1

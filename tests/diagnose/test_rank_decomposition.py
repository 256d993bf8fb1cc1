"""Falls of the AUROC and their parts, against scikit-learn and truths known from how the rows were made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from tests.diagnose.logs import SCHEMA, alert, log, states
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.diagnose.decomposition import Decomposition
from watchkeeper.diagnose.diagnose import diagnose
from watchkeeper.diagnose.losses import loss_for, mean_loss
from watchkeeper.diagnose.rank_decomposition import decompose_ranking
from watchkeeper.diagnose.ranking import Ranking
from watchkeeper.diagnose.sampled import sampled
from watchkeeper.words.causes import sentence


def misranked(frame: pl.DataFrame) -> float:
    return 1 - float(roc_auc_score(frame["label"], frame["score"]))


def taken_apart(before: pl.DataFrame, now: pl.DataFrame) -> Decomposition:
    sides = states(before), states(now)
    rows0, rows = (sampled(side, SCHEMA, "rank_loss", "region").labelled() for side in sides)
    totals = [mean_loss(side[("all", "@outcome")], "rank_loss") for side in sides]
    assert totals[0] is not None
    assert totals[1] is not None
    found = decompose_ranking(rows0, rows, SCHEMA, totals[0], totals[1])
    assert found is not None
    return found


def test_the_loss_of_weighted_ranks_is_that_of_scikit_learn_with_ties() -> None:
    rng = np.random.default_rng(0)
    score, positive = rng.integers(0, 8, 300).astype(float), rng.random(300) < 0.3
    weights = rng.random(300)
    ranks = Ranking(score, positive)
    assert ranks.loss(weights) == pytest.approx(1 - roc_auc_score(positive, score, sample_weight=weights))
    # Weighted, what rows add has that mean.
    assert np.average(ranks.row_losses(weights), weights=weights) == pytest.approx(ranks.loss(weights))


def test_what_a_row_adds_is_the_derivative_of_the_loss_by_its_weight() -> None:
    rng = np.random.default_rng(1)
    score, positive = rng.normal(size=200), rng.random(200) < 0.4
    ranks, even = Ranking(score, positive), np.full(200, 1 / 200)
    adds = ranks.row_losses(even)
    for row in range(0, 200, 23):
        more = even * (1 - 1e-6)
        more[row] += 1e-6
        slope = (ranks.loss(more) - ranks.loss(even)) / 1e-6
        assert adds[row] - ranks.loss(even) == pytest.approx(slope, abs=1e-3)


def test_the_parts_add_up_to_the_fall_of_the_area_of_all_rows() -> None:
    before, now = log(1, 6_000), log(2, 2_500, north=0.8, shift=-0.5, turned=0.3)
    found = taken_apart(before, now)
    assert found.causes.before == pytest.approx(misranked(before), abs=1e-4)
    assert found.causes.after == pytest.approx(misranked(now), abs=1e-4)
    assert sum(part.value for part in found.causes.parts) == pytest.approx(found.causes.total, abs=1e-12)
    inside = sum(c.share * c.after.value for c in found.changes)
    assert inside == pytest.approx(found.causes.after, abs=1e-12)
    assert sum(c.share * c.concept for c in found.changes) == pytest.approx(found.part("concept shift").value, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("traffic mix", {"north": 0.97}),
        ("covariate shift", {"shift": -0.9}),
        ("concept shift", {"turned": 0.3}),
    ],
)
def test_each_cause_is_found_in_its_own_part(name: str, change: dict[str, float]) -> None:
    truth = misranked(log(8, 200_000, **change)) - misranked(log(9, 200_000))
    found = taken_apart(log(3, 20_000), log(4, 8_000, **change))
    for part in found.causes.parts:
        expected = truth if part.name == name else 0.0
        assert abs(part.value - expected) <= 3.5 * (part.error or 0.0) + 2e-3, part


def test_the_errors_of_the_parts_are_those_of_repeated_logs() -> None:
    found = [taken_apart(log(k, 3_000), log(100 + k, 1_500, shift=0.3)) for k in range(40)]
    for name in ("covariate shift", "concept shift"):
        parts = [one.part(name) for one in found]
        spread = float(np.std([part.value for part in parts], ddof=1))
        told = float(np.mean([part.error for part in parts if part.error is not None]))
        # A standard deviation of 40 values is within 35 % of the true one in 99 of 100 cases.
        assert 0.65 < told / spread < 1.6, (name, told, spread)


def explained(now: pl.DataFrame, *metrics: str) -> Diagnosis:
    measured = [Measurement(Family.METRIC, name, 0.7, 3_000, column="@outcome") for name in metrics]
    about = replace(alert(), evidence=tuple(Signal(m, "shewhart", rule="below_lower", fired=True) for m in measured))
    return diagnose(about, Spec("m", SCHEMA), states(log(1, 8_000)), states(now))


def test_a_fall_of_the_area_alone_is_explained_as_that() -> None:
    now = log(2, 4_000, turned=0.3)
    found = explained(now, "auroc")
    assert [(one.loss, one.over) for one in found.attributions] == [
        ("rank_loss", "causes"), ("rank_loss", "segments"), ("rank_loss", "features"),
    ]  # fmt: skip
    fall = misranked(now) - misranked(log(1, 8_000))
    for one in found.attributions:
        assert one.total == pytest.approx(fall, abs=2e-4)
        assert sum(part.value for part in one.parts) == pytest.approx(one.total, abs=1e-9)
    first = found.hypotheses[0]
    assert (first.kind, first.segments) == ("concept_shift", ("region=north",))
    assert "for the same inputs 1 - AUROC rose from" in sentence(first.evidence[0])
    assert "region = north" in found.worst[0].rule


def test_an_alert_about_a_mean_loss_too_is_explained_by_that() -> None:
    assert {one.loss for one in explained(log(2, 3_000, turned=0.3), "auroc", "log_loss").attributions} == {"log_loss"}
    assert loss_for(SCHEMA, ["auroc"]) == "rank_loss"
    assert loss_for(SCHEMA) == "brier"


def test_one_class_alone_has_no_area_to_explain() -> None:
    now = log(2, 3_000).with_columns(label=pl.lit(1, pl.Int64))
    found = explained(now, "auroc")
    assert found.attributions == ()
    assert any("too few labels" in sentence(note) for note in found.notes)

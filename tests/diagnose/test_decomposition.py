"""A change of the mean loss and its parts, against truths known from how the rows were made."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.diagnose.logs import SCHEMA, alert, log, states
from watchkeeper.core.diagnosis import Attribution, Contribution
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.diagnose.decomposition import Decomposition, SegmentChange, decompose, segment_losses
from watchkeeper.diagnose.diagnose import diagnose
from watchkeeper.diagnose.drop import AT_EQUAL_FEATURES, OTHERS, drop_by_features, drop_by_segments
from watchkeeper.diagnose.losses import MeanLoss, row_losses
from watchkeeper.diagnose.sampled import Sampled, sampled
from watchkeeper.words.causes import sentence


def taken_apart(before: pl.DataFrame, now: pl.DataFrame, column: str = "region") -> Decomposition:
    sides = states(before), states(now)
    rows0, rows = (sampled(side, SCHEMA, "brier", column).labelled() for side in sides)
    losses0, losses = (segment_losses(side, "brier", column) for side in sides)
    found = decompose(rows0, rows, SCHEMA, "brier", losses0, losses)
    assert found is not None
    return found


def parts(found: Decomposition) -> tuple[float, ...]:
    return tuple(part.value for part in found.causes.parts)


def brier(frame: pl.DataFrame) -> float:
    return float(((frame["score"] - frame["label"]) ** 2).mean())


def test_the_parts_add_up_to_the_change_of_the_mean_loss_of_all_rows() -> None:
    before, now = log(1), log(2, 1_500, north=0.8, shift=-0.5, turned=0.3)
    found = taken_apart(before, now)
    assert found.causes.before == pytest.approx(brier(before))
    assert found.causes.after == pytest.approx(brier(now))
    assert sum(parts(found)) == pytest.approx(brier(now) - brier(before), abs=1e-12)
    assert found.causes.n == 1_500


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("traffic mix", {"north": 0.95}),
        ("covariate shift", {"shift": 0.8}),
        ("concept shift", {"turned": 0.3}),
    ],
)
def test_each_cause_is_found_in_its_own_part(name: str, change: dict[str, float]) -> None:
    truth = brier(log(8, 200_000, **change)) - brier(log(9, 200_000))
    found = taken_apart(log(3, 20_000), log(4, 6_000, **change))
    for part in found.causes.parts:
        expected = truth if part.name == name else 0.0
        assert abs(part.value - expected) <= 3.5 * (part.error or 0.0) + 1e-3, part
    assert abs(truth) > 3.5 * (found.part(name).error or 0.0)


def test_the_errors_of_the_parts_are_those_of_repeated_logs() -> None:
    found = [
        taken_apart(log(100 + k, 2_500), log(200 + k, 1_200, north=0.7, shift=-0.4, turned=0.15)) for k in range(24)
    ]
    for place in range(3):
        spread = np.std([one.causes.parts[place].value for one in found], ddof=1)
        stated = np.mean([one.causes.parts[place].error for one in found])
        # The relative error of a standard deviation of 30 is .13.
        assert 0.65 <= stated / spread <= 1.6, found[0].causes.parts[place].name


def test_the_segment_whose_labels_changed_is_the_one_that_lost() -> None:
    found = {c.segment: c for c in taken_apart(log(5, 8_000), log(6, 4_000, turned=0.3)).changes}
    north, south = found["region=north"], found["region=south"]
    # Turning .3 of the labels of probability s adds .3·(1 - 2·s)² on average.
    scores = log(6, 4_000).filter(pl.col("region") == "north")["score"]
    assert north.concept == pytest.approx(0.3 * float(((1 - 2 * scores) ** 2).mean()), abs=3 * north.error)
    assert abs(south.concept) <= 3 * south.error


def test_a_log_without_segments_is_one_segment() -> None:
    found = taken_apart(log(7, 6_000), log(8, 3_000, turned=0.3), column="")
    assert [c.segment for c in found.changes] == ["all"]
    assert found.part("traffic mix").value == 0.0
    assert found.part("concept shift").value == pytest.approx(
        brier(log(8, 3_000, turned=0.3)) - brier(log(7, 6_000)), abs=0.02
    )


def test_shares_and_losses_of_segments_are_kitagawas_by_hand() -> None:
    # Shares .5/.5 → .8/.2, losses .1/.3 → .2/.3: rates .2 → .22. The level is .21.
    changes = (
        SegmentChange("s=a", 0.5, 0.8, MeanLoss(0.1, 0.01, 500), MeanLoss(0.2, 0.01, 800), 0.1, 0.01),
        SegmentChange("s=b", 0.5, 0.2, MeanLoss(0.3, 0.01, 500), MeanLoss(0.3, 0.01, 200), 0.3, 0.01),
    )
    causes = Attribution("brier", "causes", 0.2, 0.22, 0.01, (Contribution("traffic mix", 0.0),), 1_000, 1_000)
    found = {part.name: part.value for part in drop_by_segments(Decomposition(causes, changes, 1_000.0)).parts}
    # Shares: .3·(.15 - .21), -.3·(.3 - .21); inside: .65·.1, .35·0.
    assert found == pytest.approx(
        {"share of s=a": -0.018, "inside s=a": 0.065, "share of s=b": -0.027, "inside s=b": 0.0}
    )
    assert sum(found.values()) == pytest.approx(0.02)


FEATURES = Schema(tuple(Column(f"x{k}", Role.FEATURE, Kind.NUMERIC) for k in range(8)))


def side(seed: int, n: int, shift: dict[str, float], lift: float = 0.0) -> Sampled:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({f"x{k}": rng.normal(shift.get(f"x{k}", 0.0), 1, n) for k in range(8)})
    losses = 5 + frame["x0"].to_numpy() + 0.5 * frame["x1"].to_numpy() + lift + 0.2 * rng.normal(size=n)
    return Sampled(frame, np.full(n, 1 / n), np.full(n, "all"), losses)


def overall(before: Sampled, now: Sampled) -> Attribution:
    a, b = float(before.losses.mean()), float(now.losses.mean())
    return Attribution("absolute_error", "causes", a, b, 0.03, (), len(before), len(now))


def test_a_loss_that_is_a_sum_is_shared_out_among_the_features_that_moved() -> None:
    before, now = side(0, 2_000, {}), side(1, 2_000, {"x0": 0.5, "x1": -0.4, "x2": 0.8}, lift=0.3)
    found = drop_by_features(before, now, FEATURES, overall(before, now), ["x2", "x0", "x1"])
    assert found is not None
    assert sum(part.value for part in found.parts) == pytest.approx(found.total, abs=1e-12)
    value = {part.name: part for part in found.parts}
    # Of x0 one half, of x1 -.2, of x2 nothing, and .3 at equal features.
    for name, expected in (("x0", 0.5), ("x1", -0.2), ("x2", 0.0), (OTHERS, 0.0), (AT_EQUAL_FEATURES, 0.3)):
        one = value[name]
        assert abs(one.value - expected) <= 3.5 * (one.error or 0.0), one
        assert (one.error or 0.0) < 0.1
    assert found.permutations == 0


def test_many_features_alone_are_shared_out_by_drawn_orders_that_add_up_too() -> None:
    wide = Schema(tuple(Column(f"x{k}", Role.FEATURE, Kind.NUMERIC) for k in range(10)))
    rng = np.random.default_rng(3)

    def made(n: int, move: float) -> Sampled:
        x = rng.normal(size=(n, 10)) + move * (np.arange(10) == 0)
        frame = pl.DataFrame({f"x{k}": x[:, k] for k in range(10)})
        return Sampled(frame, np.full(n, 1 / n), np.full(n, "all"), x[:, 0] + 3)

    before, now = made(400, 0.0), made(400, 0.6)
    found = drop_by_features(before, now, wide, overall(before, now), alone=10, permutations=4)
    assert found is not None
    assert found.permutations == 4
    assert sum(part.value for part in found.parts) == pytest.approx(found.total, abs=1e-12)
    assert found.parts[0].name == "x0"


def test_losses_of_rows_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import brier_score_loss, log_loss

    frame = log(11, 500)
    y, s = frame["label"].to_numpy(), frame["score"].to_numpy()
    assert row_losses(frame, SCHEMA, "brier").mean() == pytest.approx(brier_score_loss(y, s))
    assert row_losses(frame, SCHEMA, "log_loss").mean() == pytest.approx(log_loss(y, s))
    unlabelled = log(12, 500, labelled=0.4)
    assert np.isnan(row_losses(unlabelled, SCHEMA, "brier")).sum() == unlabelled["label"].null_count()


def test_rows_where_the_reference_had_none_leave_few_that_are_like_them() -> None:
    rng = np.random.default_rng(5)
    columns = (Column("a", Role.FEATURE, Kind.NUMERIC), Column("b", Role.FEATURE, Kind.NUMERIC))

    def rows(n: int, level: float) -> Sampled:
        # b stood still in the reference, so that its rows differ in a alone.
        frame = pl.DataFrame({"a": rng.normal(size=n), "b": level + (level > 0) * rng.normal(size=n)})
        return Sampled(frame, np.full(n, 1 / n), np.full(n, "all"), rng.random(n))

    def effective(level: float) -> float:
        sides, total = (rows(2_000, 0.0), rows(1_000, level)), {"all": MeanLoss(0.5, 0.01, 1_000)}
        found = decompose(*sides, Schema(columns), "error", total, total)
        assert found is not None
        return found.effective

    assert effective(0.0) > 1_800
    assert effective(4.0) < 100


def test_a_model_asked_where_the_reference_had_no_rows_is_not_said_to_answer_otherwise() -> None:
    before = log(1, 8_000).with_columns(u=pl.lit(50.0))
    rng = np.random.default_rng(0)
    # The score rises by what u, which stood still before, now does.
    now = log(2, 4_000).with_columns(u=pl.Series(rng.normal(80, 10, 4_000)))
    odd = now.with_columns(score=1 / (1 + (-2 * pl.col("x") - 0.1 * (pl.col("u") - 50)).exp()))
    found = diagnose(alert(), Spec("m", SCHEMA), states(before), states(odd), attributed=False)
    assert found.hypotheses[0].kind == "covariate_shift"
    assert any("resembles the current rows" in sentence(one) for one in found.hypotheses[0].evidence)

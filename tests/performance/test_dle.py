"""Direct loss estimation against the closed form of normal errors."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from tests.performance.estimation_data import prices, states_of, without_labels
from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import Task
from watchkeeper.performance.assess_estimates import default_estimates
from watchkeeper.performance.dle import Dle, Surface
from watchkeeper.schema.inference import infer_schema


@cache
def reference():
    frame = prices(np.random.default_rng(0), 8_000)
    schema = infer_schema(frame, task=Task.REGRESSION)
    return schema, states_of(frame, schema)


def estimates(frame):
    schema, before = reference()
    return {m.name: m for m in Dle().estimate(before, states_of(without_labels(frame), schema), schema)}


@pytest.mark.parametrize("spread", [1.0, 1.25])
def test_losses_follow_the_closed_form_where_the_features_move(spread):
    frame = prices(np.random.default_rng(1), 15_000, spread)
    found, deviation = estimates(frame), 0.5 + frame["w"].abs().to_numpy()
    # Normal errors have E|e| = sigma*sqrt(2/pi) and E e^2 = sigma^2.
    assert found["mae"].value == pytest.approx(np.mean(deviation) * np.sqrt(2 / np.pi), rel=0.05)
    assert found["mse"].value == pytest.approx(np.mean(deviation**2), rel=0.1)
    assert found["rmse"].value == pytest.approx(found["mse"].value ** 0.5)


def test_bands_cover_the_realised_losses():
    rng = np.random.default_rng(2)
    covered = []
    for k in range(18):
        frame = prices(rng, 1_500, (0.8, 1.0, 1.2)[k % 3])
        found, error = estimates(frame), (frame["prediction"] - frame["label"]).to_numpy()
        truth = {
            "mae": np.abs(error).mean(),
            "mse": (error**2).mean(),
            "rmse": (error**2).mean() ** 0.5,
            "mape": np.mean(np.abs(error / frame["label"].to_numpy())),
        }
        covered += [found[name].interval[0] <= value <= found[name].interval[1] for name, value in truth.items()]
    assert 0.88 <= np.mean(covered) <= 0.995


def test_too_few_labels_are_no_data():
    schema, _ = reference()
    few = states_of(prices(np.random.default_rng(3), 100), schema)
    assert {m.status for m in Dle().estimate(few, few, schema)} == {Status.NO_DATA}


def test_a_label_that_is_infinite_is_left_out_and_counted():
    schema, before = reference()
    frame = prices(np.random.default_rng(0), 8_000)
    broken = states_of(
        frame.with_columns(label=pl.when(pl.int_range(pl.len()) < 3).then(np.inf).otherwise("label")), schema
    )
    now = states_of(without_labels(prices(np.random.default_rng(1), 4_000)), schema)
    sound, found = ({m.name: m for m in Dle().estimate(one, now, schema)} for one in (before, broken))
    assert found["mse"].status is Status.OK
    assert found["mse"].evidence.details["left_out"] == 3
    assert "left_out" not in sound["mse"].evidence.details
    for name, one in sound.items():
        assert found[name].value == pytest.approx(one.value, rel=0.02)


def test_labels_of_0_leave_the_relative_loss_out_alone():
    schema, _ = reference()
    frame = prices(np.random.default_rng(0), 2_000)
    zero = states_of(frame.with_columns(label=pl.when(pl.int_range(pl.len()) < 1).then(0.0).otherwise("label")), schema)
    assert {m.name for m in Dle().estimate(zero, zero, schema)} == {"mae", "mse", "rmse"}


def test_the_second_opinion_is_least_squares_with_squares_and_no_products():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(5_000, 3))
    loss = 2.0 + 0.5 * x[:, 0] - 0.3 * x[:, 1] ** 2
    surface = Surface.learnt(x, np.array([False, False, True]), loss)
    far = np.array([[2.0, 1.0, 9.0], [0.0, -3.0, 9.0]])
    assert surface.of(far) == pytest.approx([2.0 + 1.0 - 0.3, 2.0 - 2.7], abs=0.01)


def test_the_band_of_a_regressor_holds_the_distance_from_the_second_opinion():
    schema, before = reference()
    now = states_of(without_labels(prices(np.random.default_rng(5), 3_000, 2.0)), schema)
    plain = {m.name: m for m in Dle().estimate(before, now, schema)}
    for one in default_estimates(before, now, schema):
        apart = abs(one.evidence.estimate.second_opinion - one.value)
        assert one.evidence.estimate.between_methods == pytest.approx(apart)
        assert one.error == pytest.approx(np.hypot(plain[one.name].error, apart))


@pytest.mark.parametrize("column", ["prediction", "label"])
def test_answers_that_cannot_be_read_fail_and_say_which(column):
    schema, before = reference()
    frame = prices(np.random.default_rng(5), 600).with_columns(pl.lit("dear").alias(column))
    (found,) = default_estimates(before, states_of(frame, schema), schema)
    assert (found.name, found.status) == ("dle", Status.FAILED)
    assert found.reason == f"column {column!r} holds String, where numbers were expected"

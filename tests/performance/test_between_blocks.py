"""How far performance moves by itself between the blocks of a reference, on logs whose drift is known."""

from functools import reduce

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from tests.performance.estimation_data import prices, states_of
from watchkeeper.core.schema import Task
from watchkeeper.performance.between_blocks import LEAST_BLOCKS, between_blocks
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merge_states


def scored(rng, n, moved=0.0):
    """Return rows of calibrated scores; ``moved`` is added to the log odds of the labels and to no feature."""
    x, w = rng.normal(size=(2, n))
    score = expit(1.5 * x)
    label = (rng.random(n) < expit(1.5 * x + moved)).astype(int)
    return pl.DataFrame({"x": x, "w": w, "score": score, "prediction": (score > 0.5).astype(int), "label": label})


def whole_of(blocks):
    return {column: reduce(merge_states, [block[column] for block in blocks]) for column in blocks[0]}


def of_frames(frames, task=None):
    schema = infer_schema(pl.concat(frames), task=task)
    blocks = [states_of(frame, schema) for frame in frames]
    return between_blocks(whole_of(blocks), blocks, schema)


@pytest.mark.slow
def test_blocks_that_do_not_drift_show_variance_by_chance_alone():
    rng = np.random.default_rng(1)
    found = [of_frames([scored(rng, 400) for _ in range(15)]) for _ in range(20)]
    drifting = np.mean([[one.variance(name) > 0 for name in ("accuracy", "brier", "recall")] for one in found])
    # One in twenty is allowed; 60 looks that go together have a standard error of about 4 per cent.
    assert drifting <= 0.15


def test_the_variance_is_that_of_the_planted_drift():
    rng = np.random.default_rng(2)
    moves = rng.normal(0.0, 0.8, 24)
    frames = [scored(rng, 1_000, move) for move in moves]
    # What the log odds do to the accuracy of these scores, over the same 24 moves, by integration over a large draw.
    truth = [(f["label"] == f["prediction"]).mean() for f in (scored(rng, 100_000, move) for move in moves)]
    calm = scored(rng, 200_000)
    expected = np.std(np.array(truth) - (calm["label"] == calm["prediction"]).mean())
    found = of_frames(frames)
    assert found.blocks == 23
    assert found.variance("accuracy") ** 0.5 == pytest.approx(expected, rel=0.5)
    assert found.unknown == ""


def test_too_few_blocks_are_unknown_and_say_so():
    rng = np.random.default_rng(4)
    found = of_frames([scored(rng, 400) for _ in range(5)])
    assert found.variances == {}
    assert f"4 blocks of the reference have labels, {LEAST_BLOCKS} are needed" in found.unknown


def test_a_metric_that_few_blocks_have_is_unknown_while_others_are_not():
    rng = np.random.default_rng(7)
    frames = [scored(rng, 400) for _ in range(14)]
    # Where nothing is predicted positive there is no precision.
    frames = [frame if k < 6 else frame.with_columns(prediction=pl.lit(0, pl.Int64)) for k, frame in enumerate(frames)]
    found = of_frames(frames)
    assert found.unknown == found.lack("accuracy") == ""
    assert "precision" not in found.variances
    assert found.lack("precision") == "fewer than 10 blocks of the reference tell how precision varies"


@pytest.mark.slow
def test_losses_of_regressors_that_grow_by_themselves_are_found():
    rng = np.random.default_rng(5)
    calm = of_frames([prices(rng, 500) for _ in range(12)], Task.REGRESSION)
    assert calm.blocks == 12
    assert calm.variance("mae") ** 0.5 < 0.05
    scales = np.exp(rng.normal(0.0, 0.3, 12))
    moving = of_frames(
        [
            prices(rng, 500).with_columns(label=pl.col("prediction") + scale * (pl.col("label") - pl.col("prediction")))
            for scale in scales
        ],
        Task.REGRESSION,
    )
    # E|e| = E(.5 + |w|)·√(2/π), times the scale of the block.
    mean = (0.5 + np.sqrt(2 / np.pi)) * np.sqrt(2 / np.pi)
    assert moving.variance("mae") ** 0.5 == pytest.approx(mean * np.std(scales), rel=0.5)


def test_regressors_without_a_sample_of_rows_are_unknown():
    rng = np.random.default_rng(6)
    frames = [prices(rng, 300) for _ in range(3)]
    schema = infer_schema(frames[0], task=Task.REGRESSION)
    blocks = [{k: v for k, v in states_of(f, schema).items() if k != "@joint"} for f in frames]
    assert "no rows are sampled" in between_blocks(whole_of(blocks), blocks, schema).unknown

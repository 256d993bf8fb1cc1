"""The sample of rows with their answers."""

import numpy as np
import polars as pl

from watchkeeper.core.state import JOINT
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.answer_sample import LABEL, PREDICTION, SCORE
from watchkeeper.stats.codec import decode_state, encode_state, merge_states
from watchkeeper.stats.summarise import summarise_rows


def frame_of(n, first=0):
    rng = np.random.default_rng(first)
    score = rng.random(n)
    label = pl.Series("label", (rng.random(n) < score).astype(int)).set(pl.Series(rng.random(n) < 0.5), None)
    return pl.DataFrame(
        {
            "id": np.arange(first, first + n),
            "income": rng.normal(size=n),
            "age": rng.normal(size=n),
            "region": rng.choice(["north", "south"], n),
            "score": score,
            "prediction": (score > 0.5).astype(int),
            "label": label,
        }
    )


def sample_of(frame, schema):
    states = summarise_rows(frame, schema, keep=("answer_sample",))
    return next(state for state in states if state.key.column == JOINT)


def test_a_small_window_is_kept_whole_with_its_answers():
    frame = frame_of(3_000)
    part = decode_state(encode_state(sample_of(frame, infer_schema(frame)))).parts["answer_sample"]
    kept = pl.DataFrame(dict(zip(part.names, part.x.T, strict=True))).with_columns(part.levels).sort("income")
    rows = frame.sort("income")
    assert kept.height == 3_000
    np.testing.assert_array_equal(kept[SCORE], rows["score"])
    np.testing.assert_array_equal(kept[PREDICTION], rows["prediction"])
    np.testing.assert_array_equal(kept[LABEL], rows["label"].cast(pl.Float64).fill_null(float("nan")))
    assert kept["region"].to_list() == rows["region"].to_list()


def test_windows_whose_answers_cannot_be_read_still_merge():
    frame = frame_of(500)
    schema = infer_schema(frame)
    broken = frame_of(500, first=500).with_columns(score=pl.lit("none"))
    merged = merge_states(sample_of(frame, schema), sample_of(broken, schema)).parts["answer_sample"]
    assert len(merged.hashes) == 1_000
    assert np.isnan(merged.x[:, merged.names.index(SCORE)]).sum() == 500


def test_a_large_window_is_sampled_uniformly():
    frame = frame_of(60_000)
    part = sample_of(frame, infer_schema(frame)).parts["answer_sample"]
    assert len(part.hashes) == 50_000
    assert part.rows == 60_000
    # Four standard errors of a mean of 50,000 uniform numbers.
    assert abs(part.x[:, part.names.index(SCORE)].mean() - frame["score"].mean()) < 4 * 0.2887 / 50_000**0.5

"""Sampled rows as models read them."""

from dataclasses import replace

import numpy as np
import pytest

from tests.performance.estimation_data import applicants, states_of
from watchkeeper.core.errors import StateError
from watchkeeper.core.state import JOINT
from watchkeeper.performance.sampled import is_sampled, sampled
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.stats.summarise import summarise_rows


def test_a_reference_that_is_read_again_is_the_one_that_was_learnt_from():
    frame = applicants(np.random.default_rng(1), 3_000)
    schema, now = infer_schema(frame), states_of(frame.head(500), infer_schema(frame))
    before = states_of(frame, schema)
    again = {column: decode_state(encode_state(state)) for column, state in before.items()}
    first, _ = sampled(before, now, schema)
    assert sampled(again, now, schema)[0] is first


def test_a_reference_of_which_one_label_has_changed_is_learnt_from_anew():
    frame = applicants(np.random.default_rng(1), 3_000).with_row_index("id")
    schema, now = infer_schema(frame), states_of(frame.head(500), infer_schema(frame))
    first, _ = sampled(states_of(frame, schema), now, schema)
    corrected = frame.with_columns(label=frame["label"].scatter(7, 1 - frame["label"][7]))
    other, _ = sampled(states_of(corrected, schema), now, schema)
    assert np.nansum(np.abs(first.label - other.label)) == 1


def test_rows_of_a_window_may_come_from_a_smaller_sample_than_those_of_the_reference():
    frame = applicants(np.random.default_rng(1), 9_000)
    schema = infer_schema(frame)
    before = states_of(frame, schema)
    few = {s.key.column: s for s in summarise_rows(frame, schema, keep=("window_answers",))}
    reference, window = sampled(before, few, schema, most=50_000)
    assert (len(reference.x), len(window.x), window.rows) == (9_000, 5_000, 9_000)
    # The smaller sample is the beginning of the larger one.
    np.testing.assert_array_equal(window.x, reference.x[:5_000])


def test_a_state_that_broke_says_why():
    frame = applicants(np.random.default_rng(1), 500)
    schema = infer_schema(frame)
    states = states_of(frame, schema)
    broken = {**states, JOINT: replace(states[JOINT], parts={}, problem="cut short")}
    assert is_sampled(states)
    assert not is_sampled(broken)
    with pytest.raises(StateError, match="cut short"):
        sampled(states, broken, schema)

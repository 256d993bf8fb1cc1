"""States as bytes: the same after a round trip, refused when damaged or from the future."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import numpy as np
import polars as pl
import pytest

from watchkeeper.core.errors import StateError
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.window import Window
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import FORMAT, decode_state, encode_state, merge_states
from watchkeeper.stats.summarise import summarise_rows

DAY = Window(datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 1, 2, tzinfo=UTC))


@pytest.fixture
def states():
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "id": np.arange(500),
            "x": rng.normal(size=500),
            "c": rng.choice(["a", "é"], 500),
            "label": rng.integers(0, 2, 500),
        }
    )
    return summarise_rows(frame, infer_schema(frame), "m", "7", DAY)


def test_the_key_the_column_and_the_results_come_back(states):
    for state in states:
        back = decode_state(encode_state(state))
        assert back.key == state.key
        assert back.spec == state.spec
        assert back.parts.keys() == state.parts.keys()


def test_encoding_twice_gives_the_same_bytes(states):
    for state in states:
        assert encode_state(state) == encode_state(decode_state(encode_state(state)))


def test_a_state_with_a_problem_keeps_it():
    state = State(StateKey("m", column="x"), None, {}, "column 'x' is missing")
    assert decode_state(encode_state(state)) == state


def test_damaged_bytes_are_refused_with_a_reason(states):
    data = encode_state(states[0])
    for broken in (b"", data[: len(data) // 2], b"\xff" * 40, data[:30] + b"\x00\x01\x02" + data[33:]):
        with pytest.raises(StateError):
            decode_state(broken)


def test_a_state_of_a_newer_format_asks_for_an_upgrade(states):
    body = msgspec.msgpack.decode(encode_state(states[0]))
    body["format"] = FORMAT + 1
    with pytest.raises(StateError, match="upgrade"):
        decode_state(msgspec.msgpack.encode(body))


def test_states_of_different_columns_do_not_merge(states):
    with pytest.raises(StateError, match="do not merge"):
        merge_states(states[0], states[1])


def test_a_merge_keeps_the_problem_of_either(states):
    broken = replace(states[0], problem="its type changed", parts={})
    assert merge_states(states[0], broken).problem == "its type changed"

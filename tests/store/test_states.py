from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from deltalake import DeltaTable

from watchkeeper.core.batch import Batch
from watchkeeper.core.schema import Column, Kind, Role, Schema, SegmentRule
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.stats.summarise import summarise
from watchkeeper.store.lake import LakeStore
from watchkeeper.store.states import StateTable

DAY = Window(datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC))
SCHEMA = Schema(
    (
        Column("at", Role.TIME, Kind.TIME),
        Column("x", Role.FEATURE, Kind.NUMERIC, "Float64"),
        Column("place", Role.FEATURE, Kind.CATEGORICAL, "String"),
    ),
    segments=(SegmentRule("place"),),
)


def _states(seed: int) -> list[State]:
    rng = np.random.default_rng(seed)
    rows = pl.DataFrame(
        {
            "at": pl.Series([DAY.start + timedelta(seconds=int(s)) for s in rng.integers(0, 86_400, 300)]),
            "x": rng.normal(size=300),
            "place": rng.choice(["a", "b", "ü"], 300),
        }
    )
    return list(summarise([Batch(rows, SCHEMA)], Spec("m", SCHEMA, WindowRule())).values())


def test_real_states_come_back_byte_for_byte(lake: LakeStore, opened: Callable[..., LakeStore]) -> None:
    states = _states(0)
    assert len({s.key.segment for s in states}) == 4
    lake.put_states("m", {DAY: states})
    found = opened().states("m", DAY)
    assert found.keys() == {s.key for s in states}
    assert all(encode_state(found[s.key]) == encode_state(s) for s in states)


def test_only_the_columns_asked_for_are_decoded(tmp_path: Path) -> None:
    decoded: list[bytes] = []

    def decode(data: bytes) -> State:
        decoded.append(data)
        return decode_state(data)

    table = StateTable(str(tmp_path / "states"), {}, encode_state, decode)
    table.put({DAY: _states(0)})
    assert {key.column for key in table.get(DAY, ["x"])} == {"x"}
    assert len(decoded) == 4


def test_a_window_is_replaced_without_rewriting_its_neighbours(lake: LakeStore, tmp_path: Path) -> None:
    for number in range(3):
        window = Window(DAY.start + number * timedelta(hours=1), DAY.start + (number + 1) * timedelta(hours=1))
        lake.put_states("m", {window: []})
    assert lake.states("m", DAY) == {}
    lake.put_states("m", {DAY: _states(0)})
    lake.put_states("m", {None: []})
    uris = set(DeltaTable(tmp_path / "store/log/m/states").file_uris())
    later = Window(DAY.end, DAY.end + timedelta(days=1))
    moved = [State(type(s.key)("m", "", later, s.key.segment, s.key.column), s.spec, s.parts) for s in _states(1)]
    lake.put_states("m", {later: moved})
    assert uris < set(DeltaTable(tmp_path / "store/log/m/states").file_uris())
    assert len(lake.states("m", Window(DAY.start, later.end))) == 2 * len(moved)

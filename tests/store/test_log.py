from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from deltalake import DeltaTable

from watchkeeper.core.errors import SchemaError, StoreError
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.store import Store, Table
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.store import snapshot
from watchkeeper.store.lake import LakeStore
from watchkeeper.testing.store import labels, predictions

START = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = Window(START, START + 31 * DAY)


def schema(*features: str, label: bool = True) -> Schema:
    columns = [Column("id", Role.ID, Kind.IDENTIFIER), Column("at", Role.TIME, Kind.TIME)]
    columns += [Column(name, Role.FEATURE, Kind.NUMERIC) for name in features]
    columns += [Column("label", Role.LABEL, Kind.NUMERIC)] * label
    return Schema(tuple(columns), Task.BINARY)


SCHEMA = schema("x")


def read(store: Store, model: str = "m", window: Window = MONTH, wanted: Schema = SCHEMA) -> pl.DataFrame:
    frames = [batch.frame for batch in store.read(model, wanted, window)]
    return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()


def test_a_file_of_a_year_is_one_commit_in_partitions_by_utc_date(lake: LakeStore, tmp_path: Path) -> None:
    rows = predictions([1, 2, 3], [0, 1.5, 0.9]).with_columns(pl.col("at").dt.convert_time_zone("America/Los_Angeles"))
    lake.append("m", Table.PREDICTIONS, rows, SCHEMA)
    table = DeltaTable(tmp_path / "store/log/m/predictions")
    assert table.version() == 0
    days = sorted(str(part["watchkeeper_date"]) for part in table.partitions())
    assert days == ["2024-03-01", "2024-03-02"]


def test_other_programs_read_the_columns_by_their_names(lake: LakeStore, tmp_path: Path) -> None:
    lake.append("m", Table.PREDICTIONS, predictions([1], [0]), SCHEMA)
    found = pl.scan_delta(tmp_path / "store/log/m/predictions").collect()
    assert found.select("id", "at", "x", "<b>place</b>", "score").equals(predictions([1], [0]))


def test_large_windows_come_in_bounded_batches_and_lose_nothing(
    make_store: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "BATCH_ROWS", 50)
    store, rng = make_store(), np.random.default_rng(7)
    for number in range(3):
        days = rng.permutation(np.concatenate([np.full(120, 5.5), rng.uniform(0, 5, 80)]))
        ids = list(range(number * 150, number * 150 + 200))
        store.append("m", Table.PREDICTIONS, predictions(ids, days.tolist()), SCHEMA)
    store.append("m", Table.LABELS, labels({i: i % 2 for i in range(0, 500, 5)}), SCHEMA)
    batches = [batch.frame for batch in store.read("m", SCHEMA, MONTH)]
    assert len(batches) > 8
    whole = pl.concat(batches, how="diagonal_relaxed")
    assert sorted(whole["id"].to_list()) == list(range(500))
    labelled = whole.filter(pl.col("label").is_not_null()).sort("id")
    assert labelled["id"].to_list() == list(range(0, 500, 5))
    assert labelled["label"].to_list() == [i % 2 for i in range(0, 500, 5)]


def test_text_ids_and_number_ids_are_the_same_ids(make_store: Callable[[], Store]) -> None:
    store = make_store()
    store.append("m", Table.PREDICTIONS, predictions([1, 2], [0, 0]), SCHEMA)
    late = pl.DataFrame({"id": ["2", "nine"], "label": [1, 0]})
    store.append("m", Table.LABELS, late, SCHEMA)
    assert dict(read(store).select("id", "label").iter_rows()) == {1: None, 2: 1}
    store.append("m", Table.PREDICTIONS, predictions([2, 3], [0, 0]).with_columns(pl.col("id").cast(pl.String)), SCHEMA)
    assert sorted(read(store)["id"].to_list()) == ["1", "2", "3"]
    assert store.changes("m", SCHEMA, WindowRule(), "").orphans == 1


@pytest.mark.parametrize("ids", [["α-1", "β 2", "'; --"], ["a" * 200 + str(i) for i in range(3)]], ids=["odd", "long"])
def test_text_ids_meet_their_labels(make_store: Callable[[], Store], ids: list[str]) -> None:
    store = make_store()
    rows = predictions([1, 2, 3], [0, 1, 2]).with_columns(id=pl.Series(ids))
    store.append("m", Table.PREDICTIONS, rows, SCHEMA)
    seen = store.changes("m", SCHEMA, WindowRule(), "")
    store.append("m", Table.LABELS, pl.DataFrame({"id": [ids[2], "?"], "label": [1.5, 2.5]}), SCHEMA)
    assert dict(read(store).select("id", "label").iter_rows()) == {ids[0]: None, ids[1]: None, ids[2]: 1.5}
    after = store.changes("m", SCHEMA, WindowRule(), seen.cursor)
    assert (after.windows, after.orphans) == ((Window(START + 2 * DAY, START + 3 * DAY),), 1)


def test_a_logged_label_stands_until_a_late_one_comes(make_store: Callable[[], Store]) -> None:
    store = make_store()
    store.append("m", Table.PREDICTIONS, predictions([1, 2, 3], [0, 0, 0]).with_columns(label=pl.lit(0)), SCHEMA)
    assert read(store)["label"].to_list() == [0, 0, 0]
    late = pl.DataFrame({"id": [1, 2], "label": [1, None]})
    store.append("m", Table.LABELS, late, SCHEMA)
    assert dict(read(store).select("id", "label").iter_rows()) == {1: 1, 2: None, 3: 0}


def test_late_labels_of_another_type_do_not_lose_the_logged_ones(make_store: Callable[[], Store]) -> None:
    store = make_store()
    store.append("m", Table.PREDICTIONS, predictions([1, 2], [0, 0]).with_columns(label=pl.lit(0)), SCHEMA)
    store.append("m", Table.LABELS, pl.DataFrame({"id": [1], "label": ["late"]}), SCHEMA)
    assert dict(read(store).select("id", "label").iter_rows()) == {1: "late", 2: "0"}


def test_a_log_without_ids_is_read_whole_and_takes_no_labels(make_store: Callable[[], Store]) -> None:
    store = make_store()
    bare = Schema((Column("at", Role.TIME, Kind.TIME), Column("x", Role.FEATURE, Kind.NUMERIC)))
    rows = predictions([1, 1], [0, 0]).select("at", "x")
    assert store.append("m", Table.PREDICTIONS, rows, bare).rows == 2
    assert read(store, wanted=bare).height == 2
    with pytest.raises(SchemaError, match="names no id column"):
        store.append("m", Table.LABELS, labels({1: 1}), bare)


def test_a_thousand_columns_are_no_trouble(lake: LakeStore) -> None:
    names = [f"column {number}" for number in range(1_000)]
    rows = predictions([1, 2], [0, 0]).select("id", "at").with_columns(pl.lit(1.5).alias(n) for n in names)
    lake.append("m", Table.PREDICTIONS, rows, schema(*names))
    got = read(lake, wanted=schema(*names, label=False))
    assert got.equals(rows)


def test_quarantine_keeps_every_refused_row_once(
    lake: LakeStore, opened: Callable[..., LakeStore], tmp_path: Path
) -> None:
    rows = pl.DataFrame(
        {"id": [1, None, 1], "at": ["2024-03-01"] * 3, "x": [0.5, float("nan"), 2.5], "tags": [["a"]] * 3}
    )
    lake.append("m", Table.PREDICTIONS, rows, SCHEMA, source="one.csv")
    opened().append("m", Table.PREDICTIONS, rows, SCHEMA, source="one.csv")
    kept = pl.scan_delta(tmp_path / "store/log/m/quarantine").collect().sort("watchkeeper_place")
    assert kept["reason"].to_list() == ["id is null", "id occurs twice in the same rows"]
    assert [json.loads(row) for row in kept["row"]] == [
        {"id": None, "at": "2024-03-01", "x": "nan", "tags": ["a"]},
        {"id": 1, "at": "2024-03-01", "x": 2.5, "tags": ["a"]},
    ]
    assert kept["source"].to_list() == ["one.csv"] * 2


def test_a_crash_between_quarantine_and_log_loses_and_doubles_nothing(lake: LakeStore, tmp_path: Path) -> None:
    rows = pl.DataFrame({"id": [1, None], "at": ["2024-03-01"] * 2, "x": [0.5, 1.5]})
    lake.append("m", Table.PREDICTIONS, predictions([9], [0]), SCHEMA)
    blocked = tmp_path / "store/log/m/predictions/_delta_log/00000000000000000001.json"
    blocked.mkdir()
    with pytest.raises(StoreError, match=r"cannot write to .*predictions"):
        lake.append("m", Table.PREDICTIONS, rows, SCHEMA, source="a")
    assert read(lake)["id"].to_list() == [9]
    blocked.rmdir()
    again = lake.append("m", Table.PREDICTIONS, rows, SCHEMA, source="a")
    assert (again.rows, again.refused, again.known) == (1, 1, False)
    assert pl.scan_delta(tmp_path / "store/log/m/quarantine").collect().height == 1
    assert sorted(read(lake)["id"].to_list()) == [1, 9]


def test_reading_sees_one_moment_even_while_rows_are_appended(lake: LakeStore) -> None:
    lake.append("m", Table.PREDICTIONS, predictions([1], [0]), SCHEMA)
    reading = lake.read("m", SCHEMA, MONTH)
    first = next(reading).frame
    lake.append("m", Table.PREDICTIONS, predictions([2], [1]), SCHEMA)
    assert [first.height, *(len(batch) for batch in reading)] == [1]


def test_rows_survive_a_compaction_and_count_as_seen(
    lake: LakeStore, opened: Callable[..., LakeStore], tmp_path: Path
) -> None:
    for number in range(4):
        lake.append("m", Table.PREDICTIONS, predictions([number, 7], [0, 0]), SCHEMA)
    seen = lake.changes("m", SCHEMA, WindowRule(), "").cursor
    before = read(lake).sort("id")
    DeltaTable(tmp_path / "store/log/m/predictions").optimize.compact()
    after = opened()
    assert read(after).sort("id").equals(before)
    assert after.changes("m", SCHEMA, WindowRule(), seen).windows == ()
    assert after.append("m", Table.PREDICTIONS, predictions([8], [3]), SCHEMA).rows == 1
    assert after.changes("m", SCHEMA, WindowRule(), seen).windows == (Window(START + 3 * DAY, START + 4 * DAY),)


@pytest.mark.parametrize("cursor", ["p:1", "l:1,p:1", "p:x,l:0", "7"])
def test_a_cursor_of_something_else_is_refused(make_store: Callable[[], Store], cursor: str) -> None:
    with pytest.raises(StoreError, match="is none that changes"):
        make_store().changes("m", SCHEMA, WindowRule(), cursor)


def test_a_cursor_ahead_of_the_log_says_that_the_log_was_replaced(make_store: Callable[[], Store]) -> None:
    store = make_store()
    store.append("m", Table.PREDICTIONS, predictions([1], [0]), SCHEMA)
    with pytest.raises(StoreError, match=r"ahead of the log.*was replaced; use '' to start over"):
        store.changes("m", SCHEMA, WindowRule(), "p:5,l:-1")


def test_a_truncated_file_of_the_log_is_a_store_error(lake: LakeStore, tmp_path: Path) -> None:
    lake.append("m", Table.PREDICTIONS, predictions([1], [0]), SCHEMA)
    (file,) = (tmp_path / "store/log/m/predictions").rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(StoreError, match=r"cannot read .*log/m"):
        read(lake)

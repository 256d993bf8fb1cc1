"""What every store must obey."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl

from watchkeeper.core.errors import ConflictError, SchemaError, StateError
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.store import Store, Table
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.testing.leases import check_leases
from watchkeeper.testing.ledger import check_ledger

__all__ = ["check_store"]

_START = datetime(2024, 3, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_FAR = Window(_START - 1_000 * _DAY, _START + 1_000 * _DAY)
_SCHEMA = Schema(
    (
        Column("id", Role.ID, Kind.IDENTIFIER, "Int64"),
        Column("at", Role.TIME, Kind.TIME, "Datetime"),
        Column("x", Role.FEATURE, Kind.NUMERIC, "Float64"),
        Column("<b>place</b>", Role.FEATURE, Kind.CATEGORICAL, "String"),
        Column("score", Role.SCORE, Kind.NUMERIC, "Float64"),
        Column("label", Role.LABEL, Kind.NUMERIC, "Int64"),
    ),
    Task.BINARY,
    ("0", "1"),
    "1",
)


def check_store(make_store: Callable[[], Store]) -> None:
    """Assert that a store obeys its contract.

    Checked: rows come back as they went in, by half-open windows, with their newest labels and one row per id; a
    source is appended once; refused rows are counted; changes name the touched windows and no others; a column that
    changes its type loses no row; states are replaced as a whole and read by window and column; nouns survive and are
    replaced, never doubled; pointers are compared before they are moved; every action is in the chain once; models do
    not meet; and of a store that knows leases, that one worker at a time works on a model.

    Parameters
    ----------
    make_store
        Returns a store on the same, at first empty, place every time: what one store wrote the next must find.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    for check in (
        _check_rows,
        _check_sources,
        _check_doubles,
        _check_refusals,
        _check_times,
        _check_labels,
        _check_changes,
        _check_types,
        _check_states,
        _check_models,
    ):
        check(make_store)
    check_ledger(make_store)
    check_leases(make_store)


def predictions(ids: list[int], days: list[float]) -> pl.DataFrame:
    """Return predictions with these ids, these many days after the start."""
    return pl.DataFrame(
        {
            "id": ids,
            "at": pl.Series([_START + day * _DAY for day in days], dtype=pl.Datetime("us", "UTC")),
            "x": [i / 2 for i in ids],
            "<b>place</b>": [f"place {i % 3}" for i in ids],
            "score": [1 / (1 + abs(i)) for i in ids],
        }
    )


def labels(values: dict[int, int]) -> pl.DataFrame:
    """Return late labels by id."""
    return pl.DataFrame({"id": list(values), "label": list(values.values())})


def _read(store: Store, model: str, window: Window = _FAR) -> pl.DataFrame:
    frames = [batch.frame for batch in store.read(model, _SCHEMA, window)]
    return pl.concat(frames, how="vertical_relaxed").sort("id") if frames else pl.DataFrame({"id": []})


def _days(first: int, last: int) -> Window:
    return Window(_START + first * _DAY, _START + last * _DAY)


def _check_rows(make: Callable[[], Store]) -> None:
    store, model = make(), "rows"
    assert not list(store.read(model, _SCHEMA, _FAR)), "an unknown model has rows"
    sent = predictions([3, 1, 2, 4], [0.0, 1.0, 0.999, -2.5])
    appended = store.append(model, Table.PREDICTIONS, sent, _SCHEMA)
    assert (appended.rows, appended.doubled, appended.refused, appended.known) == (4, 0, 0, False), appended
    got = _read(make(), model)
    assert got.drop("label").equals(sent.sort("id")), "rows do not come back as they went in"
    assert got.columns == [c.name for c in _SCHEMA], "columns do not come in the order of the schema"
    assert got["label"].null_count() == 4, "a label that never came is not null"
    assert _read(store, model, _days(0, 1))["id"].to_list() == [2, 3], "a window is not half-open"
    store.append(model, Table.PREDICTIONS, sent.clear(), _SCHEMA)
    assert _read(store, model).height == 4, "appending nothing changes something"


def _check_sources(make: Callable[[], Store]) -> None:
    model = "sources"
    first = make().append(model, Table.PREDICTIONS, predictions([1], [0]), _SCHEMA, source="march.parquet")
    again = make().append(model, Table.PREDICTIONS, predictions([2], [0]), _SCHEMA, source="march.parquet")
    assert not first.known and first.rows == 1
    assert again.known and again.rows == 0, "a source was appended twice"
    store = make()
    assert _read(store, model)["id"].to_list() == [1], "a known source wrote rows"
    assert not store.append(model, Table.LABELS, labels({1: 1}), _SCHEMA, source="march.parquet").known, (
        "a source of predictions counts as a source of labels"
    )
    bad = predictions([7], [0]).with_columns(at=pl.lit(None, pl.Datetime("us", "UTC")))
    assert store.append(model, Table.PREDICTIONS, bad, _SCHEMA, source="bad.parquet").refused == 1
    assert store.append(model, Table.PREDICTIONS, bad, _SCHEMA, source="bad.parquet").known, (
        "a source of which every row was refused is forgotten"
    )


def _check_doubles(make: Callable[[], Store]) -> None:
    store, model = make(), "doubles"
    rows = predictions([1, 2, 1], [0, 0, 0.5]).with_columns(x=pl.Series([1.0, 2.0, 3.0]))
    appended = store.append(model, Table.PREDICTIONS, rows, _SCHEMA)
    assert (appended.rows, appended.doubled) == (2, 1), "doubled ids in one append are not counted"
    later = predictions([2, 3, 1], [0.1, 0.2, 5]).with_columns(x=pl.lit(9.0))
    store.append(model, Table.PREDICTIONS, later, _SCHEMA)
    assert _read(store, model, _days(0, 1))["x"].to_list() == [1.0, 2.0, 9.0], "not the first prediction counts"
    assert _read(store, model)["id"].to_list() == [1, 2, 3], "an id comes twice in one window"


def _check_refusals(make: Callable[[], Store]) -> None:
    store, model = make(), "refusals"
    rows = pl.DataFrame(
        {
            "id": [1, None, 3, 4, None],
            "at": ["2024-03-01T10:00:00", "2024-03-01", "soon", None, None],
            "x": [1.0, 2.0, 3.0, 4.0, 5.0],
        }
    )
    appended = store.append(model, Table.PREDICTIONS, rows, _SCHEMA)
    assert (appended.rows, appended.refused, appended.doubled) == (1, 4, 0), appended
    assert "id" in appended.reason and "at" in appended.reason, f"the reason names no column: {appended.reason!r}"
    assert _read(store, model)["id"].to_list() == [1]
    for table, lacking in ((Table.PREDICTIONS, "at"), (Table.PREDICTIONS, "id"), (Table.LABELS, "label")):
        whole = predictions([9], [0]) if table is Table.PREDICTIONS else labels({9: 1})
        try:
            store.append(model, table, whole.drop(lacking), _SCHEMA)
        except SchemaError as error:
            assert lacking in str(error), "the message does not name the missing column"
        else:
            raise AssertionError(f"{table} without {lacking} were appended")
    assert _read(store, model)["id"].to_list() == [1], "a refused append wrote rows"


def _check_times(make: Callable[[], Store]) -> None:
    store, model = make(), "times"
    naive = predictions([1], [0]).with_columns(pl.col("at").dt.replace_time_zone(None))
    store.append(model, Table.PREDICTIONS, naive, _SCHEMA)
    berlin = predictions([2], [0]).with_columns(
        pl.col("at").dt.convert_time_zone("Europe/Berlin").cast(pl.Datetime("ns", "Europe/Berlin"))
    )
    store.append(model, Table.PREDICTIONS, berlin, _SCHEMA)
    mixed = ["2024-03-01T01:00:00+01:00", "2024-02-29T19:00:00.000-05:00", "2024-03-01 00:00Z", "2024-03-01"]
    text = predictions([3, 4, 5, 6], [0] * 4).with_columns(at=pl.Series(mixed))
    assert store.append(model, Table.PREDICTIONS, text, _SCHEMA).rows == 4
    times = _read(store, model)["at"]
    assert times.dtype == pl.Datetime("us", "UTC"), f"times come back as {times.dtype}"
    assert times.to_list() == [_START] * 6, "times with mixed offsets are not the same moment"


def _check_labels(make: Callable[[], Store]) -> None:
    store, model = make(), "labels"
    store.append(model, Table.LABELS, labels({1: 0, 2: 0}), _SCHEMA)
    store.append(model, Table.PREDICTIONS, predictions([1, 2, 3], [0, 1, 2]), _SCHEMA)
    assert _read(store, model)["label"].to_list() == [0, 0, None], "a label that came before its prediction is lost"
    store.append(model, Table.LABELS, labels({2: 1, 3: 1}), _SCHEMA)
    twice = pl.DataFrame({"id": [3, 3], "label": [1, 0]})
    assert store.append(model, Table.LABELS, twice, _SCHEMA).doubled == 1
    got = _read(make(), model)
    assert got["label"].to_list() == [0, 1, 0], "not the newest label counts"
    assert got.height == 3, "labels add rows"


def _check_changes(make: Callable[[], Store]) -> None:
    store, model, rule = make(), "changes", WindowRule(every=2 * _DAY, grain=_DAY)
    begun = store.changes(model, _SCHEMA, rule, "")
    assert not begun.windows and not begun.orphans, "an unknown model has changes"
    store.append(model, Table.PREDICTIONS, predictions([1, 2, 3], [0, 5, 0.5]), _SCHEMA)
    first = store.changes(model, _SCHEMA, rule, begun.cursor)
    assert first.windows == (_days(0, 1), _days(5, 6)), "the touched windows are not named in order of time"
    assert store.changes(model, _SCHEMA, rule, "").windows == first.windows, "the beginning forgets windows"
    still = make().changes(model, _SCHEMA, rule, first.cursor)
    assert not still.windows and still.cursor == first.cursor, "nothing happened, and something changed"
    store.append(model, Table.LABELS, labels({2: 1, 77: 0}), _SCHEMA)
    late = store.changes(model, _SCHEMA, rule, first.cursor)
    assert late.windows == (_days(5, 6),), "a late label does not touch the window of its prediction alone"
    assert late.orphans == 1, "a label of an unknown id is not counted"
    store.append(model, Table.PREDICTIONS, predictions([77], [9]), _SCHEMA)
    met = store.changes(model, _SCHEMA, rule, late.cursor)
    assert (met.windows, met.orphans) == ((_days(9, 10),), 0)
    hourly = WindowRule(every=_DAY, grain=timedelta(hours=1))
    hours = store.changes(model, _SCHEMA, hourly, late.cursor).windows
    assert hours == (Window(_START + 9 * _DAY, _START + 9 * _DAY + timedelta(hours=1)),), "another grain, other windows"


def _check_types(make: Callable[[], Store]) -> None:
    store, model = make(), "types"
    store.append(model, Table.PREDICTIONS, predictions([1, 2], [0, 0]), _SCHEMA)
    text = predictions([3], [1]).with_columns(x=pl.lit("1,5 km"), new=pl.lit(True))
    assert store.append(model, Table.PREDICTIONS, text, _SCHEMA).rows == 1, "a changed type loses rows"
    whole = predictions([4], [2]).with_columns(pl.col("x").cast(pl.Int32)).drop("score")
    store.append(model, Table.PREDICTIONS, whole, _SCHEMA)
    nulls = predictions([5], [3]).with_columns(x=pl.lit(None))
    store.append(model, Table.PREDICTIONS, nulls, _SCHEMA)
    store = make()
    assert _read(store, model, _days(0, 1))["x"].to_list() == [0.5, 1.0], "older rows changed their type"
    assert _read(store, model, _days(1, 2))["x"].to_list() == ["1,5 km"], "the text was not kept"
    assert _read(store, model, _days(2, 3))["x"].to_list() == [2], "the whole number was not kept"
    assert _read(store, model, _days(2, 3))["score"].to_list() == [None], "a missing column is not null"
    assert _read(store, model, _days(3, 4))["x"].to_list() == [None], "a column of nulls is not null"
    wide = Schema((*_SCHEMA.columns, Column("new", Role.FEATURE, Kind.BOOLEAN)))
    rows = [batch.frame for batch in store.read(model, wide, _days(0, 2))]
    assert pl.concat(rows).sort("id")["new"].to_list() == [None, None, True], "a new column is lost"


def _check_states(make: Callable[[], Store]) -> None:
    store, model = make(), "states"
    assert store.states(model, None) == {} and store.states(model, _FAR) == {}, "an unknown model has states"

    def state(window: Window | None, column: str, problem: str, segment: str = "all") -> State:
        return State(StateKey(model, "v1", window, segment, column), Column(column, Role.FEATURE, Kind.NUMERIC),
                     {}, problem)  # fmt: skip

    for day in range(3):
        window = _days(day, day + 1)
        store.put_states(model, {window: [state(window, "x", f"day {day}"), state(window, "y", "", "a=1")]})
    store.put_states(model, {None: [state(None, "x", "reference")]})
    one = _days(1, 2)
    store.put_states(model, {one: [state(one, "x", "again"), state(one, "z", "new")]})
    store = make()
    found = store.states(model, _days(0, 2))
    assert {(s.key.window, s.key.column): s.problem for s in found.values()} == {
        (_days(0, 1), "x"): "day 0", (_days(0, 1), "y"): "", (one, "x"): "again", (one, "z"): "new",
    }, "the states of a window are not replaced as a whole"  # fmt: skip
    assert all(key == kept.key for key, kept in found.items()), "a state is filed under another key"
    only = store.states(model, _FAR, ["x"])
    assert [s.problem for s in only.values()] == ["day 0", "again", "day 2"], "columns or the order of time are off"
    assert [s.problem for s in store.states(model, None).values()] == ["reference"], "the reference is not kept apart"
    half = Window(_START, _START + timedelta(hours=36))
    assert len(store.states(model, half)) == 2, "a state whose window does not lie in the window was returned"
    for wrong in ([state(one, "x", ""), state(_days(2, 3), "y", "")], [state(one, "x", ""), state(one, "x", "b")]):
        try:
            store.put_states(model, {_days(0, 1): [], one: wrong})
        except StateError:
            pass
        else:
            raise AssertionError("states of another window, or two with one key, were kept")
    assert store.states(model, _days(0, 2)) == found, "refused states changed what was there"
    store.put_states(model, {one: []})
    assert len(store.states(model, _days(0, 2))) == 2, "putting no states does not remove the old ones"
    store.put_states(model, {_days(0, 1): [], one: [state(one, "x", "third")], None: []})
    kept = [s.problem for s in store.states(model, _FAR).values()]
    assert kept == ["third", "day 2", ""], "several windows are not replaced together, or others with them"
    assert not store.states(model, None), "the reference is not replaced together with windows"
    store.put_states(model, {})
    assert len(store.states(model, _FAR)) == 3, "putting nothing changes what is there"


def _check_models(make: Callable[[], Store]) -> None:
    store = make()
    names = ["a/b", "a", "..", "a b", "A=B", "ü%2F", "'; DROP TABLE specs; --"]
    for number, name in enumerate(names):
        store.append(name, Table.PREDICTIONS, predictions([number], [0]), _SCHEMA, source="same")
        store.record(name, [], {"champion": (None, f"v{number}")})
    store = make()
    for number, name in enumerate(names):
        assert _read(store, name)["id"].to_list() == [number], f"model {name!r} met another one"
        assert store.pointer(name, "champion") == f"v{number}", f"model {name!r} met another one"
    try:
        store.record("a", [], {"champion": (None, "v9")})
    except ConflictError:
        return
    raise AssertionError("a pointer that exists was made anew")

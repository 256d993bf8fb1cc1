"""Whatever a host logs: a row with an id and a time is in the log, and what cannot be is set aside by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from watchkeeper.core.intake import TimeLimits
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.store import Table
from watchkeeper.core.window import Window
from watchkeeper.ingest.intake import Taken, take_segments
from watchkeeper.ingest.spool import SpoolFaults, spooled
from watchkeeper.log import Log
from watchkeeper.stats.summarise import summarise
from watchkeeper.store.memory import MemoryStore

from .odd_values import AT, FEATURES, IDS, TIMES, UNNAMED, VALUES

LIMITS = TimeLimits(latest=AT + timedelta(days=1))
YEAR = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def schema(*features: str) -> Schema:
    columns = [Column("id", Role.ID, Kind.IDENTIFIER), Column("time", Role.TIME, Kind.TIME)]
    columns += [Column("prediction", Role.PREDICTION, Kind.NUMERIC), Column("label", Role.LABEL, Kind.NUMERIC)]
    return Schema((*columns, *(Column(name, Role.FEATURE, Kind.NUMERIC) for name in features)))


class Logged:
    """What became of logged rows in a store."""

    def __init__(self, folder: Path, rows: list[dict[str, Any]], labels: list[tuple[Any, Any]], *features: str) -> None:
        with Log(folder, "m") as log:
            self.keys = [log.predict(**row) for row in rows]
            for key, value in labels:
                log.label(key, value, AT)
        assert log.lost == 0
        self.problems = log.problems
        self.schema, self.store, self.faults = schema(*features), MemoryStore(), SpoolFaults()
        segments = spooled(folder, "m", self.schema, faults=self.faults)
        self.taken: list[Taken] = list(take_segments(self.store, "m", self.schema, segments, LIMITS))
        assert [one.problem for one in self.taken if one.problem] == []
        assert list((folder / "spool" / "m").glob("*.jsonl")) == []
        self.batches = list(self.store.read("m", self.schema, YEAR))
        self.frame = pl.concat([batch.frame for batch in self.batches], how="diagonal_relaxed")
        # What is in the log can be worked with.
        assert self.frame.rows()
        assert summarise(self.batches, Spec("m", self.schema))

    def of(self, table: Table) -> list[int]:
        """Return how many rows of a table were taken in, and how many were set aside."""
        appended = [one.appended for one in self.taken if one.table is table]
        return [sum(a.rows for a in appended), sum(a.refused + a.doubled for a in appended)]


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    """Every value as a feature of its own column, as a prediction and as a label."""
    rows = [
        {
            "id": name,
            "time": AT,
            "features": {f"a {name}": value},
            "prediction": value,
            "score": value,
            "latency": value,
        }
        for name, value in VALUES.items()
    ]
    rows += [{"id": f"in a list {name}", "time": AT, "features": {"nested": [value]}} for name, value in VALUES.items()]
    return Logged(
        tmp_path_factory.mktemp("values"), rows, list(VALUES.items()), *(f"a {name}" for name in VALUES), "nested"
    )


@pytest.mark.parametrize("name", VALUES)
def test_no_value_keeps_its_row_out(values: Logged, name: str) -> None:
    found = values.frame.filter(pl.col("id").is_in([name, f"in a list {name}"]))
    assert found.height == 2


def test_every_label_is_taken_in_and_nothing_is_set_aside(values: Logged) -> None:
    assert values.of(Table.PREDICTIONS) == [2 * len(VALUES), 0]
    assert values.of(Table.LABELS) == [len(VALUES), 0]


def test_a_value_without_a_form_is_told_to_the_host(values: Logged) -> None:
    assert any(words.startswith("a value cannot be logged and is null") for words in values.problems)
    plain = {"whole": 7, "float": 1.5, "text": "a", "nul inside": "a\x00b", "half a character": "\\ud800"}
    for name, value in plain.items():
        assert values.frame.filter(pl.col("id") == name)[f"a {name}"].to_list() == [value]
    for name in ("raising", "panicking", "circle", "deep", "beyond the limit of digits"):
        assert f"a {name}" not in values.frame.columns or values.frame[f"a {name}"].is_null().all()


@pytest.fixture(scope="module")
def ids(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    rows = [{"id": key, "time": AT, "features": {"name": name}} for name, (key, _) in IDS.items()]
    return Logged(tmp_path_factory.mktemp("ids"), rows, [(key, 1) for key, _ in IDS.values()], "name")


@pytest.mark.parametrize("name", IDS)
def test_an_id_that_is_none_costs_its_own_row(ids: Logged, name: str) -> None:
    wanted = IDS[name][1]
    kept = ids.frame.filter(pl.col("name") == name)["id"].cast(pl.String).to_list()
    if wanted is ...:
        assert len(kept) == 1
        assert kept[0]
    else:
        assert kept == ([] if wanted is None else [wanted])


def test_ids_that_are_none_are_counted(ids: Logged) -> None:
    lost = sum(wanted is None for _, wanted in IDS.values())
    # Of a prediction without an id one is made, of a label none can be.
    assert ids.of(Table.PREDICTIONS) == [len(IDS) - lost, lost]
    assert ids.of(Table.LABELS) == [len(IDS) - lost - 1, lost + 1]


@pytest.fixture(scope="module")
def times(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    rows = [{"id": name, "time": at} for name, (at, _) in TIMES.items()]
    return Logged(tmp_path_factory.mktemp("times"), rows, [])


@pytest.mark.parametrize("name", TIMES)
def test_a_time_that_is_none_costs_its_own_row(times: Logged, name: str) -> None:
    found = times.frame.filter(pl.col("id") == name)["time"].to_list()
    day = AT.replace(hour=0) if name == "date" else AT
    assert found == ([day] if TIMES[name][1] else [])


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    rows = [{"id": name, "time": AT, "features": found} for name, found in {**FEATURES, **UNNAMED}.items()]
    return Logged(tmp_path_factory.mktemp("features"), rows, [], "a", "b")


@pytest.mark.parametrize("name", FEATURES)
def test_whatever_has_names_brings_them(features: Logged, name: str) -> None:
    assert features.frame.filter(pl.col("id") == name).select("a", "b").rows() == [(1, 2)]


@pytest.mark.parametrize("name", UNNAMED)
def test_what_has_no_names_is_left_out_and_its_row_stays(features: Logged, name: str) -> None:
    assert features.frame.filter(pl.col("id") == name).select("a", "b").rows() == [(None, None)]


def test_rows_without_names_are_counted(features: Logged) -> None:
    # Those that had no form at all are counted by the host.
    assert features.faults.unnamed + sum(features.problems.values()) == len(UNNAMED)


@pytest.mark.parametrize(
    "name", ["\x00", "a\x00b", "\ud800", "id", "features.id", "*", "^x$", "", 1, None, ("a", "b"), 1.5]
)
def test_a_feature_may_have_any_name(tmp_path: Path, name: Any) -> None:
    logged = Logged(tmp_path, [{"id": "1", "time": AT, "features": {name: 7, "a": 1}}], [], "a")
    assert logged.frame.select("id", "a").rows() == [("1", 1)]


def test_a_line_that_somebody_else_wrote_harms_no_other(tmp_path: Path) -> None:
    with Log(tmp_path, "m") as log:
        log.predict("good", AT)
    (path,) = (tmp_path / "spool" / "m").glob("*.jsonl")
    odd = [b"[]", b"7", b"null", b"{}", b'{"kind": []}', b'{"kind": "prediction"}', b"[" * 100_000, b"\xff",
           b'{"kind": "prediction", "id": "x", "time": 1e400, "features": {"a": 1e999}}',
           b'{"kind": "label"}', b'{"kind": "lost", "rows": "many"}',
           b'{"kind": "prediction", "features": 7}']  # fmt: skip
    path.write_bytes(b"\n".join(odd) + b"\n" + path.read_bytes())
    store, wanted = MemoryStore(), schema("a")
    taken = list(take_segments(store, "m", wanted, spooled(tmp_path, "m", wanted), LIMITS))
    assert [one.problem for one in taken if one.problem] == []
    assert [batch.frame["id"].to_list() for batch in store.read("m", wanted, YEAR)] == [["good"]]

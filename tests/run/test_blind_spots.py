"""A column that is gone, empty or always the same is named, whatever it holds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import polars as pl
import pytest

from watchkeeper import check
from watchkeeper.api import open_project, report
from watchkeeper.core.alert import Cause
from watchkeeper.core.errors import StoreError

N = 600
START = datetime(2026, 1, 1, tzinfo=UTC)
Column = Callable[[np.random.Generator], pl.Series]

COLUMNS: dict[str, Column] = {
    "struct": lambda rng: pl.Series([{"a": float(v), "b": "x"} for v in rng.normal(size=N)]),
    "list": lambda rng: pl.Series([["a", "b", "c"][: int(v)] for v in rng.integers(0, 4, N)]),
    "time": lambda rng: pl.Series([START + timedelta(seconds=int(v)) for v in rng.integers(0, 10**7, N)]),
    "clock": lambda rng: pl.Series([START + timedelta(seconds=int(v)) for v in rng.integers(0, 86_400, N)]).dt.time(),
    "vector": lambda rng: pl.Series(rng.normal(size=(N, 8)), dtype=pl.Array(pl.Float64, 8)),
    "customer_id": lambda rng: pl.Series([str(UUID(int=int(v))) for v in rng.integers(0, 2**60, N)]),
}


def table(name: str, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame({"x": rng.normal(size=N), name: COLUMNS[name](rng)})


def faults(now: pl.DataFrame, before: pl.DataFrame, *causes: Cause) -> list[str]:
    # A single column of times would be taken for the time of the rows.
    alerts = check(now, before, features=before.columns).alerts
    return [c for a in alerts if a.cause in (causes or (Cause.DATA_FAULT,)) for c in a.columns]


def spoilt(now: pl.DataFrame, name: str, how: str) -> pl.DataFrame:
    if how == "gone":
        return now.drop(name)
    dtype = now.schema[name]
    if how == "empty":
        return now.with_columns(pl.lit(None, dtype=dtype).alias(name))
    if how == "constant":
        return now.with_columns(pl.concat([now[name][:1]] * N).alias(name))
    values = now[name].to_numpy() * {"zero": 0.0, "scaled": 2.0, "shrunk": 0.5}[how]
    return now.with_columns(pl.Series(name, values, dtype=dtype))


@pytest.mark.parametrize("how", ["gone", "empty", "constant"])
@pytest.mark.parametrize("name", list(COLUMNS))
def test_a_column_of_any_type_that_is_gone_empty_or_constant_is_named(name: str, how: str) -> None:
    # A time of day is a number, and one that takes over has drifted.
    causes = (Cause.DATA_FAULT, Cause.DRIFT) if (name, how) == ("clock", "constant") else (Cause.DATA_FAULT,)
    assert set(faults(spoilt(table(name, 2), name, how), table(name, 1), *causes)) == {name}


@pytest.mark.parametrize("how", ["zero", "scaled", "shrunk"])
def test_vectors_of_zeros_and_scaled_vectors_are_named(how: str) -> None:
    assert faults(spoilt(table("vector", 2), "vector", how), table("vector", 1)) == ["vector"]


@pytest.mark.parametrize("name", list(COLUMNS))
def test_a_column_that_is_as_it_was_is_silent(name: str) -> None:
    assert [faults(table(name, 2 * seed), table(name, 2 * seed + 1), *Cause) for seed in range(3)] == [[]] * 3


def test_lists_that_are_all_empty_are_named() -> None:
    now = table("list", 2).with_columns(pl.Series("list", [[]] * N, dtype=pl.List(pl.String)))
    assert faults(now, table("list", 1)) == ["list"]


def test_a_date_that_is_one_in_a_window_is_no_fault() -> None:
    days = [START.date() + timedelta(days=i % 60) for i in range(3_000)]
    before = pl.DataFrame({"x": np.random.default_rng(0).normal(size=3_000), "due": days})
    assert check(before.filter(pl.col("due") == days[0]), before).alerts == ()


def test_an_id_with_one_value_throughout_is_named() -> None:
    rows = table("customer_id", 1).with_columns(prediction_id=pl.Series([f"r{i}" for i in range(N)]))
    same = rows.with_columns(pl.lit("r1").alias("prediction_id"))
    told = check(same, rows, id="prediction_id").notes
    assert any("the id prediction_id holds one value in all 600 rows" in note for note in told), told
    assert not any("holds one value" in note for note in check(rows, rows, id="prediction_id").notes)


def test_a_log_that_is_gone_while_the_database_stays_is_an_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    at = [START + timedelta(minutes=30 * i) for i in range(N)]
    pl.DataFrame({"at": at, "id": range(N), "x": rng.normal(size=N)}).write_parquet(tmp_path / "in.parquet")
    (tmp_path / "watchkeeper.yaml").write_text(
        "store: {url: data}\nmodels:\n  m:\n    source: in.parquet\n    reference: {from: 2026-01-01, to: 2026-01-05}\n"
        "    columns: {id: id, time: at}\n    notify: []\n"
    )
    project = open_project(tmp_path / "watchkeeper.yaml", {})
    project.run("m", START + timedelta(days=13))
    project.close()
    shutil.rmtree(tmp_path / "data" / "log")
    again = open_project(tmp_path / "watchkeeper.yaml", {})
    for asked in (lambda: again.run("m", START + timedelta(days=13)), lambda: report(again)):
        with pytest.raises(StoreError, match=r"the log of model 'm' is gone from .*data/log, while its records"):
            asked()
    (tmp_path / "data" / "log").mkdir()
    with pytest.raises(StoreError, match="the log of model 'm' is gone"):
        again.run("m", START + timedelta(days=13))
    again.close()

"""``watchkeeper anomalies``: rows that are not like the others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from .conftest import Command


def rows(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": [f"{seed}-{i}" for i in range(n)],
            "height": rng.normal(170, 10, n),
            "weight": rng.normal(70, 8, n),
            "plan": rng.choice(["basic", "plus"], n),
        }
    )


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Write a reference, rows like it, and the same rows with fifty giants among them."""
    rows(4_000, 1).write_parquet(tmp_path / "then.parquet")
    fine = rows(1_000, 2)
    fine.write_parquet(tmp_path / "fine.parquet")
    giant = pl.int_range(pl.len()) % 20 == 7
    grown = {"height": 250.0, "weight": 150.0}
    odd = fine.with_columns(pl.when(giant).then(pl.lit(v)).otherwise(name).alias(name) for name, v in grown.items())
    odd.write_parquet(tmp_path / "odd.parquet")
    return tmp_path


@pytest.mark.parametrize("method", ["isolation_forest", "local_outlier_factor"])
def test_odd_rows_are_listed_first_with_what_stands_out(watchkeeper: Command, tables: Path, method: str) -> None:
    done = watchkeeper("anomalies", "odd.parquet", "--reference", "then.parquet", "--method", method, "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["schema_version"], told["rows"], told["judged"]) == (1, 1_000, 1_000)
    assert told["anomalous"] == 20
    assert {one["row"] % 20 for one in told["found"]} == {7}
    assert {name for one in told["found"] for name in one["features"]} == {"height", "weight"}
    assert told["found"][0]["values"]["id"].startswith("2-")


def test_rows_like_the_reference_are_listed_and_none_is_called_anomalous(watchkeeper: Command, tables: Path) -> None:
    done = watchkeeper("anomalies", "fine.parquet", "--reference", "then.parquet", "--limit", 3)
    assert done.returncode == 0
    assert "0 rows of 1,000 are called anomalous by isolation_forest" in done.stdout
    assert len(done.stdout.strip().splitlines()) == 5


def test_a_table_without_a_feature_and_an_unknown_method_are_told(watchkeeper: Command, tables: Path) -> None:
    pl.read_parquet(tables / "fine.parquet").drop("weight").write_parquet(tables / "less.parquet")
    done = watchkeeper("anomalies", "less.parquet", "-r", "then.parquet")
    assert done.returncode == 2
    assert "has no column 'weight'" in done.stderr
    done = watchkeeper("anomalies", "fine.parquet", "-r", "then.parquet", "--method", "forest")
    assert done.returncode == 2


def test_a_feature_that_changed_its_type_is_told_and_not_taken_for_missing(watchkeeper: Command, tables: Path) -> None:
    fine = pl.read_parquet(tables / "fine.parquet")
    fine.with_columns(weight=pl.lit("heavy")).write_parquet(tables / "changed.parquet")
    done = watchkeeper("anomalies", "changed.parquet", "-r", "then.parquet")
    assert done.returncode == 2
    assert "column 'weight' changed its type: the reference holds Float64, this holds String" in done.stderr


def test_a_row_is_named_by_its_id_and_by_its_place_where_it_has_none(watchkeeper: Command, tables: Path) -> None:
    done = watchkeeper("anomalies", "odd.parquet", "--reference", "then.parquet", "--limit", 3)
    head, *told = done.stdout.splitlines()[1:]
    assert head.split()[0] == "id"
    assert all(line.split()[1].startswith("2-") for line in told if line.startswith("▲"))
    done = watchkeeper("anomalies", "odd.parquet", "--reference", "then.parquet", "--limit", 3, "--ignore", "id")
    head, *told = done.stdout.splitlines()[1:]
    assert head.split()[0] == "row"
    assert all(int(line.split()[1]) % 20 == 7 for line in told if line.startswith("▲"))

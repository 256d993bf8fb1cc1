"""The option --embed of check."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from .conftest import Command

NAME = "review@embedding"


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    texts = [f"order {i} came late and the box was wet" for i in range(300)]
    pl.DataFrame({"review": texts}).write_parquet(tmp_path / "before.parquet")
    pl.DataFrame({"review": texts[::2]}).write_parquet(tmp_path / "now.parquet")
    (tmp_path / "own_lengths.py").write_text("def lengths(texts):\n    return [[float(len(t))] for t in texts]\n")
    return tmp_path


def test_an_embedder_in_the_working_folder_is_found(watchkeeper: Command, tables: Path) -> None:
    done = watchkeeper(
        "check", "now.parquet", "-r", "before.parquet", "--embed", "review=own_lengths:lengths", "--json"
    )
    assert done.returncode == 0, done.stderr
    found = [m for m in json.loads(done.stdout)["measurements"] if m["column"] == NAME]
    assert {m["status"] for m in found} == {"ok"}
    assert "mean_shift" in {m.get("comparison") for m in found}


@pytest.mark.parametrize("text", ["review", "review=own_lengths", "=own_lengths:lengths"])
def test_an_embedder_that_is_not_understood_is_a_usage_error(watchkeeper: Command, tables: Path, text: str) -> None:
    done = watchkeeper("check", "now.parquet", "-r", "before.parquet", "--embed", text)
    assert done.returncode == 2
    assert f"--embed {text!r} is not understood. Valid: COLUMN=MODULE:FUNCTION" in done.stderr

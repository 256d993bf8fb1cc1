"""The benchmark of commands that only read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.reading.__main__ import charged, render, seconds


def test_processor_time_is_that_of_the_ended_processes_alone() -> None:
    # User, system, user of children, system of children, and the clock of the wall.
    before, after = os.times_result((7.0, 1.0, 2.0, 0.5, 100.0)), os.times_result((9.0, 3.0, 2.75, 0.625, 200.0))
    assert charged(before, after) == 0.875


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    wrote = "import sys; open(sys.argv[1], 'w').close()"
    assert seconds(wrote, (str(tmp_path / "done"),), tmp_path) >= 0
    assert (tmp_path / "done").exists()
    with pytest.raises(RuntimeError, match="ValueError: no store"):
        seconds("raise ValueError('no store')", (), tmp_path)


def test_the_table_has_the_least_and_the_median_and_compares_with_the_first_row() -> None:
    table = render({"imports": [0.5, 0.4], "`status`": [0.9, 0.8, 1.3]})
    assert table.splitlines()[2:] == ["| imports | 0.40 | 0.45 | 1.0 |", "| `status` | 0.80 | 0.90 | 2.0 |"]

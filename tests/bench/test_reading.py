"""The benchmark of commands that only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.reading.__main__ import render, seconds


def test_processor_time_is_that_of_the_process_and_a_failure_says_why(tmp_path: Path) -> None:
    idle, busy = "import time; time.sleep(.3)", "import time\nwhile time.process_time() < .55: pass"
    assert seconds(idle, (), tmp_path) < seconds(busy, (), tmp_path)
    assert seconds(busy, (), tmp_path) >= 0.5
    with pytest.raises(RuntimeError, match="ValueError: no store"):
        seconds("raise ValueError('no store')", (), tmp_path)


def test_the_table_has_the_least_and_the_median_and_compares_with_the_first_row() -> None:
    table = render({"imports": [0.5, 0.4], "`status`": [0.9, 0.8, 1.3]})
    assert table.splitlines()[2:] == ["| imports | 0.40 | 0.45 | 1.0 |", "| `status` | 0.80 | 0.90 | 2.0 |"]

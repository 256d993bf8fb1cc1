"""The benchmark of commands that only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.reading.__main__ import render, seconds

SAYS = """
import sys, time
time.sleep(float(sys.argv[2]))
sum(range(10**6))
open(sys.argv[1], "w").write(str(time.process_time()))
"""


def test_processor_time_is_that_of_the_process_and_a_failure_says_why(tmp_path: Path) -> None:
    # Compared with what the process says of itself, ticks of a hundredth of a second allowed, and no other number: it
    # slept far longer than it takes to end, which nobody is charged for.
    asleep = 0.4
    measured = seconds(SAYS, (str(tmp_path / "own"), str(asleep)), tmp_path)
    own = float((tmp_path / "own").read_text())
    assert own - 0.02 < measured < own + asleep
    with pytest.raises(RuntimeError, match="ValueError: no store"):
        seconds("raise ValueError('no store')", (), tmp_path)


def test_the_table_has_the_least_and_the_median_and_compares_with_the_first_row() -> None:
    table = render({"imports": [0.5, 0.4], "`status`": [0.9, 0.8, 1.3]})
    assert table.splitlines()[2:] == ["| imports | 0.40 | 0.45 | 1.0 |", "| `status` | 0.80 | 0.90 | 2.0 |"]

"""Everything from file to verdict through the public function, in batches of bounded size."""

from __future__ import annotations

from timing import answer, arguments, seconds

from watchkeeper.config.check_options import CheckOptions
from watchkeeper.run.check import check_tables

reference, current, runs = arguments()
found = []
OPTIONS = CheckOptions(label="label", prediction="prediction", score="score")


def work() -> None:
    found[:] = [check_tables(current, reference, OPTIONS)]


work()
times = seconds(work, runs)
answer({"check": times}, ["watchkeeper", "polars", "numpy"], verdict=found[0].verdict)

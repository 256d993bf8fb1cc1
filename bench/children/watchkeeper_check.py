"""Everything from file to verdict through the public function, in batches of bounded size."""

from __future__ import annotations

from timing import answer, arguments, seconds

from watchkeeper.core.schema import Role
from watchkeeper.run.check import check_tables

reference, current, runs = arguments()
found = []
ROLES = {Role.LABEL: "label", Role.PREDICTION: "prediction", Role.SCORE: "score"}


def work() -> None:
    found[:] = [check_tables(current, reference, roles=ROLES)]


work()
times = seconds(work, runs)
answer({"check": times}, ["watchkeeper", "polars", "numpy"], verdict=found[0].verdict)

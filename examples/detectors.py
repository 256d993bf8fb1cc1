"""The stream rule beside river's detectors: an error rate that rises from 10 % to 20 % after 5,000 rows.

Needs river: pip install 'watchkeeper[river]'.
"""

from __future__ import annotations

import numpy as np
import polars as pl

import watchkeeper
from watchkeeper.charts.chart import Chart
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.plugins import plugin

DETECTORS = ("adwin", "ddm", "eddm", "hddm_a", "hddm_w", "page_hinkley")
CHANGE, END = 5_000, 6_500


def answers(n: int, wrong: float, rng: np.random.Generator) -> pl.DataFrame:
    """Return predictions of which a share is wrong."""
    label = rng.random(n) < 0.5
    return pl.DataFrame({"prediction": label ^ (rng.random(n) < wrong), "label": label})


def by_stream(reference: pl.DataFrame, rows: pl.DataFrame) -> list[int]:
    """Return the rows at which the errors signal, judged in tens."""
    stream, found = watchkeeper.stream(reference, budget=100_000), []
    for start in range(0, rows.height, 10):
        step = stream.update(rows[start : start + 10])
        found += [start + 10 for signal in step.signals if signal.measurement.column == "error"]
    return found


def by_chart(name: str, rows: pl.DataFrame) -> list[int]:
    """Return the rows at which a chart signals that sees one error after the other."""
    chart: Chart = plugin("chart", name)
    memory, found = None, []
    for number, wrong in enumerate(rows["prediction"] != rows["label"], start=1):
        point = Measurement(Family.METRIC, "error", float(wrong), 1)
        memory, signal = chart.step(memory, point, {})
        if signal.fired:
            found.append(number)
    return found


def main() -> None:
    """Print false alarms and delay of each."""
    rng = np.random.default_rng(11)
    rows = pl.concat([answers(CHANGE, 0.1, rng), answers(END - CHANGE, 0.2, rng)])
    found = {"stream rule": by_stream(answers(50_000, 0.1, rng), rows)}
    found |= {name: by_chart(name, rows) for name in DETECTORS}
    print(f"{'detector':<14}{'false alarms':>14}{'rows to the change':>20}")
    for name, at in found.items():
        early, late = [row for row in at if row <= CHANGE], [row for row in at if row > CHANGE]
        print(f"{name:<14}{len(early):>14}{late[0] - CHANGE if late else 'not found':>20}")


if __name__ == "__main__":
    main()

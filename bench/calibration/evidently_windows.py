"""Evidently's data drift preset with its defaults; runs in an environment of its own.

``python -m bench.calibration.evidently_windows ROWS STREAM WINDOWS``: rows of the reference, windows of a clean stream.
"""

from __future__ import annotations

import sys
import warnings
from math import inf

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

from bench.calibration.streams import (
    BY_NAME,
    CHANGE,
    CHANGES,
    CLEAN,
    COLUMNS,
    NUMERIC,
    ROWS,
    Stream,
    Values,
    reference,
    window,
)
from bench.calibration.tally import Tally, written

ANY = "Evidently's preset, any column, reference of {:,} rows"
HALF = "Evidently's preset, half of the columns, reference of {:,} rows"


def drifted(before: dict[str, Values], now: dict[str, Values]) -> set[str]:
    """Return the columns that the preset calls drifted."""
    definition = DataDefinition(
        numerical_columns=[name for name in now if name in NUMERIC],
        categorical_columns=[name for name in now if name not in NUMERIC],
    )
    sides = [Dataset.from_pandas(pd.DataFrame(side), data_definition=definition) for side in (now, before)]
    found = set()
    for metric in Report([DataDriftPreset()]).run(*sides).dict()["metrics"]:
        given = metric["config"]
        if "column" in given:
            # Tests give a p-value, which drift makes small, and distances a distance.
            small = "p_value" in given["method"]
            over = metric["value"] < given["threshold"] if small else metric["value"] >= given["threshold"]
            found |= {given["column"]} if over else set()
    return found


def clean(stream: Stream, repetition: int, rows: int, windows: int) -> list[Tally]:
    """Judge the first windows of a clean stream."""
    before = {name: values[:rows] for name, values in reference(stream, repetition).items()}
    tallies = [Tally("windows", name.format(rows), stream.name, 1, windows * ROWS) for name in (ANY, HALF)]
    for number in range(windows):
        called = drifted(before, window(stream, repetition, number))
        for tally, needed in zip(tallies, (1, len(COLUMNS) / 2), strict=True):
            tally.alarms += len(called) >= needed
            tally.red += len(called) >= needed
            tally.columns += len(called)
    return tallies


def change(stream: Stream, repetition: int, rows: int, windows: int) -> list[Tally]:
    """Judge the changed columns after the change until one is called."""
    before = reference(stream, repetition, stream.changed)
    before = {name: values[:rows] for name, values in before.items()}
    delay = inf
    for number in range(windows):
        if drifted(before, window(stream, repetition, CHANGE + number, stream.changed)):
            delay = float((number + 1) * ROWS)
            break
    # One column of 30 is never half of them.
    return [
        Tally("windows", name.format(rows), stream.name, 1, delays=[found])
        for name, found in ((ANY, delay), (HALF, inf))
    ]


def main() -> None:
    """Print the tallies of one clean stream; of the first one with all changes."""
    warnings.simplefilter("ignore")
    rows, name, windows = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    found = clean(BY_NAME[name], 0, rows, windows)
    if name == CLEAN[0].name:
        found += [tally for one in CHANGES for tally in change(one, 0, rows, windows)]
    print(written(found))


if __name__ == "__main__":
    main()

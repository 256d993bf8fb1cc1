"""whylogs: a profile of each table, and its summary."""

from __future__ import annotations

import time
import warnings

import pandas as pd
import whylogs
from timing import answer, arguments

warnings.simplefilter("ignore")
reference, current, runs = arguments()
times: dict[str, list[float]] = {"read": [], "profile": []}
rows = 0
for _ in range(runs):
    start = time.perf_counter()
    frames = [pd.read_parquet(path) for path in (reference, current)]
    read = time.perf_counter()
    rows = sum(len(whylogs.log(pandas=frame).view().to_pandas()) for frame in frames)
    end = time.perf_counter()
    times["read"].append(read - start)
    times["profile"].append(end - read)
answer(times, ["whylogs", "pandas", "numpy"], columns=rows)

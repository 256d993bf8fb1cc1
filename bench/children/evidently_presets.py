"""Evidently: data drift, data summary and classification presets with their defaults."""

from __future__ import annotations

import time
import warnings

import pandas as pd
from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.presets import ClassificationPreset, DataDriftPreset, DataSummaryPreset
from timing import answer, arguments

warnings.simplefilter("ignore")
reference, current, runs = arguments()
times: dict[str, list[float]] = {"read": [], "presets": []}
count = 0
for _ in range(runs):
    start = time.perf_counter()
    frames = [pd.read_parquet(path) for path in (reference, current)]
    read = time.perf_counter()
    columns = list(frames[0].columns)
    definition = DataDefinition(
        numerical_columns=[name for name in columns if name.startswith("x")],
        categorical_columns=[name for name in columns if name.startswith("c")],
        classification=[
            BinaryClassification(target="label", prediction_labels="prediction", prediction_probas="score", pos_label=1)
        ],
    )
    before, now = (Dataset.from_pandas(frame, data_definition=definition) for frame in frames)
    report = Report([DataDriftPreset(), DataSummaryPreset(), ClassificationPreset()])
    count = len(report.run(now, before).dict()["metrics"])
    end = time.perf_counter()
    times["read"].append(read - start)
    times["presets"].append(end - read)
answer(times, ["evidently", "pandas", "numpy"], measurements=count)

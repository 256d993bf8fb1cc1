"""NannyML: CBPE of classifiers and DLE of regressors with their defaults, on every set that a file lists."""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml
import pandas as pd

warnings.simplefilter("ignore")

OURS = {"roc_auc": "auroc", "average_precision": "average_precision"}
CLASSIFIER = ["roc_auc", "f1", "precision", "recall", "accuracy"]
REGRESSOR = ["mae", "mse", "rmse", "mape"]


def estimate(log: dict) -> dict:
    """Return by metric the estimate and the band of each block, and the seconds that fitting and estimating took."""
    reference, current = pd.read_parquet(log["reference"]), pd.read_parquet(log["current"])
    common = {"y_pred": log["prediction"], "y_true": log["label"], "chunk_size": log["block"]}
    if log["task"] == "regression":
        names, made = REGRESSOR, nannyml.DLE(feature_column_names=log["features"], metrics=REGRESSOR, **common)
    else:
        several = log["task"] == "multiclass"
        scores = log["scores"] if several else next(iter(log["scores"].values()))
        kind = "classification_multiclass" if several else "classification_binary"
        names = CLASSIFIER
        made = nannyml.CBPE(y_pred_proba=scores, problem_type=kind, metrics=CLASSIFIER, **common)
    start = time.perf_counter()
    made.fit(reference)
    fitted = time.perf_counter()
    result = made.estimate(current.drop(columns=[log["label"]]))
    done = time.perf_counter()
    table = result.filter(period="analysis").to_df()
    columns = ("value", "lower_confidence_boundary", "upper_confidence_boundary")
    rows = {OURS.get(name, name): table[name][list(columns)].to_numpy().tolist() for name in names}
    return {"rows": rows, "fit": fitted - start, "estimate": done - fitted}


logs = json.loads(Path(sys.argv[1]).read_text())
found = {}
for log in logs:
    try:
        found[log["name"]] = estimate(log)
    except Exception as error:  # noqa: BLE001
        found[log["name"]] = {"failed": f"{type(error).__name__}: {error}"}
print(json.dumps({"sets": found, "version": version("nannyml")}))

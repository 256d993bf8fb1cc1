"""Which method serves which metric best, on the sets that are for choosing: ``python -m bench.estimation.choose``."""

from __future__ import annotations

import json
import sys
from math import isfinite
from pathlib import Path

import numpy as np

from bench.estimation.ours import Row, estimates_of
from bench.estimation.sets import every_set

METRICS = ("accuracy", "precision", "recall", "f1", "auroc", "average_precision", "log_loss", "brier")


def main() -> int:
    """Print the mean absolute errors of each method as multiples of CBPE's."""
    kept = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    errors: dict[str, dict[str, dict[str, float]]] = {}
    for log in every_set():
        if log.use != "choosing":
            continue
        found, realised, _ = estimates_of(log)
        errors[log.name] = {
            method: {m: error_of(rows[m], realised[m]) for m in METRICS if m in rows} for method, rows in found.items()
        }
        print(log.name, {k: round(v, 4) for k, v in errors[log.name]["cbpe"].items()}, flush=True)
        if kept:
            kept.write_text(json.dumps(errors))
    for method in ("multicalibrated", "pape", "default"):
        told = []
        for metric in METRICS:
            ratios = np.array([e[method][metric] / e["cbpe"][metric] for e in errors.values()])
            spread = np.log(ratios).std(ddof=1) / len(ratios) ** 0.5
            told.append(f"{metric} {np.exp(np.log(ratios).mean()):.2f} (± {spread:.2f}, worst {ratios.max():.2f})")
        print(f"{method}: {'; '.join(told)}")
    return 0


def error_of(rows: list[Row | None], realised: list[float]) -> float:
    """Return the mean absolute error over the blocks with both numbers."""
    pairs = [(row[0], truth) for row, truth in zip(rows, realised, strict=True) if row is not None and isfinite(truth)]
    return float(np.mean([abs(a - b) for a, b in pairs])) if pairs else float("nan")


if __name__ == "__main__":
    sys.exit(main())

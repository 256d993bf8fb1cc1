"""Estimate every set and write ``bench/ESTIMATION.md`` and ``bench/BANDS.md``: ``make bench-estimation``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from bench.environments import python_of
from bench.estimation.concept import concept_shift
from bench.estimation.learned import learned_bands, page
from bench.estimation.ours import estimates_of, timed
from bench.estimation.report import Outcome, render
from bench.estimation.sets import LogSet, every_set, million
from bench.estimation.streams import long_streams

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.estimation", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "ESTIMATION.md")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--bands", action="store_true", help="only the bands that learn")
    given = parser.parse_args()
    _bands(ROOT / "BANDS.md")
    return 0 if given.bands else _estimates(given.out, given.rows)


def _bands(out: Path) -> None:
    """Write the page of bands that learn."""
    start, streams = time.perf_counter(), list(long_streams())
    with tempfile.TemporaryDirectory(prefix="watchkeeper-bands-") as folder:
        peer = _nannyml([_written(log, Path(folder)) for log in streams], Path(folder))
    learned = {}
    for log in streams:
        print(log.name, flush=True)
        learned[log.name] = learned_bands(log)
    theirs = {log.name: peer["sets"].get(log.name, {}).get("rows", {}) for log in streams}
    out.write_text(page(learned, theirs, peer.get("version", ""), time.perf_counter() - start), encoding="utf-8")


def _estimates(out: Path, rows: int) -> int:
    """Write the page of estimates without labels."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="watchkeeper-estimation-") as folder:
        sets, large = list(every_set()), million(rows)
        peer = _nannyml([_written(log, Path(folder)) for log in [*sets, large]], Path(folder))
        outcomes = []
        for log in sets:
            print(log.name, flush=True)
            found, realised, seconds = estimates_of(log)
            theirs = peer["sets"].get(log.name, {})
            if "rows" in theirs:
                found["nannyml"] = {name: [tuple(row) for row in rows] for name, rows in theirs["rows"].items()}
            outcomes.append(Outcome(log.name, log.use, log.what, found, realised, seconds))
        print("timing", flush=True)
        speed = {"rows": rows, "ours": timed(large), "nannyml": peer["sets"].get(large.name, {})}
        concept = concept_shift()
    text = render(outcomes, speed, concept, peer.get("version", ""), time.perf_counter() - start)
    out.write_text(text, encoding="utf-8")
    print(text)
    return 0


def _written(log: LogSet, folder: Path) -> dict[str, Any]:
    """Write a set where another process can read it, and return how to."""
    paths = {side: folder / f"{log.name.replace(' ', '_').replace(',', '')}_{side}.parquet" for side in ("r", "c")}
    log.reference.write_parquet(paths["r"])
    pl.concat(log.blocks).write_parquet(paths["c"])
    return {
        "name": log.name,
        "reference": str(paths["r"]),
        "current": str(paths["c"]),
        "block": log.blocks[0].height,
        "task": log.schema.task.value,
        "scores": log.scores,
        "label": log.label,
        "prediction": log.prediction,
        "features": [column.name for column in log.schema.features],
    }


def _nannyml(listed: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """Run NannyML on all sets in its own environment."""
    try:
        python = python_of("nannyml")
    except RuntimeError as error:
        print(f"NannyML cannot be installed: {error}", file=sys.stderr)
        return {"sets": {}}
    path = folder / "sets.json"
    path.write_text(json.dumps(listed), encoding="utf-8")
    print("NannyML", flush=True)
    script = ROOT / "children" / "nannyml_estimates.py"
    done = subprocess.run([python, script, path], capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return {"sets": {}}
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


if __name__ == "__main__":
    sys.exit(main())

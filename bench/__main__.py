"""Measure everything in one run and write ``bench/RESULTS.md``: ``make bench`` or ``python -m bench``."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.environments import python_of
from bench.report import render

ROOT = Path(__file__).parent
OURS = {"read_parquet": 9, "watchkeeper_steps": 9, "watchkeeper_segments": 5, "watchkeeper_check": 5}
PEERS = {"evidently": "evidently_presets", "whylogs": "whylogs_profiles"}
LONG = 500_000


def child(python: Path | str, script: str, *given: str) -> dict[str, Any]:
    """Run one measured process and return what it reported, or why it failed."""
    done = subprocess.run(
        [python, ROOT / "children" / f"{script}.py", *given], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return {"failed": lines[-1] if lines else f"exit code {done.returncode}"}
    reported: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return reported


def peer(name: str, reference: str, current: str, runs: int) -> dict[str, Any]:
    """Run a peer in its own environment."""
    try:
        python = python_of(name)
    except RuntimeError as error:
        return {"failed": str(error)}
    return child(python, PEERS[name], reference, current, str(runs))


def measure(folder: Path, rows: int) -> dict[str, dict[str, Any]]:
    """Return the report of every process on tables of one size."""
    print(f"writing tables of {rows:,} rows", flush=True)
    subprocess.run([sys.executable, "-m", "bench.tables", folder, str(rows)], check=True, cwd=ROOT.parent)
    reference, current = (str(folder / f"{name}_{rows}.parquet") for name in ("reference", "current"))
    found: dict[str, dict[str, Any]] = {}
    for script, runs in OURS.items():
        print(f"{script}, {runs} runs", flush=True)
        found[script] = child(sys.executable, script, reference, current, str(runs))
    for name, script in PEERS.items():
        # Evidently takes minutes at a million rows, so it runs once there.
        runs = 1 if name == "evidently" and rows >= LONG else 3
        print(f"{script}, {runs} runs", flush=True)
        found[script] = peer(name, reference, current, runs)
    return found


def memory(folder: Path, sizes: list[int]) -> dict[int, dict[str, Any]]:
    """Return the reports of summarising ever longer files in batches."""
    found = {}
    for rows in sizes:
        print(f"peak memory at {rows:,} rows", flush=True)
        path = folder / f"current_{rows}.parquet"
        if not path.exists():
            subprocess.run([sys.executable, "-m", "bench.tables", folder, str(rows)], check=True, cwd=ROOT.parent)
        found[rows] = child(sys.executable, "watchkeeper_memory", str(path), str(path), "1")
    return found


def main() -> int:
    """Measure, print and write the results; 1 when one of our own processes failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--memory", type=int, nargs="*", default=[1_000_000, 10_000_000])
    parser.add_argument("--out", type=Path, default=ROOT / "RESULTS.md")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="watchkeeper-bench-"))
    try:
        results = {rows: measure(folder, rows) for rows in given.rows}
        peaks = memory(folder, given.memory)
    finally:
        shutil.rmtree(folder)
    page = render(results, peaks)
    given.out.write_text(page, encoding="utf-8")
    print(page)
    ours = [found[script] for found in results.values() for script in OURS] + [*peaks.values()]
    failures = [report["failed"] for report in ours if "failed" in report]
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())

"""Run every system on the same streams and write docs/calibration.md: ``make calibrate``."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from bench.calibration.claims import claims
from bench.calibration.jobs import QUICK, ROOT, Size, jobs, run
from bench.calibration.report import REAL, render
from bench.calibration.tally import Tally, together
from bench.environments import python_of

OUT = ROOT / "docs" / "calibration.md"


def measure(size: Size, workers: int) -> tuple[list[Tally], list[str]]:
    """Run all jobs, telling the progress; return the tallies and what failed."""
    if size.evidently:
        try:
            python_of("evidently")
        except RuntimeError as error:
            print(f"Evidently: {error}", flush=True)
    # One thread for each process: there are as many processes as cores.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ.setdefault(name, "1")
    wanted = jobs(size)
    found: dict[int, list[Tally]] = {}
    failures: list[str] = []
    start = time.monotonic()
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(run, job): number for number, job in enumerate(wanted)}
        for done, future in enumerate(as_completed(waiting), 1):
            number = waiting[future]
            found[number], failure = future.result()
            failures += [failure] if failure else []
            print(f"{done}/{len(wanted)}  {time.monotonic() - start:5.0f} s  {wanted[number].words}", flush=True)
    tallies = together(tally for number in sorted(found) for tally in found[number])
    return sorted(tallies, key=lambda t: not t.system.startswith("Watchkeeper")), failures


def real_data(page: Path) -> str:
    """Return the section on real data: what the page already says."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    return text[text.index(REAL) :] if REAL in text else ""


def main() -> int:
    """Measure, print and write the page; 1 when a promise was not kept, or with ``--quick`` when something failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.calibration", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one repetition of few streams; prints and writes nothing")
    parser.add_argument("--repetitions", type=int, default=30, help="of Watchkeeper's rules")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--out", type=Path, help="the page to write")
    given = parser.parse_args()
    start = time.monotonic()
    size = QUICK if given.quick else Size(rules=given.repetitions)
    tallies, failures = measure(size, given.jobs)
    promises = claims(tallies)
    page = render(tallies, promises, failures, time.monotonic() - start, real_data(OUT))
    out = given.out or (None if given.quick else OUT)
    if out:
        out.write_text(page, encoding="utf-8")
    print(page)
    broken = [claim for claim in promises if not claim.kept]
    for claim in broken:
        print(f"not kept: {claim.words}: {claim.measured}, wanted {claim.wanted}", file=sys.stderr)
    # The promises are about medians and rates, which one repetition does not tell.
    return int(bool(failures if given.quick else broken))


if __name__ == "__main__":
    sys.exit(main())

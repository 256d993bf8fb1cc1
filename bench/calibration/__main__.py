"""Run every system on the same streams and write docs/calibration.md: ``make calibrate``."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from bench.calibration import real_data, real_report
from bench.calibration.claims import claims
from bench.calibration.jobs import QUICK, ROOT, Size, jobs, run
from bench.calibration.report import render
from bench.calibration.tally import Tally, together
from bench.environments import python_of

Result = TypeVar("Result")
OUT = ROOT / "docs" / "calibration.md"


def _one_thread() -> None:
    """Give each process one thread: there are as many processes as cores."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ.setdefault(name, "1")


def measure(size: Size, workers: int) -> tuple[list[Tally], list[str]]:
    """Run all jobs, telling the progress; return the tallies and what failed."""
    if size.evidently:
        try:
            python_of("evidently")
        except RuntimeError as error:
            print(f"Evidently: {error}", flush=True)
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


def real(data: Path, page: Path, workers: int) -> tuple[str, bool]:
    """Return the section on real data, and whether all is well: what the page already says where there are no data."""
    if not data.is_dir():
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        return (text[text.index(real_report.TITLE) :] if real_report.TITLE in text else ""), True
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        cases = [pool.submit(real_data.found_in, number, data) for number in range(len(real_data.CASES))]
        halves = [pool.submit(real_data.half_rows, name, data) for name in real_data.FILES]
        found = [one for future in cases for one in _told(future.result(), "known changes")]
        quiet = [
            _told(future.result(), f"random halves of {name}")
            for name, future in zip(real_data.FILES, halves, strict=True)
        ]
    well = all(one.kept for one in found) and not any(alerts for _, _, seeds in quiet for alerts in seeds)
    return real_report.render(found, quiet, version("watchkeeper")), well


def _told(result: Result, words: str) -> Result:
    print(words, flush=True)
    return result


def main() -> int:
    """Measure, print and write the page; 1 when a promise was not kept, or with ``--quick`` when something failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.calibration", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one repetition of few streams; prints and writes nothing")
    parser.add_argument("--repetitions", type=int, default=30, help="of Watchkeeper's rules")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="where real data sets are")
    parser.add_argument("--real", action="store_true", help="the section on real data alone")
    parser.add_argument("--out", type=Path, help="the page to write")
    given = parser.parse_args()
    _one_thread()
    if given.real:
        section, well = real(given.data, OUT, given.jobs)
        text = OUT.read_text(encoding="utf-8") if OUT.exists() else ""
        (given.out or OUT).write_text(
            f"{text.partition(real_report.TITLE)[0].rstrip()}\n\n{section}\n", encoding="utf-8"
        )
        print(section)
        return int(not well)
    start = time.monotonic()
    size = QUICK if given.quick else Size(rules=given.repetitions)
    tallies, failures = measure(size, given.jobs)
    promises = claims(tallies)
    seconds = time.monotonic() - start
    section, well = ("", True) if given.quick else real(given.data, OUT, given.jobs)
    page = render(tallies, promises, failures, seconds, section)
    out = given.out or (None if given.quick else OUT)
    if out:
        out.write_text(page, encoding="utf-8")
    print(page)
    broken = [claim for claim in promises if not claim.kept]
    for claim in broken:
        print(f"not kept: {claim.words}: {claim.measured}, wanted {claim.wanted}", file=sys.stderr)
    # The promises are about medians and rates, which one repetition does not tell.
    return int(bool(failures) if given.quick else bool(broken) or not well)


if __name__ == "__main__":
    sys.exit(main())

"""Plant causes, diagnose the alerts they raise, and write the tables of docs/diagnosis.md."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from bench.diagnosis.confidence import fit
from bench.diagnosis.pairs import Owned, both
from bench.diagnosis.planted import FAINT, KINDS, NOTHING, Cause, choose, joined
from bench.diagnosis.report import claims, placed_in, render
from bench.diagnosis.watched import Seen

PAGE = Path(__file__).resolve().parents[2] / "docs" / "diagnosis.md"
FITTED_ON = 100
"""First of the seeds that confidences are fitted on, which are not among those that are told about."""


def causes(seed: int) -> list[Cause]:
    """Return what is planted in the log of a seed: each cause in full, at half the size or with a fainter one."""
    full = [*(choose(name, seed) for name in KINDS), choose(NOTHING, seed)]
    return full + [choose(name, seed, FAINT) if seed % 4 < 2 else joined(name, seed) for name in KINDS]


def measure(first: int, seeds: int, workers: int) -> tuple[list[Seen], list[Owned]]:
    """Return what came of all causes in the logs of consecutive seeds, and every alert of two causes at once."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ.setdefault(name, "1")
    start, found = time.monotonic(), dict[int, tuple[list[Seen], list[Owned]]]()
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(both, seed, causes(seed)): seed for seed in range(first, first + seeds)}
        for done, future in enumerate(as_completed(waiting), 1):
            found[waiting[future]] = future.result()
            print(f"{done}/{seeds}  {time.monotonic() - start:5.0f} s  seed {waiting[future]}", flush=True)
    told = [found[seed] for seed in sorted(found)]
    return [one for cases, _ in told for one in cases], [one for _, alerts in told for one in alerts]


def main() -> int:
    """Measure and write the page; 1 when a promise is broken. With ``--fit`` print what confidences rest on."""
    parser = argparse.ArgumentParser(prog="python -m bench.diagnosis", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--fit", action="store_true", help="fit the scale of confidences on other seeds; writes nothing"
    )
    asked = parser.parse_args()
    if asked.fit:
        scale = fit(measure(FITTED_ON, asked.seeds, asked.workers)[0])
        print(f"SCALE = {scale:g} in watchkeeper.diagnose.diagnose")
        return 0
    page = PAGE.read_text(encoding="utf-8")
    placed_in(page)  # or minutes are spent for nothing
    cases, alerts = measure(0, asked.seeds, asked.workers)
    PAGE.write_text(placed_in(page, render(cases, asked.seeds, alerts)), encoding="utf-8")
    broken = claims(cases, alerts)
    print("\n".join(broken) or "all promises kept")
    return bool(broken)


if __name__ == "__main__":
    raise SystemExit(main())

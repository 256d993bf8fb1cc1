"""Timing and reporting inside a measured process; needs nothing but Python."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any


def seconds(work: Callable[[], Any], runs: int) -> list[float]:
    """Return the wall time of each run."""
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return found


def in_turns(steps: dict[str, Callable[[], Any]], runs: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Take the steps one after the other, once more than asked since the first round is slower.

    Returns
    -------
    tuple
        By step the wall time of each run, and the processor time over all threads.
    """
    times: dict[str, list[float]] = {name: [] for name in steps}
    busy: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(runs + 1):
        for name, step in steps.items():
            start, used = time.perf_counter(), time.process_time()
            step()
            times[name].append(time.perf_counter() - start)
            busy[name].append(time.process_time() - used)
    return {name: found[1:] for name, found in times.items()}, {name: found[1:] for name, found in busy.items()}


def answer(times: dict[str, list[float]], packages: list[str], **facts: Any) -> None:
    """Print the result as the last line."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    versions = {name: version(name) for name in packages}
    print(json.dumps({"times": times, "peak_mb": peak, "versions": versions, "facts": facts}))


def arguments() -> tuple[str, str, int]:
    """Return the paths of reference and current, and the number of runs."""
    return sys.argv[1], sys.argv[2], int(sys.argv[3])

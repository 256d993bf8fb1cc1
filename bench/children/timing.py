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


def answer(times: dict[str, list[float]], packages: list[str], **facts: Any) -> None:
    """Print the result as the last line."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    versions = {name: version(name) for name in packages}
    print(json.dumps({"times": times, "peak_mb": peak, "versions": versions, "facts": facts}))


def arguments() -> tuple[str, str, int]:
    """Return the paths of reference and current, and the number of runs."""
    return sys.argv[1], sys.argv[2], int(sys.argv[3])

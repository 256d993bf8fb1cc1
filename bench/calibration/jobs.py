"""What is to be run, in pieces that processes share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.calibration import column_tests, detectors, stream_rule, window_rule
from bench.calibration.streams import CHANGE, CHANGES, CLEAN, FIRST, WINDOWS, Stream
from bench.calibration.tally import Tally, read
from bench.environments import python_of

ROOT = Path(__file__).parents[2]
ONE_FEATURE = tuple(change for change in CHANGES if FIRST in change.changed)
APPEARS = next(change for change in CHANGES if change.appears)
MILLION = "a million rows, shift .02 σ"


@dataclass(frozen=True)
class Job:
    """One piece of work: ``call(*given)`` returns tallies."""

    words: str
    call: Callable[..., list[Tally]]
    given: tuple[Any, ...]


@dataclass(frozen=True)
class Size:
    """How much is run.

    Attributes
    ----------
    rules, slow
        Repetitions of Watchkeeper's rules, and of what is slow or loud enough to be known from fewer.
    clean, changes
        The streams.
    evidently
        Windows of a clean stream for Evidently by rows of its reference.
    detectors
        Repetitions of each detector.
    million
        Repetitions of a million rows.
    numbers
        Windows of a clean stream.
    """

    rules: int = 30
    slow: int = 10
    clean: tuple[Stream, ...] = CLEAN
    changes: tuple[Stream, ...] = CHANGES
    evidently: tuple[tuple[int, int], ...] = ((50_000, 10), (1_000, 10))
    detectors: tuple[tuple[str, int], ...] = (("ADWIN", 30), ("Page–Hinkley", 30), ("KSWIN", 2))
    million: int = 2
    numbers: range = range(WINDOWS)


QUICK = Size(
    rules=1, slow=1, clean=CLEAN[:1], changes=tuple(c for c in CHANGES if c.shift == 0.5), evidently=(),
    detectors=(("ADWIN", 1), ("Page–Hinkley", 1)), million=0, numbers=range(CHANGE - 10, CHANGE + 10),
)  # fmt: skip


def jobs(size: Size) -> list[Job]:
    """Return all pieces of work."""
    peers = [
        Job(f"Evidently, reference of {rows:,} rows, {one.name}", evidently, (rows, one.name, windows))
        for rows, windows in size.evidently
        for one in size.clean
    ]
    ours = [Job(f"a million rows, {i + 1} of {size.million}", million, (i,)) for i in range(size.million)]
    return [*ours, *(job for one in size.clean for job in _of_stream(one, size)), *peers]


def _of_stream(one: Stream, size: Size) -> list[Job]:
    """Return the pieces that go over one clean stream; over the first one with all changes."""
    changes = size.changes if one is CLEAN[0] else ()
    features = tuple(change for change in changes if change in ONE_FEATURE)
    found = []
    for i in range(size.rules):
        words = f"{one.name}, {i + 1} of {size.rules}"
        found.append(Job(f"window rule, {words}", window_rule.clean, (one, i, changes, size.numbers)))
        if one is CLEAN[0] or i < size.slow:
            found.append(Job(f"stream rule, {words}", stream_rule.clean, (one, i, features, size.numbers)))
        if APPEARS in changes:
            words = f"stream rule, {APPEARS.name}, {i + 1} of {size.rules}"
            found.append(Job(words, stream_rule.appearing, (APPEARS, i)))
    for i in range(size.slow if one.cluster > 1 else 0):
        words = f"window rule without a design effect, {one.name}, {i + 1} of {size.slow}"
        found.append(Job(words, window_rule.untaught, (one, i, size.numbers)))
    for i in range(size.slow):
        words = f"tests, {one.name}, {i + 1} of {size.slow}"
        found.append(Job(words, column_tests.clean, (one, i, changes, size.numbers)))
    for name, times in size.detectors:
        for i in range(times):
            words = f"{name}, {one.name}, {i + 1} of {times}"
            found.append(Job(words, detectors.run, (name, one, i, features)))
    return found


def evidently(rows: int, stream: str, windows: int) -> list[Tally]:
    """Run Evidently in its own environment.

    Raises
    ------
    RuntimeError
        When it cannot be installed, or fails.
    """
    given = [str(python_of("evidently")), "-m", "bench.calibration.evidently_windows", str(rows), stream, str(windows)]
    done = subprocess.run(given, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise RuntimeError(lines[-1] if lines else f"exit code {done.returncode}")
    return read(done.stdout.splitlines()[-1])


def evidently_version() -> str:
    """Return the version that ran; empty where it is not installed."""
    with suppress(RuntimeError):
        words = "import importlib.metadata as m; print(m.version('evidently'))"
        return subprocess.run([python_of("evidently"), "-c", words], capture_output=True, text=True, check=False).stdout
    return ""


def million(repetition: int) -> list[Tally]:
    """Give both rules a million rows that are shifted by less than the tolerance."""
    found = []
    for kind, name, run in (
        ("windows", window_rule.SINGLE, window_rule.million),
        ("rows", list(stream_rule.RULES)[-1], stream_rule.million),
    ):
        found.append(Tally(kind, name, MILLION, 1, 1_000_000, run(repetition)))
    return found


def run(job: Job) -> tuple[list[Tally], str]:
    """Return the tallies of a job, or why there are none."""
    try:
        return job.call(*job.given), ""
    except (RuntimeError, ImportError) as error:
        print(f"{job.words}: {error}", file=sys.stderr)
        return [], f"{job.words}: {error}"

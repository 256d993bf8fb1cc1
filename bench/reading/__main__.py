"""Processor time of commands that only read, on the demo's store: ``make bench-reading``, ``python -m bench.reading``.

Each command runs in a process of its own; the time is that of all its threads, imports included. The first row is what
importing the packages of others takes alone, below which no command can come.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

__all__ = ["charged", "render", "seconds"]

BUDGET = 0.6
"""Seconds of processor time that each command that only reads may take."""

PACKAGES = "import deltalake, polars, pydantic, rich.console, sqlalchemy, typer"
WATCHKEEPER = "from watchkeeper.cli.app import main; main()"
COMMANDS: Mapping[str, tuple[str, Sequence[str]]] = {
    "importing the packages": (PACKAGES, ()),
    "`status`": (WATCHKEEPER, ("status",)),
    "`explain`": (WATCHKEEPER, ("explain",)),
    "`report --json`": (WATCHKEEPER, ("report", "--json")),
    "`report`, with all charts drawn": (WATCHKEEPER, ("report", "--html", "read-again.html")),
}


def seconds(code: str, arguments: Sequence[str], folder: Path) -> float:
    """Return the processor time that one process takes, of user and system together.

    Raises
    ------
    RuntimeError
        When the process fails; with its last words.
    """
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    after = os.times()
    if done.returncode:
        raise RuntimeError(done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}")
    return charged(before, after)


def charged(before: os.times_result, after: os.times_result) -> float:
    """Return the processor time of the processes that ended in between, of user and system together."""
    return after.children_user - before.children_user + after.children_system - before.children_system


def render(times: Mapping[str, Sequence[float]]) -> str:
    """Return the times as a table, with the least of each: other work on the machine only ever adds."""
    base = min(next(iter(times.values())))
    lines = ["| command | least, s | median, s | times the imports |", "|---|--:|--:|--:|"]
    lines += [f"| {name} | {min(own):.2f} | {median(own):.2f} | {min(own) / base:.1f} |" for name, own in times.items()]
    return "\n".join(lines)


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, help="a folder that `watchkeeper demo` wrote; one is made")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        if given.folder is None:
            print("playing the demo", flush=True)
            play = [sys.executable, "-c", WATCHKEEPER, "demo", "--folder", made]
            subprocess.run(play, check=True, capture_output=True)
        times: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for _ in range(given.runs):
            for name, (code, arguments) in COMMANDS.items():
                times[name].append(seconds(code, arguments, folder))
    print(render(times))
    over = [name for name, own in times.items() if min(own) > BUDGET]
    print(f"\nOver {BUDGET} s: {', '.join(over) or 'none'}")


if __name__ == "__main__":
    main()

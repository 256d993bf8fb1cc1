"""A serving process that logs until it is killed: python serving_lives.py FOLDER, a line for each life: its name."""

from __future__ import annotations

import mmap
import struct
import sys
import time
from pathlib import Path

from tests.lives import serve_lives
from watchkeeper.log import Log

MODEL, START, ROWS = "m", 1_709_510_400.0, 60


def serve(folder: Path, name: str) -> None:
    """Log rows, and write down how many of them are promised, where it outlives the process."""
    promised = folder / "promised" / name
    promised.write_bytes(bytes(8))
    with promised.open("r+b") as file:
        count = mmap.mmap(file.fileno(), 8)
    log = Log(folder / "data", MODEL, flush_seconds=0.002, max_bytes=2_000)
    for number in range(ROWS):
        at = START + 3_600.0 * (number % 48)
        log.predict(f"{name}-{number}", at, features={"x": float(number), "plan": "plus"}, prediction=number % 2)
        count[:] = struct.pack("<Q", number + 1)
        if number % 20 == 19:
            time.sleep(0.002)
    time.sleep(600)


def promised(folder: Path) -> set[str]:
    """Return the ids of the rows that were logged before their process was killed."""
    # A process that was killed while it made its file has promised nothing.
    counts = {path.name: int.from_bytes(path.read_bytes(), "little") for path in (folder / "promised").iterdir()}
    return {f"{name}-{number}" for name, count in counts.items() for number in range(count)}


if __name__ == "__main__":
    serve_lives(lambda name: serve(Path(sys.argv[1]), name))

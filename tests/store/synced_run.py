"""A run that takes a spool into a store: python synced_run.py FOLDER, to be watched by strace.

The second time it leaves it to the system when a commit reaches the disk.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.store.crash_run import SCHEMA
from watchkeeper.ingest.spool import spooled
from watchkeeper.log import Log
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.store import delta
from watchkeeper.store.open import open_store

DAY = 86_400


def serve(folder: str, count: int) -> None:
    """Log so many predictions of three days, with their labels; one has no time that can be."""
    with Log(folder, "m") as log:
        for number in range(count):
            log.predict(number, 1_709_251_200 + number * DAY % (3 * DAY) if number else "never", features={"x": 1.5})
            log.label(number, 1)


def take(folder: str) -> None:
    """Take in what was logged, as a run does."""
    with open_store(folder, encode=encode_state, decode=decode_state) as store:
        for source, table, frame, done in spooled(folder, "m", SCHEMA):
            store.append("m", table, frame, SCHEMA, source=source)
            done()


if __name__ == "__main__":
    for name in ("careful", "careless"):
        place = f"{sys.argv[1]}/{name}"
        serve(place, 6)
        take(place)
        assert not list(Path(place, "spool", "m").iterdir())
        delta.settle_since = lambda root, version: None

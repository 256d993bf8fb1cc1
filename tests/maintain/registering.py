"""Processes that register a model and put it in charge, all at once: python -m tests.maintain.registering FOLDER [URL].

Each says which version it got, and how its promotion ended.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.core.provenance import VersionRole
from watchkeeper.maintain.store_registry import Draft, StoreRegistry
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.store.open import open_store
from watchkeeper.testing.registry import SPEC, START, fitted_model

PROCESSES = 6


def opened(folder: Path, url: str | None) -> StoreRegistry:
    """Open the registry, with connections of this process's own."""
    store = open_store(folder / "store", sql_url=url, encode=encode_state, decode=decode_state)
    return StoreRegistry(SPEC, store, str(folder / "files"))


def wait(gate: int) -> None:
    """Wait until all may go on: the other end of a pipe is closed."""
    os.read(gate, 1)


def work(number: int, folder: Path, url: str | None, gates: list[int], ready: int) -> None:
    """Register a model at the first gate, and promote it at the second."""
    registry, model = opened(folder, url), fitted_model(number)
    os.write(ready, b".")
    wait(gates[0])
    version = registry.register(Draft(model, START, f"person {number}", "mine"))
    before, error = registry.role(VersionRole.CHAMPION), None
    os.write(ready, b".")
    wait(gates[1])
    try:
        registry.promote(version, who=f"person {number}", why="mine", at=START, instead_of=before)
    except WatchkeeperError as found:
        error = f"{type(found).__name__}: {found}"
    said = {"process": os.getpid(), "version": version, "error": error, "coef": model.coef_.tolist()}
    os.write(1, (json.dumps(said) + "\n").encode())


def main(folder: Path, url: str | None) -> None:
    """Start the processes, and let them all go at once, twice."""
    first = opened(folder, url)
    first.register(Draft(fitted_model(0), START, "test", "the first"))
    first.promote("v1", who="test", why="the first", at=START)
    first.store.close()
    pipes, (heard, ready) = [os.pipe(), os.pipe()], os.pipe()
    children = []
    for number in range(1, PROCESSES + 1):
        child = os.fork()
        if child == 0:
            for _, end in pipes:
                os.close(end)
            work(number, folder, url, [gate for gate, _ in pipes], ready)
            os._exit(0)
        children.append(child)
    for _, end in pipes:
        for _ in range(PROCESSES):
            os.read(heard, 1)
        os.close(end)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * PROCESSES


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] or None)

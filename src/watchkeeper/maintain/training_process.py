"""Trains in processes of their own: python -m watchkeeper.maintain.training_process.

A server, which has the usual imports done, forks one process for each line of its standard input. Each line is an order
as JSON; answered are a line with the number of the process and one with how it ended. When the standard input ends,
because whoever gave the order has died, the training is ended too.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import msgspec
import numpy as np

from watchkeeper.maintain.recipe import Recipe

__all__ = ["ENDED", "Fitted", "TrainingOrder"]

ENDED = "ended "
"""How the line begins that says how a process ended."""

_PRELOADED = ("polars", "scipy.stats", "skops.io", "sklearn.compose", "sklearn.ensemble", "sklearn.linear_model")
_STEP = 0.05


class TrainingOrder(msgspec.Struct):
    """What is to be trained.

    Attributes
    ----------
    trainer, folder, path
        The training function, where its module lies, and where else modules are looked for.
    directory
        The working directory of whoever gave the order.
    rows, weights
        Arrow file of the rows, and NumPy file of their weights; the latter is empty where there are none.
    seed
        Handed to the function.
    models, result, log
        Folder the model is saved to, file for what came of it, and file for what the function writes.
    trusted, pickle
        See ``artefact.save``.
    memory
        Most bytes that the function may take; None for any.
    recipe
        What is known of the columns, and the framework that trains; None where nothing is.
    start, way
        Address, among ``models``, of the model to go on from, and how; empty to train anew.
    """

    trainer: str
    directory: str
    folder: str
    path: list[str]
    rows: str
    weights: str
    seed: int
    models: str
    result: str
    log: str
    trusted: list[str]
    pickle: bool
    memory: int | None
    recipe: Recipe | None = None
    start: str = ""
    way: str = ""


class Fitted(msgspec.Struct):
    """What came of an order: the address of the model, or what went wrong and the kind of error it is."""

    address: str = ""
    error: str = ""
    kind: str = ""


def _train(order: TrainingOrder) -> Fitted:
    from watchkeeper.core.errors import WatchkeeperError
    from watchkeeper.maintain.artefact import load, save
    from watchkeeper.maintain.train import Start, TrainingData, load_trainer

    try:
        trainer = load_trainer(order.trainer, order.folder, order.recipe)
        weights = np.load(order.weights) if order.weights else None
        _limit_memory(order.memory)
        start = None
        if order.start:
            held = load(order.start, order.models, trusted=order.trusted, pickle_allowed=order.pickle)
            start = Start(held, order.way)
        model = trainer.fit(TrainingData(order.rows), order.seed, weights, start)
        return Fitted(save(model, order.models, trusted=order.trusted, pickle_allowed=order.pickle))
    except WatchkeeperError as error:
        return Fitted(error=str(error), kind=type(error).__name__)


def _limit_memory(most: int | None) -> None:
    """Bound what is taken from here on; what the imports have taken does not count."""
    if most is None:
        return
    import resource

    taken = 0
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmData:"):
                taken = int(line.split()[1]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (taken + most, taken + most))


def _live(line: str) -> None:
    """Carry an order out in this process, which was forked for it."""
    order = msgspec.json.decode(line, type=TrainingOrder)
    os.setsid()
    log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    sys.path[:] = order.path
    os.chdir(order.directory)
    fitted = _train(order)
    sys.stdout.flush()
    sys.stderr.flush()
    part = Path(f"{order.result}.part")
    part.write_bytes(msgspec.json.encode(fitted))
    part.replace(order.result)


def serve() -> None:
    """Carry out orders until there are no more."""
    for name in _PRELOADED:
        import_module(name)
    import_module("watchkeeper.maintain.artefact")
    import_module("watchkeeper.maintain.train")
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(0)
                _live(line)
                code = 0
            finally:
                os._exit(code)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        ended = _watch(child)
        sys.stdout.write(f"{ENDED}{ended}\n")
        sys.stdout.flush()


def _watch(child: int) -> int:
    """Wait for a process; end it when whoever wants the model is gone."""
    while True:
        process, status = os.waitpid(child, os.WNOHANG)
        if process:
            return os.waitstatus_to_exitcode(status)
        # Nothing is said while a process works, so that something to read means the end.
        if select.select([sys.stdin], [], [], _STEP)[0]:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os._exit(1)


if __name__ == "__main__":
    serve()

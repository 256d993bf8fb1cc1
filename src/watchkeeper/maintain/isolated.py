"""Training in a process of its own, with limits of time and memory, and its log kept."""

from __future__ import annotations

import atexit
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from typing import IO, Any, cast

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core import errors
from watchkeeper.core.errors import TrainingError
from watchkeeper.maintain.artefact import load, save
from watchkeeper.maintain.recipe import Recipe
from watchkeeper.maintain.train import Start
from watchkeeper.maintain.training_process import ENDED, Fitted, TrainingOrder

__all__ = ["IsolatedTraining", "can_isolate"]

Progress = Callable[[str], None]

_STEP = 0.2
_TAIL = 5
_PATIENCE = 30.0
"""Seconds in which a process that was killed must have ended."""


def can_isolate() -> bool:
    """Return whether this system can fork, which training in a process of its own takes."""
    return hasattr(os, "fork") and hasattr(os, "killpg")


@dataclass
class IsolatedTraining:
    """Fits models in processes of their own.

    Parameters
    ----------
    work, log
        Folder for rows and models on their way, which is removed by ``close``; and file that what the function writes
        is added to.
    folder
        Where the training module lies.
    time_limit, memory
        How long one fit may take, and the most bytes it may take; None for no limit.
    trusted, pickle
        See ``artefact.save``.
    progress
        Told the newest line of the log.
    recipe
        See ``Trainer``.
    """

    work: Path
    log: Path
    folder: str
    time_limit: timedelta | None = None
    memory: int | None = None
    trusted: Sequence[str] = ()
    pickle: bool = False
    progress: Progress | None = None
    recipe: Recipe | None = None
    _fits: int = field(default=0, init=False)

    def fit(
        self, trainer: str, rows: pl.DataFrame, seed: int, weights: NDArray[np.float64] | None,
        start: Start | None = None,
    ) -> Any:  # fmt: skip
        """Return the fitted model.

        Raises
        ------
        TrainingError
            When the function fails, takes too long or too much, or its process dies.
        ArtefactError
            When its model cannot be saved.
        """
        self._fits += 1
        place = self.work / str(self._fits)
        place.mkdir(parents=True, mode=0o700)
        rows.write_ipc(place / "rows.arrow", compression="uncompressed")
        if weights is not None:
            np.save(place / "weights.npy", weights)
        order = TrainingOrder(
            trainer, str(Path.cwd()), self.folder, list(sys.path), str(place / "rows.arrow"),
            str(place / "weights.npy") if weights is not None else "", seed, str(place / "models"),
            str(place / "result.json"), str(self.log), list(self.trusted), self.pickle, self.memory,
            self.recipe,
        )  # fmt: skip
        if start is not None:
            order.start = save(start.model, order.models, trusted=self.trusted, pickle_allowed=self.pickle)
            order.way = start.way
        try:
            code = _server.carry_out(order, self.time_limit, self._tell)
            model = load(
                self._address(trainer, rows.height, code, place / "result.json"), order.models, trusted=self.trusted,
                pickle_allowed=self.pickle,
            )  # fmt: skip
        finally:
            rmtree(place, ignore_errors=True)
        return model

    def close(self) -> None:
        """Remove what was on its way."""
        rmtree(self.work, ignore_errors=True)

    def _tell(self) -> None:
        last = self._tail(1)
        if self.progress and last:
            self.progress(last[-1])

    def _tail(self, most: int) -> list[str]:
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 10_000))
                lines = file.read().decode("utf-8", errors="replace").splitlines()
        except OSError:
            return []
        return [line.strip() for line in lines if line.strip()][-most:]

    def _address(self, trainer: str, rows: int, code: int | None, result: Path) -> str:
        """Return the address of the model, or say why there is none."""
        what = f"{trainer} on {rows} rows"
        if code is None:
            raise TrainingError(
                f"{what} took longer than {self.time_limit} (maintain.time_limit) and was ended" + self._written()
            )
        try:
            fitted = msgspec.json.decode(result.read_bytes(), type=Fitted)
        except (OSError, msgspec.MsgspecError):
            ended = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with the code {code}"
            limit = f"; it may take {self.memory:,} bytes (maintain.memory_limit)" if self.memory else ""
            raise TrainingError(f"the process of {what} was {ended}{limit}" + self._written()) from None
        if fitted.kind:
            limit = f"\n  it may take {self.memory or 0:,} bytes (maintain.memory_limit)"
            kind = getattr(errors, fitted.kind, TrainingError)
            raise kind(fitted.error + (limit if self.memory and "MemoryError" in fitted.error else ""))
        return fitted.address

    def _written(self) -> str:
        """Return the last lines that the function wrote."""
        return "".join(f"\n  {line}" for line in self._tail(_TAIL))


class _Server:
    """The process that forks one for each training; started when first needed, and again where it has died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = -1
        self._lock = threading.Lock()

    def carry_out(self, order: TrainingOrder, limit: timedelta | None, tell: Callable[[], None]) -> int | None:
        """Have an order carried out; return how its process ended, None where its time was over."""
        with self._lock:
            orders, answers = self._running()
            try:
                left = msgspec.json.encode(order) + b"\n"
                while left:
                    left = left[orders.write(left) :]
                child = int(answers.readline())
            except (OSError, ValueError):
                self.stop()
                raise TrainingError("no process for the training could be started: the system refused one") from None
            return self._wait(answers, child, limit, tell)

    def _wait(self, answers: IO[bytes], child: int, limit: timedelta | None, tell: Callable[[], None]) -> int | None:
        end = None if limit is None else time.monotonic() + limit.total_seconds()
        late, done = False, False
        try:
            while not select.select([answers], [], [], _STEP)[0]:
                tell()
                if end is not None and not late and time.monotonic() > end:
                    # Its own group, so that what it has started ends as well.
                    with suppress(ProcessLookupError):
                        os.killpg(child, signal.SIGKILL)
                    late = True
                if end is not None and time.monotonic() > end + _PATIENCE:
                    return None
            said = answers.readline().decode()
            done = said.startswith(ENDED)
            return None if late else int(said.removeprefix(ENDED) or 1)
        finally:
            if not done:
                # Interrupted, or the server is gone: with it the training ends.
                self.stop()

    def _running(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self.stop()
            command = [sys.executable, "-m", "watchkeeper.maintain.training_process"]
            # Threads that wait for each other in a loop take the cores from whatever serves on this machine.
            environ = {
                "OMP_WAIT_POLICY": "PASSIVE",
                **os.environ,
                "PYTHONPATH": os.pathsep.join(part for part in sys.path if part),
            }
            # Without buffers: a line that was read ahead would wait where nobody looks for it.
            self._process = subprocess.Popen(  # noqa: S603 - it is this Python, and a module of ours
                command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, start_new_session=True
            )
            self._owner = os.getpid()
        return cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)

    def stop(self) -> None:
        """End the process, and with it what it trains."""
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    cast(IO[bytes], stream).close()
            process.wait()


_server = _Server()
atexit.register(_server.stop)

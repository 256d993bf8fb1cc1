"""What a serving process calls for each prediction and label."""

from __future__ import annotations

import os
import threading
import time as _time
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from watchkeeper.log.named import line_of
from watchkeeper.log.open_writers import writer_of
from watchkeeper.log.plain import plain
from watchkeeper.log.segment import spool_folder
from watchkeeper.log.writer import Order

__all__ = ["Log"]

WAIT = 5.0
"""Seconds that ``flush`` and ``close`` wait for the disk."""


class Log:
    """Writes predictions and labels to append-only files, from any number of threads and processes.

    A call puts one line into memory that outlives the process, and makes no call on the disk; a thread writes the lines
    and syncs them. However the process ends, killed or not, the lines are read. Nothing that goes wrong reaches the
    host: it is counted in ``problems`` and told once through ``logging``. While the disk refuses or does not keep up,
    lines wait in memory (100,000 of them, or 64 MB); a call waits for room at most .1 seconds, and only once until the
    disk answers again. What comes beyond that is dropped, and counted: in ``lost``, and in the spool, so that the next
    run says so. All logs of a model in a process share one file and one thread, so one may be made for each request.

    Parameters
    ----------
    folder
        The store's folder, or any local folder that `watchkeeper run` takes lines from.
    model, version
        What serves.
    max_bytes, rotate_seconds
        Size and age at which a file is finished, so that the reader can take it.
    flush_seconds
        How long a line may wait before it is written and synced to the disk: what a power cut may cost.
    clock
        Gives the time of predictions that are logged without one, in seconds since 1970.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        model: str,
        *,
        version: str = "",
        max_bytes: int = 16_777_216,
        flush_seconds: float = 1.0,
        rotate_seconds: float = 60.0,
        clock: Callable[[], float] = _time.time,
    ) -> None:
        self.folder = spool_folder(folder, model)
        self.model, self.version = model, str(version)
        self.max_bytes, self.flush_seconds, self.rotate_seconds = max_bytes, flush_seconds, rotate_seconds
        self._given, self._clock = os.path.abspath(os.fspath(folder)), clock
        self._open()

    def _open(self) -> None:
        key = (self.folder, self.model, self.max_bytes, self.flush_seconds, self.rotate_seconds)
        handle = object()
        self._writer = writer_of(key, handle)
        # The writer holds no reference to the log, so that a forgotten log can be collected.
        forgotten = weakref.finalize(self, self._writer.release, handle)
        forgotten.atexit = False
        self._handle: object | None = handle

    def __reduce__(self) -> tuple[Any, ...]:
        """Give another process a log of its own."""
        return _log, (self._given, self.model, self.version, self.max_bytes, self.flush_seconds, self.rotate_seconds,
                      self._clock)  # fmt: skip

    def predict(
        self,
        id: str | int | None = None,
        time: Any = None,
        *,
        features: Mapping[str, Any] | None = None,
        prediction: Any = None,
        score: Any = None,
        latency: float | None = None,
        version: str | None = None,
    ) -> str | int:
        """Log one prediction and return its id.

        Parameters
        ----------
        id
            What the label will be joined by; made where None.
        time
            When it was asked: a datetime (without a zone: UTC), ISO 8601 text or seconds since 1970; now where None.
        features
            What the model was given, by name.
        prediction, score
            The answer, and its probability or value.
        latency
            Seconds the answer took.
        version
            Which version answered, where it is not the log's own.
        """
        key: str | int = os.urandom(16).hex() if id is None else id
        row = {"kind": "prediction", "id": key, "time": time, "features": features, "prediction": prediction,
               "score": score, "latency": latency, "version": self.version if version is None else version}  # fmt: skip
        self._take(row)
        return key

    def label(self, id: str | int, label: Any, time: Any = None) -> None:
        """Log what was true of the prediction ``id``; ``time`` is when that became known."""
        self._take({"kind": "label", "id": id, "time": time, "label": label})

    @property
    def problems(self) -> dict[str, int]:
        """What went wrong so far, and how often; all logs of a model in this process count together."""
        return dict(self._writer.problems.counts)

    @property
    def lost(self) -> int:
        """Rows that could not be kept, as ``problems`` says why."""
        return self._writer.problems.lost

    def flush(self, timeout: float = WAIT) -> bool:
        """Put every line that was logged before on the disk.

        Returns whether all of them are there; after ``timeout`` seconds it does not wait any longer.
        """
        return self._ask(Order(close=False), timeout)

    def close(self, timeout: float = WAIT) -> bool:
        """Flush, and finish the file where no other log of the model is open; logging again starts anew.

        Returns whether all is on the disk; after ``timeout`` seconds it does not wait any longer.
        """
        handle, self._handle = self._handle, None
        return self._ask(Order(close=True, handle=handle), timeout)

    def _ask(self, order: Order, seconds: float) -> bool:
        try:
            if threading.current_thread() is self._writer.thread:
                return False  # a logging handler asks, from within
            self._writer.ask(order)
            return order.wait(seconds)
        except Exception as error:  # noqa: BLE001 - nothing may reach the host
            self._writer.problems.note("cannot flush", error)
            return False

    def __enter__(self) -> Log:
        """Return the log itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the log."""
        self.close()

    def _take(self, row: dict[str, Any]) -> None:
        """Put a row into memory; whatever goes wrong is counted."""
        try:
            if row["time"] is None:
                row["time"] = self._clock()
            line, lost = line_of(row, plain)
            if lost is not None:
                self._writer.problems.note("a value cannot be logged and is null", lost)
            if self._handle is None:
                self._open()
            self._writer.put(f"{line}\n".encode())
        except BaseException as error:
            # A panic of an extension is no Exception, and is no wish to end the process either.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            self._writer.lose("cannot be logged", error)


def _log(
    folder: str, model: str, version: str, max_bytes: int, flush_seconds: float, rotate_seconds: float,
    clock: Callable[[], float],
) -> Log:  # fmt: skip
    return Log(
        folder, model, version=version, max_bytes=max_bytes, flush_seconds=flush_seconds,
        rotate_seconds=rotate_seconds, clock=clock,
    )  # fmt: skip

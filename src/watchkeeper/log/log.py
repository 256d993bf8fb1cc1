"""What a serving process calls for each prediction and label."""

from __future__ import annotations

import atexit
import json
import os
import threading
import time as _time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from watchkeeper.log.segment import Segment, spool_folder

__all__ = ["Log"]

_QUEUE = 10_000
_BLOCK_SECONDS = 0.25
_ROTATE_SECONDS = 60.0
_HELD = 10 * _QUEUE


class Log:
    """Writes predictions and labels to append-only files, from any number of threads and processes.

    Each call puts one line into a bounded queue in memory; a thread writes the queue to the disk. When the queue is
    full the caller waits for a moment and then writes by itself. Nothing that goes wrong reaches the host: it is
    counted in ``problems`` and told once through ``logging``. While the disk refuses, up to 100,000 lines are held;
    what comes beyond that is dropped, and counted.

    Parameters
    ----------
    folder
        The store's folder, or any local folder that `watchkeeper run` takes lines from.
    model, version
        What serves.
    max_bytes, rotate_seconds
        Size and age at which a file is finished, so that the reader can take it.
    flush_seconds
        How long a line may wait in memory before it is written and synced to the disk.
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
        rotate_seconds: float = _ROTATE_SECONDS,
        clock: Callable[[], float] = _time.time,
    ) -> None:
        self.folder = spool_folder(folder, model)
        self.model, self.version = model, str(version)
        self.max_bytes, self.flush_seconds, self.rotate_seconds = max_bytes, flush_seconds, rotate_seconds
        self._clock = clock
        self._problems: dict[str, int] = {}
        self._set_up()
        _open_logs.add(self)

    def _set_up(self) -> None:
        """Set up what one process must not share with another."""
        self._queue: deque[bytes] = deque()
        self._file_lock = threading.RLock()
        self._problem_lock = threading.Lock()
        self._wanted, self._stopped = threading.Event(), threading.Event()
        self._since, self._number, self._synced = 0.0, 0, True
        self._segment: Segment | None = None
        self._thread: threading.Thread | None = None

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
        """What went wrong so far, and how often."""
        return dict(self._problems)

    def flush(self) -> bool:
        """Put every line that was logged before on the disk; return whether all of them are there."""
        try:
            with self._file_lock:
                self._write()
                return not self._queue
        except Exception as error:  # noqa: BLE001 - nothing may reach the host
            self._note("cannot flush", error)
            return False

    def close(self) -> bool:
        """Flush, finish the file and stop; logging again starts anew."""
        done = False
        try:
            self._wanted.set()
            self._stopped.set()
            done = self.flush()
            with self._file_lock:
                if self._segment is not None:
                    segment, self._segment = self._segment, None
                    segment.seal()
        except Exception as error:  # noqa: BLE001 - nothing may reach the host
            self._note("cannot close", error)
            return False
        return done

    def __enter__(self) -> Log:
        """Return the log itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the log."""
        self.close()

    def _take(self, row: dict[str, Any]) -> None:
        """Put a row into the queue; whatever goes wrong is counted."""
        try:
            if row["time"] is None:
                row["time"] = self._clock()
            line = (json.dumps(row, default=_plain, separators=(",", ":")) + "\n").encode()
            if self._thread is None or self._stopped.is_set():
                self._run()
            if len(self._queue) >= _QUEUE:
                self._make_room()
            if len(self._queue) >= _HELD:
                self._note("dropped because the disk refuses", None)
                return
            self._queue.append(line)
            if len(self._queue) >= _QUEUE // 2:
                self._wanted.set()
        except Exception as error:  # noqa: BLE001 - nothing may reach the host
            self._note("cannot be logged", error)

    def _make_room(self) -> None:
        """Wait a moment for the thread to write; then write here."""
        self._wanted.set()
        if self._file_lock.acquire(timeout=_BLOCK_SECONDS):
            try:
                if len(self._queue) >= _QUEUE:
                    self._write()
            except OSError as error:
                self._note("cannot write", error)
            finally:
                self._file_lock.release()

    def _write(self) -> None:
        """Write the queue as it is now, sync, and rotate when due; the file lock is held."""
        waiting = len(self._queue)
        if waiting:
            lines = [self._queue[place] for place in range(waiting)]
            if self._segment is None:
                self._segment, self._since = self._open(), _time.monotonic()
            self._segment.append(b"".join(lines))
            self._synced = False
            for _ in lines:
                self._queue.popleft()
        segment = self._segment
        if segment is None:
            return
        if not self._synced:
            segment.sync()
            self._synced = True
        old = _time.monotonic() - self._since > self.rotate_seconds
        if segment.size >= self.max_bytes or (old and segment.size):
            self._segment = None
            segment.seal()

    def _open(self) -> Segment:
        self._number += 1
        name = f"{_time.time_ns():020d}-{os.getpid()}-{self._number}-{os.urandom(4).hex()}"
        return Segment(self.folder, name)

    def _run(self) -> None:
        with self._file_lock:
            if self._thread is not None and not self._stopped.is_set():
                return
            self._stopped = threading.Event()
            # The thread holds no reference to the log, so that a forgotten log can be collected.
            arguments = (weakref.ref(self), self._wanted, self._stopped, self.flush_seconds)
            self._thread = threading.Thread(target=_drain, args=arguments, name="watchkeeper-log", daemon=True)
            self._thread.start()

    def _note(self, what: str, error: BaseException | None) -> None:
        words = f"{what}: {error}" if error is not None else what
        with self._problem_lock:
            known = len(self._problems) >= 100 and words not in self._problems
            words = what if known else words
            self._problems[words] = self._problems.get(words, 0) + 1
            first = self._problems[words] == 1
        if first:
            import logging

            logging.getLogger("watchkeeper.log").warning("model %s: %s", self.model, words)


def _drain(log: weakref.ref[Log], wanted: threading.Event, stopped: threading.Event, seconds: float) -> None:
    """Write what is queued, every so often or when asked to, until the log is closed or gone."""
    while not stopped.is_set():
        wanted.wait(seconds)
        wanted.clear()
        alive = log()
        if alive is None:
            return
        alive.flush()
        del alive


def _plain(value: Any) -> Any:
    """Return what JSON lacks as what it has: moments as ISO 8601, NumPy values as numbers, anything else as text."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


_open_logs: weakref.WeakSet[Log] = weakref.WeakSet()


def _close_all() -> None:
    for log in list(_open_logs):
        log.close()


def _after_fork() -> None:
    """Give a forked process files, locks and a thread of its own; queued lines stay with the parent."""
    for log in list(_open_logs):
        segment = log._segment  # noqa: SLF001 - the same module
        log._set_up()  # noqa: SLF001 - the same module
        if segment is not None:
            segment.forget()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

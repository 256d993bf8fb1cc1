"""The writers of a process, shared by its logs, and what becomes of them when it forks or ends."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time

from watchkeeper.log.problems import Problems
from watchkeeper.log.writer import Order, Writer

__all__ = ["EXIT_SECONDS", "writer_of"]

EXIT_SECONDS = 5.0
"""How long the end of a process waits for its disk."""

Key = tuple[str, str, int, float, float]

_writers: dict[Key, Writer] = {}
# A finaliser or a signal handler may log while the same thread is in here.
_lock = threading.RLock()
_registered = 0


def writer_of(key: Key, handle: object) -> Writer:
    """Return the writer of a folder and a model, made if there is none; ``handle`` is the log that uses it."""
    with _lock:
        for known, writer in list(_writers.items()):
            if not writer.handles and writer.thread is None and writer.tail is None and known != key:
                del _writers[known]
        if key not in _writers:
            _writers[key] = Writer(*key, Problems())
        _writers[key].handles[handle] = True
    if _registered != os.getpid():
        _register()
    return _writers[key]


def _register() -> None:
    """Close at the end of this process; those of multiprocessing end without the functions that ``atexit`` knows."""
    global _registered  # noqa: PLW0603 - what a process is, once for each
    _registered = os.getpid()
    atexit.register(_close_all)
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _close_all, exitpriority=10)


def _close_all() -> None:
    orders = []
    with _lock:
        for writer in _writers.values():
            writer.handles.clear()
            if writer.thread is not None or writer.tail is not None:
                orders.append(Order(close=True))
                writer.ask(orders[-1])
    end = time.monotonic() + EXIT_SECONDS
    for order in orders:
        order.wait(end - time.monotonic())


def _after_fork() -> None:
    global _lock, _registered
    _lock, _registered = threading.RLock(), 0
    for writer in _writers.values():
        writer.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

"""What puts lines on the disk: one for each model of a process, with a thread of its own."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue

from watchkeeper.log.problems import Problems
from watchkeeper.log.segment import Segment, seal_abandoned
from watchkeeper.log.tail import CAPACITY, Tail, lost_line

__all__ = ["MOST_BYTES", "MOST_LINES", "PATIENCE", "Order", "Writer"]

MOST_LINES, MOST_BYTES = 100_000, 67_108_864
"""Lines, and about how many bytes of them, that wait in memory while the disk refuses; what comes then is lost."""

PATIENCE = 0.1
"""Seconds that a call waits, once, for a disk that does not keep up, until it answers again."""

_CROWDED = 10_000
_LINGER = 10.0
_RETRY = 1.0
_STEP = 0.005
_LOCK_SECONDS = 0.05


class Order:
    """Something the thread is asked for, and whether it was done."""

    def __init__(self, *, close: bool, handle: object = None) -> None:
        self.close, self.handle = close, handle
        self.success = False
        self._done = threading.Lock()
        self._done.acquire()

    def finish(self, success: bool) -> None:
        """Let go of whoever waits."""
        self.success = success
        self._done.release()

    def wait(self, seconds: float) -> bool:
        """Return whether it was done well within so many seconds."""
        return self._done.acquire(timeout=max(0.0, seconds)) and self.success


class Writer:
    """Takes lines without touching the disk, and writes them in its thread.

    ``put`` makes no call on a file. Only memory is touched under the lock, so no caller waits there for a disk; and a
    caller that interrupts another in the same thread (a signal handler, a finaliser) goes on without the lock.

    Parameters
    ----------
    folder
        The spool folder.
    model
        Whose lines they are.
    """

    def __init__(
        self, folder: str, model: str, max_bytes: int, flush_seconds: float, rotate_seconds: float, problems: Problems
    ) -> None:
        self.folder, self.model, self.problems = folder, model, problems
        self.max_bytes, self.flush_seconds, self.rotate_seconds = max_bytes, flush_seconds, rotate_seconds
        self.handles: dict[object, bool] = {}
        self.set_up()

    def set_up(self) -> None:
        """Set up what one process must not share with another."""
        self.queue: deque[bytes] = deque()
        self.orders: SimpleQueue[Order | None] = SimpleQueue()
        self.thread: threading.Thread | None = None
        self.segment: Segment | None = None
        self.tail: Tail | None = None
        self._lock, self._starting = threading.Lock(), threading.RLock()
        self._bytes = self._number = self._holder = 0
        self._stalled = self._failed = self._woken = self._synced = False
        self._since = self._ticked = 0.0

    def after_fork(self) -> None:
        """Leave files, memory and lines to the parent process."""
        segment, tail = self.segment, self.tail
        self.set_up()
        self.problems.set_up()
        if tail is not None:
            tail.forget()
        if segment is not None:
            segment.forget()

    # What callers do.

    def put(self, line: bytes) -> None:
        """Take a line in; where there is no room for it, it is counted as lost."""
        if len(self.queue) >= _CROWDED:
            self._wait_for_room()
        if len(self.queue) >= MOST_LINES or self._bytes + len(line) > MOST_BYTES:
            self.lose("dropped because the disk refuses")
        else:
            self._bytes += len(line)
            self.queue.append(line)
        self._pump()
        tail = self.tail
        if not self._woken and (self.queue or tail is None or tail.end - tail.start > CAPACITY // 2):
            self._woken = True
            self.orders.put(None)
        if self.thread is None and not self.start() and sys.is_finalizing() and tail is not None and not tail.shared:
            # Nothing comes after this: neither a thread nor a reader of shared memory.
            self.ask(Order(close=False))

    def lose(self, what: str, error: object = None) -> None:
        """Count a row that is lost; the spool is told of it as soon as it takes a line."""
        self.problems.lose(what, error)
        self._pump()
        if self.thread is None:
            self.start()

    def ask(self, order: Order) -> None:
        """Ask the thread for something; without threads it is done here."""
        if self.thread is not None and sys.is_finalizing():
            order.finish(False)
        elif self.thread is not None or self.start():
            self.orders.put(order)
        else:
            with self._starting:
                self._carry_out(order)

    def start(self) -> bool:
        """Start the thread; False where the system has none to give, or the interpreter ends."""
        with self._starting:
            # A thread started now would never run, and starting it never end.
            if sys.is_finalizing():
                return False
            if self.thread is None:
                thread = threading.Thread(target=self._work, name="watchkeeper-log", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    self.problems.note("cannot start a thread", error)
                    return False
                self.thread = thread
            return True

    def _wait_for_room(self) -> None:
        end = time.monotonic() + PATIENCE
        while not self._stalled and len(self.queue) >= _CROWDED:
            if time.monotonic() > end:
                self._stalled = True
            else:
                time.sleep(_STEP)

    def _pump(self) -> None:
        """Move lines from memory into the tail, as many as fit."""
        own = threading.get_ident()
        # Who interrupts its own thread in here leaves its line to the one it has interrupted.
        while self._holder != own and self._lock.acquire(timeout=_LOCK_SECONDS):
            self._holder = own
            try:
                full = self._fill()
            finally:
                self._holder = 0
                self._lock.release()
            # Somebody may have come while the lock was held, and gone without it.
            if full or not self.queue:
                return

    def _fill(self) -> bool:
        if self.tail is None:
            self.tail = Tail(self.folder, self._name())
            if self.tail.refusal:
                self.problems.note("lines do not outlive a killed process: no shared memory", self.tail.refusal)
        queue = self.queue
        while queue:
            if not self.tail.append(queue[0]):
                self.tail.count_lost(len(queue) + self.problems.unwritten)
                return True
            self._bytes -= len(queue.popleft())
        self._bytes = 0
        self.tail.count_lost(self.problems.unwritten)
        return False

    def _name(self) -> str:
        self._number += 1
        return f"{time.time_ns():020d}-{os.getpid()}-{self._number}-{os.urandom(4).hex()}"

    # What the thread does.

    def release(self, handle: object) -> None:
        """Let go of a log that was forgotten; called by the collector of garbage, anywhere."""
        self.handles.pop(handle, None)
        if self.flush_seconds > _LINGER:
            self.orders.put(None)

    def _work(self) -> None:
        idle_since = self._ticked = time.monotonic()
        with suppress(OSError):
            # The reader may be where the shared memory of this machine is not.
            seal_abandoned(self.folder)
        while True:
            try:
                order = self._next_order()
                now = time.monotonic()
                idle_since = now if self.handles else idle_since
                if order is None and not self.handles and now - idle_since > min(_LINGER, self.rotate_seconds):
                    order = Order(close=True)
                due = order is not None or now - self._ticked >= self.flush_seconds
                self._ticked = now if due else self._ticked
                self._carry_out(order or Order(close=False), sync=due)
                if order is not None and order.close and self._ended():
                    return
            except BaseException as error:  # noqa: BLE001 - the thread goes on whatever happens
                self.problems.note("cannot write", error)

    def _next_order(self) -> Order | None:
        """Wait until there is something to do; callers need not wake a thread that waits for the disk."""
        self._woken = self._failed
        seconds = self._ticked + self.flush_seconds - time.monotonic()
        if self._failed:
            seconds = min(self.flush_seconds, _RETRY)
        elif not self.handles:
            seconds = min(seconds, _LINGER)
        try:
            return self.orders.get(timeout=min(max(seconds, 0.0), threading.TIMEOUT_MAX))
        except Empty:
            return None

    def _carry_out(self, order: Order, *, sync: bool = True) -> None:
        success = False
        try:
            self._write(sync=sync)
            if order.close:
                self.handles.pop(order.handle, None)
                if not self.handles:
                    self._finish()
            success = not self.queue
        except Exception as error:  # noqa: BLE001 - nothing may reach the host
            self._stalled = self._failed = True
            self.problems.note("cannot write", error)
        finally:
            self.problems.tell(self.model)
            order.finish(success)

    def _ended(self) -> bool:
        """Whether nothing has come since; a line that comes from here on starts another thread."""
        with self._starting:
            if self.handles or self.queue or self.tail is not None or not self.orders.empty():
                return False
            self.thread = None
            return True

    def _write(self, *, sync: bool) -> None:
        """Write all that waits, sync it when asked to, and finish the segment when it is due."""
        self._tell_lost()
        while self._write_some():
            self._stalled = self._failed = False
            self._tell_lost()
            if self.segment is not None and self.segment.size >= self.max_bytes:
                self._rotate(self.segment)
        if self.segment is not None and sync and not self._synced:
            self.segment.sync()
            self._synced = True
        if self.segment is not None and time.monotonic() - self._since > self.rotate_seconds:
            self._rotate(self.segment)

    def _tell_lost(self) -> None:
        lost = 0 if self._failed else self.problems.write_lost()
        if lost:
            self.queue.append(lost_line(lost, time.time()))
        if self.queue:
            self._pump()

    def _write_some(self) -> bool:
        """Write what the tail holds, or else a line that is too long for any; return whether there was something."""
        tail = self.tail
        if tail is None:
            return bool(self.queue)
        lines = tail.unwritten(self._size)
        too_long = not lines and not tail.end and bool(self.queue) and len(self.queue[0]) > CAPACITY
        lines = self.queue[0] if too_long else lines
        if lines:
            if self.segment is None:
                self.segment, self._since = Segment(self.folder, tail.name), time.monotonic()
            self._synced = False
            self.segment.append(lines)
        with self._lock:
            # A line that is too long keeps those behind it out of the tail until here.
            if too_long:
                self._bytes -= len(self.queue.popleft())
            # Lines that came meanwhile stay where they are until they are written too.
            if too_long or (tail.end and not tail.unwritten(self._size)):
                tail.rewind(self._size)
        return bool(lines)

    @property
    def _size(self) -> int:
        return self.segment.size if self.segment else 0

    def _rotate(self, segment: Segment) -> None:
        """Go on in another file; the tail turns to it first, so that no line is ever in neither or in both."""
        with self._lock:
            if self.tail is not None:
                self.tail.turn_to(self._name(), segment.size)
        self.segment = None
        segment.seal()

    def _finish(self) -> None:
        """Finish the file, and give the tail back where nothing more is in it."""
        segment, tail = self.segment, self.tail
        if segment is not None:
            self._rotate(segment)
        with self._lock:
            if tail is not None and not self.queue and not tail.unwritten(0):
                self.tail = None
                tail.remove()

"""What went wrong in logging: counted where it happens, told elsewhere."""

from __future__ import annotations

import threading
from collections import deque

__all__ = ["Problems"]

_KINDS = 100


class Problems:
    """Counts what went wrong; never raises, and can be interrupted by itself."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.lost = 0
        self._unwritten = 0
        self._untold: deque[str] = deque()
        self._lock = threading.RLock()

    def set_up(self) -> None:
        """Set up what one process must not share with another."""
        self._lock = threading.RLock()

    def note(self, what: str, error: object = None) -> None:
        """Count one."""
        try:
            words = f"{what}: {error}" if error is not None else what
        except Exception:  # noqa: BLE001 - an error may be unable to say what it is
            words = f"{what}: {type(error).__name__}"
        with self._lock:
            words = what if len(self.counts) >= _KINDS and words not in self.counts else words
            self.counts[words] = self.counts.get(words, 0) + 1
            if self.counts[words] == 1:
                self._untold.append(words)

    def lose(self, what: str, error: object = None) -> None:
        """Count a row that is lost, and why."""
        with self._lock:
            self.lost += 1
            self._unwritten += 1
        self.note(what, error)

    @property
    def unwritten(self) -> int:
        """Rows that are lost and that no line in the spool says so of."""
        return self._unwritten

    def write_lost(self) -> int:
        """Return how many those are, once: whoever asks writes the line."""
        with self._lock:
            rows, self._unwritten = self._unwritten, 0
        return rows

    def tell(self, model: str) -> None:
        """Tell what is new through ``logging``, whatever its filters and handlers do."""
        while self._untold:
            words = self._untold.popleft()
            try:
                import logging

                logging.getLogger("watchkeeper.log").warning("model %s: %s", model, words)
            except Exception:  # noqa: BLE001 - what the host's filters raise is counted too
                self.counts["cannot be told"] = self.counts.get("cannot be told", 0) + 1

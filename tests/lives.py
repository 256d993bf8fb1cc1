"""The harness of all campaigns of kills: one process forks lives, which are killed at any moment and begun again.

What is forked has all imports done, so that a life costs no more than what it does. A program of lives ends with
``serve_lives``; a test begins them with ``Lives``, reads what each says, kills it, and asks how it ended.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[1]
_ENDED = "ended "


def serve_lives(live: Callable[[str], None]) -> None:
    """Live once, in a process of its own, for every line of the standard input."""
    for order in sys.stdin:
        child = os.fork()
        if child == 0:
            live(order.strip())
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        # A life that was killed may have left half a line.
        sys.stdout.write(f"\n{_ENDED}{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


class Lives:
    """A program of lives that was started.

    Parameters
    ----------
    program
        File that ends with ``serve_lives``.
    arguments
        What it is called with.
    """

    def __init__(self, program: str, *arguments: object) -> None:
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, program, *map(str, arguments)]
        self._server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ, cwd=ROOT
        )
        self._life = -1
        self.ended: int | None = None

    def begin(self, order: object = "") -> None:
        """Begin a life."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(order, file=self._server.stdin, flush=True)
        process, self.ended = int(self._server.stdout.readline()), None
        self._forget()
        with suppress(ProcessLookupError):
            self._life = os.pidfd_open(process)

    def _forget(self) -> None:
        if self._life >= 0:
            os.close(self._life)
        self._life = -1

    def said(self) -> Iterator[str]:
        """Yield what the life says, line by line, until it has ended."""
        assert self._server.stdout is not None
        for line in self._server.stdout:
            if line.startswith(_ENDED):
                self.ended = int(line.split()[1])
                return
            yield line.rstrip("\n")
        raise AssertionError("what starts the lives is gone")

    def kill(self) -> None:
        """Send SIGKILL to the life; it may have ended already."""
        # Not by its number, which another process may have by now.
        with suppress(ProcessLookupError):
            if self._life >= 0:
                signal.pidfd_send_signal(self._life, signal.SIGKILL)

    @property
    def alive(self) -> bool:
        """Whether the life that was begun last goes on."""
        return self._life >= 0 and not select.select([self._life], [], [], 0)[0]

    def end(self) -> int:
        """Wait until the life has ended; return how."""
        for _ in self.said():
            pass
        assert self.ended is not None
        return self.ended

    @property
    def was_killed(self) -> bool:
        """Whether the life that ended last was killed."""
        return self.ended == -signal.SIGKILL

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._forget()
        self._server.communicate()

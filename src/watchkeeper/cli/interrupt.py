"""An interrupt from the keyboard that is heard wherever it comes."""

from __future__ import annotations

import signal
from threading import Timer, main_thread
from types import FrameType

__all__ = ["Interrupt"]

_AGAIN = 0.01
"""Seconds until an interrupt is raised again that would be lost where it came."""


class Interrupt:
    """Handles SIGINT as Python does, but is not lost in an import, of which a command has many.

    An exception in the callback of an import lock is printed and dropped, so the interrupt is raised a moment later. In
    a module that is written in C it may come out as another error: ``asked`` tells what was behind it.
    """

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """Take SIGINT over from Python's own handler; one that somebody else has set, or that ignores it, stays."""
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, now or in a moment."""
        self.asked = True
        if frame is not None and _in_import_lock(frame):
            Timer(_AGAIN, _raise_again, (number,)).start()
            return
        raise KeyboardInterrupt


def _raise_again(number: int) -> None:
    """Send the signal to the main thread: sent to another one it would not wake the main thread where it waits."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


def _in_import_lock(frame: FrameType) -> bool:
    code = frame.f_code
    return code.co_name == "cb" and code.co_filename == "<frozen importlib._bootstrap>"

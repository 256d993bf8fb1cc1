"""Intervals of numbers and of time, as documents for programs carry them."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.core.encode import Moment, in_utc
from watchkeeper.core.window import Window

__all__ = ["Interval", "WindowDocument", "window_document"]

Interval = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class WindowDocument:
    """A half-open interval of event time: ``start`` belongs to it, ``end`` does not."""

    start: Moment
    end: Moment


def window_document(window: Window) -> WindowDocument:
    """Return a window for programs."""
    return WindowDocument(in_utc(window.start), in_utc(window.end))

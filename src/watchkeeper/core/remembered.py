"""What judging remembers after a window, series by series."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.core.window import Window

__all__ = ["Remembered", "SeriesMemory"]


@dataclass(frozen=True, slots=True)
class SeriesMemory:
    """What is remembered of one series.

    Parameters
    ----------
    series
        What it is remembered of: a chart and its series, an episode of a cause, or what all series share.
    body
        JSON with named fields.
    version
        Of the form of ``body``.
    """

    series: str
    body: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Remembered:
    """All that judging remembers after a window: where it goes on from, or where it goes back to when rows come late.

    The series are in the order of their names. Recorded again, all of it is replaced.
    """

    window: Window
    series: tuple[SeriesMemory, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "series", tuple(sorted(self.series, key=lambda part: part.series)))

"""The protocol of a chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol, runtime_checkable

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.signal import Signal

__all__ = [
    "SIDES",
    "Chart",
    "ChartMemory",
    "Choices",
    "Options",
    "Patient",
    "Phase",
    "Unitless",
]


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a series over which its chart had one level.

    Parameters
    ----------
    start
        Start of its first window; None where windows have no time.
    reason
        Why the chart learned anew: empty for the first phase, ``release``, ``change`` or what the caller says.
    version
        Version of the model in its first window.
    """

    start: datetime | None = None
    reason: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class ChartMemory:
    """What a chart keeps of a series between two points: numbers, lists of numbers and words, to be stored as JSON.

    Parameters
    ----------
    numbers
        Single numbers by name.
    points
        Phase I points as (value, standard error).
    arrays
        Lists of numbers by name, finite.
    phases
        The phases of the series, oldest first; the last is the one in force.
    words
        Single words by name, such as the season that was found, or whose numbers the lists hold.
    version
        Of the form of all this; a chart that changes what its numbers mean states another ``memory_version``.
    """

    numbers: Mapping[str, float] = field(default_factory=dict)
    points: tuple[tuple[float, float], ...] = ()
    arrays: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    phases: tuple[Phase, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    version: int = 1


Options = Mapping[str, float | str]
Choices = Mapping[str, tuple[str, ...]]

SIDES = ("both", "upper", "lower")
"""On which side of its level a series may signal."""


@runtime_checkable
class VersionedMemory(Protocol):
    """A chart whose memory has had another form; a memory of that form is learned anew from the stored history."""

    memory_version: ClassVar[int]


def memory_version(chart: Chart) -> int:
    """Return the version of the memory that a chart reads and writes; 1 where it states none."""
    return chart.memory_version if isinstance(chart, VersionedMemory) else 1


@runtime_checkable
class Chart(Protocol):
    """A judge of one series of measurements.

    Attributes
    ----------
    plugin
        Always ``"chart"``.
    name
        Registry key.
    defaults
        Every option it knows, with its default.

    What some say of themselves besides are abilities of their own: ``Patient``, ``Unitless``, and for those who read a
    configuration ``ChoosesWords`` and ``ChecksOptions``.
    """

    plugin: ClassVar[str]
    name: ClassVar[str]
    defaults: ClassVar[Options]

    def step(
        self, memory: ChartMemory | None, measurement: Measurement, options: Options
    ) -> tuple[ChartMemory, Signal]:
        """Judge the next point of the series; no memory starts it. A point without data leaves the memory alone."""


@runtime_checkable
class Patient(Protocol):
    """A chart that may need more than one point to see a gross change: how many."""

    patience: ClassVar[int]


@runtime_checkable
class Unitless(Protocol):
    """A chart that says whether its series have a unit; one of shares has none."""

    has_unit: ClassVar[bool]

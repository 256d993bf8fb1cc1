"""The protocol of a comparison."""

from __future__ import annotations

from typing import ClassVar, Protocol, runtime_checkable

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["Comparison", "Narrow", "NeedsStatistics", "Slow", "needs_of"]


@runtime_checkable
class Comparison(Protocol):
    """A distance between the rows of a reference and the rows under judgement, from their states alone.

    Attributes
    ----------
    plugin
        Always ``"comparison"``.
    name
        Registry key.
    identical
        The value for two equal states.

    What some say of themselves besides are abilities of their own: ``NeedsStatistics``, ``Narrow`` and ``Slow``.
    """

    plugin: ClassVar[str]
    name: ClassVar[str]
    identical: ClassVar[float]

    def applies(self, column: Column) -> bool:
        """Return whether the comparison makes sense for ``column``."""

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the measurement, keyed as ``current``.

        Raises
        ------
        StateError
            When one of the states lacks what the comparison needs; the caller turns it into a failed measurement.
        """


@runtime_checkable
class NeedsStatistics(Protocol):
    """A comparison that rests on optional statistics, by their registry keys: who monitors it has them kept."""

    needs: ClassVar[tuple[str, ...]]


@runtime_checkable
class Narrow(Protocol):
    """A comparison that looks for a single kind of fault, which a gross change of a distribution need not have."""

    narrow: ClassVar[bool]


@runtime_checkable
class Slow(Protocol):
    """A comparison that takes long, and is tried on so many simulated pairs at most."""

    trials: ClassVar[int]


def needs_of(comparison: object) -> tuple[str, ...]:
    """Return the optional statistics that a comparison rests on."""
    return tuple(comparison.needs) if isinstance(comparison, NeedsStatistics) else ()

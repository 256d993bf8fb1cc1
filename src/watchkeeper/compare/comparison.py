"""The protocol of a comparison."""

from __future__ import annotations

from typing import ClassVar, Protocol, runtime_checkable

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["Comparison"]


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

    A class that rests on optional statistics names them in ``needs``, a tuple of registry keys: a monitor that names
    the comparison then has them kept.
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

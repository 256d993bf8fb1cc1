"""Estimators that each break one promise; the name says which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import Schema, Task
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.performance.cbpe import Cbpe


class Plain(Cbpe):
    """Nothing is wrong with it."""

    plugin: ClassVar[str] = "estimator"
    name: ClassVar[str] = "plain"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.BINARY})

    def estimate(
        self, reference: Mapping[str, State], current: Mapping[str, State], schema: Schema
    ) -> list[Measurement]:
        """Return the estimates of CBPE under its own name."""
        return [self.change(one) for one in super().estimate(reference, current, schema)]

    def change(self, found: Measurement) -> Measurement:
        """Return the measurement, spoilt in one way."""
        return found


class NarrowBand(Plain):
    """Its bands are a fifth of what they should be."""

    plugin: ClassVar[str] = "estimator"
    name: ClassVar[str] = "narrow_band"

    def change(self, found: Measurement) -> Measurement:
        """Return the measurement with a narrow band."""
        if found.value is None or found.error is None:
            return found
        return replace(found, interval=(found.value - 0.4 * found.error, found.value + 0.4 * found.error))


class Silent(Plain):
    """It does not say what it assumes."""

    plugin: ClassVar[str] = "estimator"
    name: ClassVar[str] = "silent"

    def change(self, found: Measurement) -> Measurement:
        """Return the measurement without the assumption."""
        made = None if found.evidence.estimate is None else replace(found.evidence.estimate, assumes="")
        return replace(found, evidence=replace(found.evidence, estimate=made))


class ChanceFromNothing(Plain):
    """It has a number where there are no rows."""

    plugin: ClassVar[str] = "estimator"
    name: ClassVar[str] = "chance_from_nothing"

    def change(self, found: Measurement) -> Measurement:
        """Return one half for no data."""
        return found if found.status is Status.OK else replace(found, status=Status.OK, value=0.5)


class Unbroken(Plain):
    """It has no data where a state is broken."""

    plugin: ClassVar[str] = "estimator"
    name: ClassVar[str] = "unbroken"

    def estimate(
        self, reference: Mapping[str, State], current: Mapping[str, State], schema: Schema
    ) -> list[Measurement]:
        """Return no data for a broken state."""
        try:
            return super().estimate(reference, current, schema)
        except WatchkeeperError as error:
            return [Measurement.missing(current[OUTCOME].key, Family.ESTIMATE, "accuracy", str(error))]

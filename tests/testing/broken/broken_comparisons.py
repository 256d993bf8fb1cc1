"""Comparisons that each break one promise; the name says which."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from watchkeeper.compare.cells import steps
from watchkeeper.compare.cramer_von_mises import CramerVonMises
from watchkeeper.compare.ks import Ks
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.moments import MomentsPart


class Sound(Ks):
    """Nothing is wrong with it."""

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "sound"

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the Kolmogorov–Smirnov distance under its own name."""
        return self.change(replace(super().compare(reference, current), name=self.name))

    def change(self, found: Measurement) -> Measurement:
        """Return the measurement, spoilt in one way."""
        return found


def _spoilt(found: Measurement, **values: Any) -> Measurement:
    return replace(found, **values) if found.value is not None else found


class LowFloor(Sound):
    """States half of its floor."""

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "low_floor"

    def change(self, found: Measurement) -> Measurement:
        """Halve it."""
        return _spoilt(found, floor=(found.floor or 0.0) / 2)


class NarrowInterval(Sound):
    """States an interval that is too narrow."""

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "narrow_interval"

    def change(self, found: Measurement) -> Measurement:
        """Take a tenth off and on."""
        value = found.value or 0.0
        return _spoilt(found, interval=(0.9 * value, 1.1 * value))


class LooseLevel(CramerVonMises):
    """States a third of its p-value."""

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "loose_level"

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the distance, and a p-value that lies."""
        found = super().compare(reference, current)
        p_value = None if found.evidence.p_value is None else found.evidence.p_value / 3
        return replace(found, name=self.name, evidence=replace(found.evidence, p_value=p_value))


class NoPower(Sound):
    """Sees nothing of what changed."""

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "no_power"

    def compare(self, reference: State, current: State) -> Measurement:
        """Return a number that depends on the number of rows alone."""
        both = steps(reference, current)
        found = super().compare(reference, current)
        told = 0.0 if reference is current else 1e-3 * (int(both.current.sum()) % 7 + 1)
        return _spoilt(found, value=told, floor=None, interval=None)


class WrongWay(Sound):
    """Comes nearer the more changes."""

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "wrong_way"

    def change(self, found: Measurement) -> Measurement:
        """Turn it round."""
        return _spoilt(found, value=1.01 - found.value if found.value else 0.0, floor=None, interval=None)


class NotMergeable(Sound):
    """Depends on the last row that was merged in."""

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "not_mergeable"

    def compare(self, reference: State, current: State) -> Measurement:
        """Add what the order of adding leaves."""
        found = super().compare(reference, current)
        if found.value is None or reference is current:
            return found
        first = current.part("moments", MomentsPart).first
        return replace(found, value=found.value + 1e9 * (first - round(first, 6)))


class InItsUnit(Sound):
    """A difference of means in the unit of the column."""

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "in_its_unit"

    def compare(self, reference: State, current: State) -> Measurement:
        """Return it."""
        found = super().compare(reference, current)
        a, b = reference.part("moments", MomentsPart), current.part("moments", MomentsPart)
        return _spoilt(found, value=abs(a.mean - b.mean) if b.n else None, floor=None, interval=None)


class NumberFromNothing(Sound):
    """Takes a window without values for an unchanged one."""

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "number_from_nothing"

    def compare(self, reference: State, current: State) -> Measurement:
        """Return 0 where there is nothing."""
        found = super().compare(reference, current)
        return found if found.value is not None else Measurement.of(current.key, Family.COMPARISON, self.name, 0.0, 0)


class BlindToConstants(Sound):
    """Calls two columns equal when neither varies."""

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "blind_to_constants"

    def compare(self, reference: State, current: State) -> Measurement:
        """Return 0 for two constants."""
        a, b = reference.part("moments", MomentsPart), current.part("moments", MomentsPart)
        found = super().compare(reference, current)
        return _spoilt(found, value=0.0) if a.n and b.n and a.variance == 0 == b.variance else found


class NeverApplies(Sound):
    """Applies to nothing."""

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "never_applies"

    def applies(self, column: Column) -> bool:
        """No column."""
        return column.kind is Kind.UNUSABLE

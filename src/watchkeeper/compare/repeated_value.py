"""One value that takes over a column: stuck, or put in where something is missing."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import categorical, lacking, sizes
from watchkeeper.compare.recent import Recent, stretch_with
from watchkeeper.compare.value_range import CONSTANT_BEFORE
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.intervals import wilson
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.words.change import from_to

__all__ = ["RepeatedValue"]

_HEAVY = 0.05
_MOST, _NEARLY_ALL = 0.5, 0.99
_SMOOTH = 20


class RepeatedValue:
    """By how much the share of the commonest value rose, where it has taken over: else 0.

    A value that has 5 % of the reference's rows, a level, and a number where the reference has at most 20 of them, has
    taken over when 99 % of the rows hold it: anything less is another mix. Any other number has when half of them do.
    Whether that is more than usual is told by the windows of the reference, in which some columns are constant by
    nature; without windows it is measured and not judged. A value that windows hold alone at times is stuck after more
    of them in a row than the reference makes likely. Of a column that was constant in the reference nothing can be
    said. Counts of numbers are short by less than 1 % of the rows.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "repeated_value"
    identical: ClassVar[float] = 0.0
    narrow: ClassVar[bool] = True

    def applies(self, column: Column) -> bool:
        """Numeric, categorical and boolean columns."""
        return column.kind is Kind.NUMERIC or categorical(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the rise, with the value."""
        return self.compare_recent(reference, current, ())

    def compare_recent(self, reference: State, current: State, recent: Recent) -> Measurement:
        """Return the same, with how many windows in a row hold that value alone."""
        leveled = current.spec is not None and categorical(current.spec)
        before, n0, several = _values(reference, leveled=leveled)
        values, n, _ = _values(current, leveled=leveled)
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        if max(before.values(), default=0) >= _NEARLY_ALL * n0:
            return Measurement.missing(current.key, Family.COMPARISON, self.name, CONSTANT_BEFORE, n=n)
        value = max(values, key=lambda name: (values[name], name), default="")
        count, count0 = values.get(value, 0), before.get(value, 0)
        p, q = count0 / n0, count / n
        mixed = leveled or p >= _HEAVY or several <= _SMOOTH
        sole = value if q >= _NEARLY_ALL else None
        taken = bool(value) and q >= (_NEARLY_ALL if mixed else _MOST) and q > p
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, q - p if taken else 0.0, n,
            error=sqrt(p * (1 - p) / n0 + q * (1 - q) / n), floor=0.0,
            evidence=Evidence(
                Change(Quantity.SHARE, p, q if taken else p, wilson(count0, n0)[1], (value,) if taken else ()),
                sizes(n0, n),
                details={"share": q, "windows": stretch_with(sole, current.key.window, recent)},
            ),
        )  # fmt: skip

    def describe(self, measurement: Measurement) -> str:
        """Say which value has taken over."""
        change = measurement.evidence.change
        if not change.levels:
            return ""
        constant = (change.after or 0.0) >= 1.0
        return f"is {change.levels[0]!r} in {'all' if constant else 'most'} rows: {from_to(change)}"


def _values(state: State, *, leveled: bool) -> tuple[dict[str, int], int, int]:
    """Return the counts of the values by value as text, the rows with a value, and how many values there are."""
    if leveled:
        levels = state.part("levels", LevelsPart)
        return levels.as_dict(), levels.n, len(levels.names) + (1 if levels.other else 0)
    atoms = state.part("atoms", AtomsPart)
    rest = atoms.n - int(atoms.counts.sum())
    # Which lighter values are counted depends on where the rows were cut.
    values, counts = atoms.heavy()
    order = np.argsort(-counts, kind="stable")
    heavy = {f"{float(values[i]):.15g}": int(counts[i]) for i in order}
    return heavy, atoms.n, len(atoms.values) + rest

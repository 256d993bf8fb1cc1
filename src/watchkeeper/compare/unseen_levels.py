"""Share of rows with a level that the reference never showed."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

from watchkeeper.compare.cells import categorical, effective_size, lacking
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.levels import LevelsPart

__all__ = ["UnseenLevels"]


class UnseenLevels:
    """Share of the rows that carry a level which the reference does not hold.

    When the reference has more levels than are kept one by one, a level may have been among the rest: those rows are
    then counted as seen, and ``uncertain`` says how many there are. Its floor is the share that the Good–Turing
    estimate expects by sampling alone: the share of reference rows whose level occurs once.

    References
    ----------
    Good (1953), The population frequencies of species, doi:10.1093/biomet/40.3-4.237.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "unseen_levels"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Categorical and boolean columns."""
        return categorical(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the share, and the commonest unseen levels."""
        p, q = reference.part("levels", LevelsPart), current.part("levels", LevelsPart)
        missing = lacking(self.name, current, p.n, q.n)
        if missing:
            return missing
        seen = set(p.names)
        unseen = {name: count for name, count in q.as_dict().items() if name not in seen}
        rows = sum(unseen.values())
        uncertain = rows + q.other if p.other else q.other
        value = 0.0 if p.other else rows / q.n
        once = float((p.counts == 1).sum()) / p.n
        listed = ", ".join(f"{name!r} ({count})" for name, count in list(unseen.items())[:5])
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, q.n,
            error=sqrt(value * (1 - value) / q.n), floor=once,
            interval=None,
            facts={
                "n_reference": p.n, "n_effective": effective_size(p.n, q.n), "from": 0.0, "to": value,
                "reference_upper": max(once, 3 / p.n), "levels": listed, "uncertain": uncertain,
            },
        )  # fmt: skip

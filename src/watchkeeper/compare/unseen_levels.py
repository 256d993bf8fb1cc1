"""Share of rows with a level that the reference never showed."""

from __future__ import annotations

from math import lgamma, log, sqrt
from typing import ClassVar

from watchkeeper.compare.cells import categorical, lacking, sizes
from watchkeeper.compare.recent import Recent, last_levels
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.levels import LevelsPart

__all__ = ["UnseenLevels"]

_CHANCE = 1e-5
_LISTED = 5


class UnseenLevels:
    """Share of the rows that carry a level which the reference does not hold.

    When the reference has more levels than are kept one by one, a level may have been among the rest: those rows are
    then counted as seen, and ``uncertain`` says how many there are. Its floor is the share that the Good–Turing
    estimate expects by sampling alone: the share of reference rows whose level occurs once.

    A small reference misses levels by chance. Any given u of L levels with a joint share above s are all missing from
    n0 rows with a probability of at most (1 - s)^n0; with (L choose u) ways to choose them, a share up to
    s = (ln (L choose u) + ln 100,000) / n0 is put down to chance, and stated as ``before_upper``.

    In a history of windows, levels that the last eight brought without a fault are no longer new. How many new levels
    come by themselves is told by the windows of the reference.

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
        return self.compare_recent(reference, current, ())

    def compare_recent(self, reference: State, current: State, recent: Recent) -> Measurement:
        """Return the share of levels that neither the reference nor the windows before have shown."""
        p, q = reference.part("levels", LevelsPart), current.part("levels", LevelsPart)
        missing = lacking(self.name, current, p.n, q.n)
        if missing:
            return missing
        seen, since = set(p.names), last_levels(recent)
        unseen = {name: count for name, count in q.as_dict().items() if name not in seen and name not in since}
        rows = sum(unseen.values())
        uncertain = rows + q.other if p.other else q.other
        value = 0.0 if p.other else rows / q.n
        once = float((p.counts == 1).sum()) / p.n
        listed = list(unseen.items())[:_LISTED]
        upper = max(once, _by_chance(len(seen), len(unseen), p.n))
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, q.n,
            error=sqrt(value * (1 - value) / q.n), floor=once,
            interval=None,
            evidence=Evidence(
                Change(Quantity.SHARE, 0.0, value, upper, tuple(name for name, _ in listed)),
                sizes(p.n, q.n),
                details={"uncertain": uncertain, "levels": ", ".join(f"{name!r} ({count})" for name, count in listed)},
            ),
        )  # fmt: skip

    def describe(self, measurement: Measurement) -> str:
        """Say which levels are new."""
        levels = measurement.evidence.details.get("levels", "")
        return f"has new levels in {measurement.value or 0.0:.1%} of rows: {levels}"


def _by_chance(seen: int, unseen: int, n0: int) -> float:
    """Return the joint share of levels that ``n0`` rows may well have missed."""
    ways = lgamma(seen + unseen + 1) - lgamma(seen + 1) - lgamma(unseen + 1)
    return min(1.0, (ways - log(_CHANCE)) / n0)

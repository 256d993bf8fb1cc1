"""What a system did on a stream, added up over repetitions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from math import inf
from statistics import median
from typing import Any

from scipy.stats import chi2


@dataclass
class Tally:
    """Alarms of one system on one stream.

    Attributes
    ----------
    kind
        ``windows`` for 30 features in windows, ``rows`` for one feature row by row.
    rows
        Rows judged in which nothing changed.
    alarms
        Alarms in them: alerts of Watchkeeper, windows that another system calls drifted, alarms of a detector.
    red, columns
        Windows with anything drifted, and columns called drifted, summed over windows.
    delays
        Rows from the change to the first alarm that names the changed column, by repetition; infinite where none did.
    """

    kind: str
    system: str
    stream: str
    repetitions: int = 0
    rows: int = 0
    alarms: int = 0
    red: int = 0
    columns: int = 0
    delays: list[float] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add other repetitions."""
        for name in ("repetitions", "rows", "alarms", "red", "columns", "delays"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def rate(self) -> float:
        """False alarms per 100,000 rows."""
        return 1e5 * self.alarms / self.rows if self.rows else 0.0

    @property
    def delay(self) -> float:
        """Median delay in rows, infinite where fewer than half were found."""
        return median(self.delays) if self.delays else inf

    @property
    def found(self) -> float:
        """Share of repetitions in which the change was found."""
        return sum(d < inf for d in self.delays) / len(self.delays) if self.delays else 0.0


def together(tallies: Iterable[Tally]) -> list[Tally]:
    """Return one tally per kind, system and stream, in the order of their first appearance."""
    whole: dict[tuple[str, str, str], Tally] = {}
    for one in tallies:
        key = (one.kind, one.system, one.stream)
        whole.setdefault(key, Tally(*key)).add(one)
    return list(whole.values())


def poisson_limits(count: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a Poisson mean (Garwood 1936, doi:10.1093/biomet/28.3-4.437)."""
    tail = (1 - level) / 2
    lower = float(chi2.ppf(tail, 2 * count) / 2) if count else 0.0
    return lower, float(chi2.ppf(1 - tail, 2 * count + 2) / 2)


def written(tallies: Iterable[Tally]) -> str:
    """Return tallies as one line of JSON."""
    return json.dumps([asdict(one) for one in tallies])


def read(line: str) -> list[Tally]:
    """Return the tallies of a line that ``written`` made."""
    found: list[dict[str, Any]] = json.loads(line)
    return [Tally(**one) for one in found]

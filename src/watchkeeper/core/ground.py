"""Why something is done or refused, as data.

Actions keep their grounds in the audit chain, whose hashes cover every byte: what is recorded here is flat, refers to
no other noun, and is left out where it has its default, so that a field that comes later changes no record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Ground", "Observation", "Tried"]


@dataclass(frozen=True, slots=True)
class Observation:
    """A judged number as it was when something was decided by it.

    Parameters
    ----------
    name, column, segment
        What was measured, of what, and of which rows; the segment is empty for all rows.
    value, centre, lower, upper
        The number, what was expected, and the limits; ``value`` is None where there was none.
    estimated
        Whether it was estimated without labels.
    reason
        Why there was no number.
    """

    name: str
    column: str = ""
    segment: str = ""
    value: float | None = None
    centre: float | None = None
    lower: float | None = None
    upper: float | None = None
    estimated: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A training window that was tried: its loss on held-out rows, and how far behind the best, with its error."""

    name: str
    loss: float
    behind: float
    error: float


@dataclass(frozen=True, slots=True)
class Ground:
    """One ground of a decision.

    Parameters
    ----------
    code
        Which, such as ``alert_firing`` or ``not_better``.
    name
        What it is about by name: a metric, a training window, a setting.
    cause, columns, version, segment
        The cause of the alert it rests on, the columns, the version and the segment concerned.
    before, after
        The numbers of the champion and of the challenger.
    value, error, lower, limit, p_value
        The number that was judged, its standard error and lower bound, what it was held to, and its p-value.
    evidence, effect
        ln of the evidence that was gathered, which ``limit`` is held against, and the design effect it was divided by.
    n, needed
        Rows or times there are, and how many it takes.
    at, until
        Since when, and up to when.
    observations, more
        The judged numbers it rests on, worst first, and how many there were besides.
    tried
        Training windows that were compared.
    text
        What a failure or a plug-in says of itself; nothing is decided by it.
    """

    code: str
    name: str = ""
    cause: str = ""
    columns: tuple[str, ...] = ()
    version: str = ""
    segment: str = ""
    before: float | None = None
    after: float | None = None
    value: float | None = None
    error: float | None = None
    lower: float | None = None
    limit: float | None = None
    p_value: float | None = None
    evidence: float | None = None
    effect: float | None = None
    n: int = 0
    needed: int = 0
    at: datetime | None = None
    until: datetime | None = None
    observations: tuple[Observation, ...] = ()
    more: int = 0
    tried: tuple[Tried, ...] = ()
    text: str = ""

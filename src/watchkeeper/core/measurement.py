"""A number with its size, its uncertainty and a status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, runtime_checkable

from watchkeeper.core.departure import Departure
from watchkeeper.core.evidence import NOTHING, Evidence
from watchkeeper.core.schema import ALL
from watchkeeper.core.state import StateKey
from watchkeeper.core.window import Window

__all__ = ["Describes", "Family", "Measurement", "Status"]


class Status(StrEnum):
    """Whether there is a number: no data and a failure are never a number."""

    OK = "ok"
    NO_DATA = "no_data"
    FAILED = "failed"


class Family(StrEnum):
    """What kind of number it is."""

    COMPARISON = "comparison"
    METRIC = "metric"
    ESTIMATE = "estimate"
    QUALITY = "quality"
    RUNTIME = "runtime"


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number about a window, a segment and a column.

    Parameters
    ----------
    family, name
        What was measured; ``name`` is the registry key.
    value
        The number; None unless ``status`` is ok.
    n
        Rows the number rests on.
    error
        Standard error of ``value`` in its own unit, None where unknown.
    floor
        For a distance: the value that sampling alone gives on average when nothing changed.
    interval
        A 95 % interval for the true value.
    status, reason
        ``reason`` says why there is no number.
    revision
        How often the window was measured again because rows or labels came late.
    evidence
        What a chart or a reader needs to judge the number: before and after, effective sample size, p-value.
    against
        What was compared with, where it is not the model's own reference: ``previous``, ``season:7d``.
    curve
        Shares of reference and current at each point of a fixed grid, for charts that add them up; never stored.
    departures
        What each statistic of a column differs by from its season, for the chart that judges it; never stored.
    """

    family: Family
    name: str
    value: float | None
    n: int
    error: float | None = None
    floor: float | None = None
    interval: tuple[float, float] | None = None
    status: Status = Status.OK
    reason: str = ""
    model: str = ""
    version: str = ""
    window: Window | None = None
    segment: str = ALL
    column: str = ""
    revision: int = 0
    evidence: Evidence = NOTHING
    against: str = ""
    curve: tuple[tuple[float, float], ...] = ()
    departures: tuple[Departure, ...] = ()

    @classmethod
    def of(
        cls,
        key: StateKey,
        family: Family,
        name: str,
        value: float,
        n: int,
        *,
        error: float | None = None,
        floor: float | None = None,
        interval: tuple[float, float] | None = None,
        evidence: Evidence | None = None,
    ) -> Measurement:
        """Return a measurement about the rows of ``key``."""
        return cls(
            family, name, value, n, error, floor, interval, Status.OK, "",
            key.model, key.version, key.window, key.segment, key.column, 0, evidence or NOTHING,
        )  # fmt: skip

    @classmethod
    def missing(cls, key: StateKey, family: Family, name: str, reason: str, *, n: int = 0) -> Measurement:
        """Return a measurement that has no data to rest on."""
        return cls(
            family, name, None, n, status=Status.NO_DATA, reason=reason,
            model=key.model, version=key.version, window=key.window, segment=key.segment, column=key.column,
        )  # fmt: skip

    @classmethod
    def failed(cls, key: StateKey, family: Family, name: str, reason: str, *, n: int = 0) -> Measurement:
        """Return a measurement that could not be made."""
        return cls(
            family, name, None, n, status=Status.FAILED, reason=reason,
            model=key.model, version=key.version, window=key.window, segment=key.segment, column=key.column,
        )  # fmt: skip

    @property
    def facts(self) -> Mapping[str, float | str]:
        """What the measure tells beside its number, such as how many rows have a label and no prediction."""
        return self.evidence.details

    def with_curve(self, reference: Iterable[float], current: Iterable[float]) -> Measurement:
        """Return the same measurement with the shares it was made of."""
        pairs = zip(reference, current, strict=True)
        return replace(self, curve=tuple((float(p), float(q)) for p, q in pairs))

    @property
    def series(self) -> tuple[str, ...]:
        """What stays the same from window to window: family, name, column, segment and, if any, ``against``."""
        own = (self.family.value, self.name, self.column, self.segment)
        return (*own, self.against) if self.against else own


@runtime_checkable
class Describes(Protocol):
    """A comparison or metric that has words of its own for what it measured; one without gets a general sentence."""

    def describe(self, measurement: Measurement) -> str:
        """Return what is to be said of the column, as the rest of a sentence; empty for the general sentence.

        It reads the evidence of its own measurement, details included, and decides nothing.
        """

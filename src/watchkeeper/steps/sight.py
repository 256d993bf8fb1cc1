"""Which series are blind: what they could not see, however long one looked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf, isfinite
from statistics import NormalDist

from watchkeeper.compare.rates import RATES
from watchkeeper.core.evidence import Sight, SightUnit
from watchkeeper.core.measurement import Family, Status
from watchkeeper.core.metric import bounds_of
from watchkeeper.core.schema import ALL, Kind, Schema
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.spec import SightBounds

__all__ = ["ColumnsSeen", "blind_metrics", "columns_seen", "is_blind", "with_blindness"]

_OF_A_LOSS = 5.0
_NORMAL_IQR = 2 * NormalDist().inv_cdf(0.75)


@dataclass(frozen=True, slots=True)
class ColumnsSeen:
    """Which columns are judged for drift.

    Attributes
    ----------
    columns
        Those of which a change was looked for.
    blind
        Those of them in which no series would find a change within the bounds.
    """

    columns: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()

    @property
    def judged(self) -> int:
        """How many are seen."""
        return len(self.columns) - len(self.blind)


def is_blind(signal: Signal, schema: Schema, bounds: SightBounds, *, windows: bool) -> bool:
    """Return whether the smallest change that a series finds with 90 % power is beyond the bound.

    A distance of distribution functions of a column in order is held to the distance that a shift by ``iqr``
    interquartile ranges makes of a normal column, 2·Φ(.674·iqr) - 1, which is .82 for the default of 2. A metric with
    a largest value, such as an AUROC, is held to ``metric`` itself, and a loss, which has none, to five times that
    share of its level: half of it.

    Parameters
    ----------
    windows
        Whether there are windows, so that a change may be found in one of eight; a single look has one.
    """
    sight = signal.sight
    if sight is None or signal.fired or signal.measurement.status is not Status.OK:
        return False
    smallest = sight.eight_windows if windows else sight.one_window
    return smallest is None or smallest > _bound(sight, signal, schema, bounds)


def _bound(sight: Sight, signal: Signal, schema: Schema, bounds: SightBounds) -> float:
    measurement = signal.measurement
    if sight.unit is SightUnit.IQR:
        return bounds.iqr
    if sight.unit is SightUnit.METRIC:
        from watchkeeper.performance.described import described

        largest = bounds_of(described(measurement.name))[1]
        return bounds.metric if isfinite(largest) else _OF_A_LOSS * bounds.metric * abs(signal.centre or inf)
    ordered = measurement.column in schema and schema[measurement.column].kind in (Kind.NUMERIC, Kind.TIME)
    if ordered and measurement.evidence.change.before_upper is None:
        return 2 * NormalDist().cdf(bounds.iqr * _NORMAL_IQR / 2) - 1
    return bounds.share


def with_blindness(signal: Signal, schema: Schema, bounds: SightBounds, *, windows: bool) -> Signal:
    """Return the signal; of a blind series the zone says so, and a limit that cannot be exceeded is none."""
    if not is_blind(signal, schema, bounds, windows=windows):
        return signal
    if signal.sight is not None and signal.sight.one_window is None:
        signal = replace(signal, lower=None, upper=None, score=0.0)
    return replace(signal, zone=Zone.BLIND)


def columns_seen(signals: Iterable[Signal]) -> ColumnsSeen:
    """Return which columns the signals of one window judge for drift, and which of those are blind in all they do.

    The rates of faults say nothing of drift, and a column without drift may have faults that are seen.
    """
    seen: dict[str, bool] = {}
    for signal in signals:
        m = signal.measurement
        drift = m.family is Family.COMPARISON and m.name not in RATES and m.segment == ALL and not m.against
        if drift and signal.sight is not None and m.column and not m.column.startswith("@"):
            seen[m.column] = seen.get(m.column, True) and signal.zone is Zone.BLIND
    return ColumnsSeen(tuple(seen), tuple(column for column, blind in seen.items() if blind))


def blind_metrics(signals: Iterable[Signal]) -> list[Signal]:
    """Return the signals of metrics of all rows that are blind, each metric once."""
    found: dict[str, Signal] = {}
    for signal in signals:
        m = signal.measurement
        if signal.zone is Zone.BLIND and m.family is Family.METRIC and m.segment == ALL:
            found.setdefault(m.name, signal)
    return list(found.values())

"""Alerts and signals on the very measurements that a report shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from watchkeeper.core.alert import Alert, AlertEnd
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window
from watchkeeper.words.alerts import WordedAlert

__all__ = ["joined", "key_of", "shown_as", "standing_evidence"]

Key = tuple[Window | None, tuple[str, ...]]


def key_of(measurement: Measurement) -> Key:
    """Return what tells a measurement from the others of a report."""
    return measurement.window, measurement.series


def joined(alert: Alert, shown: Mapping[Key, Measurement]) -> WordedAlert:
    """Let the evidence of an alert be the very measurements that the report shows."""
    return WordedAlert.of(replace(alert, evidence=tuple(shown_as(signal, shown) for signal in alert.evidence)))


def standing_evidence(alert: Alert) -> tuple[Signal, ...]:
    """Return the evidence that windows show; what an alert was made of that was withdrawn none shows any more."""
    return () if alert.end is AlertEnd.WITHDRAWN else alert.evidence


def shown_as(signal: Signal, shown: Mapping[Key, Measurement]) -> Signal:
    """Let a signal be about the very measurement that the report shows, unless its chart failed on that one."""
    known = shown.get(key_of(signal.measurement), signal.measurement)
    return replace(signal, measurement=known) if known.status is signal.measurement.status else signal

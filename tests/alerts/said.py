"""Evidence of which a given sentence is made."""

from __future__ import annotations

from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.signal import Signal, Zone


def said(words: str, column: str = "x") -> tuple[Signal, ...]:
    """One signal about something that could not be measured, for the reason given."""
    failed = Measurement(Family.COMPARISON, "ks", None, 0, status=Status.FAILED, reason=words, column=column)
    return (Signal(failed, "without a chart", zone=Zone.BEYOND, rule="not_measured", fired=True),)

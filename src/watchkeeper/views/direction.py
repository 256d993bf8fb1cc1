"""Which direction of a metric is harm."""

from __future__ import annotations

from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.plugins import plugin_if_any

__all__ = ["direction_words", "harm", "larger_is_better"]


def larger_is_better(name: str) -> bool | None:
    """Return whether a fall of a metric is harm; None where neither direction is, or nobody knows the metric."""
    found: bool | None = getattr(plugin_if_any("metric", name), "larger_is_better", None)
    return found


def direction_words(name: str) -> str:
    """Return which direction of a metric is better, in words; empty where neither is."""
    larger = larger_is_better(name)
    return "" if larger is None else "higher is better" if larger else "lower is better"


def harm(measurement: Measurement) -> float | None:
    """Return by how much a metric is worse than in the reference, below 0 where it is better; None where unknown."""
    change = measurement.evidence.change
    if measurement.family not in (Family.METRIC, Family.ESTIMATE) or change.before is None or change.after is None:
        return None
    larger = larger_is_better(measurement.name)
    if larger is None:
        return None
    return change.before - change.after if larger else change.after - change.before

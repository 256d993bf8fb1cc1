"""What to watch of one model, how to judge it, and what may be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from watchkeeper.core.schema import ALL, Schema
from watchkeeper.core.window import WindowRule

__all__ = ["AlertRule", "Maintenance", "Monitor", "Spec"]


@dataclass(frozen=True, slots=True)
class Monitor:
    """What, on what, compared how, judged how.

    Parameters
    ----------
    measure
        Registry key of a comparison or metric.
    columns
        Column names; empty for every column the measure applies to.
    segments
        ``("all",)`` for the whole, or names of segment columns to judge each of their segments.
    chart
        Registry key of the chart that judges it.
    options
        Options of the chart, such as ``k`` for Shewhart or ``tolerance`` for the tolerance rule.
    harm
        Whether a fall (or rise, for a loss) of this number means that the model does harm: only then may it page.
    """

    measure: str
    chart: str
    columns: tuple[str, ...] = ()
    segments: tuple[str, ...] = (ALL,)
    options: Mapping[str, float | str] = field(default_factory=dict)
    harm: bool = False


@dataclass(frozen=True, slots=True)
class AlertRule:
    """When signals become an alert.

    Parameters
    ----------
    k, n
        An alert fires when ``k`` of the last ``n`` windows signalled; data faults fire at once.
    clear
        Windows in a row without a signal after which an alert resolves.
    budget
        Average number of windows to a false alarm (run length A).
    """

    k: int = 2
    n: int = 3
    clear: int = 2
    budget: float = 1_000.0


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Whether and how the model is kept up.

    Parameters
    ----------
    train
        ``module:function`` that takes rows and returns a fitted model; empty to watch only.
    retrain, promote
        ``auto`` to do it, ``ask`` to propose it, ``never``.
    metric
        The metric the gate compares.
    margin
        How much worse the challenger may be and still count as non-inferior, in the unit of the metric.
    label_delay
        The embargo between the last training row and the first gate row.
    """

    train: str = ""
    retrain: str = "auto"
    promote: str = "ask"
    metric: str = "log_loss"
    margin: float = 0.0
    label_delay: timedelta = timedelta(days=1)
    pickle: bool = False


@dataclass(frozen=True, slots=True)
class Spec:
    """Everything the four pure steps need to know about one model."""

    model: str
    schema: Schema
    windows: WindowRule | None = None
    monitors: tuple[Monitor, ...] = ()
    alerts: AlertRule = AlertRule()
    maintenance: Maintenance = Maintenance()

"""The monitors a model gets when its owner names none."""

from __future__ import annotations

from watchkeeper.core.alert import Cause
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.spec import AlertRule, Monitor

__all__ = ["HARM", "LEAST_LABELLED", "MEASURED", "default_monitors"]

MEASURED = ("psi", "jensen_shannon", "ks", "wasserstein", "l_infinity", "null_rate", "unseen_levels", "unit_change")
"""Comparisons that are always measured, judged or not."""

HARM = {
    Task.BINARY: ("auroc", "log_loss"),
    Task.MULTICLASS: ("accuracy", "f1"),
    Task.REGRESSION: ("mae", "rmse"),
    Task.NONE: (),
}
"""Metrics whose fall means harm, by task."""

LEAST_LABELLED = 30.0
"""Labelled rows below which a metric is measured and not judged: its error is estimated from as many."""

_ANSWERS = (Role.PREDICTION, Role.SCORE)


def default_monitors(schema: Schema, rule: AlertRule, *, history: bool, tolerance: float = 0.05) -> tuple[Monitor, ...]:
    """Return drift, fault and performance monitors for all columns.

    Parameters
    ----------
    history
        Whether there are windows to learn a control chart from; without them performance is judged against the
        reference alone.
    """
    watched = [c for c in schema if c.role is Role.FEATURE or c.role in _ANSWERS]
    numeric = _names(watched, Kind.NUMERIC)
    leveled = _names(watched, Kind.CATEGORICAL, Kind.BOOLEAN)
    usable = tuple(c.name for c in watched if c.kind is not Kind.UNUSABLE)
    series = float(max(1, len(usable) + len(numeric) + 2 * len(leveled) + (schema.of(Role.LABEL) is not None)))
    budget = {"run_length": rule.budget, "series": series, "tolerance": tolerance}
    found = [
        Monitor("ks", "tolerance", numeric, options=budget),
        Monitor("l_infinity", "tolerance", leveled, options=budget),
        Monitor("null_rate", "tolerance", usable, options={**budget, "always": 0.03}, cause=Cause.DATA_FAULT),
        Monitor("unseen_levels", "tolerance", leveled, options={**budget, "always": 0.01}, cause=Cause.DATA_FAULT),
        Monitor("unit_change", "fixed", numeric, options={"lower": 0.99, "upper": 1.01}, cause=Cause.DATA_FAULT),
    ]
    label = schema.of(Role.LABEL)
    if label is not None:
        strange = _names([label], Kind.CATEGORICAL, Kind.BOOLEAN)
        found.append(
            Monitor("unseen_levels", "tolerance", strange, options={**budget, "always": 0.01}, cause=Cause.LABEL_FAULT)
        )
        side = {"min_rows": LEAST_LABELLED} | ({} if history else {"margin": 0.02})
        for metric in HARM[schema.task]:
            worse = "lower" if metric in ("auroc", "accuracy", "f1") else "upper"
            found.append(Monitor(metric, "shewhart", options={"side": worse, **side}, cause=Cause.PERFORMANCE))
    return tuple(monitor for monitor in found if monitor.columns or monitor.cause is Cause.PERFORMANCE)


def _names(columns: list[Column], *kinds: Kind) -> tuple[str, ...]:
    return tuple(c.name for c in columns if c.kind in kinds)

"""Whether the serving became slower."""

from __future__ import annotations

from watchkeeper.core.alert import Cause
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Role
from watchkeeper.diagnose.case import Case, Finding, compared
from watchkeeper.stats.histogram import HistogramPart

__all__ = ["latency_finding"]


def latency_finding(case: Case) -> Finding | None:
    """Return the finding that the latency moved; only for an alert about the runtime does it weigh much."""
    column = case.spec.schema.of(Role.LATENCY)
    about = case.alert.cause is Cause.RUNTIME
    pair = case.both(column.name) if column else None
    told: list[str] = []
    moved = compared(case, column, "ks") if column else None
    if column and pair and moved is not None:
        parts = [side.parts.get("histogram") for side in pair]
        if all(isinstance(p, HistogramPart) and p.n for p in parts):
            before, now = (float(p.quantile(0.95)) for p in parts if isinstance(p, HistogramPart))
            if now <= before:
                return None
            told.append(f"the 95th percentile of {column.name!r} is {now:.4g}, {before:.4g} before")
    if not told and not about:
        return None
    told = told or ["a limit of the runtime was passed"]
    weight = (5.0 if about else 0.5) + (1.0 if moved is not None else 0.0)
    columns = (column.name,) if column else case.alert.columns
    return Finding(HypothesisKind.RUNTIME, weight, columns, (), tuple(told), (moved,) if moved else ())

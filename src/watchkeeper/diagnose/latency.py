"""Whether the serving became slower."""

from __future__ import annotations

from watchkeeper.compare.tail_rise import TOLERATED, TailRise
from watchkeeper.core.alert import Cause
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Role
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.diagnose.case import Case, Finding, compared

__all__ = ["latency_finding"]


def latency_finding(case: Case) -> Finding | None:
    """Return the finding that answers take longer; only for an alert about the runtime does it weigh much."""
    column = case.spec.schema.of(Role.LATENCY)
    about = case.alert.cause is Cause.RUNTIME
    slower = compared(case, column, "tail_rise", always=TOLERATED) if column else None
    if column and slower is not None:
        before, now = TailRise.percentiles(slower)
        evidence = Statement(StatementCode.SLOWER, (column.name,), before=before, after=now)
    elif about:
        evidence = Statement(StatementCode.LIMIT_PASSED)
    else:
        return None
    weight = (5.0 if about else 0.5) + (1.0 if slower is not None else 0.0)
    columns = (column.name,) if column else case.alert.columns
    return Finding(HypothesisKind.RUNTIME, weight, columns, (), (evidence,), (slower,) if slower else ())

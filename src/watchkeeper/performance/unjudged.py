"""Whether a label, a score or a prediction was judged at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.metric import UNLABELLED
from watchkeeper.core.role_gaps import Unjudged
from watchkeeper.core.schema import ALL, Role, Schema

__all__ = ["of_performance", "unjudged"]

_ANSWERS = (Role.PREDICTION, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE)
_NAMED = (Role.LABEL, Role.SCORE, Role.PREDICTION)


def of_performance(measurements: Iterable[Measurement]) -> list[Measurement]:
    """Return the measurements of all rows that tell how good the answers are, from labels or estimated."""
    families = (Family.METRIC, Family.ESTIMATE)
    return [m for m in measurements if m.segment == ALL and m.family in families and m.name not in UNLABELLED]


def unjudged(
    measurements: Sequence[Measurement], schema: Schema, named: Collection[Role], *, labels: int
) -> tuple[Unjudged, ...]:
    """Return the columns that were to be judged, and of which nothing could be measured.

    A label is judged where performance was measured or estimated; in a log without answers, where it was compared with
    the reference. A score or a prediction is judged where it was compared. A label that nobody named counts where
    labels are in and every metric failed: failed is not absent.

    Parameters
    ----------
    named
        The roles whose columns somebody named.
    labels
        Rows whose label is in.
    """
    answered = any(column.role in _ANSWERS for column in schema)
    found = []
    for role in _NAMED:
        column = schema.name_of(role)
        if column is None:
            continue
        own = [m for m in measurements if m.column == column and m.segment == ALL and m.family is Family.COMPARISON]
        told = of_performance(measurements) if role is Role.LABEL and answered else own
        failed = [m for m in told if m.status is Status.FAILED]
        asked = role in named or (role is Role.LABEL and answered and labels > 0 and failed)
        if asked and not any(m.status is Status.OK for m in told):
            lacking = failed or [m for m in told if labels or role is not Role.LABEL]
            found.append(Unjudged(role, column, next((m.reason for m in lacking if m.reason), ""), labels))
    return tuple(found)

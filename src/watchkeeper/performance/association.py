"""Which way labels go with answers: the sign that a flip of the labels turns, whatever decay came before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import atanh, sqrt, tanh

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import ALL, Role, Schema
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.core.tasks import Labels as LabelKind
from watchkeeper.stats.confusion import ConfusionPart
from watchkeeper.stats.error_sums import ErrorSumsPart
from watchkeeper.stats.intervals import Z
from watchkeeper.stats.moments import MomentsPart

__all__ = ["LABEL_ASSOCIATION", "turned_labels"]

LABEL_ASSOCIATION = "label_association"

_SURE = 3.5
"""Standard errors on the wrong side of nothing."""

_GOOD = 0.1
"""Association of the reference from which there is something to turn."""

_STRONG = 1 / 3
"""Share of the reference's association that is left when labels turn: of a weaker one another truth is likelier."""

_LEAST = 30
_GAIN = 0.1
"""Share of the rows that another naming of the classes must put right."""

States = Mapping[str, State]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Association:
    """How labels go with answers, from -1 to 1, its standard error, and which classes changed places."""

    value: float
    error: float
    n: int
    names: tuple[str, ...] = ()


def turned_labels(
    reference: Mapping[tuple[str, str], State], current: Mapping[tuple[str, str], State], schema: Schema
) -> Measurement | None:
    """Measure how labels go with answers, where they go the other way than in the reference; None where they do not.

    Of scores of two classes it is Somers' D, 2·AUROC - 1, of numbers the correlation of label and prediction. Both are
    turned where they lie 3.5 standard errors below 0, and as far below it as a third of what the reference had, which
    was surely above .1. Of classes it is Cohen's κ; they are turned where the labels under other names agree with the
    predictions better than under their own, by a tenth of the rows and 3.5 standard errors beyond what chance gives. A
    model that only grew worse goes no further than 0.

    Parameters
    ----------
    reference, current
        States by (segment, column), of which those of all rows are read.

    References
    ----------
    Somers (1962), A new asymmetric measure of association for ordinal variables, doi:10.2307/2090408. Kuhn (1955), The
    Hungarian method for the assignment problem, doi:10.1002/nav.3800020109.
    """
    label = schema.name_of(Role.LABEL)
    first, second = ({c: s for (segment, c), s in side.items() if segment == ALL} for side in (reference, current))
    if label is None or any(OUTCOME not in side or side[OUTCOME].problem for side in (first, second)):
        return None
    pair = _pair(first, second, schema)
    if pair is None:
        return None
    before, now = pair
    key = second[OUTCOME].key
    change = Change(Quantity.CORRELATION, before.value, now.value, levels=now.names)
    interval = max(-1.0, now.value - Z * now.error), min(1.0, now.value + Z * now.error)
    return Measurement(
        Family.QUALITY, LABEL_ASSOCIATION, now.value, now.n, now.error, None, interval, model=key.model,
        version=key.version, window=key.window, segment=key.segment, column=label, evidence=Evidence(change),
    )  # fmt: skip


def _pair(reference: States, current: States, schema: Schema) -> tuple[_Association, _Association] | None:
    """Return the association of both sides if it turned."""
    if schema.task.spec.labels is LabelKind.CLASS and not (schema.task.spec.two_classes and schema.of(Role.SCORE)):
        return _classes(reference[OUTCOME], current[OUTCOME])
    of = _correlation if schema.task.spec.labels is LabelKind.NUMBER else _ranks
    before, now = of(reference, schema), of(current, schema)
    if before is None or now is None:
        return None
    turned = before.value - Z * before.error > _GOOD and now.value + _SURE * now.error < 0
    return (before, now) if turned and -now.value >= _STRONG * before.value else None


def _ranks(states: States, schema: Schema) -> _Association | None:
    m = plugin("metric", "auroc").measure(states[OUTCOME]) if schema.of(Role.SCORE) else None
    if m is None or m.status is not Status.OK or m.value is None or m.error is None or m.n < _LEAST:
        return None
    # Perfect order has no variance, and the interval stands in for it.
    error = max(m.error, (m.interval[1] - m.interval[0]) / (2 * Z)) if m.interval else m.error
    return _Association(2 * m.value - 1, 2 * error, m.n)


def _correlation(states: States, schema: Schema) -> _Association | None:
    """Return the correlation, from Var(p) + Var(y) - Var(p - y) = 2·Cov(p, y)."""
    prediction = states.get(schema.name_of(Role.PREDICTION) or "")
    moments = prediction.parts.get("moments") if prediction is not None else None
    part = states[OUTCOME].parts.get("error_sums")
    if not isinstance(moments, MomentsPart) or not isinstance(part, ErrorSumsPart) or part.n < _LEAST:
        return None
    n = part.n
    p, y, e = moments.variance, part.labels.second / n, part.errors.second / n
    if not (p > 0 and y > 0):
        return None
    r = min(max((p + y - e) / (2 * sqrt(p * y)), -0.999999), 0.999999)
    half = 1 / sqrt(n - 3)
    return _Association(r, (tanh(atanh(r) + half) - tanh(atanh(r) - half)) / 2, n)


def _classes(reference: State, current: State) -> tuple[_Association, _Association] | None:
    from scipy.optimize import linear_sum_assignment

    parts = [side.parts.get("confusion") for side in (reference, current)]
    first, second = parts
    if not isinstance(first, ConfusionPart) or not isinstance(second, ConfusionPart):
        return None
    if first.classes != second.classes or len(first.classes) < 2:
        return None
    counts = [part.matrix()[:, : len(part.classes)].astype(float) for part in (first, second)]
    before, now = counts
    if min(before.sum(), now.sum()) < _LEAST:
        return None
    beyond = [m - np.outer(m.sum(axis=1), m.sum(axis=0)) / m.sum() for m in (before, now)]
    own = np.arange(len(now))
    usual, kept = _kappa(before), _kappa(now)
    rows, columns = linear_sum_assignment(beyond[1], maximize=True)
    moved = columns != own
    gain = float(beyond[1][rows, columns].sum() - np.trace(beyond[1]))
    # Counts of different cells: their difference varies by no more than their sum.
    error = sqrt(float(now[rows, columns][moved].sum() + np.diag(now)[moved].sum()))
    was_right = float(np.trace(beyond[0]) - beyond[0][rows, columns].sum()) > _GAIN * before.sum()
    if usual.value - Z * usual.error <= _GOOD or not was_right:
        return None
    if gain <= max(_GAIN * now.sum(), _SURE * error):
        return None
    became = [(second.classes[row], second.classes[columns[row]]) for row in rows if columns[row] != row]
    names = tuple(f"{one} → {other}" for one, other in became)
    return usual, _Association(kept.value, kept.error, kept.n, names)


def _kappa(counts: Floats) -> _Association:
    n = float(counts.sum())
    right = float(np.trace(counts)) / n
    chance = float(counts.sum(axis=1) @ counts.sum(axis=0)) / n**2
    if chance >= 1:
        return _Association(0.0, 0.0, int(n))
    return _Association((right - chance) / (1 - chance), sqrt(right * (1 - right) / n) / (1 - chance), int(n))

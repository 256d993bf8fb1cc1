"""Faults of the labels: late, fewer, others than before, or written in another way."""

from __future__ import annotations

from watchkeeper.core.alert import Cause
from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import ALL, Column, Kind, Role
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.core.window import Window
from watchkeeper.diagnose.answers import sample_distance
from watchkeeper.diagnose.case import Case, Finding, compared, dkw_half_width, weight_of
from watchkeeper.diagnose.faults import other_unit
from watchkeeper.diagnose.sampled import Sampled
from watchkeeper.performance.association import LABEL_ASSOCIATION, turned_labels
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.intervals import newcombe
from watchkeeper.stats.moments import MomentsPart

__all__ = ["SPOILT", "label_faults"]

_FEWER = 0.1
"""Fall of the share of labelled rows that does not matter."""

_BASE = 3.5
_LEAST = 50

_OTHER = {"encoding_change": StatementCode.LABEL_ENCODING, "unseen_levels": StatementCode.LABEL_LEVELS}

_TURNED = 12.0
"""Weight of labels that say the opposite, beyond that of any fall of performance they bring about."""

SPOILT = frozenset({StatementCode.UNIT_CHANGE, StatementCode.LABELS_BEYOND})
"""Labels in another unit, or so large that they carry every mean away: of these no loss can be taken apart."""

_SPOILT = 9.0

_BEYOND = 1e4
"""Times the reference's largest label above which a label is wrong."""

_UNTOLD = 2.5
"""Weight lost where nothing says how many labels should be in."""


def label_faults(case: Case, rows: Sampled | None = None) -> list[Finding]:
    """Return what is wrong with the labels, all in one finding.

    That fewer rows have a label is a fault only in comparison with what is usual: where the measurements say which
    share of the labels is due by now, that share of the reference's is expected. Where they do not, and the alert is
    not about labels, the newest windows may simply wait for theirs: the finding weighs less, and rows without a single
    label are none. Labels that are late whatever the model answered change no metric, which the answers of the labelled
    and of the other rows tell.

    Parameters
    ----------
    rows
        Sampled current rows.
    """
    column = case.spec.schema.of(Role.LABEL)
    if column is None:
        return []
    unit = other_unit(case, column)
    whole = (_SPOILT, unit.statement) if unit else _beyond(case, column)
    looks = (_broken(case, column), _fewer(case, column), _other(case, column), _turned(case), whole)
    told = [one for one in looks if one is not None]
    if not told:
        return []
    weight = max(weight for weight, _ in told) + (1.0 if case.alert.cause is Cause.LABEL_FAULT else 0.0)
    evidence = tuple(statement for _, statement in sorted(told, key=lambda one: -one[0]))
    only_fewer = told == [looks[1]]
    harmless = only_fewer and rows is not None and _at_random(case, column, rows)
    harm = 0.0 if harmless else None
    return [Finding(HypothesisKind.LABEL_FAULT, weight, (column.name,), (), evidence, harm=harm)]


def _at_random(case: Case, column: Column, rows: Sampled) -> bool:
    """Say whether the rows that wait for their label got the answers that the labelled ones got."""
    answer = case.spec.schema.of(Role.SCORE) or case.spec.schema.of(Role.PREDICTION)
    if answer is None or not {answer.name, column.name} <= set(rows.frame.columns):
        return False
    held = series_named(rows.frame, column.name).is_not_null().to_numpy()
    sides = rows.where(held), rows.where(~held)
    if min(map(len, sides)) < _LEAST:
        return False
    a, b = (series_named(side.frame, answer.name) for side in sides)
    numeric = answer.kind in (Kind.NUMERIC, Kind.TIME)
    apart = sample_distance(a, sides[0].weights, b, sides[1].weights, numeric=numeric)
    return apart <= dkw_half_width(len(a) * len(b) / (len(a) + len(b)))


def _broken(case: Case, column: Column) -> tuple[float, Statement] | None:
    before, now = case.reference.get((ALL, column.name)), case.current.get((ALL, column.name))
    if before is None or before.problem or (now is not None and not now.problem):
        return None
    if now is None or now.column_missing:
        # Labels of their own arrive later than the rows.
        return (8.0, Statement(StatementCode.LABEL_MISSING, (column.name,))) if _told(case) else None
    return 8.0, Statement(StatementCode.COLUMN_UNUSABLE, (column.name,), (now.problem,))


def _fewer(case: Case, column: Column) -> tuple[float, Statement] | None:
    pair = case.both(column.name)
    parts = [side.parts.get("count") for side in pair] if pair else []
    if len(parts) != 2 or not all(isinstance(p, CountPart) and p.rows for p in parts):
        return None
    before, now = parts
    if not isinstance(before, CountPart) or not isinstance(now, CountPart):
        return None
    due = _due(case)
    # So many of the reference's labels would be in by now.
    usual = before.valid * (1.0 if due is None else due)
    upper = newcombe(usual, before.rows, now.valid, now.rows)[1]
    told = _told(case)
    if upper > -_FEWER or not (now.valid or told):
        return None
    expected, share = usual / before.rows, now.valid / now.rows
    statement = Statement(StatementCode.FEWER_LABELS, (column.name,), before=expected, after=share)
    return _BASE + weight_of(-upper, _FEWER) - (0.0 if told else _UNTOLD), statement


def _told(case: Case) -> bool:
    """Say whether labels are known to be due, or the alert is about them."""
    return case.alert.cause is Cause.LABEL_FAULT or _due(case) is not None


def _due(case: Case) -> float | None:
    """Return the share of labels that is due in the windows since the alert, as their measurements say it."""
    since = case.alert.since
    found: dict[Window, float] = {}
    for m in case.history:
        labels = m.evidence.labels
        if m.window is not None and m.segment == ALL and labels is not None and labels.due is not None:
            found[m.window] = labels.due
    shares = [due for window, due in found.items() if since is None or window.start >= since]
    return sum(shares) / len(shares) if shares else None


def _other(case: Case, column: Column) -> tuple[float, Statement] | None:
    for measure, code in _OTHER.items():
        m = compared(case, column, measure, always=0.01)
        if m is not None and m.value:
            return 5.0 + 3 * float(m.value), Statement(code, (column.name,), m.evidence.change.levels, float(m.value))
    return None


def _beyond(case: Case, column: Column) -> tuple[float, Statement] | None:
    """Say whether labels are larger by far than any of the reference: one of them carries every mean away."""
    pair = case.both(column.name)
    if pair is None or column.kind is not Kind.NUMERIC:
        return None
    before, now = (side.parts.get("moments") for side in pair)
    if not isinstance(before, MomentsPart) or not isinstance(now, MomentsPart) or not before.n or not now.n:
        return None
    usual, most = (max(abs(side.smallest), abs(side.largest)) for side in (before, now))
    if not usual or most <= _BEYOND * usual:
        return None
    return _SPOILT, Statement(StatementCode.LABELS_BEYOND, (column.name,), before=float(usual), after=float(most))


def _turned(case: Case) -> tuple[float, Statement] | None:
    """Say whether labels go with answers the other way than before, in all windows together or in one of them."""
    m = turned_labels(case.reference, case.current, case.spec.schema) or _turned_since(case)
    if m is None:
        return None
    change = m.evidence.change
    code = StatementCode.LABELS_PERMUTED if change.levels else StatementCode.LABELS_OPPOSITE
    return _TURNED, Statement(code, (m.column,), change.levels, before=change.before, after=change.after)


def _turned_since(case: Case) -> Measurement | None:
    """Return the newest sign that labels turned, of the windows since the alert: others were right in the same time."""
    seen = [m for m in case.history if m.name == LABEL_ASSOCIATION and m.segment == ALL and m.window is not None]
    since = case.alert.since
    known = [m for m in seen if m.window is not None and (since is None or m.window.start >= since)]
    return known[-1] if known else None

"""Which of the causes found in a window explain the alert in hand, and which explain something else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.alert import Alert, Cause
from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.measurement import Family
from watchkeeper.core.schema import ALL, Kind, Role
from watchkeeper.core.state import JOINT
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.diagnose.answers import sample_distance
from watchkeeper.diagnose.case import Case, Finding, dkw_half_width
from watchkeeper.diagnose.faults import Fault, clean_rows
from watchkeeper.diagnose.sampled import Sampled, sampled
from watchkeeper.stats.blocks import to_text

__all__ = ["Subject", "about", "by_itself", "relevant", "subjects_of"]

_ELSEWHERE = 6.0
"""Weight lost by a cause that explains nothing of what the alert is about."""

_OWN_WORD = 4.0
"""Weight of what an alert says by itself, where nothing else explains it."""

_LEAST = 100

_ANSWERS = (Role.SCORE, Role.PREDICTION, Role.CLASS_SCORE, Role.QUANTILE)
_METRICS = (Family.METRIC, Family.ESTIMATE)

_MOVES_ANSWERS = (
    HypothesisKind.DATA_FAULT,
    HypothesisKind.TRAFFIC_MIX,
    HypothesisKind.COVARIATE_SHIFT,
    HypothesisKind.RELEASE,
)
_MOVES_LABELS = (
    HypothesisKind.TRAFFIC_MIX,
    HypothesisKind.COVARIATE_SHIFT,
    HypothesisKind.CONCEPT_SHIFT,
    HypothesisKind.LABEL_FAULT,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that an alert is about.

    Attributes
    ----------
    column
        A column; empty for a metric, or for rows as a whole.
    metric
        Whether it is a metric, realised or estimated.
    segment
        The segment it was measured in.
    """

    column: str = ""
    metric: bool = False
    segment: str = ALL


def subjects_of(alert: Alert) -> tuple[Subject, ...]:
    """Return what an alert is about, the surest first; of an alert without evidence its columns."""
    found: list[Subject] = []
    for signal in alert.evidence:
        m = signal.measurement
        if m.family in _METRICS:
            found.append(Subject("", True, m.segment))
        elif m.column == JOINT:
            found += [Subject(name, False, m.segment) for name in m.evidence.about]
        elif signal.fired:
            found.append(Subject("" if m.column.startswith("@") else m.column, False, m.segment))
    return tuple(dict.fromkeys(found or [Subject(column) for column in alert.columns]))


def relevant(case: Case, findings: Iterable[Finding], faults: Sequence[Fault]) -> tuple[list[Finding], list[Finding]]:
    """Part findings into those that explain what the alert is about, and the others.

    A fault of a column explains that column, what the model answers, and a metric as far as the rows at fault make up
    the rise of the loss. Drift of a feature is explained by that drift, by shares of segments that bring it about, and
    by nothing that happened to other columns, unless it is found in the very rows where that happened: then the two are
    one incident. Labels at equal features say nothing of features or answers. The weight of a finding that explains the
    share e of what the most explaining one does, the first subjects of the alert counting most, is lowered by
    6·(1 - e); with e = 0 it belongs to another alert. An alert that names nothing keeps all.

    Parameters
    ----------
    faults
        Of the features, whose rows tell whether a drift lies in them.
    """
    subjects = subjects_of(case.alert)
    if not subjects:
        return list(findings), []
    findings = _joined(case, list(findings), subjects)
    rows = _Rows(case, faults)
    ranks = 1 / np.arange(1, len(subjects) + 1)
    given, shares = list[Finding](), list[float]()
    for finding in findings:
        told = [_explains(case, finding, subject, rows) for subject in subjects]
        given.append(replace(finding, evidence=finding.evidence + tuple(s for _, s in told if s is not None)))
        shares.append(float(ranks @ [e for e, _ in told]))
    # Where two causes share an alert none explains all of it.
    most = max(shares, default=0.0)
    lowered = [
        replace(f, weight=f.weight - _ELSEWHERE * (1 - share / most))
        for f, share in zip(given, shares, strict=True)
        if share > 0
    ]
    return lowered, [f for f, share in zip(given, shares, strict=True) if share <= 0]


def _joined(case: Case, findings: list[Finding], subjects: Sequence[Subject]) -> list[Finding]:
    """Return the findings with the faults that an alert about faults names as one: they are no alternatives."""
    named = {subject.column for subject in subjects}
    own = [f for f in findings if f.kind is HypothesisKind.DATA_FAULT and named.intersection(f.columns)]
    if case.alert.cause is not Cause.DATA_FAULT or len(own) < 2:
        return findings
    own.sort(key=lambda f: -f.weight)
    # Of each column the gravest fault first, then the others.
    told = [s for k in range(max(len(f.evidence) for f in own)) for f in own for s in f.evidence[k : k + 1]]
    columns = tuple(column for f in own for column in f.columns)
    measured = tuple(m for f in own for m in f.measurements)
    one = replace(own[0], columns=columns, evidence=tuple(told), measurements=measured)
    return [one, *(f for f in findings if f not in own)]


def by_itself(case: Case, kept: Sequence[Finding], looked_at: Collection[str]) -> list[Finding]:
    """Return what an alert says by itself, where nothing that was looked at explains it.

    A broken rule is a fault of the data, whatever the columns look like; drift of a text or of vectors, which are not
    looked at again, is drift of rows.

    Parameters
    ----------
    kept
        What explains the alert.
    looked_at
        Columns whose drift was measured anew.
    """
    alert = case.alert
    own = (Statement(StatementCode.ALERT_ITSELF),)
    if not alert.evidence and not alert.columns:
        return []
    if alert.cause is Cause.DATA_FAULT and not any(finding.weight > 0 for finding in kept):
        return [Finding(HypothesisKind.DATA_FAULT, _OWN_WORD, alert.columns, alert.segments, own)]
    features = {column.name for column in case.spec.schema.features}
    columns = [s.column for s in subjects_of(alert) if s.column in features and s.column not in looked_at]
    if alert.cause is not Cause.DRIFT or not columns:
        return []
    return [Finding(HypothesisKind.COVARIATE_SHIFT, _OWN_WORD, tuple(columns), (), own)]


def about(finding: Finding) -> Statement:
    """Return a note about a cause that explains something else than the alert."""
    names = (*finding.columns, *finding.segments)[:3]
    return Statement(StatementCode.OTHER_CAUSE, names=names, kind=finding.kind.value, because=finding.evidence[:1])


def _explains(case: Case, finding: Finding, subject: Subject, rows: _Rows) -> tuple[float, Statement | None]:
    """Return the share of a subject that a finding explains, and what is to be stated of it."""
    kind, column = finding.kind, subject.column
    if subject.metric:
        apart = finding.segments and subject.segment != ALL and subject.segment not in finding.segments
        return (0.0 if apart or kind is HypothesisKind.RUNTIME else 1.0 if finding.harm is None else finding.harm), None
    if not column:
        return float(kind in (HypothesisKind.DATA_FAULT, HypothesisKind.LABEL_FAULT)), None
    if column in finding.columns or column in finding.touches:
        return 1.0, None
    if kind is HypothesisKind.DATA_FAULT and not finding.columns:
        return 1.0, None
    role = next((c.role for c in case.spec.schema if c.name == column), Role.IGNORED)
    if role is Role.LATENCY:
        return float(kind in (HypothesisKind.RUNTIME, HypothesisKind.RELEASE)), None
    if case.alert.cause in (Cause.DATA_FAULT, Cause.NO_DATA, Cause.LABEL_FAULT):
        return float(role in _ANSWERS and kind in (HypothesisKind.DATA_FAULT, HypothesisKind.RELEASE)), None
    if role in _ANSWERS or role is Role.LABEL:
        return float(kind in (_MOVES_LABELS if role is Role.LABEL else _MOVES_ANSWERS)), None
    same = rows.joined(finding, column)
    return (0.0, None) if same is None else (1.0, same)


class _Rows:
    """Sampled rows of both sides, drawn when they are first asked for."""

    def __init__(self, case: Case, faults: Sequence[Fault]) -> None:
        self.case, self.faults = case, faults
        self.sides: tuple[Sampled, Sampled] | None = None

    def joined(self, finding: Finding, column: str) -> Statement | None:
        """State that a column drifted only in the rows of a fault or of a version; None where it did not."""
        schema = self.case.spec.schema
        if finding.kind not in (HypothesisKind.DATA_FAULT, HypothesisKind.RELEASE) or not finding.columns:
            return None
        if self.sides is None:
            self.sides = sampled(self.case.reference, schema), sampled(self.case.current, schema)
        rows0, rows = self.sides
        name = finding.columns[0]
        if any(c not in side.frame.columns for side in self.sides for c in (column, name)):
            return None
        if finding.kind is HypothesisKind.RELEASE:
            known = to_text(series_named(rows0.frame, name)).unique()
            rest = to_text(series_named(rows.frame, name)).is_in(known.implode()).fill_null(False).to_numpy()
        else:
            rest = clean_rows(rows.frame, rows0.frame, [f for f in self.faults if f.column == name])
        if not self._only_outside(column, rest):
            return None
        if finding.kind is HypothesisKind.RELEASE:
            return Statement(StatementCode.MOVED_WITH_VERSION, (column, name))
        return Statement(StatementCode.MOVED_WITH_FAULT, (column, name))

    def _only_outside(self, column: str, rest: NDArray[np.bool_]) -> bool:
        """Return whether a column is what it was in some of the rows, and surely is not in all of them."""
        if self.sides is None or min(int(rest.sum()), int((~rest).sum())) < _LEAST // 2:
            return False
        rows0, rows = self.sides
        kind = next(c.kind for c in self.case.spec.schema if c.name == column)
        numeric = kind in (Kind.NUMERIC, Kind.TIME)
        if not numeric and kind not in (Kind.CATEGORICAL, Kind.BOOLEAN):
            return False

        def apart(side: Sampled) -> float:
            a, b = (series_named(s.frame, column) for s in (rows0, side))
            a, b = (a, b) if numeric else (to_text(a), to_text(b))
            return sample_distance(a, rows0.weights, b, side.weights, numeric=numeric)

        inside, outside = apart(rows.where(~rest)), apart(rows.where(rest))
        n0, k = len(rows0), int((~rest).sum())
        # In the rows at fault it must differ surely, and several times as much as in the others.
        return inside > dkw_half_width(n0 * k / (n0 + k)) and outside < inside / 3

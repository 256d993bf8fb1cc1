"""What the loss says of the causes: whether labels changed at equal features, and how much other rows explain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import hypot, sqrt

from scipy.special import ndtri

from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.measurement import Family
from watchkeeper.core.schema import ALL, Schema
from watchkeeper.core.state import OUTCOME
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.diagnose.answers import AnswerShift, answer_shift
from watchkeeper.diagnose.case import Case, Finding, weight_of
from watchkeeper.diagnose.decomposition import Decomposition, SegmentChange, decompose, segment_losses
from watchkeeper.diagnose.faults import Fault, clean_rows
from watchkeeper.diagnose.losses import RANK_LOSS, MeanLoss, loss_for, mean_loss
from watchkeeper.diagnose.rank_decomposition import decompose_ranking, ranking_loss
from watchkeeper.diagnose.sampled import Sampled, sampled
from watchkeeper.stats.intervals import Z

__all__ = ["OVERLAP", "LossRise", "concept_finding", "loss_rise"]

_TOLERATED = 0.05
"""Rise of the loss that does not matter, as a share of the reference's loss."""

OVERLAP = 0.1
"""Effective share of reference rows below which what is expected at equal features is a guess."""

_LEAST = 50

Losses = Mapping[str, MeanLoss]


@dataclass(frozen=True, slots=True)
class LossRise:
    """The rows of both sides and what they tell of the loss.

    Attributes
    ----------
    loss
        Name of the loss; empty where rows have none.
    rows0, rows
        Samples of both sides, without rows that a fault lies in.
    parts
        The change of the loss taken apart; None where labels do not suffice, or a fault lies in all rows.
    answers
        Whether the model answers otherwise at equal features.
    overlap
        Effective share of the weighted reference rows.
    note
        What could not be looked at, and why; None where all could.
    whole
        The rise of the mean loss over all rows, those at fault among them, and its standard error.
    faulty
        By column what its faulty rows add to the loss, and the standard error of that; columns whose fault is in all
        rows are left out.
    """

    loss: str
    rows0: Sampled
    rows: Sampled
    parts: Decomposition | None
    answers: AnswerShift | None
    overlap: float
    note: Statement | None = None
    whole: tuple[float, float] = (0.0, 0.0)
    faulty: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def share(self, added: float, error: float) -> float | None:
        """Return the largest share of the rise that something adds, at 95 %; None where the rise is not sure."""
        rise, own = self.whole
        return min(1.0, max(0.0, added + Z * error) / rise) if rise > 2 * own else None


def loss_rise(case: Case, faults: list[Fault], column: str) -> LossRise:
    """Take the rise of the loss apart on the rows that are free of faults.

    Parameters
    ----------
    column
        The segment column to go by; empty where none is declared.
    """
    schema = case.spec.schema
    told = [s.measurement for s in case.alert.evidence if s.fired]
    loss = loss_for(schema, [m.name for m in told if m.family is Family.METRIC])
    rows0, rows = (sampled(states, schema, loss, column) for states in (case.reference, case.current))
    whole = _rise(case, loss) if case.harmful else (0.0, 0.0)
    if any(f.share >= 1 for f in faults):
        worst = max(faults, key=lambda f: f.share)
        spoilt = Statement(StatementCode.FAULT_IN_ALL_ROWS, (worst.column,))
        return LossRise(loss, rows0, rows, None, None, 0.0, spoilt, whole)
    if not case.thorough and not case.harmful:
        # Labels at equal features are not what an alert about features or answers is about.
        return LossRise(loss, rows0, rows, None, None, 0.0)
    by = column if loss != RANK_LOSS else ""
    losses0, losses = (segment_losses(states, loss, by) for states in (case.reference, case.current))
    note: Statement | None = None
    faulty: dict[str, tuple[float, float]] = {}
    if faults:
        faulty = _faulty(rows0, rows, faults)
        kept0, kept = (clean_rows(side.frame, rows0.frame, faults) for side in (rows0, rows))
        rows0, rows = rows0.where(kept0), rows.where(kept)
        losses0, losses = _by_rows(rows0), _by_rows(rows)
        note = Statement(StatementCode.FAULTY_ROWS_LEFT_OUT)
    parts = _parts(rows0.labelled(), rows.labelled(), schema, loss, losses0, losses) if loss else None
    if loss and parts is None:
        note = Statement(StatementCode.TOO_FEW_LABELS)
    overlap = parts.effective / len(rows0.labelled()) if parts else 0.0
    answers = answer_shift(rows0, rows, schema) if case.thorough else None
    return LossRise(loss, rows0, rows, parts, answers, overlap, note, whole, faulty)


def _parts(
    rows0: Sampled, rows: Sampled, schema: Schema, loss: str, losses0: Losses, losses: Losses
) -> Decomposition | None:
    if loss != RANK_LOSS:
        return decompose(rows0, rows, schema, loss, losses0, losses)
    if ALL not in losses0 or ALL not in losses:
        return None
    return decompose_ranking(rows0, rows, schema, losses0[ALL], losses[ALL])


def _rise(case: Case, loss: str) -> tuple[float, float]:
    before, now = (mean_loss(states.get((ALL, OUTCOME)), loss) for states in (case.reference, case.current))
    return (now.value - before.value, hypot(now.error, before.error)) if before and now else (0.0, 0.0)


def _faulty(rows0: Sampled, rows: Sampled, faults: list[Fault]) -> dict[str, tuple[float, float]]:
    """Return what the rows at fault in each column lose beyond the others, as a part of the mean loss of all."""
    found: dict[str, tuple[float, float]] = {}
    known = rows.labelled()
    for column in {fault.column for fault in faults}:
        clean = clean_rows(known.frame, rows0.frame, [fault for fault in faults if fault.column == column])
        inside, rest = known.losses[~clean], known.losses[clean]
        if min(len(inside), len(rest)) >= _LEAST:
            share = float(known.weights[~clean].sum())
            error = sqrt(inside.var(ddof=1) / len(inside) + rest.var(ddof=1) / len(rest))
            found[column] = share * float(inside.mean() - rest.mean()), share * error
    return found


def _by_rows(rows: Sampled) -> dict[str, MeanLoss]:
    found: dict[str, MeanLoss] = {}
    known = rows.labelled()
    if known.ranks is not None:
        return {ALL: ranking_loss(known)} if len(known) >= _LEAST else {}
    for segment in sorted(set(known.segments.tolist())):
        losses = known.losses[known.segments == segment]
        if len(losses) >= _LEAST:
            share = float(known.weights[known.segments == segment].sum())
            # The number of rows carries the share of the segment.
            n = max(1, round(share * len(known)))
            found[segment] = MeanLoss(float(losses.mean()), float(losses.std(ddof=1) / sqrt(len(losses))), n)
    return found


def concept_finding(case: Case, rise: LossRise) -> Finding | None:
    """Return the finding that the loss rose at equal features, overall or in some segments; None where it did not."""
    if rise.parts is None:
        return None
    whole, usual = rise.parts.part("concept shift"), max(rise.parts.causes.before, 1e-12)
    error = whole.error or 0.0
    lower = whole.value - Z * error
    hit = _hit(rise.parts.changes)
    effects = [max(lower, 0.0) / usual, *(_lower(c, rise.parts.changes) / max(c.before.value, 1e-12) for c in hit)]
    weight = weight_of(max(effects), _TOLERATED)
    if weight <= 0:
        return None
    evidence = [
        Statement(
            StatementCode.LOSS_AT_EQUAL_FEATURES, (), (rise.loss,), float(whole.value),
            before=float(usual), margin=Z * float(error),
        )
    ]  # fmt: skip
    evidence += [
        Statement(
            StatementCode.SEGMENT_LOSS, (), (c.segment,),
            before=float(c.usual), after=float(c.after.value), margin=Z * float(c.error),
        )
        for c in hit
    ]  # fmt: skip
    if rise.overlap < OVERLAP:
        weight /= 2
        evidence.append(Statement(StatementCode.LOSS_IS_GUESS, value=float(rise.overlap)))
    if not case.harmful:
        weight -= 1.0
    return Finding(HypothesisKind.CONCEPT_SHIFT, weight, (), tuple(c.segment for c in hit), tuple(evidence))


def _lower(change: SegmentChange, among: tuple[SegmentChange, ...]) -> float:
    """Return the lower bound of the rise in a segment that holds for all segments at once, at 95 %."""
    return change.concept - float(ndtri(1 - 0.025 / len(among))) * change.error


def _hit(changes: tuple[SegmentChange, ...]) -> list[SegmentChange]:
    """Return the segments where the loss surely rose, and more than half as much as where it rose most."""
    rose = [c for c in changes if c.segment != ALL and _lower(c, changes) > 0]
    most = max((c.concept for c in rose), default=0.0)
    near = [c for c in rose if c.concept > most / 2]
    # Where it rose everywhere alike there is no segment to name.
    return [] if len(near) == len(changes) else sorted(near, key=lambda c: -c.concept * c.share)

"""A change of the mean loss taken apart: other traffic, other rows inside segments, other labels at equal features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.diagnosis import Attribution, Contribution
from watchkeeper.core.schema import ALL, Column, Schema
from watchkeeper.core.state import OUTCOME
from watchkeeper.diagnose.density_ratio import covered, encode, log_ratio, ratio, usable
from watchkeeper.diagnose.losses import MeanLoss, mean_loss
from watchkeeper.diagnose.sampled import Sampled, States, segments_of
from watchkeeper.stats.threads import single_threaded

__all__ = ["Decomposition", "SegmentChange", "decompose", "jackknifed", "reweighed", "segment_losses"]

Floats = NDArray[np.float64]

_BLOCKS = 10
_LEAST = 20


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """One segment of a column, or all rows, before and after.

    Attributes
    ----------
    share0, share
        Of the labelled rows of each side.
    before, after
        Mean loss of each side.
    usual
        Mean loss of the reference's rows, weighted to have the features of the current ones.
    error
        Standard error of ``after - usual``.
    """

    segment: str
    share0: float
    share: float
    before: MeanLoss
    after: MeanLoss
    usual: float
    error: float

    @property
    def concept(self) -> float:
        """By how much the loss rose at equal features."""
        return self.after.value - self.usual


@dataclass(frozen=True, slots=True)
class Decomposition:
    """What a change of the mean loss is made of.

    Attributes
    ----------
    causes
        Its parts ``traffic mix``, ``covariate shift`` and ``concept shift``.
    changes
        Each segment, or all rows as one.
    effective
        Effective number of weighted reference rows; few of them mean that the sides hardly overlap.
    """

    causes: Attribution
    changes: tuple[SegmentChange, ...]
    effective: float

    def part(self, name: str) -> Contribution:
        """Return the part of that name."""
        return next(part for part in self.causes.parts if part.name == name)


Losses = Mapping[str, MeanLoss]


def decompose(
    rows0: Sampled, rows: Sampled, schema: Schema, loss: str, losses0: Losses, losses: Losses
) -> Decomposition | None:
    """Take a change of the mean loss apart, along the path mix, covariates, concept.

    With segments s, their shares p_s before and q_s now, and mean losses l_s before and m_s now,

    - traffic mix is Σ (q_s - p_s)·l_s: other shares, all else as it was;
    - covariate shift is Σ q_s·(e_s - l_s), e_s the mean loss of the reference's rows of the segment weighted by the
      density ratio of the features: other rows inside segments, the same answers and labels for a row;
    - concept shift is Σ q_s·(m_s - e_s): what is left at equal features.

    The parts add up to the change exactly. e_s rests on the sampled rows only through the difference that weighting
    makes to them. Errors: of means by their states, of e_s by the jackknife over ten blocks of rows, each refitting the
    ratio. Where few reference rows are like the current ones (``effective``), e_s is extrapolated and concept and
    covariate shift cannot be told apart well. A new version of the model shows as concept shift.

    Parameters
    ----------
    rows0, rows
        Labelled samples of the reference and of the current rows, drawn by segment where there are segments.
    losses0, losses
        Mean loss of all labelled rows by segment (``all`` where rows were not drawn by segment).

    References
    ----------
    Kitagawa (1955), Components of a difference between two rates, doi:10.1080/01621459.1955.10501299. Cai, Namkoong,
    Yadlowsky (2023), Diagnosing model performance under distribution shift, arXiv:2303.02011.
    """
    names = [s for s in losses if s in losses0 and np.count_nonzero(rows0.segments == s) >= _LEAST]
    if not names or min(len(rows0), len(rows)) < _LEAST:
        return None
    kept0, kept = rows0.where(np.isin(rows0.segments, names)), rows.where(np.isin(rows.segments, names))
    if len(kept) < _LEAST:
        return None
    n0, n = (sum(side[s].n for s in names) for side in (losses0, losses))
    shifts, errors, effective = _weighted(kept0, kept, schema, names)
    changes = [
        SegmentChange(
            s, losses0[s].n / n0, losses[s].n / n, losses0[s], losses[s], losses0[s].value + shift,
            sqrt(losses0[s].error ** 2 + losses[s].error ** 2 + error**2),
        )
        for s, shift, error in zip(names, shifts.tolist(), errors.tolist(), strict=True)
    ]  # fmt: skip
    return Decomposition(_causes(changes, loss, n0, n, errors, effective), tuple(changes), effective)


def segment_losses(states: States, loss: str, column: str = "") -> dict[str, MeanLoss]:
    """Return the mean loss of each segment of a column, or of all rows where no column is given."""
    names = segments_of(column, states) if column else (ALL,)
    found = {name: mean_loss(states.get((name, OUTCOME)), loss) for name in names}
    return {name: one for name, one in found.items() if one is not None}


def _causes(changes: list[SegmentChange], loss: str, n0: int, n: int, errors: Floats, effective: float) -> Attribution:
    before = sum(c.share0 * c.before.value for c in changes)
    after = sum(c.share * c.after.value for c in changes)
    mix = sum((c.share - c.share0) * c.before.value for c in changes)
    concept = sum(c.share * c.concept for c in changes)
    # Of a mean over a multinomial sample of segments: the variance of the segment means over the rows.
    spread = sum(c.share * (c.before.value - before) ** 2 for c in changes)
    spread0 = sum(c.share0 * (c.before.value - before) ** 2 for c in changes)
    within = sum((c.share0 * c.before.error) ** 2 + (c.share * c.after.error) ** 2 for c in changes)
    mixed = sqrt(spread / n + spread0 / n0 + sum(((c.share - c.share0) * c.before.error) ** 2 for c in changes))
    moved = sqrt(sum((c.share * e) ** 2 for c, e in zip(changes, errors.tolist(), strict=True)))
    parts = (
        Contribution("traffic mix", mix, mixed if len(changes) > 1 else 0.0),
        Contribution("covariate shift", after - before - mix - concept, moved),
        Contribution("concept shift", concept, sqrt(sum((c.share * c.error) ** 2 for c in changes))),
    )
    return Attribution(loss, "causes", before, after, sqrt(within + spread / n + spread0 / n0), parts, n0, n, effective)


def _weighted(rows0: Sampled, rows: Sampled, schema: Schema, names: list[str]) -> tuple[Floats, Floats, float]:
    """Return by how much weighting shifts the mean loss in each segment, the errors of that, and the effective rows."""
    found, left, effective = reweighed(rows0, rows, schema, lambda one, ratios: _shifts(one, ratios, names))
    return found, jackknifed(left), effective


def reweighed(
    rows0: Sampled, rows: Sampled, schema: Schema, measure: Callable[[Sampled, Floats], Floats]
) -> tuple[Floats, list[Floats], float]:
    """Return what some numbers are when the reference's rows have the features of the current ones.

    Parameters
    ----------
    measure
        The numbers of rows of the reference with their density ratios.

    Returns
    -------
    tuple
        The numbers, the same with each of ten blocks of rows left out, and the effective number of weighted rows,
        lowered to the share of the current rows that they stand for.
    """
    columns = usable(_columns(schema), rows0.frame, rows.frame)
    encoded = encode(columns, rows0.frame, rows.frame)
    if not encoded.reference.shape[1]:
        found = measure(rows0, np.ones(len(rows0)))
        return found, [found] * 2, float(len(rows0))
    block0, block = np.arange(len(rows0)) % _BLOCKS, np.arange(len(rows)) % _BLOCKS
    with single_threaded():
        beta = log_ratio(encoded.reference, encoded.current, rows0.weights, rows.weights)
        found = measure(rows0, ratio(encoded.reference, beta, rows0.weights))
        left = []
        for number in range(_BLOCKS):
            in0, inside = block0 != number, block != number
            one0, one = rows0.where(in0), rows.where(inside)
            x0, x = encoded.reference[in0], encoded.current[inside]
            near = log_ratio(x0, x, one0.weights, one.weights, beta, 2)
            left.append(measure(one0, ratio(x0, near, one0.weights)))
    weights = rows0.weights * ratio(encoded.reference, beta, rows0.weights)
    share = covered(encoded.reference, beta, rows0.weights)
    return found, left, share * float(weights.sum() ** 2 / (weights**2).sum())


def jackknifed(left: Sequence[Floats]) -> Floats:
    """Return the standard errors of numbers by the jackknife, from what they are with each block left out."""
    blocks = len(left)
    return np.asarray(np.sqrt((blocks - 1) / blocks * ((np.array(left) - np.mean(left, axis=0)) ** 2).sum(axis=0)))


def _columns(schema: Schema) -> tuple[Column, ...]:
    """Return the features, and the segment columns that are none."""
    also = {rule.column for rule in schema.segments} - {c.name for c in schema.features}
    return (*schema.features, *(c for c in schema if c.name in also))


def _shifts(rows: Sampled, ratios: Floats, names: list[str]) -> Floats:
    weights = rows.weights * ratios
    found = np.zeros(len(names))
    for place, name in enumerate(names):
        own = rows.segments == name
        if own.sum() >= _LEAST and weights[own].sum() > 0:
            plain = np.average(rows.losses[own], weights=rows.weights[own])
            found[place] = float(np.average(rows.losses[own], weights=weights[own]) - plain)
    return found

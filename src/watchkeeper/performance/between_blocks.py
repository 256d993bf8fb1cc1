"""How far realised performance strays from what is expected of it by itself, from block to block of the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Schema
from watchkeeper.core.state import JOINT, OUTCOME, State
from watchkeeper.performance.calibrator import calibrator_of, isotonic
from watchkeeper.performance.cbpe import cells_of, lack_of_labels
from watchkeeper.performance.dle import learnt_losses, loss_model, losses_of, roots_of
from watchkeeper.performance.expectation import Expectation
from watchkeeper.performance.expected import Answered, estimates_of, metrics_for
from watchkeeper.performance.learned_band import LearnedBand
from watchkeeper.performance.sampled import sampled
from watchkeeper.stats.score_cells import ScoreCells, ScoreCellsPart, score_of

__all__ = ["LEAST_BLOCKS", "BetweenBlocks", "between_blocks"]

Floats = NDArray[np.float64]
States = Mapping[str, State]
Residual = tuple[float, float]
"""Realised minus expected, and its variance by sampling."""

LEAST_BLOCKS = 10
"""Blocks with labels below which nothing can be told."""

_CHANCE = 0.05
_LEAST_ROWS = 50


@dataclass(frozen=True, slots=True)
class BetweenBlocks:
    """Variance of realised minus expected performance between blocks of a reference, beyond that of sampling.

    Attributes
    ----------
    blocks
        Blocks it was learnt from.
    variances
        τ² by metric: 0 where blocks differ no more than by chance; metrics that too few blocks tell of are left out.
    unknown
        Why there is no variance; empty where there is one.
    residuals
        By metric, realised minus expected of each block and its variance by sampling, in the order of time.
    """

    blocks: int = 0
    variances: Mapping[str, float] = field(default_factory=dict)
    unknown: str = ""
    residuals: Mapping[str, tuple[Residual, ...]] = field(default_factory=dict)

    def learned(self, metric: str) -> LearnedBand:
        """Return what the blocks show of the band of a metric, one after the other; what is not known, of no block."""
        found, between = LearnedBand(), self.variance(metric)
        for residual, variance in self.residuals.get(metric, ()):
            found = found.after(residual, sqrt(variance + between))
        return found

    def variance(self, metric: str) -> float:
        """Return τ² of a metric, 0 where it is not known."""
        return self.variances.get(metric, 0.0)

    def lack(self, metric: str) -> str:
        """Say why the variance of a metric is not known; empty where it is."""
        few = f"fewer than {LEAST_BLOCKS} blocks of the reference tell how {metric} varies"
        return self.unknown or ("" if metric in self.variances else few)


def between_blocks(reference: States, blocks: Sequence[States], schema: Schema) -> BetweenBlocks:
    """Return how much performance moves from block to block although scores and features say that it does not.

    Each block is estimated from what came before it (from all but its own rows, for regressors), as a later window is
    from the reference: r_b is what is realised minus what is estimated, v_b its variance if only labels are chance.
    With w = 1/v, Q = Σ w·r² is compared with the chi-square distribution; where blocks differ by more than in 95 of 100
    cases without drift, τ² = (Q - k)/Σw (DerSimonian and Laird, about 0). It is the part of P(label | features) that
    moves by itself, as far as the reference shows it; a change that the reference never saw is not in it.

    Parameters
    ----------
    reference
        The states of one segment of the whole reference by column.
    blocks
        Those of its blocks, in the order of time; regressors need ``answer_sample`` in each.

    References
    ----------
    DerSimonian and Laird (1986), Meta-analysis in clinical trials, doi:10.1016/0197-2456(86)90046-2.
    """
    formula = _of_losses if schema.task.spec.estimated_from_rows else _of_scores
    try:
        residuals = formula(reference, blocks, schema)
    except StateError as error:
        return BetweenBlocks(unknown=str(error))
    told = max((len(found) for found in residuals.values()), default=0)
    if told < LEAST_BLOCKS:
        return BetweenBlocks(told, unknown=f"{told} blocks of the reference have labels, {LEAST_BLOCKS} are needed")
    found = {name: _beyond_chance(pairs) for name, pairs in residuals.items()}
    variances = {name: variance for name, variance in found.items() if variance is not None}
    return BetweenBlocks(told, variances, residuals={name: tuple(residuals[name]) for name in variances})


def _beyond_chance(pairs: Sequence[Residual]) -> float | None:
    from scipy.stats import chi2

    r, v = np.array(pairs).T
    usable = v > 0
    if usable.sum() < LEAST_BLOCKS:
        return None
    w, k = 1 / v[usable], int(usable.sum())
    q = float((w * r[usable] ** 2).sum())
    return max(0.0, (q - k) / float(w.sum())) if chi2.sf(q, k) < _CHANCE else 0.0


def _of_scores(reference: States, blocks: Sequence[States], schema: Schema) -> dict[str, list[Residual]]:
    """Return what CBPE misses of each block when it is calibrated on those before it."""
    before = cells_of(reference)
    found: dict[str, list[Residual]] = {}
    earlier = ScoreCellsPart(before.anchor, before.scale)
    for states in blocks:
        now = cells_of(states) if OUTCOME in states else ScoreCellsPart(before.anchor, before.scale)
        if now.classes and earlier.classes and not lack_of_labels(earlier, now):
            for name, residual in _missed(before, earlier, now, schema).items():
                found.setdefault(name, []).append(residual)
        earlier = ScoreCells().merge(earlier, now)
    return found


def _missed(whole: ScoreCellsPart, earlier: ScoreCellsPart, now: ScoreCellsPart, schema: Schema) -> dict[str, Residual]:
    expected, realised, rows, learnt = [], [], [1, 1], False
    for column, name in enumerate(now.classes):
        calibrated = calibrator_of(whole, whole.classes.index(name)).isotonic
        learnt |= calibrated
        first_places, first = earlier.table(earlier.classes.index(name))
        places, counts = now.table(column)
        labelled = counts[:, :, :2]
        if labelled.sum() < _LEAST_ROWS:
            return {}
        of_label = first[:, :, :2].sum(axis=1)
        curve = isotonic(first_places, of_label[:, 1], of_label[:, 0])[places] if calibrated else score_of(places)
        cells = labelled.sum(axis=2).astype(float)
        expectation = Expectation.of(score_of(places), cells, curve)
        truth = Expectation(score_of(places), cells, labelled[:, :, 1].astype(float), expectation.variance)
        expected.append(Answered(expectation, ()))
        realised.append(Answered(truth, ()))
        rows = [int(of_label.sum()), int(labelled.sum())]
    names = metrics_for(schema)
    told, came = (estimates_of(side, names, now.probability) for side in (expected, realised))
    # What was learnt from earlier rows is as uncertain as those are few; raw scores were not learnt from them.
    more = 1 + rows[1] / rows[0] if learnt else 1.0
    found = {}
    for name, one in told.items():
        other = came[name]
        if one is not None and other is not None:
            found[name] = (other.value - one.value, one.sampling * more)
    return found


def _of_losses(reference: States, blocks: Sequence[States], schema: Schema) -> dict[str, list[Residual]]:
    """Return by how much the losses of each block differ from what models that have not seen its rows say."""
    if any(JOINT not in states for states in (reference, *blocks)):
        raise StateError("no rows are sampled in the blocks of the reference")
    found: dict[str, list[Residual]] = {}
    for states in blocks:
        first, rows = sampled(reference, states, schema, most=50_000)
        for name in learnt_losses():
            model, loss = loss_model(first, name), losses_of(rows, name)
            known = np.isfinite(loss)
            if model is None or known.sum() < _LEAST_ROWS:
                continue
            expected = model.unseen(rows)[known]
            variance = float((loss[known] - expected).var(ddof=1)) / len(expected)
            came, told = float(loss[known].mean()), max(0.0, float(expected.mean()))
            found.setdefault(name, []).append((came - told, variance))
            for root in roots_of(name) if told > 0 else ():
                found.setdefault(root, []).append((sqrt(came) - sqrt(told), variance / (4 * told)))
    return found

"""Probabilistic adaptive performance estimation: the score calibrated for the rows that are there now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.evidence import Estimation
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.core.tasks import CLASSIFICATION
from watchkeeper.performance.calibrator import Calibrator, calibrator_of, isotonic
from watchkeeper.performance.cbpe import cells_of, lack_of_labels, learnt_from
from watchkeeper.performance.estimator import ASSUMES
from watchkeeper.performance.expected import estimates_of, measurements_of, metrics_for
from watchkeeper.performance.overlap import Overlap, overlap_of
from watchkeeper.performance.sampled import Sampled, has_sample, places_of, sampled
from watchkeeper.stats.keys import IdentityKey

__all__ = ["Pape"]

Floats = NDArray[np.float64]

_LEAST = 200
_SEED = 0


class Pape:
    """Expected metrics under P(y = 1 | score), calibrated on reference rows weighted as the current ones (PAPE).

    A classifier g between both sides, learnt on 5,000 and up to 2,500 sampled rows, gives up to 15,000 other reference
    rows (either half, by the other, of references below 20,000) the weights w = (n₀/n)·g / max(1 - g, .05). Where
    overlap is poor they are tempered, w^γ with γ = min(1, 4·ESS/n₀), for full weights would then rest on a few rows.
    Isotonic regression with these weights is the calibrator of CBPE. That follows covariate shift which changes
    P(y | score); it cannot see concept shift.

    The band is that of CBPE, with the bootstrap of the weighted calibrator, which widens it as overlap falls. ``ess``,
    the share of the reference that is left in weight, is (Σw)²/(n₀·Σw²)·min(1, Σw/n₀); it is told with ``domain_auc``.

    References
    ----------
    Białek et al. (2024), Estimating model performance under covariate shift without labels, arXiv:2401.08348.
    """

    plugin: ClassVar[str] = "estimator"
    name: ClassVar[str] = "pape"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION
    needs: ClassVar[tuple[str, ...]] = ("answer_sample",)
    needs_now: ClassVar[tuple[str, ...]] = ("window_answers",)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has scores and features."""
        return bool(metrics_for(schema)) and has_sample(schema)

    def estimate(
        self, reference: Mapping[str, State], current: Mapping[str, State], schema: Schema
    ) -> list[Measurement]:
        """Return the estimates from the outcome states and the samples."""
        before, now = cells_of(reference), cells_of(current)
        key, names = current[OUTCOME].key, metrics_for(schema)
        lack = lack_of_labels(before, now)
        first, second = sampled(reference, current, schema)
        if not lack and min(np.isfinite(first.label).sum(), len(second.x)) < _LEAST:
            lack = f"fewer than {_LEAST} rows are sampled"
        if lack:
            return [Measurement.missing(key, Family.ESTIMATE, name, lack) for name in names]
        overlap = overlap_of(first, second)
        score = schema.of(Role.SCORE) or Column("", Role.SCORE, Kind.NUMERIC)
        answered = []
        for column, name in enumerate(now.classes):
            whole = calibrator_of(before, before.classes.index(name))
            weighted = _calibrator(overlap, column, score, schema.classes.index(name), whole)
            answered.append(learnt_from(now, column, weighted))
        estimation = Estimation(self.name, ASSUMES, ess=overlap.ess)
        learned_from = int(np.isfinite(overlap.rows.label).sum())
        details = {"calibrated": "isotonic, weighted", **overlap.details}
        expected = estimates_of(answered, names, now.probability)
        return measurements_of(key, expected, estimation, learned_from, details)


def _calibrator(overlap: Overlap, column: int, score: Column, code: int, whole: Calibrator) -> Calibrator:
    """Return the calibrator of all reference rows plus what the weights change on the sampled ones."""
    plain = _unweighted(IdentityKey(overlap.rows), column, score, code, len(whole.draws))
    weights = overlap.weights[plain.order]

    def change(times: NDArray[Any], curve: Floats) -> Floats:
        return plain.curve(weights * times) - curve

    drawn = np.stack([change(times, curve) for times, curve in zip(plain.times, plain.drawn, strict=True)])
    moved = np.clip(whole.curve + change(np.ones(len(weights)), plain.fitted), 0.0, 1.0)
    draws = whole.draws + drawn - drawn.mean(axis=0)
    return Calibrator(moved, draws, whole.labelled, whole.positives, whole.isotonic, whole.gain)


@dataclass(frozen=True, slots=True)
class _Unweighted:
    """Labelled reference rows in the order of their scores, and the curves they give without weights.

    ``times`` says how often each row is in each bootstrap sample; ``fitted`` and ``drawn`` are the curves of all rows
    and of the samples.
    """

    order: NDArray[np.intp]
    places: NDArray[np.intp]
    starts: NDArray[np.intp]
    positive: NDArray[np.bool_]
    times: NDArray[np.uint8]
    fitted: Floats
    drawn: Floats

    def curve(self, weights: Floats) -> Floats:
        """Return the increasing curve that fits rows with these weights best."""
        hits = np.add.reduceat(weights * self.positive, self.starts)
        return isotonic(self.places, hits, np.add.reduceat(weights, self.starts) - hits)


@lru_cache(maxsize=64)
def _unweighted(same: IdentityKey, column: int, score: Column, code: int, draws: int) -> _Unweighted:
    rows: Sampled = same.held[0]
    found = places_of(rows, column, score)
    known = np.flatnonzero((found >= 0) & (rows.label >= 0))
    order = known[np.argsort(found[known], kind="stable")]
    places, starts = np.unique(found[order], return_index=True)
    times = np.random.default_rng(_SEED).poisson(1.0, (draws, len(order))).astype(np.uint8)
    nothing = np.empty(0)
    plain = _Unweighted(order, places, starts, rows.label[order] == code, times, nothing, nothing)
    drawn = np.stack([plain.curve(one.astype(float)) for one in times])
    return replace(plain, fitted=plain.curve(np.ones(len(order))), drawn=drawn)

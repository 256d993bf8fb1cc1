"""A change of 1 - AUROC taken apart, as that of a mean loss is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.diagnosis import Attribution, Contribution
from watchkeeper.core.schema import Schema
from watchkeeper.diagnose.decomposition import Decomposition, SegmentChange, jackknifed, reweighed
from watchkeeper.diagnose.losses import RANK_LOSS, MeanLoss
from watchkeeper.diagnose.sampled import Sampled

__all__ = ["decompose_ranking", "ranking_loss"]

Floats = NDArray[np.float64]

_LEAST = 20


@dataclass(frozen=True, slots=True)
class _Segments:
    """Segments of one side: share of the rows, what their rows add to the loss on average, and the error of that."""

    shares: Floats
    means: Floats
    errors: Floats

    @classmethod
    def of(cls, rows: Sampled, names: Sequence[str]) -> _Segments:
        adds, own = rows.adds(rows.weights), [rows.segments == name for name in names]
        return cls(
            np.array([rows.weights[one].sum() for one in own]),
            np.array([np.average(adds[one], weights=rows.weights[one]) for one in own]),
            np.array([adds[one].std(ddof=1) / sqrt(one.sum()) for one in own]),
        )


def ranking_loss(rows: Sampled) -> MeanLoss:
    """Return 1 - AUROC of sampled rows with its standard error, which is that of the mean of what rows add."""
    return MeanLoss(rows.mean(rows.weights), float(rows.losses.std(ddof=1) / sqrt(len(rows))), len(rows))


def decompose_ranking(
    rows0: Sampled, rows: Sampled, schema: Schema, before: MeanLoss, after: MeanLoss
) -> Decomposition | None:
    """Take a change of L = 1 - AUROC apart, along the path mix, covariates, concept.

    The area is no mean over rows. The parts are differences of areas: of the reference's rows as they are, with
    segments at their current shares, with the density ratio of the features as well, and of the current rows. They add
    up to the change of all labelled rows exactly. A segment's loss is the mean of what its rows add to L (influences,
    see ``Ranking``), on each side and under the density ratio, so that segments weighted by their shares add up to L
    too. Errors of areas by their states, of what weighting does by the jackknife over ten blocks.

    Parameters
    ----------
    rows0, rows
        Labelled samples of the reference and of the current rows that carry a ranking.
    before, after
        L of all labelled rows of both sides.

    References
    ----------
    As ``decompose``; Fernholz (1983), Von Mises calculus for statistical functionals, doi:10.1007/978-1-4612-5604-5.
    """
    counts = {name: [int((side.segments == name).sum()) for side in (rows0, rows)] for name in set(rows0.segments)}
    names = sorted(str(name) for name, both in counts.items() if min(both) >= _LEAST)
    rows0, rows = rows0.where(np.isin(rows0.segments, names)), rows.where(np.isin(rows.segments, names))
    if not names or min(len(rows0), len(rows)) < _LEAST or not all(_two_classes(side) for side in (rows0, rows)):
        return None
    first, last = (_Segments.of(side, names) for side in (rows0, rows))

    def areas(one: Sampled, ratios: Floats) -> Floats:
        return _areas(one, ratios, names, last.shares)

    found, left, effective = reweighed(rows0, rows, schema, areas)
    mixed, full, usual = found[0], found[1], found[2:]
    errors = jackknifed([np.concatenate([one[:1], one[1:2] - one[:1], one[1:]]) for one in left])
    parts = (
        Contribution("traffic mix", float(mixed), float(errors[0]) if len(names) > 1 else 0.0),
        Contribution("covariate shift", float(full - mixed), float(errors[1])),
        Contribution(
            "concept shift", after.value - before.value - float(full),
            sqrt(before.error**2 + after.error**2 + float(errors[2]) ** 2),
        ),
    )  # fmt: skip
    causes = Attribution(
        RANK_LOSS, "causes", before.value, after.value, hypot(before.error, after.error), parts, before.n, after.n,
        effective,
    )  # fmt: skip
    changes = [
        SegmentChange(
            name, float(first.shares[k]), float(last.shares[k]), _moved(first, k, before, rows0),
            _moved(last, k, after, rows), float(usual[k]) + before.value,
            hypot(float(last.errors[k]), float(errors[3 + k])),
        )
        for k, name in enumerate(names)
    ]  # fmt: skip
    return Decomposition(causes, tuple(changes), effective)


def _two_classes(side: Sampled) -> bool:
    return side.ranks is not None and 0 < int(side.ranks.positive.sum()) < len(side)


def _moved(segments: _Segments, place: int, total: MeanLoss, side: Sampled) -> MeanLoss:
    """Return the mean of a segment, moved by what the sample differs from all rows."""
    gap = total.value - side.mean(side.weights)
    n = max(1, round(float(segments.shares[place]) * total.n))
    return MeanLoss(float(segments.means[place]) + gap, float(segments.errors[place]), n)


def _areas(rows0: Sampled, ratios: Floats, names: Sequence[str], shares: Floats) -> Floats:
    """Return L with current shares, with current features, and the mean of each segment, all less L, shape (2 + k,)."""
    mixed, full = np.zeros(len(rows0)), np.zeros(len(rows0))
    for name, share in zip(names, shares.tolist(), strict=True):
        own = rows0.segments == name
        for weights, given in ((mixed, rows0.weights), (full, rows0.weights * ratios)):
            weights[own] = share * given[own] / max(float(given[own].sum()), 1e-300)
    adds, plain = rows0.adds(full), rows0.mean(rows0.weights)
    usual = [float(full[own] @ adds[own] / full[own].sum()) for own in (rows0.segments == name for name in names)]
    return np.array([rows0.mean(mixed), rows0.mean(full), *usual]) - plain

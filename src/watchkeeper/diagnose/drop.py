"""A rise of the loss attributed to segments and to features; the parts add up to it exactly."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.diagnosis import Attribution, Contribution
from watchkeeper.core.schema import Column, Schema
from watchkeeper.diagnose.decomposition import Decomposition
from watchkeeper.diagnose.density_ratio import Encoded, encode, log_ratio, ratio, usable
from watchkeeper.diagnose.sampled import Sampled
from watchkeeper.diagnose.shapley import Shapley, shapley
from watchkeeper.stats.threads import single_threaded

__all__ = ["AT_EQUAL_FEATURES", "OTHERS", "drop_by_features", "drop_by_segments"]

OTHERS = "other features"
AT_EQUAL_FEATURES = "labels and answers at equal features"

_ALONE = 4
"""Features that are a part of their own; the others are one part together."""

_BLOCKS = 5
_LEAST = 50
_MOST = 1_500
"""Rows of a side that classifiers are fitted on."""


def drop_by_segments(parts: Decomposition) -> Attribution:
    """Attribute the change of the mean loss to the share of each segment and to what happened inside it.

    The Shapley values of the two players "shares" and "losses" of Σ q_s·m_s - Σ p_s·l_s, which are those of Kitagawa:

    - share of s: (q_s - p_s)·((l_s + m_s)/2 - (l + m)/2), with l and m the mean losses of all rows, so that a segment
      that grows adds to the loss only if its rows lose more than others;
    - inside s: (p_s + q_s)/2·(m_s - l_s).

    Exact on all labelled rows, by their states. Errors by the delta method with multinomial shares.

    References
    ----------
    Kitagawa (1955), Components of a difference between two rates, doi:10.1080/01621459.1955.10501299.
    """
    causes = parts.causes
    level = (causes.before + causes.after) / 2
    found: list[Contribution] = []
    for c in parts.changes:
        gap, moved = (c.before.value + c.after.value) / 2 - level, c.share - c.share0
        noise = c.share * (1 - c.share) / causes.n + c.share0 * (1 - c.share0) / causes.n_reference
        both = c.before.error**2 + c.after.error**2
        found.append(Contribution(f"share of {c.segment}", moved * gap, sqrt(gap**2 * noise + moved**2 * both / 4)))
        half = (c.share + c.share0) / 2
        rose = c.after.value - c.before.value
        found.append(Contribution(f"inside {c.segment}", half * rose, sqrt(half**2 * both + rose**2 * noise / 4)))
    ordered = tuple(sorted(found, key=lambda part: -abs(part.value)))
    return Attribution(
        causes.loss, "segments", causes.before, causes.after, causes.error, ordered,
        causes.n_reference, causes.n, float(causes.n_reference),
    )  # fmt: skip


def drop_by_features(
    rows0: Sampled,
    rows: Sampled,
    schema: Schema,
    causes: Attribution,
    drifted: Sequence[str] = (),
    *,
    alone: int = _ALONE,
    permutations: int = 32,
    seed: int = 0,
) -> Attribution | None:
    """Attribute the change of the mean loss to features, and to what changed at equal features.

    The value of a set S of features is v(S) = E_reference[w_S·loss], with w_S(x) = q(x_S)/p(x_S) by a classifier that
    sees S alone: the reference's rows with S distributed as it is now, the other features following S as they did
    before. Shapley's values of v add up to v(all) - v(none); the rest of the change is labels and answers at equal
    features. The sum is the change of the mean loss of all labelled rows exactly.

    Features that moved together share what they bring. The ``alone`` features of ``drifted`` that come first, by
    default four, are parts of their own; the others are one part, so that 32 classifiers do. Beyond eight parts orders
    are drawn, and the error has their variance too. Errors by the jackknife over five blocks of rows. At most 1,500
    rows of a side are used.

    References
    ----------
    Zhang, Singh, Ghassemi, Joshi (2023), "Why did the model fail?": attributing model performance changes to
    distribution shifts, arXiv:2210.10769.
    """
    if min(len(rows0), len(rows)) < _LEAST:
        return None
    features = usable(schema.features, rows0.frame, rows.frame)
    if not features:
        return None
    rows0, rows = _thinned(rows0), _thinned(rows)
    rank = {name: place for place, name in enumerate(drifted)}
    ordered = sorted(features, key=lambda c: rank.get(c.name, len(rank)))
    encoded = encode(ordered, rows0.frame, rows.frame)
    names, players = _players(ordered, alone)
    with single_threaded():
        game = _Game(encoded, players, rows0, rows)
        whole = shapley(len(players), game.value, permutations=permutations, seed=seed)
        blocks0, blocks = np.arange(len(rows0)) % _BLOCKS, np.arange(len(rows)) % _BLOCKS
        left: list[NDArray[np.float64]] = []
        for number in range(_BLOCKS):
            again = game.without(blocks0 != number, blocks != number)
            left.append(_values(shapley(len(players), again.value, permutations=permutations, seed=seed)))
    values = whole.values
    about = np.array(left)
    errors = np.sqrt((_BLOCKS - 1) / _BLOCKS * ((about - about.mean(axis=0)) ** 2).sum(axis=0))
    errors[:-1] = np.hypot(errors[:-1], whole.errors)
    parts = [Contribution(n, float(v), float(e)) for n, v, e in zip(names, values, errors[:-1], strict=True)]
    parts.sort(key=lambda part: -abs(part.value))
    rest = causes.total - float(values.sum())
    parts.append(Contribution(AT_EQUAL_FEATURES, rest, float(np.hypot(errors[-1], causes.error or 0.0))))
    return Attribution(
        causes.loss, "features", causes.before, causes.after, causes.error, tuple(parts),
        causes.n_reference, causes.n, game.effective, whole.permutations,
    )  # fmt: skip


def _thinned(rows: Sampled) -> Sampled:
    """Return every second, third, ... row of many: rows of a segment stand together."""
    step = -(-len(rows) // _MOST)
    return rows.where(np.arange(len(rows)) % step == 0) if step > 1 else rows


def _values(found: Shapley) -> NDArray[np.float64]:
    return np.append(found.values, found.values.sum())


def _players(features: Sequence[Column], alone: int) -> tuple[list[str], list[tuple[int, ...]]]:
    """Return the names of the parts, and the places of the features of each."""
    single = features if len(features) <= alone + 1 else features[:alone]
    names = [c.name for c in single]
    players: list[tuple[int, ...]] = [(place,) for place in range(len(single))]
    if len(single) < len(features):
        return [*names, OTHERS], [*players, tuple(range(len(single), len(features)))]
    return names, players


class _Game:
    """The mean loss of the reference's rows when some features are distributed as they are now."""

    def __init__(self, encoded: Encoded, players: Sequence[tuple[int, ...]], rows0: Sampled, rows: Sampled) -> None:
        self.encoded, self.players, self.rows0, self.rows = encoded, players, rows0, rows
        self.fitted: dict[frozenset[int], NDArray[np.float64]] = {}
        self.start: dict[frozenset[int], NDArray[np.float64]] = {}
        self.steps = 25
        self.effective = float(len(rows0))

    def without(self, kept0: NDArray[np.bool_], kept: NDArray[np.bool_]) -> _Game:
        """Return the game of some of the rows, whose classifiers start where those of all rows ended."""
        encoded = Encoded(self.encoded.reference[kept0], self.encoded.current[kept], self.encoded.of)
        found = _Game(encoded, self.players, self.rows0.where(kept0), self.rows.where(kept))
        found.start, found.steps = self.fitted, 2
        return found

    def value(self, coalition: frozenset[int]) -> float:
        """Return v(S)."""
        weights = self.rows0.weights
        if coalition:
            places = [place for player in coalition for place in self.players[player]]
            x0, x = self.encoded.only(places)
            beta = log_ratio(x0, x, weights, self.rows.weights, self.start.get(coalition), self.steps)
            self.fitted[coalition] = beta
            weights = weights * ratio(x0, beta, weights)
            if len(coalition) == len(self.players):
                self.effective = float(weights.sum() ** 2 / (weights**2).sum())
        return self.rows0.mean(weights)

"""A search for the rows on which the loss is worst, honest about how many it tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, sqrt
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import WorstSegment
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.diagnose.density_ratio import encode, usable
from watchkeeper.diagnose.sampled import Sampled
from watchkeeper.stats.blocks import to_float, to_text
from watchkeeper.stats.threads import single_threaded

__all__ = ["worst_segments"]

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

_LEAST = 30
_LEAST_REFERENCE = 200
_MOST_LEVELS = 10
_MOST_CONDITIONS = 40
_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
_OVERLAP = 0.5


@dataclass(frozen=True)
class _Condition:
    column: str
    words: str
    rows: Marks


def worst_segments(
    reference: Sampled | None,
    current: Sampled,
    schema: Schema,
    *,
    most: int = 5,
    alpha: float = 0.05,
    permutations: int = 199,
    seed: int = 0,
) -> tuple[WorstSegment, ...]:
    """Return the segments whose rows surely lose more than the other rows, the surest first.

    Tried are the levels and the quarters of every feature and segment column, and all pairs of these of two columns
    that hold at least 30 rows of each side. With a reference the question is where the loss rose more than elsewhere:
    from each row's loss goes what rows with such features lose on both sides together (gradient-boosted trees, each
    half scored by those of the other), and of that excess r, less its mean on each side, a segment shows

        z = (mean r now - mean r before)/(S·√(1/k + 1/k0)),

    k and k0 its rows on the sides, S the standard deviation of r. The sides are permuted among the rows. Without a
    reference of 200 labelled rows it is where the loss is higher than elsewhere: r is the loss less its mean,
    z = mean r/(S·√((1/k)·(1 - k/n))), and r is permuted among the rows.

    The adjusted p-value of a segment is the share of permutations in which the largest z of all segments reaches its
    own (Westfall and Young), so that the chance of naming any segment where none is worse is ``alpha``, however many
    were tried. The interval widens the error by the quantile of the largest |z|, and holds for all segments together.
    Segments that share more than half of their rows with a surer one are left out.

    Parameters
    ----------
    reference, current
        Labelled sampled rows.
    most
        Segments to return at most.
    alpha
        Chance of a segment that is not worse.

    References
    ----------
    Westfall and Young (1993), Resampling-based multiple testing, algorithm 2.5, single step. Chung et al. (2019),
    Slice Finder, arXiv:1807.06068, for the search.
    """
    if len(current) < 2 * _LEAST:
        return ()
    found = _Search.among(reference, current, schema)
    if found is None:
        return ()
    with single_threaded():
        z, highest, widest = found.permuted(permutations, np.random.default_rng(seed))
    p_values = (1 + (highest[:, None] >= z[None, :]).sum(axis=0)) / (1 + permutations)
    wide = float(np.quantile(widest, 1 - alpha))
    chosen: list[int] = []
    for place in np.argsort(-z, kind="stable").tolist():
        if p_values[place] > alpha or len(chosen) == most:
            break
        if not any(found.overlap(place, other) > _OVERLAP for other in chosen):
            chosen.append(place)
    return tuple(found.told(place, wide, float(p_values[place])) for place in chosen)


@dataclass(frozen=True)
class _Search:
    """Rows of one or both sides, what each lost beyond what is usual, and the segments to try.

    Attributes
    ----------
    excess
        In standard deviations, 0 on average on each side, shape (n,).
    unit
        One standard deviation.
    now
        Which rows are current ones, shape (n,).
    marks
        Which rows each segment holds, 1 or 0, shape (n, k).
    """

    excess: Floats
    unit: float
    now: Marks
    marks: NDArray[np.float32]
    tried: Sequence[tuple[_Condition, ...]]

    @classmethod
    def among(cls, reference: Sampled | None, current: Sampled, schema: Schema) -> _Search | None:
        frame, losses, now = current.frame, current.losses, np.ones(len(current), bool)
        excess = losses - losses.mean()
        columns = usable(_columns(schema), frame)
        if reference is not None and len(reference) >= _LEAST_REFERENCE:
            columns = usable(columns, reference.frame)
            names = [c.name for c in columns]
            frame = pl.concat([reference.frame[names], frame[names]], how="vertical_relaxed")
            losses, now = (
                np.concatenate([reference.losses, losses]),
                np.repeat([False, True], [len(reference), len(now)]),
            )
            excess = losses - _usual(columns, reference, current, losses)
            excess = excess - np.where(now, excess[now].mean(), excess[~now].mean())
        tried, unit = _tried(frame, columns, now, losses), _spread(excess)
        if not tried or not 0 < unit < inf:
            return None
        marks = np.column_stack([np.logical_and.reduce([c.rows for c in one]) for one in tried]).astype(np.float32)
        return cls(excess / unit, unit, now, marks, tried)

    def permuted(self, permutations: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Return z of each segment, and of each permutation the largest z and the largest |z|."""
        orders = [rng.permutation(len(self.now)) for _ in range(permutations)]
        if self.now.all():
            values = np.column_stack([self.excess, *(self.excess[order] for order in orders)])
            sizes = self.marks.sum(axis=0, dtype=float)
            unit = np.sqrt(sizes * (1 - sizes / len(self.now)))
            z = (self.marks.T @ values.astype(np.float32)) / unit[:, None]
        else:
            sides = np.column_stack([self.now, *(self.now[order] for order in orders)])
            z = self._apart(sides.astype(np.float32))
        return np.asarray(z[:, 0], float), z[:, 1:].max(axis=0), np.abs(z[:, 1:]).max(axis=0)

    def _apart(self, sides: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return z of each segment for each choice of the current rows, shape (k, choices)."""
        excess = self.excess.astype(np.float32)[:, None]
        # Each side's mean is taken off again: the sides of a permutation have other means.
        level = (excess * sides).sum(axis=0) / sides.sum(axis=0)
        level0 = (excess * (1 - sides)).sum(axis=0) / (1 - sides).sum(axis=0)
        k, total = self.marks.T @ sides, self.marks.sum(axis=0)[:, None]
        now, both = self.marks.T @ (excess * sides), self.marks.T @ excess
        k0 = np.maximum(total - k, 1.0)
        k = np.maximum(k, 1.0)
        gap = now / k - level - ((both - now) / k0 - level0)
        return np.asarray(gap / np.sqrt(1 / k + 1 / k0), np.float32)

    def overlap(self, one: int, other: int) -> float:
        """Return the share of the smaller segment's rows that both hold."""
        a, b = self.marks[:, one] > 0, self.marks[:, other] > 0
        return float((a & b).sum() / min(a.sum(), b.sum()))

    def told(self, place: int, wide: float, p_value: float) -> WorstSegment:
        """Return the segment with its effect."""
        inside = self.marks[:, place] > 0
        effect = variance = 0.0
        for side in (True, False):
            for within in (True, False):
                rows = self.unit * self.excess[(self.now == side) & (inside == within)]
                if len(rows) > 1:
                    effect += float(rows.mean()) * (1 if side == within else -1)
                    variance += float(rows.var(ddof=1)) / len(rows)
        one, room = self.tried[place], wide * sqrt(variance)
        rule, columns = " and ".join(c.words for c in one), tuple(c.column for c in one)
        return WorstSegment(
            rule, columns, effect, int((inside & self.now).sum()), (effect - room, effect + room), p_value
        )


def _spread(x: Floats) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(x.std(ddof=1))


def _usual(columns: Sequence[Column], reference: Sampled, current: Sampled, losses: Floats) -> Floats:
    """Return what rows with such features lose on both sides together, by trees that did not see the row."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    encoded = encode(columns, reference.frame, current.frame)
    x = np.vstack([encoded.reference, encoded.current])
    if not x.shape[1]:
        return np.full(len(losses), losses.mean())
    fold, found = np.arange(len(losses)) % 2, np.empty(len(losses))
    # Trees of a few thousand rows wait for each other's threads longer than they grow.
    with threadpool_limits(1):
        for number in range(2):
            trees: Any = HistGradientBoostingRegressor(
                max_iter=40, max_leaf_nodes=8, min_samples_leaf=30, early_stopping=False, random_state=0
            )
            trees.fit(x[fold != number], losses[fold != number])
            found[fold == number] = trees.predict(x[fold == number])
    return found


def _columns(schema: Schema) -> tuple[Column, ...]:
    also = {rule.column for rule in schema.segments} - {c.name for c in schema.features}
    return (*schema.features, *(c for c in schema if c.name in also))


def _tried(frame: pl.DataFrame, columns: Sequence[Column], now: Marks, losses: Floats) -> list[tuple[_Condition, ...]]:
    """Return the conditions and their pairs.

    Where there are many conditions, those with the most extreme losses on both sides together are tried: which rows are
    current ones, and that alone is permuted, has no say in it. Without a reference it is the commonest.
    """

    def enough(rows: Marks) -> bool:
        return all(np.count_nonzero(rows[side]) >= _LEAST for side in (now, ~now) if side.any())

    def extreme(one: _Condition) -> float:
        k = int(one.rows.sum())
        return float(abs(losses[one.rows].mean() - losses.mean()) * np.sqrt(k)) if not now.all() else float(k)

    single: list[_Condition] = []
    for column in columns:
        made = _quarters(frame, column) if column.kind in (Kind.NUMERIC, Kind.TIME) else _levels(frame, column)
        single += [c for c in made if enough(c.rows) and enough(~c.rows)]
    chosen = sorted(range(len(single)), key=lambda place: -extreme(single[place]))[:_MOST_CONDITIONS]
    single = [single[place] for place in sorted(chosen)]
    pairs = [
        (a, b)
        for place, a in enumerate(single)
        for b in single[place + 1 :]
        if a.column != b.column and enough(a.rows & b.rows)
    ]
    return [*((c,) for c in single), *pairs]


def _levels(frame: pl.DataFrame, column: Column) -> list[_Condition]:
    series = to_text(series_named(frame, column.name))
    counted = series.drop_nulls().value_counts(sort=True).to_series(0).head(_MOST_LEVELS).to_list()
    found = [
        _Condition(column.name, f"{column.name} = {level}", (series == level).fill_null(False).to_numpy())
        for level in sorted(counted)
    ]
    return [*found, _Condition(column.name, f"{column.name} is missing", series.is_null().to_numpy())]


def _quarters(frame: pl.DataFrame, column: Column) -> list[_Condition]:
    x = to_float(series_named(frame, column.name)).fill_null(float("nan")).to_numpy()
    known = np.isfinite(x)
    if not known.any():
        return []
    cuts = np.unique(np.quantile(x[known], _QUANTILES))
    found = [_Condition(column.name, f"{column.name} is missing", ~known)]
    if len(cuts) == 1:
        return found
    for low, high in pairwise(cuts.tolist()):
        last = high == cuts[-1]
        rows = known & (x >= low) & ((x <= high) if last else (x < high))
        words = f"{column.name} in [{low:.4g}, {high:.4g}{']' if last else ')'}"
        found.append(_Condition(column.name, words, rows))
    return found

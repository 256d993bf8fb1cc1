"""A search for the rows on which the loss is worst, honest about how many it tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

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
_MOST_CONDITIONS = 60
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
    permutations: int = 300,
    seed: int = 0,
) -> tuple[WorstSegment, ...]:
    """Return the segments whose rows surely lose more than the other rows, the surest first.

    Tried are the levels and the quarters of every feature and segment column, and all pairs of these of two columns
    that hold at least 30 rows. A row's excess is its loss less what the reference's rows with such features lost
    (gradient-boosted trees; without a reference of 200 labelled rows, less the mean). Of a segment with k of n rows

        z = (mean excess inside - mean excess)/(S·√((1/k)·(1 - k/n))),

    S the standard deviation of all n. Excesses are permuted among the rows; the adjusted p-value of a segment is the
    share of permutations in which the largest z of all segments reaches its own (Westfall and Young), so that the
    chance of naming any segment where none is worse is ``alpha``, however many were tried. The interval widens the
    error by the quantile of the largest |z|, and holds for all segments together. Segments that share more than half
    of their rows with a surer one are left out.

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
    excess = _excess(reference, current, schema)
    tried = _tried(current.frame, schema)
    spread = float(excess.std(ddof=1))
    if not tried or spread <= 0:
        return ()
    marks = np.column_stack([np.logical_and.reduce([c.rows for c in one]) for one in tried]).astype(np.float32)
    z, highest, widest = _permuted(excess, marks, spread, permutations, seed)
    p_values = (1 + (highest[:, None] >= z[None, :]).sum(axis=0)) / (1 + permutations)
    wide = float(np.quantile(widest, 1 - alpha))
    found: list[WorstSegment] = []
    taken: list[Marks] = []
    for place in np.argsort(-z, kind="stable").tolist():
        if p_values[place] > alpha or len(found) == most:
            break
        rows = marks[:, place] > 0
        if any((rows & other).sum() > _OVERLAP * min(rows.sum(), other.sum()) for other in taken):
            continue
        taken.append(rows)
        found.append(_told(tried[place], excess, rows, wide, float(p_values[place])))
    return tuple(found)


def _told(one: Sequence[_Condition], excess: Floats, rows: Marks, wide: float, p_value: float) -> WorstSegment:
    inside, outside = excess[rows], excess[~rows]
    effect = float(inside.mean() - outside.mean())
    error = float(np.sqrt(inside.var(ddof=1) / len(inside) + outside.var(ddof=1) / len(outside)))
    rule, columns = " and ".join(c.words for c in one), tuple(c.column for c in one)
    return WorstSegment(rule, columns, effect, len(inside), (effect - wide * error, effect + wide * error), p_value)


def _permuted(
    excess: Floats, marks: NDArray[np.float32], spread: float, permutations: int, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Return z of each segment, and of each permutation the largest z and the largest |z|."""
    n, sizes = len(excess), marks.sum(axis=0, dtype=float)
    centred = (excess - excess.mean()) / spread
    unit = np.sqrt(sizes * (1 - sizes / n))
    rng = np.random.default_rng(seed)
    drawn = np.column_stack([rng.permutation(centred) for _ in range(permutations)]).astype(np.float32)
    with single_threaded():
        z = (marks.T @ centred.astype(np.float32)) / unit
        shuffled = (marks.T @ drawn) / unit[:, None]
    return np.asarray(z, float), shuffled.max(axis=0), np.abs(shuffled).max(axis=0)


def _excess(reference: Sampled | None, current: Sampled, schema: Schema) -> Floats:
    if reference is None or len(reference) < _LEAST_REFERENCE:
        return np.asarray(current.losses - current.losses.mean())
    from sklearn.ensemble import HistGradientBoostingRegressor

    columns = usable(_columns(schema), reference.frame, current.frame)
    encoded = encode(columns, reference.frame, current.frame)
    if not encoded.reference.shape[1]:
        return np.asarray(current.losses - current.losses.mean())
    trees: Any = HistGradientBoostingRegressor(
        max_iter=40, max_leaf_nodes=8, min_samples_leaf=30, l2_regularization=5.0, early_stopping=False, random_state=0
    )
    trees.fit(encoded.reference, reference.losses, sample_weight=reference.weights * len(reference))
    return np.asarray(current.losses - trees.predict(encoded.current))


def _columns(schema: Schema) -> tuple[Column, ...]:
    also = {rule.column for rule in schema.segments} - {c.name for c in schema.features}
    return (*schema.features, *(c for c in schema if c.name in also))


def _tried(frame: pl.DataFrame, schema: Schema) -> list[tuple[_Condition, ...]]:
    """Return the conditions and their pairs; where there are many the commonest, which the loss has no say in."""
    single: list[_Condition] = []
    for column in usable(_columns(schema), frame):
        made = _quarters(frame, column) if column.kind in (Kind.NUMERIC, Kind.TIME) else _levels(frame, column)
        single += [c for c in made if _LEAST <= int(c.rows.sum()) <= frame.height - _LEAST]
    single = sorted(single, key=lambda c: -int(c.rows.sum()))[:_MOST_CONDITIONS]
    pairs = [
        (a, b)
        for place, a in enumerate(single)
        for b in single[place + 1 :]
        if a.column != b.column and int((a.rows & b.rows).sum()) >= _LEAST
    ]
    return [*((c,) for c in single), *pairs]


def _levels(frame: pl.DataFrame, column: Column) -> list[_Condition]:
    series = to_text(frame[column.name])
    counted = series.drop_nulls().value_counts(sort=True).to_series(0).head(_MOST_LEVELS).to_list()
    found = [
        _Condition(column.name, f"{column.name} = {level}", (series == level).fill_null(False).to_numpy())
        for level in sorted(counted)
    ]
    return [*found, _Condition(column.name, f"{column.name} is missing", series.is_null().to_numpy())]


def _quarters(frame: pl.DataFrame, column: Column) -> list[_Condition]:
    x = to_float(frame[column.name]).fill_null(float("nan")).to_numpy()
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

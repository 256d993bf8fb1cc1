"""How well rows are ranked within their group, such as the answers to one query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.state import State
from watchkeeper.performance.metric import MetricValue, NoValue, has_roles, measured
from watchkeeper.stats.intervals import mean_interval, proportion_error, sample_error, wilson
from watchkeeper.stats.ranked_groups import MOST_ROWS, RankedGroupsPart

__all__ = ["HitRateAt1", "HitRateAt10", "MeanAveragePrecision", "MeanReciprocalRank", "Ndcg", "NdcgAt10"]

_RANKING = frozenset({Task.RANKING})
Floats = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Ties:
    """Rows of one group that share a score, from the highest score down, group by group.

    Attributes
    ----------
    group
        Place of the group, shape (b,).
    above, size, relevant, gain
        Rows with a higher score, rows that share it, those of them with a label above 0, and the sum of their labels,
        shape (b,).
    groups
        Number of groups.
    """

    group: Places
    above: Places
    size: Places
    relevant: Places
    gain: Floats
    groups: int

    @classmethod
    def of(cls, hashes: NDArray[np.uint64], scores: Floats, labels: Floats) -> _Ties:
        new_group = np.r_[True, hashes[1:] != hashes[:-1]]
        starts = np.flatnonzero(new_group | np.r_[True, scores[1:] != scores[:-1]])
        group = np.cumsum(new_group)[starts] - 1
        first = np.flatnonzero(new_group)[group]
        size = np.diff(np.r_[starts, len(hashes)])
        relevant = np.add.reduceat((labels > 0).astype(np.intp), starts)
        return cls(group, starts - first, size, relevant, np.add.reduceat(labels, starts), int(new_group.sum()))

    def per_group(self, values: Floats) -> Floats:
        """Add up numbers of ties by group, shape (groups,)."""
        return np.bincount(self.group, values, minlength=self.groups).astype(np.float64)


def _discounts(ties: _Ties, k: int | None) -> Floats:
    """Return the sum of 1/log2(1 + rank) over the ranks that each tie takes, up to rank k."""
    longest = int((ties.above + ties.size).max())
    each = 1.0 / np.log2(np.arange(2, longest + 2))
    if k is not None:
        each[k:] = 0.0
    total: Floats = np.r_[0.0, np.cumsum(each)]
    found: Floats = total[ties.above + ties.size] - total[ties.above]
    return found


def _ndcg(part: RankedGroupsPart, ties: _Ties, k: int | None) -> Floats:
    gained = ties.per_group(ties.gain / ties.size * _discounts(ties, k))
    order = np.lexsort((-part.labels, part.hashes))
    ideal = _Ties.of(part.hashes, part.labels[order], part.labels[order])
    best = ideal.per_group(ideal.gain / ideal.size * _discounts(ideal, k))
    found: Floats = np.divide(gained, best, out=np.full(ties.groups, np.nan), where=best > 0)
    return found


def _average_precision(ties: _Ties) -> Floats:
    hits = np.cumsum(ties.relevant)
    before = np.r_[0, hits][np.searchsorted(ties.group, np.arange(ties.groups))]
    so_far = hits - before[ties.group]
    total = ties.per_group(ties.relevant.astype(float))
    precision = so_far / (ties.above + ties.size)
    reached = ties.per_group(ties.relevant * precision)
    found: Floats = np.divide(reached, total, out=np.full(ties.groups, np.nan), where=total > 0)
    return found


def _first_relevant(ties: _Ties) -> Places:
    """Return the place of the first tie with a relevant row of each group that has one."""
    there = np.flatnonzero(ties.relevant > 0)
    return there[np.unique(ties.group[there], return_index=True)[1]]


def _none_before(size: int, relevant: int, count: int) -> Floats:
    """Return the chance that none of the first 0, 1, ... count of rows in random order is relevant."""
    left = size - np.arange(count, dtype=np.float64)
    chances: Floats = np.r_[1.0, np.cumprod(np.maximum(0.0, 1.0 - relevant / left))]
    return chances


def _reciprocal_rank(ties: _Ties) -> Floats:
    found = np.zeros(ties.groups)
    for place in _first_relevant(ties):
        above, size, relevant = (int(x[place]) for x in (ties.above, ties.size, ties.relevant))
        last = size - relevant + 1
        none = _none_before(size, relevant, last)
        found[ties.group[place]] = float(((none[:-1] - none[1:]) / (above + np.arange(1, last + 1))).sum())
    return found


def _hit(ties: _Ties, k: int) -> Floats:
    found = np.zeros(ties.groups)
    for place in _first_relevant(ties):
        above, size, relevant = (int(x[place]) for x in (ties.above, ties.size, ties.relevant))
        within = min(max(0, k - above), size)
        found[ties.group[place]] = 1.0 - float(_none_before(size, relevant, within)[-1])
    return found


def _over_groups(part: RankedGroupsPart, formula: Callable[[RankedGroupsPart, _Ties], Floats]) -> MetricValue | NoValue:
    """Return the mean over groups of which every row has a label, with the standard error over groups."""
    if not part.ranked:
        # Groups and scores do not come late as labels do.
        return NoValue(f"none of {part.rows} rows has a group and a score", failed=part.rows > 0)
    if not len(part.hashes):
        return NoValue(f"a group has more than the {MOST_ROWS:,} rows that are kept", part.ranked)
    complete = ~np.repeat(np.logical_or.reduceat(np.isnan(part.labels), part.starts), _sizes(part))
    groups, known = (
        len(part.starts),
        RankedGroupsPart(
            part.rows, part.ranked, part.hashes[complete], part.scores[complete], part.labels[complete], part.end
        ),
    )
    if not len(known.hashes):
        return NoValue("no group has a label in every row", 0)
    if known.labels.min() < 0:
        return NoValue("labels below 0 are no relevance", len(known.hashes), failed=True)
    each = formula(known, _Ties.of(known.hashes, known.scores, known.labels))
    used = each[~np.isnan(each)]
    if not len(used):
        return NoValue("no group has a relevant row", len(known.hashes))
    n, value = len(used), float(used.mean())
    error = sample_error(n, float(used.sum()), float((used**2).sum()))
    interval = mean_interval(value, error, n, 0.0, 1.0)
    if error is not None and error <= 1e-9:
        error, interval = proportion_error(value * n, n), wilson(value * n, n)
    details: dict[str, float | str] = {"groups": n}
    left = {"unlabelled_groups": groups - len(known.starts), "without_relevant": len(each) - n}
    details |= {name: count for name, count in left.items() if count}
    if len(part.hashes) < part.ranked:
        details["sampled"] = len(part.hashes) / part.ranked
    return MetricValue(value, len(known.hashes), error, interval, details=details)


def _sizes(part: RankedGroupsPart) -> Places:
    sizes: Places = np.diff(np.r_[part.starts, len(part.hashes)])
    return sizes


def _applies(schema: Schema) -> bool:
    return has_roles(schema, Role.LABEL, Role.SCORE, Role.GROUP)


class Ndcg:
    """Normalised discounted cumulative gain: Σ label/log2(1 + rank), over that of the best order; mean over groups.

    Rows with equal scores share the mean of their ranks' discounts, as in scikit-learn. Groups without a label above 0
    have no best order and are the fact ``without_relevant``; groups of which a label is missing are left out. Exact
    for the groups that are kept (``ranked_groups``); the standard error is the sample's over groups, the interval
    Student's.

    References
    ----------
    Järvelin, Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques, doi:10.1145/582415.582418. McSherry,
    Najork (2008), Computing information retrieval performance measures efficiently in the presence of tied scores,
    doi:10.1007/978-3-540-78646-7_38.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "ndcg"
    tasks: ClassVar[frozenset[Task]] = _RANKING
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    k: ClassVar[int | None] = None

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels, scores and groups."""
        return _applies(schema)

    def measure(self, state: State) -> Measurement:
        """Return the mean over groups."""
        return measured(
            self.name, state, "ranked_groups", RankedGroupsPart,
            lambda part: _over_groups(part, lambda known, ties: _ndcg(known, ties, self.k)),
        )  # fmt: skip


class NdcgAt10(Ndcg):
    """NDCG over the first ten ranks; see ``ndcg``."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "ndcg_at_10"
    k: ClassVar[int | None] = 10


class MeanAveragePrecision:
    """Mean over groups of Σ (R_k - R_{k-1})·P_k over the scores k from the highest down.

    A label above 0 is relevant; rows with equal scores are found together, as in scikit-learn. Groups without a
    relevant row are the fact ``without_relevant``. Errors as for ``ndcg``.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "map"
    tasks: ClassVar[frozenset[Task]] = _RANKING
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels, scores and groups."""
        return _applies(schema)

    def measure(self, state: State) -> Measurement:
        """Return the mean over groups."""
        return measured(
            self.name,
            state,
            "ranked_groups",
            RankedGroupsPart,
            lambda part: _over_groups(part, lambda _, ties: _average_precision(ties)),
        )


class MeanReciprocalRank:
    """Mean over groups of 1 / the rank of the first row with a label above 0; 0 for a group without any.

    Where rows share a score, the mean over their orders. Errors as for ``ndcg``.

    References
    ----------
    Voorhees (1999), The TREC-8 question answering track report, https://trec.nist.gov/pubs/trec8/papers/qa_report.pdf.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "mrr"
    tasks: ClassVar[frozenset[Task]] = _RANKING
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels, scores and groups."""
        return _applies(schema)

    def measure(self, state: State) -> Measurement:
        """Return the mean over groups."""
        return measured(
            self.name,
            state,
            "ranked_groups",
            RankedGroupsPart,
            lambda part: _over_groups(part, lambda _, ties: _reciprocal_rank(ties)),
        )


class HitRateAt10:
    """Share of groups with a row of a label above 0 among the first ten.

    Where rows share a score, the share of their orders. Errors as for ``ndcg``, and Wilson's interval where all groups
    are alike.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "hit_rate_at_10"
    tasks: ClassVar[frozenset[Task]] = _RANKING
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    k: ClassVar[int] = 10

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels, scores and groups."""
        return _applies(schema)

    def measure(self, state: State) -> Measurement:
        """Return the share of groups."""
        return measured(
            self.name, state, "ranked_groups", RankedGroupsPart,
            lambda part: _over_groups(part, lambda _, ties: _hit(ties, self.k)),
        )  # fmt: skip


class HitRateAt1(HitRateAt10):
    """Share of groups whose first row has a label above 0; see ``hit_rate_at_10``."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "hit_rate_at_1"
    k: ClassVar[int] = 1

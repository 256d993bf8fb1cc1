"""What chance may do to a comparison: level, floor, coverage and power over simulated pairs of states."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.assess import assess_column
from watchkeeper.compare.comparison import Comparison, Slow, needs_of
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.testing.populations import Population, pairs

__all__ = ["check_chance"]

_LEVEL = 0.05
_FEW = 30
_MILD = 0.25


def check_chance(comparison: Comparison, population: Population, seed: int = 0) -> float:
    """Assert what a comparison promises about samples of one distribution, and that a change moves it.

    Checked, with three binomial standard errors allowed: a test at .05 (it states a p-value) rejects at most .05 of the
    pairs without a change; the stated floor is within a fifth of the mean distance without a change; intervals contain
    the value of no change in 95 % of them; a gross change is on average at least as far as a mild one, and a mild one
    as none.

    A comparison that takes long says in a class attribute ``trials`` on how many pairs this is tried; its changed
    samples are then compared with references of the unchanged ones, so that it learns from each once.

    Returns
    -------
    float
        The probability that a gross change is farther from ``identical`` than no change; ties count as lost.

    Raises
    ------
    AssertionError
        Naming the promise that is broken.
    """
    trials = comparison.trials if isinstance(comparison, Slow) else population.count
    few = min(trials // 2, _FEW)
    measured = _measured(comparison, population, {0.0: min(trials, population.count), _MILD: few, 1.0: few}, seed)
    same = measured[0.0]
    for m in same:
        assert m.status is Status.OK, f"{population.name}: unchanged states give {m.status}: {m.reason}"
    _check_level(same, population)
    _check_floor(comparison, same, population)
    _check_interval(comparison, same, population)
    none = _distances(comparison, same)
    mild, gross = (_changed(comparison, population, measured[strength]) for strength in (_MILD, 1.0))
    for less, more, law in ((none, mild, "a mild change"), (mild, gross, "a gross change")):
        room = 3 * sqrt(float(less.var()) / len(less) + float(more.var()) / len(more)) + 1e-9
        told = f"{population.name}: {law} is nearer ({more.mean():.4g}) than less of a change ({less.mean():.4g})"
        assert more.mean() >= less.mean() - room, told
    return float((gross[:, None] > none[None, :]).mean())


def _measured(
    comparison: Comparison, population: Population, counts: Mapping[float, int], seed: int
) -> dict[float, list[Measurement]]:
    """Return as many measurements by the strength of the change as are wanted, one reference after the other."""
    needs, shared = needs_of(comparison), isinstance(comparison, Slow)
    drawn = {
        strength: pairs(
            population.name, needs, strength, max(count, _FEW) if strength else population.count, seed, shared
        )[:count]
        for strength, count in counts.items()
    }
    measured: dict[float, list[Measurement]] = {strength: [] for strength in counts}
    for place in range(max(counts.values())):
        for strength, states in drawn.items():
            if place < len(states):
                measured[strength].append(assess_column(*states[place], [comparison.name])[0])
    return measured


def _changed(comparison: Comparison, population: Population, measured: list[Measurement]) -> NDArray[np.float64]:
    known = [m for m in measured if m.status is Status.OK]
    assert known, f"{population.name}: changed states give {measured[0].status}: {measured[0].reason}"
    return _distances(comparison, known)


def _distances(comparison: Comparison, found: list[Measurement]) -> NDArray[np.float64]:
    return np.abs(np.array([m.value for m in found], float) - comparison.identical)


def _check_level(same: list[Measurement], population: Population) -> None:
    p_values = [m.evidence.p_value for m in same if m.evidence.p_value is not None]
    if not p_values:
        return
    assert all(0 <= p <= 1 for p in p_values), f"{population.name}: a p-value lies outside of [0, 1]"
    rejected = float(np.mean([p < _LEVEL for p in p_values]))
    most = _LEVEL + 3 * sqrt(_LEVEL * (1 - _LEVEL) / len(p_values))
    assert rejected <= most, f"{population.name}: a test at {_LEVEL} rejects {rejected:.1%} of unchanged samples"


def _check_floor(comparison: Comparison, same: list[Measurement], population: Population) -> None:
    floors = np.array([m.floor for m in same if m.floor is not None])
    if not len(floors) or population.tied:
        return
    distances = _distances(comparison, same)
    room = 0.2 * float(floors.mean()) + 3 * float(distances.std()) / sqrt(len(distances))
    told = f"its floor is {floors.mean():.4g}, and samples without a change are {distances.mean():.4g} apart on average"
    assert abs(float(distances.mean()) - float(floors.mean())) <= room, f"{population.name}: {told}"


def _check_interval(comparison: Comparison, same: list[Measurement], population: Population) -> None:
    intervals = [m.interval for m in same if m.interval is not None]
    if not intervals:
        return
    inside = float(np.mean([low <= comparison.identical <= high for low, high in intervals]))
    least = 0.95 - 3 * sqrt(0.95 * 0.05 / len(intervals))
    told = (
        f"{population.name}: its 95 % intervals contain {comparison.identical:g} in {inside:.1%} of unchanged samples"
    )
    assert inside >= least, told

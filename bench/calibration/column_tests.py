"""The textbook's rules: a test for each column and window, with and without Bonferroni, and PSI above .2."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, kstwo

from bench.calibration.streams import CHANGE, COLUMNS, ROWS, WINDOWS, Stream, Values, reference, window
from bench.calibration.tally import Tally

ALPHA = 0.05
PSI = 0.2
_CELLS = 10
_FLOOR = 1e-4
_LEAST_EXPECTED = 5.0

RULES: dict[str, Callable[[float, float], bool]] = {
    "Kolmogorov–Smirnov and χ², p < .05": lambda p, _: p < ALPHA,
    "the same with Bonferroni": lambda p, _: p < ALPHA / len(COLUMNS),
    "PSI > .2": lambda _, psi: psi > PSI,
}
"""Whether a column is called drifted, from the p-value of its test and its PSI."""


class Numeric:
    """A numeric column of the reference: the two-sample Kolmogorov–Smirnov test, and PSI over its deciles."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        self.sorted = np.sort(values)
        self.edges = np.unique(np.quantile(values, np.arange(1, _CELLS) / _CELLS))
        self.shares = self._shares(values)

    def _shares(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(np.searchsorted(self.edges, values), minlength=len(self.edges) + 1) / len(values)

    def p_value(self, values: NDArray[np.float64]) -> float:
        """Return the p-value as scipy's ``ks_2samp(method="asymp")`` computes it."""
        own, n, n0 = np.sort(values), len(values), len(self.sorted)
        # Both distribution functions only jump where one of the samples has a value; the window's are enough, from both
        # sides.
        right = np.searchsorted(own, own, "right") / n - np.searchsorted(self.sorted, own, "right") / n0
        left = np.searchsorted(own, own, "left") / n - np.searchsorted(self.sorted, own, "left") / n0
        largest = float(max(np.abs(right).max(), np.abs(left).max()))
        return float(kstwo.sf(largest, round(n * n0 / (n + n0))))

    def psi(self, values: NDArray[np.float64]) -> float:
        """Return Σ (q - p) ln(q/p) over the reference's deciles."""
        return _psi(self.shares, self._shares(values))


class Leveled:
    """A categorical column of the reference: the two-sample chi-square test and PSI over its levels."""

    def __init__(self, values: NDArray[np.str_]) -> None:
        self.levels, self.counts = np.unique(values, return_counts=True)

    def _both(self, values: NDArray[np.str_]) -> NDArray[np.float64]:
        found, counts = np.unique(values, return_counts=True)
        names = np.union1d(self.levels, found)
        both = np.zeros((2, len(names)))
        both[0, np.searchsorted(names, self.levels)] = self.counts
        both[1, np.searchsorted(names, found)] = counts
        return both

    def p_value(self, values: NDArray[np.str_]) -> float:
        """Return Pearson's two-sample test, levels expected fewer than five times together in one cell."""
        both = self._both(values)
        rare = both.sum(axis=0) * both[1].sum() / both.sum() < _LEAST_EXPECTED
        if rare.any():
            both = np.column_stack([both[:, ~rare], both[:, rare].sum(axis=1)])
        expected = np.outer(both.sum(axis=1), both.sum(axis=0)) / both.sum()
        return float(chi2.sf(((both - expected) ** 2 / expected).sum(), both.shape[1] - 1))

    def psi(self, values: NDArray[np.str_]) -> float:
        """Return Σ (q - p) ln(q/p) over all levels."""
        both = self._both(values)
        return _psi(*(both / both.sum(axis=1, keepdims=True)))


def _psi(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    p, q = np.maximum(p, _FLOOR), np.maximum(q, _FLOOR)
    return float(((q - p) * np.log(q / p)).sum())


def _column(values: Values) -> Numeric | Leveled:
    return Numeric(values) if values.dtype.kind == "f" else Leveled(values)


def clean(
    stream: Stream, repetition: int, changes: Iterable[Stream] = (), numbers: range = range(WINDOWS)
) -> list[Tally]:
    """Judge every window of a clean stream, and after its middle the changed columns of each change."""
    known = {name: _column(values) for name, values in reference(stream, repetition).items()}
    found = {rule: Tally("windows", rule, stream.name, 1, len(numbers) * ROWS) for rule in RULES}
    for number in numbers:
        values = window(stream, repetition, number)
        judged = [(known[name].p_value(v), known[name].psi(v)) for name, v in values.items()]
        for rule, tally in found.items():
            called = sum(bool(RULES[rule](*one)) for one in judged)
            tally.columns += called
            tally.alarms += called > 0
            tally.red += called > 0
    return [*found.values(), *(t for change in changes for t in _after(change, repetition, known))]


def _after(change: Stream, repetition: int, known: dict[str, Numeric | Leveled]) -> list[Tally]:
    delays = dict.fromkeys(RULES, inf)
    for number in range(CHANGE, WINDOWS):
        for name, values in window(change, repetition, number, change.changed).items():
            one = known[name].p_value(values), known[name].psi(values)
            rows = float((number + 1 - CHANGE) * ROWS)
            delays |= {rule: min(delays[rule], rows) for rule, says in RULES.items() if says(*one)}
        if max(delays.values()) < inf:
            break
    return [Tally("windows", rule, change.name, 1, delays=[delay]) for rule, delay in delays.items()]

"""Shapley values of single predictions, exact or with a standard error."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial, sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from watchkeeper.explanation.explainer import Attributions, Predict, background_rows
from watchkeeper.explanation.mixing import asked, mixed

__all__ = ["ShapleyValues", "linear_attributions"]

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]

_MOST = 65_536
"""Mixed rows that are made at once."""


@dataclass(frozen=True)
class ShapleyValues:
    """Shares out f(x) - E f among the d features, by what each adds on average over all orders of the features.

    φ_j = Σ over S without j of |S|!(d - |S| - 1)!/d! · (v(S ∪ {j}) - v(S)), v(S) = mean over background rows b of
    f(x_S, b_rest): the interventional value, which asks what the model does and not what goes together in the data.
    They add up to f(x) less the mean score of the background, always.

    Exact up to ``most_exact`` features, by all 2^d sets. Beyond, the mean over ``orders`` random orders and their
    reverses, with the standard error of that mean. A row costs as many scores as there are sets times background rows.
    Features that go together are told apart only by what the model uses; rows are mixed that may not exist.

    Parameters
    ----------
    predict
        From rows to scores.
    background
        The rows that features are replaced from, with exactly the features to explain.
    most_exact
        Features up to which values are exact.
    orders
        Pairs of orders to draw beyond that, at least two.
    seed
        Of the orders.

    References
    ----------
    Shapley (1953), A value for n-person games, doi:10.1515/9781400881970-018. Lundberg and Lee (2017), A unified
    approach to interpreting model predictions, arXiv:1705.07874. Janzing, Minorics and Blöbaum (2020), Feature
    relevance quantification in explainable AI, arXiv:1910.13413. Mitchell et al. (2022), Sampling permutations for
    Shapley value estimation, arXiv:2104.12199.
    """

    predict: Predict
    background: pl.DataFrame
    most_exact: int = 12
    orders: int = 16
    seed: int = 0

    def explain(self, rows: pl.DataFrame) -> Attributions:
        """Return what each feature adds to the score of each row."""
        with threadpool_limits(1):
            return self._explained(rows)

    def _explained(self, rows: pl.DataFrame) -> Attributions:
        features = tuple(self.background.columns)
        rows = background_rows(rows, features, rows.height)
        n, d = rows.height, len(features)
        base = float(asked(self.predict, self.background).mean())
        values, errors = np.zeros((n, d)), np.zeros((n, d))
        rng = np.random.default_rng(self.seed)
        for k in range(n):
            found = self._exact(rows[k]) if d <= self.most_exact else self._drawn(rows[k], rng)
            values[k], errors[k] = found
        scores = asked(self.predict, rows)
        return Attributions("shapley", features, rows, values, np.full(n, base), scores, errors, np.ones(n))

    def _worth(self, row: pl.DataFrame, masks: Masks) -> Floats:
        """Return v of each set of features, shape (number of sets,)."""
        m, found = self.background.height, []
        size = max(1, _MOST // m)
        for part in (masks[start : start + size] for start in range(0, len(masks), size)):
            own, donor = np.repeat(part, m, axis=0), np.tile(np.arange(m), len(part))
            found.append(asked(self.predict, mixed(row, self.background, own, donor)).reshape(-1, m).mean(axis=1))
        return np.concatenate(found)

    def _exact(self, row: pl.DataFrame) -> tuple[Floats, Floats]:
        d = len(row.columns)
        sets = np.arange(2**d)
        masks = (sets[:, None] >> np.arange(d)) & 1 == 1
        worth, size = self._worth(row, masks), masks.sum(axis=1)
        weight = np.array([factorial(s) * factorial(d - s - 1) / factorial(d) for s in range(d)] + [0.0])
        values = np.empty(d)
        for j in range(d):
            without = sets[~masks[:, j]]
            values[j] = (weight[size[without]] * (worth[without | (1 << j)] - worth[without])).sum()
        return values, np.zeros(d)

    def _drawn(self, row: pl.DataFrame, rng: np.random.Generator) -> tuple[Floats, Floats]:
        d, pairs = len(row.columns), max(2, self.orders)
        orders = np.array([order for _ in range(pairs) for order in _forth_and_back(rng.permutation(d))])
        place = np.argsort(orders, axis=1)
        # Before step k of an order the features at places below k are in.
        masks = place[:, None, :] < np.arange(d + 1)[None, :, None]
        worth = self._worth(row, masks.reshape(-1, d)).reshape(-1, d + 1)
        steps = np.take_along_axis(np.diff(worth, axis=1), place, axis=1)
        found = steps.reshape(pairs, 2, d).mean(axis=1)
        return found.mean(axis=0), found.std(axis=0, ddof=1) / sqrt(pairs)


def _forth_and_back(order: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return order, order[::-1]


def linear_attributions(coefficients: Floats, x: Floats, background: Floats) -> Floats:
    """Return the Shapley values of a linear function: β_j·(x_j - mean of the background), shape (n, d).

    Parameters
    ----------
    coefficients
        β, shape (d,).
    x, background
        Rows to explain, shape (n, d), and rows to compare with, shape (m, d).

    References
    ----------
    Lundberg and Lee (2017), corollary 1, arXiv:1705.07874.
    """
    return np.asarray(coefficients * (x - background.mean(axis=0)))

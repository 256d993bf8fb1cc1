"""Local surrogates: which features a linear model around one row would use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from watchkeeper.explanation.explainer import Attributions, Predict, background_rows
from watchkeeper.explanation.mixing import asked, mixed

__all__ = ["Lime"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lime:
    """The weights of a linear model fitted to what the model answers around a row.

    Around a row, ``samples`` rows are made: a switch z_j ∈ {0, 1} for each feature, off with probability 1/2; features
    whose switch is off are taken from a random background row. Numbers and levels are so treated alike. The surrogate
    g(z) = w_0 + Σ w_j·z_j minimises Σ π·(f - g)² + ridge·‖w‖², π = exp(-D²/σ²), D² the number of switches off. With
    ``most`` features it is K-LASSO: the lasso's path chooses the features, least squares fits them.

    The values are the w_j. Of a linear model they are β_j·(x_j - mean of the background) but for the noise of the
    samples, which ``errors`` states (of weighted least squares, allowing for unequal variances). ``fidelity`` is the
    weighted R²: where it is low the model is not linear around the row, and the values say little.

    Parameters
    ----------
    predict
        From rows to scores.
    background
        The rows that features are replaced from, with exactly the features to explain.
    samples
        Rows made around each row.
    most
        Features the surrogate may use; None for all.
    width
        σ; None for .75·√d.
    ridge
        Penalty on the squared weights.
    seed
        Of the samples.

    References
    ----------
    Ribeiro, Singh and Guestrin (2016), "Why should I trust you?": explaining the predictions of any classifier,
    doi:10.1145/2939672.2939778.
    """

    predict: Predict
    background: pl.DataFrame
    samples: int = 2_000
    most: int | None = None
    width: float | None = None
    ridge: float = 1.0
    seed: int = 0

    def explain(self, rows: pl.DataFrame) -> Attributions:
        """Return the weights of the surrogate of each row."""
        with threadpool_limits(1):
            return self._explained(rows)

    def _explained(self, rows: pl.DataFrame) -> Attributions:
        features = tuple(self.background.columns)
        rows = background_rows(rows, features, rows.height)
        n, d = rows.height, len(features)
        values, errors = np.zeros((n, d)), np.zeros((n, d))
        base, fidelity = np.zeros(n), np.zeros(n)
        rng = np.random.default_rng(self.seed)
        width2 = (0.75**2) * d if self.width is None else self.width**2
        for k in range(n):
            on = rng.random((self.samples, d)) < 0.5
            on[0] = True
            donor = rng.integers(0, self.background.height, self.samples)
            f = asked(self.predict, mixed(rows[k], self.background, on, donor))
            near = np.exp(-(~on).sum(axis=1) / width2)
            fit = _surrogate(on.astype(float), f, near, self.ridge, self.most)
            base[k], values[k], errors[k], fidelity[k] = fit
        return Attributions("lime", features, rows, values, base, asked(self.predict, rows), errors, fidelity)


def _surrogate(
    z: Floats, f: Floats, near: Floats, ridge: float, most: int | None
) -> tuple[float, Floats, Floats, float]:
    """Return intercept, weights, their standard errors and the weighted R² of the fit."""
    weights, errors = np.zeros(z.shape[1]), np.zeros(z.shape[1])
    if not np.ptp(f):
        return float(f[0]), weights, errors, 1.0
    share = near / near.sum()
    centre, level = share @ z, float(share @ f)
    x, y = z - centre, f - level
    chosen = np.arange(z.shape[1]) if most is None else _chosen(x, y, near, most)
    x = x[:, chosen]
    inverse = np.linalg.pinv((x.T * near) @ x + ridge * np.eye(len(chosen)))
    weights[chosen] = inverse @ (x.T @ (near * y))
    left = y - x @ weights[chosen]
    errors[chosen] = np.sqrt(np.diag(inverse @ ((x.T * (near * left) ** 2) @ x) @ inverse))
    fidelity = 1 - float(share @ left**2) / float(share @ y**2)
    return level - float(centre @ weights), weights, errors, fidelity


def _chosen(x: Floats, y: Floats, near: Floats, most: int) -> NDArray[np.intp]:
    """Return the features of the last step of the lasso's path that has at most ``most``."""
    from sklearn.linear_model import lars_path

    root = np.sqrt(near)
    _, _, path = lars_path(x * root[:, None], y * root, method="lasso")
    counts = (path != 0).sum(axis=0)
    steps = np.flatnonzero(counts <= most)
    return np.flatnonzero(path[:, steps[-1]]) if len(steps) else np.empty(0, np.intp)

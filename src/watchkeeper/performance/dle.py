"""Direct loss estimation: what a regressor's losses are where the labels are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.performance.estimator import estimated
from watchkeeper.performance.sampled import FOLDS, Sampled, fold_models, has_sample, predicted, sampled
from watchkeeper.stats.same import Same

__all__ = ["LOSSES", "Dle", "LossModel", "loss_model", "losses_of"]

Floats = NDArray[np.float64]

LOSSES = ("mae", "mse", "mape")
"""Losses that are learnt; RMSE follows from MSE."""

_LEAST = 500


@dataclass(frozen=True, slots=True)
class LossModel:
    """A loss learnt from features and prediction.

    Attributes
    ----------
    models
        Each learnt from all reference rows but one fold.
    shift
        Mean of the loss minus what models that have not seen a row say of it.
    noise
        Variance of the shift.
    spread
        Mean squared residual of a row as a multiple of its mean squared expectation.
    """

    models: tuple[Any, ...]
    shift: float
    noise: float
    spread: float

    def of(self, x: Floats) -> Floats:
        """Return the expected losses by model, shape (models, n)."""
        return np.maximum(0.0, predicted(list(self.models), x))

    def unseen(self, rows: Sampled) -> Floats:
        """Return the expected loss of reference rows by the model that has not seen each of them, shape (n,)."""
        return _unseen(self.models, rows) + self.shift


class Dle:
    """MAE, MSE, RMSE and MAPE as means of losses that trees expect from features and prediction (DLE).

    For each loss L, |ŷ - y|, (ŷ - y)² and |ŷ - y|/|y|, boosted trees h learn E(L | features, ŷ) on up to 50,000 sampled
    reference rows: five models, each from all rows but a fifth. The estimate is the mean of max(0, h) over up to 5,000
    current rows, plus the mean residual of rows that a model has not seen. MAPE is left out where the reference holds
    labels of 0. Concept shift is invisible.

    The band is for the realised value: the variance of a loss given its row is taken to grow with the square of its
    expectation, and that of what was learnt is the delete-a-group jackknife plus the error of the mean residual.

    References
    ----------
    NannyML, Direct loss estimation, https://nannyml.readthedocs.io/en/stable/how_it_works/performance_estimation.html.
    """

    plugin: ClassVar[str] = "estimator"
    name: ClassVar[str] = "dle"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.REGRESSION})
    needs: ClassVar[tuple[str, ...]] = ("answer_sample",)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has predictions and features."""
        return schema.of(Role.PREDICTION) is not None and has_sample(schema)

    def estimate(
        self, reference: Mapping[str, State], current: Mapping[str, State], schema: Schema
    ) -> list[Measurement]:
        """Return the estimates from the samples."""
        key = current[OUTCOME].key
        first, second = sampled(reference, current, schema)
        learnable = int(np.isfinite(first.label + first.prediction).sum())
        rows = second.x[np.isfinite(second.prediction)]
        names = (*LOSSES, "rmse")
        lack = f"{learnable} labelled rows of the reference are sampled, {_LEAST} are needed"
        if learnable >= _LEAST:
            lack = "" if len(rows) else "no row has a prediction"
        if lack:
            return [Measurement.missing(key, Family.ESTIMATE, name, lack) for name in names]
        n = round(second.rows * len(rows) / max(1, len(second.x)))
        facts: dict[str, float | str] = {"method": self.name, "n_reference": learnable}
        found: list[Measurement] = []
        for name in LOSSES:
            model = loss_model(first, name)
            if model is None:
                continue
            value, sampling, learnt = _mean(model, rows, n)
            found.append(estimated(key, name, value, n, sampling, learnt, facts))
            if name == "mse":
                root = sqrt(max(0.0, value))
                slope = 0.25 / value if value > 0 else 0.0
                found.append(estimated(key, "rmse", root, n, sampling * slope, learnt * slope, facts))
        return found


def _mean(model: LossModel, x: Floats, n: int) -> tuple[float, float, float]:
    """Return the expected mean loss of n rows of which some are sampled, with both variances."""
    each = model.of(x)
    by_model, by_row = each.mean(axis=1), each.mean(axis=0)
    centre = float(by_model.mean())
    sampling = model.spread * float(np.mean(by_row**2)) / n
    left_out = (FOLDS - 1) / FOLDS * float(((by_model - centre) ** 2).sum())
    unseen = float(by_row.var()) / len(x) * max(0.0, 1 - len(x) / n)
    return max(0.0, centre + model.shift), sampling, left_out + model.noise + unseen


@np.errstate(over="ignore")
def losses_of(rows: Sampled, name: str) -> Floats:
    """Return the loss of each sampled row, NaN without a label, shape (n,)."""
    error = np.abs(rows.prediction - rows.label)
    if name == "mse":
        return np.asarray(error**2)
    if name == "mape":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(error / np.abs(rows.label))
    return np.asarray(error)


def loss_model(reference: Sampled, name: str) -> LossModel | None:
    """Return the model of a loss, fitted once for a reference; None where the loss is not finite."""
    return _learnt(Same(reference), name)


@lru_cache(maxsize=16)
def _learnt(same: Same, name: str) -> LossModel | None:
    rows: Sampled = same.held[0]
    loss = losses_of(rows, name)
    known = ~np.isnan(loss)
    if not np.isfinite(loss[known]).all():
        return None
    models = fold_models(rows, loss, classifier=False)
    unseen = _unseen(models, rows)[known]
    residual = loss[known] - unseen
    shift = float(residual.mean())
    spread = float((residual**2).mean() / max(float((unseen**2).mean()), 1e-300))
    return LossModel(tuple(models), shift, float(residual.var()) / len(residual), spread)


def _unseen(models: Sequence[Any], rows: Sampled) -> Floats:
    found = np.zeros(len(rows.x))
    for fold, model in enumerate(models):
        left_out = rows.fold == fold
        if left_out.any():
            found[left_out] = predicted([model], rows.x[left_out])[0]
    return np.maximum(0.0, found)

"""Direct loss estimation: what a regressor's losses are where the labels are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import sqrt
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.evidence import Estimation
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.metric import Estimated, Root, RowLoss, row_loss_metrics
from watchkeeper.core.plugins import plugin, plugins
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.performance.estimator import ASSUMES, estimated
from watchkeeper.performance.sampled import FOLDS, Sampled, fold_models, has_sample, predicted, sampled
from watchkeeper.stats.keys import IdentityKey

__all__ = ["Dle", "LossModel", "Surface", "is_relative", "learnt_losses", "loss_model", "losses_of", "roots_of"]

Floats = NDArray[np.float64]

_LEAST = 500
_LEAST_LOSSES = 50
_FAR = 6.0
_UNBOUNDED = 1e9


@dataclass(frozen=True, slots=True)
class Surface:
    """A loss as a quadratic function of each number, without products: a ridge regression on standardised numbers.

    Attributes
    ----------
    numbers
        Which columns are numbers and no codes, bool, shape (d,).
    centre, scale
        Mean and standard deviation of each number in the reference; values count up to 6 deviations.
    slope
        Coefficients of 1, the numbers and their squares.
    """

    numbers: NDArray[np.bool_]
    centre: Floats
    scale: Floats
    slope: Floats

    @classmethod
    @np.errstate(over="ignore", invalid="ignore")
    def learnt(cls, x: Floats, coded: NDArray[np.bool_], loss: Floats) -> Surface:
        """Return the surface through the losses of these rows."""
        numbers = ~coded & np.isfinite(x).any(axis=0)
        finite = np.where(np.isfinite(x[:, numbers]), x[:, numbers], np.nan)
        centre, scale = np.nanmean(finite, axis=0), np.nanstd(finite, axis=0)
        flat = cls(numbers, centre, np.where((scale > 0) & np.isfinite(scale), scale, 1.0), np.empty(0))
        terms = flat._terms(x)
        squares = terms.T @ terms + np.eye(terms.shape[1])
        return replace(flat, slope=np.asarray(np.linalg.solve(squares, terms.T @ loss), np.float64))

    def of(self, x: Floats) -> Floats:
        """Return the loss of each row, shape (n,)."""
        return np.asarray(self._terms(x) @ self.slope)

    @np.errstate(over="ignore", invalid="ignore")
    def _terms(self, x: Floats) -> Floats:
        z = np.clip(np.nan_to_num((x[:, self.numbers] - self.centre) / self.scale), -_FAR, _FAR)
        return np.column_stack([np.ones(len(z)), z, z**2])


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
    surface
        Another model of the same loss.
    left_out
        Rows with a label whose loss is not finite.
    """

    models: tuple[Any, ...]
    shift: float
    noise: float
    spread: float
    surface: Surface
    left_out: int

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
    labels of 0; rows whose loss is not finite are left out and counted (``left_out``). Concept shift is invisible.

    The band is for the realised value: the variance of a loss given its row is taken to grow with the square of its
    expectation, and that of what was learnt is the delete-a-group jackknife plus the error of the mean residual. Trees
    are flat where the reference has no rows; what a surface of squares in each number says of the current rows is told
    as ``quadratic``, a second opinion.

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
        if problem := current[OUTCOME].problem or reference[OUTCOME].problem:
            raise StateError(problem)
        first, second = sampled(reference, current, schema)
        learnable = int(np.isfinite(first.label + first.prediction).sum())
        rows = second.x[np.isfinite(second.prediction)]
        losses = learnt_losses()
        names = (*losses, *(root for name in losses for root in roots_of(name)))
        lack = f"{learnable} labelled rows of the reference are sampled, {_LEAST} are needed"
        if learnable >= _LEAST:
            lack = "" if len(rows) else "no row has a prediction"
        if lack:
            return [Measurement.missing(key, Family.ESTIMATE, name, lack) for name in names]
        n = round(second.rows * len(rows) / max(1, len(second.x)))
        found: list[Measurement] = []
        for name in losses:
            model = loss_model(first, name)
            if model is None:
                continue
            value, sampling, learnt = _mean(model, rows, n)
            left_out = {"left_out": model.left_out} if model.left_out else {}
            other = max(0.0, float(model.surface.of(rows).mean()))
            estimation = Estimation(self.name, ASSUMES, second_opinion=other)
            found.append(
                estimated(key, name, value, n, sampling, learnt, estimation, n_reference=learnable, details=left_out)
            )
            for named in roots_of(name):
                root = sqrt(max(0.0, value))
                slope = 0.25 / value if value > 0 else 0.0
                made = replace(estimation, second_opinion=sqrt(other))
                variances = sampling * slope, learnt * slope
                found.append(estimated(key, named, root, n, *variances, made, n_reference=learnable, details=left_out))
        return found


@np.errstate(over="ignore", invalid="ignore")
def _mean(model: LossModel, x: Floats, n: int) -> tuple[float, float, float]:
    """Return the expected mean loss of n rows of which some are sampled, with both variances."""
    each = model.of(x)
    by_model, by_row = each.mean(axis=1), each.mean(axis=0)
    centre = float(by_model.mean())
    sampling = model.spread * float(np.mean(by_row**2)) / n
    left_out = (FOLDS - 1) / FOLDS * float(((by_model - centre) ** 2).sum())
    unseen = float(by_row.var()) / len(x) * max(0.0, 1 - len(x) / n)
    return max(0.0, centre + model.shift), sampling, left_out + model.noise + unseen


def learnt_losses() -> tuple[str, ...]:
    """Return the metrics of a regressor that are means over rows and say that ``dle`` serves them."""
    found = row_loss_metrics(Task.REGRESSION, scored=False)
    return tuple(name for name, one in found.items() if isinstance(one, Estimated) and Dle.name in one.estimators)


def roots_of(name: str) -> tuple[str, ...]:
    """Return the metrics that are the root of another one."""
    return tuple(root for root, one in plugins("metric").items() if isinstance(one, Root) and one.root_of == name)


def is_relative(name: str) -> bool:
    """Return whether a loss has no bound at a label of 0, so that one such row outweighs all others."""
    metric: RowLoss = plugin("metric", name)
    return bool(metric.row_losses(np.zeros(1), np.ones(1))[0] > _UNBOUNDED)


@np.errstate(over="ignore")
def losses_of(rows: Sampled, name: str) -> Floats:
    """Return the loss of each sampled row, NaN without a label, shape (n,)."""
    metric: RowLoss = plugin("metric", name)
    found = metric.row_losses(rows.label, rows.prediction)
    return np.where(rows.label == 0, np.inf, found) if is_relative(name) else found


def loss_model(reference: Sampled, name: str) -> LossModel | None:
    """Return the model of a loss, fitted once for a reference; None where it is not finite, or relative to 0."""
    return _learnt(IdentityKey(reference), name)


@lru_cache(maxsize=16)
@np.errstate(over="ignore", invalid="ignore")
def _learnt(same: IdentityKey, name: str) -> LossModel | None:
    rows: Sampled = same.held[0]
    loss = losses_of(rows, name)
    known = np.isfinite(loss)
    if known.sum() < _LEAST_LOSSES or (is_relative(name) and (rows.label == 0).any()):
        return None
    loss = np.where(known, loss, np.nan)
    models = fold_models(rows, loss, classifier=False)
    unseen = _unseen(models, rows)[known]
    residual = loss[known] - unseen
    shift = float(residual.mean())
    spread = float((residual**2).mean() / max(float((unseen**2).mean()), 1e-300))
    surface = Surface.learnt(rows.x[known], rows.coded, loss[known])
    left_out = int((~known & ~np.isnan(rows.label) & ~np.isnan(rows.prediction)).sum())
    return LossModel(tuple(models), shift, float(residual.var()) / len(residual), spread, surface, left_out)


def _unseen(models: Sequence[Any], rows: Sampled) -> Floats:
    found = np.zeros(len(rows.x))
    for fold, model in enumerate(models):
        left_out = rows.fold == fold
        if left_out.any():
            found[left_out] = predicted([model], rows.x[left_out])[0]
    return np.maximum(0.0, found)

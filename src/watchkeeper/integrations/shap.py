"""Exact Shapley values of linear models and trees, fast; it needs ``pip install 'watchkeeper[shap]'``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import UsageError
from watchkeeper.core.schema import Schema
from watchkeeper.explanation.explainer import (
    Attributions,
    Explainer,
    ExplainRequest,
    Predict,
    background_rows,
    predict_function,
)
from watchkeeper.explanation.shapley_values import ShapleyValues
from watchkeeper.maintain.terms import positive_class
from watchkeeper.schema.kinds import as_text

__all__ = ["ByShap", "Shap"]

Floats = NDArray[np.float64]

_CLOSE = 1e-6


@dataclass(frozen=True)
class Shap:
    """Shapley values by the package shap where it is exact, by ``ShapleyValues`` where it is not.

    A scikit-learn pipeline is opened: its last step is explained on what the steps before make of the rows, and what
    belongs to one feature is added up.

    - Linear models: exact.
    - Trees, forests and boosters: exact, where each feature becomes one column, as by an ordinal encoder or a scaler.
    - Everything else, and whatever does not add up to the score to one part in a million: ``ShapleyValues``, which asks
      the model about mixed rows; its ``method`` tells.

    Of logistic regressions and boosted classifiers the logarithm of the odds is explained, which is what they add up;
    ``scale`` says so. All are interventional Shapley values against the same background, so that they agree where two
    apply.

    Parameters
    ----------
    model
        A fitted model, or a pipeline that ends in one.
    schema
        The schema of the log.
    background
        The rows that features are replaced from, with the features to explain; up to about 100.
    of
        The class whose probability is explained; only for a multiclass model.
    predict
        From rows to scores; None to ask the model as ``predict_function`` does.
    most_exact, orders, seed
        Of ``ShapleyValues``.

    Raises
    ------
    UsageError
        When the package is not installed.

    References
    ----------
    Lundberg and Lee (2017), arXiv:1705.07874. Lundberg et al. (2020), From local explanations to global understanding
    with explainable AI for trees, doi:10.1038/s42256-019-0138-9. https://github.com/shap/shap
    """

    model: Any
    schema: Schema
    background: pl.DataFrame
    of: str = ""
    predict: Predict | None = None
    most_exact: int = 12
    orders: int = 16
    seed: int = 0
    _opened: tuple[list[Any], Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if find_spec("shap") is None:
            raise UsageError("the package shap is not installed; install it with: pip install 'watchkeeper[shap]'")
        steps = [step for _, step in getattr(self.model, "steps", [("", self.model)])]
        object.__setattr__(self, "_opened", (steps[:-1], steps[-1]))

    def explain(self, rows: pl.DataFrame) -> Attributions:
        """Return what each feature adds to the score of each row."""
        features = tuple(self.background.columns)
        rows = background_rows(rows, features, rows.height)
        origins = _origins(self._opened[0], range(len(features)))
        asked = list(getattr(self.model, "feature_names_in_", features))
        if origins is not None and asked == list(features):
            for way in (self._linear, self._tree):
                found = way(rows, origins)
                if found is not None:
                    return found
        return ShapleyValues(
            self._score, self.background, most_exact=self.most_exact, orders=self.orders, seed=self.seed
        ).explain(rows)

    def _score(self, rows: pl.DataFrame) -> Floats:
        predict = self.predict or predict_function(self.model, self.schema, of=self.of)
        return predict(rows)

    def _linear(self, rows: pl.DataFrame, origins: list[int]) -> Attributions | None:
        final = self._opened[1]
        if not type(final).__module__.startswith("sklearn.linear_model") or not hasattr(final, "coef_"):
            return None
        import shap

        classifier = self.schema.task.spec.scored
        if classifier and len(final.classes_) != 2:
            return None
        x, background = self._columns(rows), self._columns(self.background)
        whole = shap.maskers.Independent(background, max_samples=len(background))
        explainer = shap.LinearExplainer(final, whole)
        values, base = np.asarray(explainer.shap_values(x)), float(np.ravel(explainer.expected_value)[0])
        named = _named(x, final)
        scores = np.asarray(final.decision_function(named) if classifier else final.predict(named), float)
        sign = 1.0 if not classifier or self._place() == 1 else -1.0
        scale = "log_odds" if classifier else "score"
        return self._added("shap_linear", rows, origins, sign * values, sign * base, sign * scores, scale)

    def _tree(self, rows: pl.DataFrame, origins: list[int]) -> Attributions | None:
        if len(set(origins)) < len(origins):
            return None
        import shap

        final, classifier = self._opened[1], self.schema.task.spec.scored
        try:
            whole = self._columns(rows)
            x, background = (_narrowed(side, final) for side in (whole, self._columns(self.background)))
            masker = shap.maskers.Independent(background, max_samples=len(background))
            explainer = shap.TreeExplainer(final, data=masker, feature_perturbation="interventional")
            values = np.asarray(explainer.shap_values(x, check_additivity=False))
        except Exception:  # noqa: BLE001
            # What it cannot explain it refuses in many ways, with errors of private types; levels are no numbers.
            return None
        base = np.ravel(explainer.expected_value).astype(float)
        scores = self._score(rows)
        if classifier and values.ndim == 3:
            place = self._place()
            return self._added("shap_tree", rows, origins, values[:, :, place], float(base[place]), scores, "score")
        if not classifier:
            return self._added("shap_tree", rows, origins, values, float(base[0]), scores, "score")
        # A booster adds up logarithms of odds; of probabilities its values would only be approximate.
        sign = 1.0 if self._place() == 1 else -1.0
        if not hasattr(final, "decision_function"):
            return None
        margin = sign * np.asarray(final.decision_function(_named(whole, final)), float)
        return self._added("shap_tree", rows, origins, sign * values, sign * float(base[0]), margin, "log_odds")

    def _added(
        self,
        method: str,
        rows: pl.DataFrame,
        origins: list[int],
        values: Floats,
        base: float,
        scores: Floats,
        scale: str,
    ) -> Attributions | None:
        """Return the values by feature; None where they do not add up to the scores."""
        away = np.abs(base + values.sum(axis=1) - scores)
        if (away > _CLOSE * np.maximum(1.0, np.abs(scores))).any():
            return None
        n, d = rows.height, len(rows.columns)
        found = np.zeros((n, d))
        for place, origin in enumerate(origins):
            found[:, origin] += values[:, place]
        names = tuple(rows.columns)
        return Attributions(method, names, rows, found, np.full(n, base), scores, np.zeros((n, d)), np.ones(n), scale)

    def _columns(self, rows: pl.DataFrame) -> Floats:
        """Return rows as the last step sees them."""
        seen: Any = rows if self._opened[0] else rows.to_numpy()
        for step in self._opened[0]:
            seen = seen if step in (None, "passthrough") else step.transform(seen)
        seen = seen.toarray() if hasattr(seen, "toarray") else seen
        return np.asarray(seen, float)

    def _place(self) -> int:
        """Return the place of the class that is explained."""
        names = as_text(pl.Series("class", np.asarray(self._opened[1].classes_))).to_list()
        return names.index(self.of if self.schema.task.spec.class_scores else positive_class(self.schema))


def _named(x: Floats, model: Any) -> Any:
    """Return the numbers with the names that a model was fitted with, if it was with any."""
    names = getattr(model, "feature_names_in_", None)
    return x if names is None else pl.DataFrame(x, schema=[str(name) for name in names])


def _narrowed(x: Floats, model: Any) -> Floats:
    """Return numbers that stay on their side of a tree's thresholds when they are cut to 32 bits, as shap does.

    Histogram boosters split at values of the data, which go left; rounded up they would go right. The other trees of
    scikit-learn round to the nearest themselves.
    """
    if "HistGradientBoosting" not in type(model).__name__:
        return x
    nearest = x.astype(np.float32)
    return np.where(nearest > x, np.nextafter(nearest, np.float32(-np.inf)), nearest).astype(float)


def _origins(steps: Sequence[Any], features: Sequence[int]) -> list[int] | None:
    """Return the feature that each column after some steps belongs to; None where that is not known."""
    found: list[int] | None = list(features)
    for step in steps:
        if found is None:
            return None
        found = _after(step, found)
    return found


def _after(step: Any, columns: list[int]) -> list[int] | None:
    """Return the feature of each column after one step."""
    from sklearn.base import OneToOneFeatureMixin
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    if step in (None, "passthrough") or isinstance(step, OneToOneFeatureMixin):
        return columns
    if isinstance(step, FunctionTransformer) and step.func is None:
        return columns
    if isinstance(step, Pipeline):
        return _origins([inner for _, inner in step.steps], columns)
    if isinstance(step, OneHotEncoder):
        return [column for column, width in zip(columns, _widths(step), strict=True) for _ in range(width)]
    if isinstance(step, ColumnTransformer):
        return _side_by_side(step, columns)
    return None


def _widths(encoder: Any) -> list[int]:
    """Return how many columns a one-hot encoder makes of each feature."""
    merged = getattr(encoder, "infrequent_categories_", [None] * len(encoder.categories_))
    dropped = [None] * len(merged) if encoder.drop_idx_ is None else encoder.drop_idx_
    return [
        len(levels) - (0 if rare is None else len(rare) - 1) - (drop is not None)
        for levels, rare, drop in zip(encoder.categories_, merged, dropped, strict=True)
    ]


def _side_by_side(step: Any, columns: list[int]) -> list[int] | None:
    names = list(getattr(step, "feature_names_in_", []))
    found: dict[int, list[int]] = {}
    for name, transformer, chosen in step.transformers_:
        width = step.output_indices_[name]
        if transformer == "drop" or width.start == width.stop:
            continue
        if not isinstance(chosen, list) or not all(isinstance(c, int) or c in names for c in chosen):
            return None
        after = _after(transformer, [columns[c if isinstance(c, int) else names.index(c)] for c in chosen])
        if after is None or len(after) != width.stop - width.start:
            return None
        found[width.start] = after
    return [column for start in sorted(found) for column in found[start]]


class ByShap:
    """Shapley values by the package shap: exact and fast for linear models and trees, ``shapley`` for all others.

    It needs ``pip install 'watchkeeper[shap]'``.

    References
    ----------
    Lundberg and Lee (2017), arXiv:1705.07874.
    """

    plugin: ClassVar[str] = "explainer"
    name: ClassVar[str] = "shap"

    def of(self, asked: ExplainRequest, *, exact: int, orders: int, seed: int) -> Explainer:
        """Return the explainer of a model; UsageError where the package is not installed."""
        return Shap(asked.model, asked.schema, asked.background, asked.of, asked.predict, exact, orders, seed)

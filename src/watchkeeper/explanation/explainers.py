"""The ways to explain that need no further package."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.explanation.explainer import Explainer, ExplainRequest
from watchkeeper.explanation.lime import Lime
from watchkeeper.explanation.shapley_values import ShapleyValues

__all__ = ["ByLime", "ByShapley"]


class ByShapley:
    """Interventional Shapley values: exact for models of few features, from drawn orders with their error for others.

    References
    ----------
    Štrumbelj and Kononenko (2014), Explaining prediction models and individual predictions with feature contributions,
    doi:10.1007/s10115-013-0679-x.
    """

    plugin: ClassVar[str] = "explainer"
    name: ClassVar[str] = "shapley"

    def of(self, asked: ExplainRequest, *, exact: int, orders: int, seed: int) -> Explainer:
        """Return the explainer of a model."""
        return ShapleyValues(asked.predict, asked.background, most_exact=exact, orders=orders, seed=seed)


class ByLime:
    """A weighted linear surrogate around each row, with its fidelity.

    References
    ----------
    Ribeiro, Singh, Guestrin (2016), "Why should I trust you?", doi:10.1145/2939672.2939778.
    """

    plugin: ClassVar[str] = "explainer"
    name: ClassVar[str] = "lime"

    def of(self, asked: ExplainRequest, *, exact: int, orders: int, seed: int) -> Explainer:
        """Return the explainer of a model; it is never exact."""
        return Lime(asked.predict, asked.background, seed=seed)

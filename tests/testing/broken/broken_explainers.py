"""Ways to explain of another package: one that keeps its promises, and others that each break one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import polars as pl

from watchkeeper.explanation.explainer import Attributions, ExplainRequest
from watchkeeper.explanation.shapley_values import ShapleyValues


class _Explainer:
    def __init__(self, way: Any, inner: ShapleyValues) -> None:
        self.way, self.inner = way, inner

    def explain(self, rows: pl.DataFrame) -> Attributions:
        return self.way.spoilt(self.inner.explain(rows))


class FairValues:
    """Shapley values, handed on as they are."""

    plugin: ClassVar[str] = "explainer"
    name: ClassVar[str] = "fair_values"

    def of(self, asked: ExplainRequest, *, exact: int, orders: int, seed: int) -> Any:
        return _Explainer(self, ShapleyValues(asked.predict, asked.background, exact, orders, self.drawn(seed)))

    def drawn(self, seed: int) -> int:
        return seed

    def spoilt(self, found: Attributions) -> Attributions:
        return found


class Doubled(FairValues):
    """Values that are twice what they should be."""

    plugin: ClassVar[str] = "explainer"
    name: ClassVar[str] = "doubled"

    def spoilt(self, found: Attributions) -> Attributions:
        return replace(found, values=2 * found.values)


class EvenShares(FairValues):
    """Shares out evenly what the score differs by: it adds up, and gives to those who did nothing."""

    plugin: ClassVar[str] = "explainer"
    name: ClassVar[str] = "even_shares"

    def spoilt(self, found: Attributions) -> Attributions:
        d = found.values.shape[1]
        return replace(found, values=np.repeat(found.values.sum(axis=1, keepdims=True) / d, d, axis=1))


class Unseeded(FairValues):
    """Draws other orders each time."""

    plugin: ClassVar[str] = "explainer"
    name: ClassVar[str] = "unseeded"

    def drawn(self, seed: int) -> int:
        return int(np.random.default_rng().integers(2**31))


class FirstComesFirst(FairValues):
    """Gives to the first of two features what both brought about."""

    plugin: ClassVar[str] = "explainer"
    name: ClassVar[str] = "first_comes_first"

    def spoilt(self, found: Attributions) -> Attributions:
        values = found.values.copy()
        if "unused" in found.features:
            values[:, 0] += values[:, 1]
            values[:, 1] = 0.0
        return replace(found, values=values)


class Boundless(FairValues):
    """Says nothing of its errors."""

    plugin: ClassVar[str] = "explainer"
    name: ClassVar[str] = "boundless"

    def spoilt(self, found: Attributions) -> Attributions:
        return replace(found, errors=np.full_like(found.errors, np.nan))

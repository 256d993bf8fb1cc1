"""How far vectors lie from their mean, against those of the reference."""

from __future__ import annotations

from math import exp, inf, log, sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.second_moments import both_sides, evidence_of
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.covariance import CovariancePart

__all__ = ["VectorSpread"]

_SURE = 4.0
_NOTHING = 1e-12


class VectorSpread:
    """√(tr C / tr C0): 0 where all vectors are one, such as zero, and 2 where they are twice as long.

    The mean of centred vectors does not move when they are scaled or lost, so that ``mean_shift`` is blind to it. The
    ratio is 1 where it lies within four standard errors of it, by Var tr C = 2·tr C² / n, which holds for normal
    vectors.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "vector_spread"
    identical: ClassVar[float] = 1.0
    needs: ClassVar[tuple[str, ...]] = ("covariance",)

    def applies(self, column: Column) -> bool:
        """Speak of vectors."""
        return column.kind is Kind.VECTOR

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the ratio."""
        sides = both_sides(self.name, reference, current)
        if isinstance(sides, Measurement):
            return sides
        (before, error0), (now, error) = map(_spread, sides)
        if before <= 0:
            told = "nothing varies in the reference"
            return Measurement.missing(current.key, Family.COMPARISON, self.name, told, n=sides[1].n)
        ratio = sqrt(now / before) if now > _NOTHING * before else 0.0
        half_width = sqrt(error0**2 + error**2) / 2
        away = abs(log(ratio)) if ratio else inf
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, ratio if away > _SURE * half_width else 1.0, sides[1].n,
            interval=(ratio * exp(-2 * half_width), ratio * exp(2 * half_width)), evidence=evidence_of(*sides),
        )  # fmt: skip

    def describe(self, measurement: Measurement) -> str:
        """Say how far vectors lie from their mean now."""
        ratio = measurement.value or 0.0
        return f"holds vectors spread {ratio:.3g} times as far as before" if ratio else "holds one vector in all rows"


def _spread(part: CovariancePart) -> tuple[float, float]:
    """Return tr C, and its standard error as a share of it."""
    covariance = np.asarray(part.covariance)
    trace = float(np.trace(covariance))
    return trace, sqrt(2 * float((covariance**2).sum()) / max(part.n, 1)) / trace if trace > 0 else 0.0

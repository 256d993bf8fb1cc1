"""A test that must be significant at the budget and whose effect must matter."""

from __future__ import annotations

from math import log, sqrt
from typing import ClassVar

from scipy.special import gammaincc, ndtr, ndtri

from watchkeeper.charts.chart import ChartMemory, Options
from watchkeeper.core.evidence import Evidence, SumOfSquares
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Basis, Signal, Zone

__all__ = ["Significance"]

_LEAST = 1e-300


class Significance:
    """Signals when the p-value of a measurement is at most 1/(p·A) and its value exceeds the tolerance.

    The p-value is that of the measurement's evidence, made under the null that nothing changed at all; p is the number
    of series judged together and A the run length to a false alarm in windows. At a large sample any change is
    significant, so the value must also be above ``tolerance``, in its own unit; at 0 significance alone decides. The
    average run length over all series is at least A as long as the p-values are valid for windows one by one. A design
    effect φ, given or measured on the windows of the reference, divides the z behind the p-value by √φ. With ``known``
    set to 1 a point is judged only where it was measured.

    Where another signal of the same window says that the model's answers or labels have drifted, the p-value need only
    be at most ``beside``, if that is above 0: no alarm is raised that there would not be anyway. A measurement whose
    label coverage is below ``min_coverage`` is not judged.

    A p-value k·2Φ(-z) of the largest of k differences says so by ``among``: the z of the one is divided, not that of
    all k together. Where a measurement states the ``squares`` behind its p-value, their sum is divided by φ, and its
    tail is that of a χ² with the same three moments.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "significance"
    defaults: ClassVar[Options] = {
        "tolerance": 0.0, "run_length": 1_000.0, "series": 1.0, "design_effect": 1.0, "known": 0.0,
        "beside": 0.0, "min_coverage": 0.0,
    }  # fmt: skip

    def step(
        self, memory: ChartMemory | None, measurement: Measurement, options: Options
    ) -> tuple[ChartMemory, Signal]:
        """Judge the point; the rule needs no memory."""
        memory = memory or ChartMemory()
        chosen = {**self.defaults, **options}
        evidence = measurement.evidence
        if measurement.status is not Status.OK or measurement.value is None or evidence.p_value is None:
            return memory, Signal(measurement, self.name)
        if float(chosen["known"]) and evidence.size.design_effect is None:
            return memory, Signal(measurement, self.name)
        if evidence.labels is not None and evidence.labels.coverage < float(chosen["min_coverage"]):
            return memory, Signal(measurement, self.name)
        effect = max(1.0, float(chosen["design_effect"]), evidence.size.design_effect or 1.0)
        p_value, delta = max(_deflated(evidence, evidence.p_value, effect), _LEAST), float(chosen["tolerance"])
        alpha = 1 / (float(chosen["series"]) * float(chosen["run_length"]))
        beyond = p_value <= alpha and measurement.value > delta
        share = log(p_value) / log(alpha) if alpha < 1 else 1.0
        inside = Zone.WITHIN_1 if share <= 1 / 3 else Zone.WITHIN_2 if share <= 2 / 3 else Zone.WITHIN_3
        zone = Zone.BEYOND if beyond else inside
        # Where the number is the p-value itself, its limit is the level; else it is the change that does not matter.
        lower, upper = (alpha, None) if measurement.value == evidence.p_value else (None, delta)
        return memory, Signal(
            measurement, self.name, None, lower, upper, zone, "significant" if beyond else "", 3 * share, p_value,
            fired=beyond, basis=Basis(p_value, alpha, delta) if beyond else None,
        )  # fmt: skip


def _deflated(evidence: Evidence, p_value: float, effect: float) -> float:
    """Return the p-value of rows worth 1/φ each: of a sum of squares, else of the largest of differences by its z."""
    if effect > 1 and evidence.squares is not None:
        return _of_squares(evidence.squares, effect)
    if effect <= 1:
        return p_value
    # A p-value too small for a number is no reason to forget the effect.
    among, p_value = max(1.0, float(evidence.among)), max(p_value, _LEAST)
    return min(1.0, float(among * 2 * ndtr(ndtri(p_value / among / 2) / sqrt(effect))))


def _of_squares(null: SumOfSquares, effect: float) -> float:
    """Return the tail of a sum of squares over φ by Pearson's three moments."""
    degrees_of_freedom = null.degrees_of_freedom
    squares = degrees_of_freedom + (null.ratio / effect - 1) * null.steepness * sqrt(degrees_of_freedom)
    return float(gammaincc(degrees_of_freedom / 2, squares / 2)) if squares > 0 else 1.0

"""Stated limits are judged as they stand, or only where the distribution moved."""

from __future__ import annotations

import math

from watchkeeper.charts.fixed import Fixed
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement

UNIT = {"lower": 0.99, "upper": 1.01, "distance": "before", "run_length": 1_000.0, "series": 30.0}


def ratio(value: float, before: float, effect: float = 1.0) -> Measurement:
    evidence = Evidence(size=Size(None, 500.0, effect), distance=before)
    return Measurement(Family.COMPARISON, "unit_change", value, 500, evidence=evidence)


def test_a_value_beyond_a_limit_signals():
    assert Fixed().step(None, ratio(1.6, 0.1), {"lower": 0.99, "upper": 1.01})[1].fired
    assert not Fixed().step(None, ratio(1.0, 0.9), {"lower": 0.99, "upper": 1.01})[1].fired


def test_a_ratio_counts_only_where_the_distance_passes_the_limit_of_the_window_rule():
    """.05 + √(ln(2·30·1,000)/(2·500)) = .155, and at a design effect of ten .05 + .332 = .382."""
    limit = 0.05 + math.sqrt(math.log(60_000) / 1_000)
    for effect, edge in ((1.0, limit), (10.0, 0.05 + (limit - 0.05) * math.sqrt(10))):
        assert Fixed().step(None, ratio(1.6, edge + 0.001, effect), UNIT)[1].fired
        assert not Fixed().step(None, ratio(1.6, edge - 0.001, effect), UNIT)[1].fired

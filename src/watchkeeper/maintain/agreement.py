"""How two models answer the same rows beside what it costs: how often otherwise, and how well calibrated."""

from __future__ import annotations

import numpy as np
import polars as pl

from watchkeeper.core.ground import Ground
from watchkeeper.core.schema import Role, Schema
from watchkeeper.maintain.paired import mean_difference
from watchkeeper.maintain.terms import days_of, read_answers

__all__ = ["flips", "miscalibration"]

_MISCALIBRATED = 0.05
"""Share of the label's standard deviation by which the mean score may miss the share of positives."""


def flips(champion: pl.DataFrame, challenger: pl.DataFrame, schema: Schema) -> float | None:
    """Return on which share of rows the two answer another class; None where answers are no classes."""
    first, second = (read_answers(rows, schema).prediction for rows in (champion, challenger))
    if first is None or second is None or not schema.task.spec.scored:
        return None
    both = np.isfinite(first) & np.isfinite(second)
    return float(np.mean(first[both] != second[both])) if both.any() else None


def miscalibration(
    champion: pl.DataFrame, challenger: pl.DataFrame, schema: Schema, level: float, correlation: float | None
) -> Ground | None:
    """Return by how much the challenger's mean score misses the share of positives, where that is shown to be much."""
    answered = [read_answers(rows, schema) for rows in (champion, challenger)]
    if not schema.task.spec.two_classes or answered[1].score is None:
        return None
    label, days = answered[0].label, days_of(champion, schema)
    gaps = []
    for one in answered:
        score = np.full_like(label, np.nan) if one.score is None else one.score
        known = np.isfinite(label) & np.isfinite(score)
        gaps.append(mean_difference(score[known], label[known], None if days is None else days[known], correlation))
    allowed = _MISCALIBRATED * float(np.nanstd(label))
    before, after = abs(gaps[0].gain), abs(gaps[1].gain)
    least = abs(after) - (gaps[1].gain - gaps[1].lower(level))
    if not least > max(allowed, 0.0 if np.isnan(before) else before):
        return None
    return Ground(
        "miscalibrated", schema.name_of(Role.SCORE) or "score", before=before, after=after, value=gaps[1].gain,
        error=gaps[1].error, limit=allowed, n=gaps[1].n,
    )  # fmt: skip

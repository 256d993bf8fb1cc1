"""How much the answers of a model go with each column, from the rows that the reference keeps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.schema import ALL, Role
from watchkeeper.stats.row_sample import RowSamplePart
from watchkeeper.views.findings import Findings

__all__ = ["answer_shares"]

_BINS, _FEWEST, _MOST_LEVELS = 8, 100, 40


def answer_shares(findings: Findings) -> Mapping[str, float]:
    """Return for each feature the share of the variance of the answers that it explains by itself, from 0 to 1.

    The correlation ratio η² of the score, or else of a numeric prediction, over eight bins of equal size or the levels
    of the feature, less what chance gives, (k - 1) / (n - 1). No model is asked; features that matter only together
    count for less than they do.

    References
    ----------
    Kelley (1935), An unbiased correlation ratio measure, https://doi.org/10.1073/pnas.21.9.554
    """
    frame, schema = _rows(findings), findings.schema
    if schema is None or frame is None:
        return {}
    roles = (Role.SCORE, Role.PREDICTION)
    names = (schema.name_of(role) for role in roles)
    answer = next((n for n in names if n in frame.columns and frame[n].dtype.is_numeric()), None)
    if answer is None:
        return {}
    scores = frame[answer].cast(pl.Float64).to_numpy()
    known = np.isfinite(scores)
    if known.sum() < _FEWEST or not scores[known].std():
        return {}
    features = (c.name for c in schema if c.role is Role.FEATURE and c.name in frame.columns)
    return {name: _ratio(_groups(frame[name])[known], scores[known]) for name in features}


def _rows(findings: Findings) -> pl.DataFrame | None:
    parts = (s.parts.get("row_sample") for k, s in findings.reference.items() if k.segment == ALL)
    return next((part.frame for part in parts if isinstance(part, RowSamplePart)), None)


def _groups(values: pl.Series) -> NDArray[np.int64]:
    """Return the group of each row: bins of equal size, or the commonest levels; missing values are one group."""
    if not values.dtype.is_numeric():
        codes = values.cast(pl.String, strict=False).fill_null("").rank("dense").to_numpy()
        common = np.argsort(-np.bincount(codes))[:_MOST_LEVELS]
        return np.where(np.isin(codes, common), codes, 0).astype(np.int64)
    numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    finite = np.isfinite(numbers)
    if not finite.any():
        return np.zeros(len(numbers), np.int64)
    edges = np.unique(np.quantile(numbers[finite], np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.where(finite, np.searchsorted(edges, numbers, side="right") + 1, 0).astype(np.int64)


def _ratio(groups: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
    counts = np.bincount(groups)
    sums = np.bincount(groups, weights=scores)
    used = counts > 0
    mean, n, k = float(scores.mean()), len(scores), int(used.sum())
    between = float((counts[used] * (sums[used] / counts[used] - mean) ** 2).sum())
    whole = float(((scores - mean) ** 2).sum())
    return max(0.0, between / whole - (k - 1) / (n - 1))

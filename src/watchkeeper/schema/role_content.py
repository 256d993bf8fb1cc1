"""Whether the values of a column fit the role that its name suggests."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from watchkeeper.core.schema import Role
from watchkeeper.schema.event_time import compact_moments, is_moment_text
from watchkeeper.schema.identifiers import is_whole
from watchkeeper.schema.kinds import finite_numbers, is_probability, type_name
from watchkeeper.schema.label_sets import is_label_set

__all__ = ["FITS"]


def _fits_id(series: pl.Series) -> str | None:
    if not (is_whole(series) or series.dtype == pl.String) or not len(series) or series.null_count():
        return None
    share = series.n_unique() / len(series)
    if share < 0.95:
        return None
    return "all different" if share == 1 else f"{share:.1%} of the values different; the others are doubled"


def _fits_time(series: pl.Series) -> str | None:
    if series.dtype in (pl.Datetime, pl.Date):
        return f"holds {type_name(series.dtype)}"
    if series.dtype == pl.String and is_moment_text(series):
        return "holds ISO 8601 text"
    values = finite_numbers(series) if series.dtype.is_numeric() else pl.Series([], dtype=pl.Float64)
    if len(values) and compact_moments(values.cast(pl.Float64)) is not None:
        return "holds days or seconds of the calendar, each as one number"
    plausible = len(values) > 0 and bool(((values > 6e8) & (values < 5e18)).all())
    return "holds seconds, or parts of them, since 1970" if plausible else None


def _fits_prediction(series: pl.Series) -> str | None:
    lists = series.dtype.is_nested() and not is_label_set(series)
    return None if lists or series.dtype.is_temporal() else f"holds {type_name(series.dtype)}"


def _fits_score(series: pl.Series) -> str | None:
    return "lies in [0, 1]" if is_probability(series) else None


def _fits_latency(series: pl.Series) -> str | None:
    if isinstance(series.dtype, pl.Duration):
        return "holds lengths of time"
    values = finite_numbers(series) if series.dtype.is_numeric() else pl.Series([], dtype=pl.Float64)
    return "is never negative" if len(values) and not bool((values < 0).any()) else None


def _fits_version(series: pl.Series) -> str | None:
    plain = not (series.dtype.is_nested() or series.dtype.is_temporal())
    distinct = series.n_unique()
    return f"holds {distinct} different values" if plain and distinct <= 100 else None


FITS: Mapping[Role, Callable[[pl.Series], str | None]] = {
    Role.ID: _fits_id,
    Role.TIME: _fits_time,
    Role.PREDICTION: _fits_prediction,
    Role.SCORE: _fits_score,
    Role.LABEL: _fits_prediction,
    Role.LATENCY: _fits_latency,
    Role.VERSION: _fits_version,
    Role.LABEL_TIME: _fits_time,
    Role.GROUP: _fits_version,
}
"""By role, says in words why the values of a column fit it; None where they do not."""

"""Rows of the log as numbers that a framework can learn from; part of the model, and saved with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, near_miss
from watchkeeper.schema.kinds import as_text

__all__ = ["Preparation", "Use", "prepare"]

NUMBER, LEVEL, TEXT, VECTOR = "number", "level", "text", "vector"

_MOST_LEVELS = 50
_FEWEST_OF_LEVEL = 5
_MOST_WORDS = 5_000

Use = tuple[str, str]
"""A feature, and what it is used as: number, level, text or vector."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """Imputation, encoding, scaling and text vectorising, as they were learned with a model.

    Parameters
    ----------
    uses
        What each feature is used as; empty where the transformer takes the rows as they are.
    transformer
        A fitted transformer of scikit-learn; None where numbers go in as they are.
    widths
        How many numbers a vector has, by feature.
    """

    uses: tuple[Use, ...]
    transformer: Any
    widths: tuple[tuple[str, int], ...] = ()

    def transform(self, rows: pl.DataFrame) -> Any:
        """Return rows by prepared columns.

        Raises
        ------
        SchemaError
            When a feature is missing, or is no number where it has to be.
        """
        taken = _typed(rows, self.uses, dict(self.widths)) if self.uses else rows
        if self.transformer is not None:
            return _floats(self.transformer.transform(taken))
        return _numbers(taken)


def prepare(rows: pl.DataFrame, uses: Sequence[Use], *, scaled: bool) -> Preparation:
    """Learn how to prepare rows.

    Numbers go in as they are, NaN where they are missing; ``scaled`` puts the median in place of those, adds a column
    that says so, and brings all to mean 0 and standard deviation 1. Levels become a column each, rare and unseen ones
    (fewer than 5 rows, or beyond 50 levels) one together. Texts become weighted counts of at most 5,000 words each.

    Parameters
    ----------
    uses
        What each feature is used as.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    widths = {name: _width(series_named(rows, name)) for name, use in uses if use == VECTOR}
    numbers = [column for name, use in uses for column in _columns(name, use, widths)]
    levels = [name for name, use in uses if use == LEVEL]
    parts: list[tuple[str, Any, Any]] = []
    if numbers:
        imputed = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
        )
        parts.append(("numbers", imputed if scaled else FunctionTransformer(), numbers))
    if levels:
        encoder = OneHotEncoder(
            handle_unknown="infrequent_if_exist", min_frequency=min(_FEWEST_OF_LEVEL, max(1, rows.height // 20)),
            max_categories=_MOST_LEVELS, sparse_output=False,
        )  # fmt: skip
        parts.append(("levels", encoder, levels))
    parts += [(f"text {name}", TfidfVectorizer(max_features=_MOST_WORDS), name) for name, use in uses if use == TEXT]
    transformer = ColumnTransformer(parts, sparse_threshold=0.3).fit(_typed(rows, uses, widths))
    return Preparation(tuple(uses), transformer, tuple(widths.items()))


def _typed(rows: pl.DataFrame, uses: Sequence[Use], widths: dict[str, int]) -> pl.DataFrame:
    """Return the features in the types that a transformer is fitted on, without nulls."""
    for name, _ in uses:
        if name not in rows.columns:
            raise SchemaError(f"the model needs the feature {name!r}; {near_miss(name, rows.columns)}")
    found: list[pl.Series] = []
    for name, use in uses:
        series = series_named(rows, name)
        if use == NUMBER:
            found.append(_number(series))
        elif use == VECTOR:
            lists = series.cast(pl.List(pl.Float64))
            found += [
                lists.list.get(i, null_on_oob=True).fill_null(float("nan")).alias(column)
                for i, column in enumerate(_columns(name, use, widths))
            ]
        else:
            found.append(as_text(series).fill_null(""))
    return pl.DataFrame(found)


def _number(series: pl.Series) -> pl.Series:
    if series.dtype == pl.Date or isinstance(series.dtype, pl.Datetime):
        series = series.cast(pl.Datetime("us")).dt.epoch("us") / 1e6
    elif isinstance(series.dtype, pl.Duration):
        series = series.dt.total_microseconds() / 1e6
    try:
        return series.cast(pl.Float64).fill_null(float("nan"))
    except pl.exceptions.PolarsError as error:
        raise SchemaError(f"feature {series.name!r} holds {series.dtype}, where numbers were expected") from error


def _numbers(rows: pl.DataFrame) -> Any:
    return (
        np.column_stack([_number(series).to_numpy() for series in rows.get_columns()]) if rows.width else _empty(rows)
    )


def _empty(rows: pl.DataFrame) -> Any:
    return np.empty((rows.height, 0))


def _floats(x: Any) -> Any:
    return x if hasattr(x, "tocsr") else np.asarray(x, dtype=np.float64)


def _width(series: pl.Series) -> int:
    longest = series.cast(pl.List(pl.Float64)).list.len().max()
    return int(longest) if isinstance(longest, int) else 0


def _columns(name: str, use: str, widths: dict[str, int]) -> list[str]:
    if use == VECTOR:
        return [f"{name}[{i}]" for i in range(widths[name])]
    return [name] if use == NUMBER else []

"""Columns of a frame by their names, whatever the names are."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

__all__ = ["callable_series", "column_named", "columns_named", "doubled_name", "has_column", "series_named"]


def column_named(name: str) -> pl.Expr:
    """Return the column of exactly this name; ``pl.col`` reads ``*`` and ``^.*$`` as patterns.

    Examples
    --------
    >>> pl.DataFrame({"*": [1], "a": [2]}).select(column_named("*") + 1).to_dict(as_series=False)
    {'*': [2]}
    """
    return pl.selectors.by_name(name).as_expr()


def columns_named(names: Iterable[str]) -> pl.selectors.Selector:
    """Return the columns of exactly these names, in their order, for ``select``, ``drop`` and the like.

    ``select``, ``drop``, ``unique``, ``join`` and ``partition_by`` read texts as patterns too.

    Examples
    --------
    >>> pl.DataFrame({"^a.*$": [1], "ab": [2]}).drop(columns_named(["^a.*$"])).columns
    ['ab']
    """
    return pl.selectors.by_name(list(names))


def series_named(frame: pl.DataFrame, name: str) -> pl.Series:
    """Return the column of exactly this name as a Series whose methods can be called.

    Methods of a Series ask ``pl.col`` for its name, so that those of one called ``^a.*$`` find nothing; such a Series
    gets a blank behind its name, and whoever puts it into a frame again names it.

    Examples
    --------
    >>> series_named(pl.DataFrame({"^a.*$": [1, None]}), "^a.*$").fill_null(2).to_list()
    [1, 2]
    """
    return callable_series(frame.get_column(name))


def has_column(frame: pl.DataFrame, name: str) -> bool:
    """Return whether there is a column of exactly this name, without a list of all names for every question.

    Examples
    --------
    >>> has_column(pl.DataFrame({"a": [1]}), "a"), has_column(pl.DataFrame({"a": [1]}), "*")
    (True, False)
    """
    return frame.get_column(name, default=None) is not None


def doubled_name(names: Iterable[str]) -> str | None:
    """Return the first name that comes a second time; None where none does.

    Examples
    --------
    >>> doubled_name(["a", "b", "a", "b"])
    'a'
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def callable_series(series: pl.Series) -> pl.Series:
    """Return a Series under a name that is no pattern."""
    name = series.name
    return series.alias(f"{name} ") if name.startswith("^") and name.endswith("$") else series

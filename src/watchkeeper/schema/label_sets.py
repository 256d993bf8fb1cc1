"""Lists of classes, in whatever form a log writes them, as one text that is equal for equal sets."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from watchkeeper.core.errors import SchemaError
from watchkeeper.schema.kinds import type_name

__all__ = ["canonical", "is_label_set", "members", "sets_of"]

_LIST = r"^\s*\[.*\]\s*$"


def is_label_set(series: pl.Series) -> bool:
    """Return whether a column holds lists of single values that are no measurements, or such lists as JSON."""
    if isinstance(series.dtype, (pl.List, pl.Array)):
        inner = series.dtype.inner
        return not (inner.is_nested() or inner.is_float() or inner == pl.Null)
    known = series.drop_nulls()
    if series.dtype != pl.String or not len(known) or not known.str.contains(_LIST).all():
        return False
    try:
        found = sets_of(known).dtype
    except SchemaError:
        return False
    return isinstance(found, pl.List) and not found.inner.is_nested()


def sets_of(series: pl.Series) -> pl.Series:
    """Return a column of lists, or of JSON texts of lists, as lists of texts without doubles, sorted; null stays null.

    Raises
    ------
    SchemaError
        When it holds anything else.
    """
    if series.dtype == pl.Null:
        return series.cast(pl.List(pl.String))
    lists = series
    if series.dtype == pl.String:
        try:
            lists = series.str.json_decode(pl.List(pl.String))
        except pl.exceptions.PolarsError:
            raise SchemaError(f"column {series.name!r} holds text that is no list, where lists were expected") from None
    if isinstance(lists.dtype, pl.Array):
        lists = lists.arr.to_list()
    if not isinstance(lists.dtype, pl.List):
        raise SchemaError(f"column {series.name!r} holds {type_name(series.dtype)}, where lists were expected")
    if lists.dtype.inner != pl.String:
        lists = lists.cast(pl.List(pl.String))
    return lists.list.drop_nulls().list.unique().list.sort()


def members(columns: Iterable[pl.Series]) -> set[str]:
    """Return every class that occurs in columns of lists."""
    return {name for series in columns for name in sets_of(series).explode().drop_nulls().unique().to_list()}


def canonical(series: pl.Series) -> pl.Series:
    """Return lists of classes as JSON text, the classes sorted and each once, so that equal sets are equal texts.

    Examples
    --------
    >>> canonical(pl.Series("y", [["b", "a"], [], None])).to_list()
    ['["a","b"]', '[]', None]
    """
    name = pl.element().str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    quoted = sets_of(series).list.eval(pl.concat_str(pl.lit('"'), name, pl.lit('"'))).list.join(",")
    return pl.select(pl.concat_str(pl.lit("["), quoted, pl.lit("]"))).to_series().alias(series.name)

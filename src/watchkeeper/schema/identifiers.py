"""Which columns only tell rows or things apart: ids in any spelling, and indexes that were saved."""

from __future__ import annotations

import re

import polars as pl

from watchkeeper.schema.names import words_of

__all__ = ["identifies", "is_saved_index", "is_whole", "named_id"]

_INDEX = re.compile(
    r"unnamed:? ?\d+([._]\d+)*|index|level_\d+|__index_level_\d+__|idx|row_?(id|index|no|nr|num|number)"
    r"|#|n[or]\.?|s[rl]?[._ ]?no\.?"
)
_ENDINGS = ("id", "ids", "uuid", "guid", "identifier", "uid")
_OF_THINGS = (
    "account", "article", "asset", "booking", "card", "case", "claim", "client", "contract", "cookie", "customer",
    "cust", "device", "document", "driver", "employee", "event", "item", "listing", "loan", "machine", "member",
    "merchant", "message", "order", "passenger", "patient", "payment", "person", "policy", "product", "prod",
    "record", "request", "row", "sample", "seller", "sensor", "session", "store", "subject", "ticket", "trans",
    "transaction", "trip", "user", "vehicle", "visit", "visitor",
)  # fmt: skip
"""What an id is of where nothing stands between the two words, as in ``customerid``."""

_UUID = r"^[{(]?[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}(-?)[0-9a-fA-F]{4}(-?)[0-9a-fA-F]{4}(-?)[0-9a-fA-F]{12}[})]?$"
_NEARLY_ALL = 0.95
_NEW = 0.05
_LEVELS = 1_000
_WHOLE = 2.0**53


def is_saved_index(series: pl.Series) -> bool:
    """Return whether a column is the index of a table that was written out with it: its name says so, and it counts.

    A name such as ``Unnamed: 0`` or ``__index_level_0__``, which only a saved index has, takes different whole numbers;
    a name such as ``index`` takes numbers that go up by one from row to row.
    """
    name = series.name.strip().lower()
    if not _INDEX.fullmatch(name) or not is_whole(series) or series.null_count() or len(series) < 2:
        return False
    numbers = series.cast(pl.Float64)
    if name.startswith(("unnamed", "__index_level", "level_")):
        return numbers.n_unique() == len(numbers)
    # A sample of a long table has gaps, which are whole steps of the same way.
    steps = numbers.diff().drop_nulls()
    return bool((steps > 0).all())


def identifies(series: pl.Series) -> str:
    """Say why a column tells things apart; empty where it does not.

    It is called an id and its values keep coming: more than one in twenty rows holds a value that no other row has, so
    that by the estimate of Good and Turing as many rows to come hold one that never was; or it has more than a
    thousand. Universally unique identifiers are ids under any name.

    References
    ----------
    Good (1953), The population frequencies of species, doi:10.1093/biomet/40.3-4.237.
    """
    known = series.drop_nulls()
    if series.dtype == pl.String and len(known):
        share = known.str.contains(_UUID).mean()
        if isinstance(share, float) and share >= _NEARLY_ALL:
            return "universally unique identifiers"
    if not _called_id(series.name) or not (is_whole(series) or series.dtype in (pl.String, pl.Binary)):
        return ""
    distinct = known.n_unique() if len(known) else 0
    alone = int(known.is_unique().sum()) if len(known) else 0
    if alone <= _NEW * len(known) and distinct <= _LEVELS:
        return ""
    return f"named like an identifier, {distinct} different values in {len(known)} rows"


def named_id(series: pl.Series) -> bool:
    """Return whether a column of whole numbers is called an id: few values are then codes and no quantities."""
    return _called_id(series.name) and is_whole(series)


def _called_id(name: str) -> bool:
    words = words_of(name)
    if not words:
        return False
    if words[-1] in _ENDINGS or (len(words) > 1 and words[0] in ("id", "uuid", "guid")):
        return True
    return any(words[-1] == thing + ending for thing in _OF_THINGS for ending in _ENDINGS)


def is_whole(series: pl.Series) -> bool:
    """Return whether a column holds whole numbers, of whichever type."""
    dtype = series.dtype
    if dtype.is_integer() or (isinstance(dtype, pl.Decimal) and not dtype.scale):
        return True
    if not dtype.is_float():
        return False
    # Whole numbers become floats where a table had a null among them.
    known = series.drop_nulls().drop_nans()
    return len(known) > 0 and bool(((known == known.floor()) & (known.abs() < _WHOLE)).all())

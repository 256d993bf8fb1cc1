"""How the values of a column are to be summarised, and the map of its histogram, read off a sample."""

from __future__ import annotations

import re
from math import isfinite

import polars as pl

from watchkeeper.core.schema import Kind, NumericMap
from watchkeeper.schema.identifiers import identifies, named_id

__all__ = [
    "MARK",
    "ROUNDING",
    "as_text",
    "finite_numbers",
    "is_probability",
    "kind_of",
    "map_of",
    "type_name",
    "unusable_reason",
]

_CODE = re.compile(
    r"(^|[_\W])(code|codes|class|category|cat|type|kind|flag|status|zip|zipcode|postcode|postal)([_\W]|$)"
)
_CODES = 1_000
_FEW = 20
_MANY = 1_000
_WIDEST = 1e300
MARK = "unusable: "
"""How the one field of the type of a column that cannot be used begins."""

_LOOKED_AT = 2_000
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"


def type_name(dtype: pl.DataType | str) -> str:
    """Return what to call a type in a message: its name without its parameters, which may be hundreds of categories.

    Examples
    --------
    >>> type_name(pl.Datetime("us", "UTC")), type_name("List(Int64)")
    ('Datetime', 'List')
    """
    reason = unusable_reason(dtype) if isinstance(dtype, pl.DataType) else None
    return reason or str(dtype).partition("(")[0]


def unusable_reason(dtype: pl.DataType) -> str | None:
    """Return what a column that cannot be used holds, where the type of its place says so."""
    fields = dtype.fields if isinstance(dtype, pl.Struct) else []
    marked = len(fields) == 1 and fields[0].dtype == pl.Null and fields[0].name.startswith(MARK)
    return fields[0].name.removeprefix(MARK) if marked else None


def as_text(series: pl.Series) -> pl.Series:
    """Return single values as text; whole floats lose their ``.0`` so that 1 and 1.0 are one level."""
    if series.dtype == pl.Binary:
        return series.bin.encode("hex")
    if series.dtype == pl.Duration:
        return series.dt.to_string("iso")
    if not series.dtype.is_float():
        return series.cast(pl.String)
    whole = (series.is_finite() & (series == series.floor()) & (series.abs() < 2**53)).fill_null(False)
    return series.cast(pl.String).zip_with(~whole, series.cast(pl.Int64, strict=False).cast(pl.String))


def kind_of(series: pl.Series) -> tuple[Kind, str]:
    """Return the kind of a column and, in words, why.

    Parameters
    ----------
    series
        A sample of the column under its own name.
    """
    dtype = series.dtype
    if isinstance(dtype, (pl.List, pl.Array)) and dtype.inner.is_numeric():
        return _kind_of_lists(series)
    if dtype.is_nested() or dtype == pl.Object:
        why = "" if unusable_reason(dtype) is not None else ", which has no single values"
        return Kind.UNUSABLE, f"holds {type_name(dtype)}{why}"
    if dtype == pl.Boolean:
        return Kind.BOOLEAN, "true or false"
    if dtype in (pl.Date, pl.Datetime):
        return Kind.TIME, "dates or times"
    if dtype in (pl.Duration, pl.Time):
        return Kind.NUMERIC, "lengths of time, in seconds"
    if dtype == pl.Null:
        return Kind.CATEGORICAL, "holds nulls only"
    return _kind_of_values(series)


def _kind_of_values(series: pl.Series) -> tuple[Kind, str]:
    why = identifies(series)
    if why:
        return Kind.IDENTIFIER, why
    if not series.dtype.is_numeric():
        return _kind_of_text(series)
    if named_id(series):
        return Kind.CATEGORICAL, "whole numbers, named like an identifier, with few values: codes"
    return _kind_of_numbers(series)


def _kind_of_numbers(series: pl.Series) -> tuple[Kind, str]:
    if series.dtype.is_integer():
        distinct = series.n_unique() - (series.null_count() > 0)
        if _CODE.search(series.name.lower()) and distinct <= _CODES:
            return Kind.CATEGORICAL, f"whole numbers with {distinct} values, and a name that says they are codes"
        return Kind.NUMERIC, f"whole numbers with {distinct} values"
    return Kind.NUMERIC, "numbers"


def _kind_of_lists(series: pl.Series) -> tuple[Kind, str]:
    lengths = series.drop_nulls().cast(pl.List(pl.Float64)).list.len().unique().sort()
    if not len(lengths) or lengths[-1] == 0:
        return Kind.UNUSABLE, f"holds {type_name(series.dtype)} without numbers"
    if len(lengths) > 1:
        return Kind.UNUSABLE, f"holds lists of {lengths[0]} to {lengths[-1]} numbers, where vectors have one length"
    return Kind.VECTOR, f"vectors of {lengths[0]} numbers"


def _kind_of_text(series: pl.Series) -> tuple[Kind, str]:
    known = series.drop_nulls()
    distinct = known.n_unique() if len(known) else 0
    if isinstance(series.dtype, (pl.Categorical, pl.Enum)):
        return Kind.CATEGORICAL, f"a categorical type, {distinct} different values"
    if series.dtype == pl.String and len(known) >= _FEW and distinct > min(_MANY, 0.5 * len(known)):
        words = _free_text(known)
        if words:
            return Kind.TEXT, f"{words}, {distinct} different in {len(known)} rows"
    if distinct > 0.9 * len(known) and len(known) >= 100:
        return Kind.IDENTIFIER, f"nearly every text is different ({distinct} in {len(known)} rows)"
    if distinct > max(_MANY, 0.5 * len(known)):
        return Kind.IDENTIFIER, f"{distinct} different texts in {len(known)} rows"
    return Kind.CATEGORICAL, f"{distinct} different texts" if distinct else "no values in the sample"


def _free_text(known: pl.Series) -> str:
    """Say why texts are free text: several words, or a sentence in a script that puts no space between words.

    Names and codes have up to four words; numbers, dates and addresses of pages have few letters or no spaces.
    """
    texts = known.gather_every(max(1, len(known) // _LOOKED_AT)).str.head(1_000)
    characters = texts.str.len_chars()
    letters, unspaced = texts.str.count_matches(r"\p{L}"), texts.str.count_matches(_UNSPACED)
    words = texts.str.count_matches(r"\S*\p{L}\S*")
    if _number(letters.sum()) < 0.5 * max(_number(texts.str.count_matches(r"\S").sum()), 1.0):
        return ""
    middle, length = _number(words.median()), _number(characters.median())
    if middle >= 5 and length >= 20:
        return f"free text: {middle:g} words in the middle one"
    if _number(unspaced.sum()) > 0.5 * _number(letters.sum()) and length >= 10:
        return f"free text without spaces: {length:g} characters in the middle one"
    return ""


def finite_numbers(series: pl.Series) -> pl.Series:
    """Return the finite values as float64; times as seconds since 1970 in UTC, durations as seconds."""
    dtype = series.dtype
    if dtype in (pl.Date, pl.Datetime):
        numbers = series.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64) / 1e6
    elif dtype == pl.Duration:
        numbers = series.dt.total_microseconds().cast(pl.Float64) / 1e6
    elif dtype == pl.Time:
        numbers = series.cast(pl.Int64).cast(pl.Float64) / 1e9
    elif dtype.is_numeric() or dtype in (pl.Boolean, pl.Null):
        numbers = series.cast(pl.Float64)
    else:
        return pl.Series(series.name, [], dtype=pl.Float64)
    return numbers.filter(numbers.is_finite().fill_null(False))


ROUNDING = 1e-6
"""By how much a probability may leave [0, 1]: more than sums of float32 are off by, and nothing that anybody means."""


def is_probability(series: pl.Series) -> bool:
    """Return whether a column holds numbers, and all of them lie in [0, 1] but for errors of rounding."""
    if not series.dtype.is_numeric():
        return False
    values = finite_numbers(series)
    return len(values) > 0 and _number(values.min()) >= -ROUNDING and _number(values.max()) <= 1.0 + ROUNDING


def map_of(series: pl.Series) -> NumericMap:
    """Return the map of a numeric or time column.

    anchor = median, scale = interquartile range; where that is 0 the mean absolute deviation from the median, and where
    that is 0 too, 1. Both are always finite and 1/scale too.
    """
    values = finite_numbers(series)
    if not len(values):
        return NumericMap()
    anchor = _number(values.quantile(0.5, "lower"))
    upper, lower = _number(values.quantile(0.75, "linear")), _number(values.quantile(0.25, "linear"))
    spreads = (upper - lower, _number((values - anchor).abs().mean()))
    scale = next((s for s in spreads if s > 0 and 1 / s < _WIDEST), 1.0)
    return NumericMap(anchor, min(scale, _WIDEST) if isfinite(scale) else _WIDEST)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0

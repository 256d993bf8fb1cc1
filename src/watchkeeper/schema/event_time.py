"""Moments in whatever form a log writes them, read as UTC."""

from __future__ import annotations

import polars as pl

from watchkeeper.core.errors import SchemaError
from watchkeeper.schema.kinds import type_name

__all__ = [
    "ISO",
    "MOMENT",
    "ZONES",
    "compact_moments",
    "in_calendar",
    "is_moment_text",
    "mixed_units",
    "offsets",
    "to_utc",
]

MOMENT = pl.Datetime("us", "UTC")
"""The type of a time column once it is read."""

ZONES = {
    "UTC": 0, "UT": 0, "GMT": 0, "WET": 0, "WEST": 60, "CET": 60, "CEST": 120, "EET": 120, "EEST": 180, "MSK": 180,
    "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
    "AKST": -540, "AKDT": -480, "HST": -600, "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
}  # fmt: skip
"""Names of zones with their minutes before UTC: those of RFC 2822, and others that mean one zone alone."""

ISO = (
    r"^\s*(?<year>\d{4})-?(?<month>\d{2})-?(?<day>\d{2})"
    r"(?:[Tt ]+(?<hour>\d{2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d{1,9}))?)?)?"
    rf"\s*(?<offset>[Zz]|{'|'.join(ZONES)}|[+-]\d{{2}}(?::?\d{{2}})?)?(?:\[[A-Za-z_/+-]+\])?\s*$"
)
_UNITS = {"seconds": (1e11, 1_000_000), "milliseconds": (1e14, 1_000), "microseconds": (1e17, 1)}
"""Up to which size a number counts in which unit since 1970, and its microseconds; what is larger is nanoseconds."""
_FIRST_EPOCH = 1e8
"""Seconds since 1970 below which a number is no moment: what a clock that counts since its start shows."""

_COMPACT = ((1.9e7, 2.1e7 + 1e5, "%Y%m%d"), (1.9e13, 2.1e13 + 1e11, "%Y%m%d%H%M%S"))
"""Between which numbers a day, or a second, may be written as one number, and how: 20261101 or 20261101235959."""

_DAYS = (-719_161, 2_932_895)
"""The second day of year 1 and the last but one of 9999, since 1970: a time zone may move a moment by a day."""
_A_DAY = {"ms": 86_400_000, "us": 86_400_000_000}


def to_utc(series: pl.Series) -> pl.Series:
    """Return moments as microseconds in UTC; what cannot be read becomes null.

    Times without a zone count as UTC, aware times are converted, text is read as ISO 8601 with or without an offset,
    numbers are read as seconds, milliseconds, microseconds or nanoseconds since 1970 by their size: each value by
    itself, so that offsets and units may be mixed. Numbers that all are days (20261101) or seconds (20261101235959)
    of the calendar are read as these. Moments outside the years 1 to 9999 cannot be read.

    Raises
    ------
    SchemaError
        When the column holds neither times, text nor plausible numbers.
    """
    series = in_calendar(series)
    dtype = series.dtype
    if isinstance(dtype, pl.Datetime):
        aware = series.dt.convert_time_zone("UTC") if dtype.time_zone else series.dt.replace_time_zone("UTC")
        return aware.cast(MOMENT)
    if dtype == pl.Date:
        return series.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return _from_text(series.cast(pl.String))
    if dtype == pl.Null:
        return series.cast(MOMENT)
    if dtype.is_numeric():
        return _from_numbers(series)
    raise SchemaError(
        f"column {series.name!r} holds {type_name(dtype)}, where times were expected. "
        "Valid: datetimes, dates, ISO 8601 text, seconds since 1970"
    )


def in_calendar(series: pl.Series) -> pl.Series:
    """Return times and dates without those outside the years 1 to 9999, which no calendar of Python holds."""
    dtype = series.dtype
    if dtype == pl.Date:
        low, high = _DAYS
    elif isinstance(dtype, pl.Datetime) and dtype.time_unit in _A_DAY:
        low, high = (day * _A_DAY[dtype.time_unit] for day in _DAYS)
    else:
        return series
    numbers = series.to_physical()
    outside = ~numbers.is_between(low, high)
    return numbers.set(outside, None).cast(dtype) if outside.any() else series


def mixed_units(series: pl.Series) -> list[str]:
    """Return the units that numbers are read in as moments, where these are several."""
    if not series.dtype.is_numeric() or compact_moments(series.cast(pl.Float64)) is not None:
        return []
    sizes = series.cast(pl.Float64).abs()
    sizes = sizes.filter(sizes.is_finite() & (sizes >= _FIRST_EPOCH))
    limits = [0.0, *(limit for limit, _ in _UNITS.values()), float("inf")]
    bounds = zip((*_UNITS, "nanoseconds"), limits, limits[1:], strict=False)
    units = [unit for unit, low, high in bounds if ((sizes >= low) & (sizes < high)).any()]
    return units if len(units) > 1 else []


def offsets(series: pl.Series) -> list[str]:
    """Return the different UTC offsets that ISO 8601 text is written with; empty text where there is none."""
    if series.dtype != pl.String:
        return []
    found = series.drop_nulls().str.extract_groups(ISO)
    if not len(found):
        return []
    read = found.struct.field("offset").filter(found.struct.field("year").is_not_null()).fill_null("")
    return sorted(read.unique().to_list())


def is_moment_text(series: pl.Series) -> bool:
    """Return whether at least 95 % of a text column's values are ISO 8601 moments."""
    texts = series.drop_nulls().head(10_000)
    return len(texts) > 0 and texts.str.contains(ISO).sum() >= 0.95 * len(texts)


def _from_text(series: pl.Series) -> pl.Series:
    parts = pl.first().str.extract_groups(ISO).struct
    frame = series.to_frame().select(
        pl.concat_str(
            parts.field("year"), pl.lit("-"), parts.field("month"), pl.lit("-"), parts.field("day"), pl.lit("T"),
            parts.field("hour").fill_null("00"), pl.lit(":"), parts.field("minute").fill_null("00"), pl.lit(":"),
            parts.field("second").fill_null("00"), pl.lit("."),
            parts.field("fraction").fill_null("0").str.pad_end(6, "0").str.slice(0, 6),
        ).str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f", time_unit="us", strict=False).alias("local"),
        parts.field("offset").alias("offset"),
    )  # fmt: skip
    sign = pl.when(pl.col("offset").str.starts_with("-")).then(-1).otherwise(1)
    hours = pl.col("offset").str.extract(r"^[+-](\d{2})").cast(pl.Int64, strict=False).fill_null(0)
    minutes = pl.col("offset").str.extract(r"^[+-]\d{2}:?(\d{2})").cast(pl.Int64, strict=False).fill_null(0)
    named = pl.col("offset").replace_strict(ZONES, default=0, return_dtype=pl.Int64)
    shift = pl.duration(minutes=sign * (hours * 60 + minutes) + named)
    moments = frame.select((pl.col("local") - shift).dt.replace_time_zone("UTC").cast(MOMENT)).to_series()
    seconds = series.str.strip_chars().cast(pl.Float64, strict=False)
    late = seconds.is_finite().fill_null(False) & (seconds.abs() >= _FIRST_EPOCH) & moments.is_null()
    if late.any():
        # Some callers write ISO 8601 and some seconds since 1970.
        numbers = _from_numbers(seconds.zip_with(late, pl.Series([None], dtype=pl.Float64)))
        moments = moments.zip_with(~late, numbers)
    return moments.alias(series.name)


def compact_moments(numbers: pl.Series) -> pl.Series | None:
    """Return numbers that are days or seconds of the calendar as moments; None where 5 % or more are neither.

    Of milliseconds since 1970 such numbers would be moments of the years 2572 to 2638, of seconds days of 1970.
    """
    known = numbers.filter(numbers.is_finite().fill_null(False))
    for low, high, form in _COMPACT:
        if not len(known) or known.is_between(low, high).sum() < 0.95 * len(known):
            continue
        within = numbers.is_between(low, high).fill_null(False)
        texts = numbers.zip_with(within, pl.Series([None], dtype=pl.Float64)).cast(pl.Int64).cast(pl.String)
        if form == "%Y%m%d":
            read = texts.str.to_date(form, strict=False).cast(pl.Datetime("us"))
        else:
            read = texts.str.to_datetime(form, time_unit="us", strict=False)
        if read.len() - read.null_count() >= 0.95 * len(known):
            return read.dt.replace_time_zone("UTC")
    return None


def _from_numbers(series: pl.Series) -> pl.Series:
    numbers = series.cast(pl.Float64)
    finite = numbers.filter(numbers.is_finite().fill_null(False))
    if not len(finite):
        return pl.Series(series.name, [None] * len(series), dtype=MOMENT)
    compact = compact_moments(numbers)
    if compact is not None:
        return compact.alias(series.name)
    size = float(finite.abs().median() or 0.0)  # type: ignore[arg-type]
    if size < _FIRST_EPOCH:
        raise SchemaError(
            f"column {series.name!r} holds numbers around {size:g}, which are no moments. "
            "Valid: datetimes, dates, ISO 8601 text, seconds since 1970"
        )
    exact = series.cast(pl.Int64, strict=False) if series.dtype.is_integer() else numbers
    sizes = numbers.abs()
    micros = exact // 1_000 if series.dtype.is_integer() else exact / 1_000
    for limit, factor in reversed(_UNITS.values()):
        micros = micros.zip_with(~(sizes < limit).fill_null(False), exact * factor)
    micros = micros.set((sizes < _FIRST_EPOCH).fill_null(False) | ~sizes.is_finite().fill_null(False), None)
    whole = micros if series.dtype.is_integer() else micros.round().cast(pl.Int64, strict=False)
    return whole.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias(series.name)

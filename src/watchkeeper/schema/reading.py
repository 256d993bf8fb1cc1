"""How the texts of a column are read, and the column of one meaning that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from watchkeeper.schema.event_time import MOMENT, to_utc
from watchkeeper.schema.moment_forms import moments_of
from watchkeeper.schema.numerals import NumberStyle, numbers_of
from watchkeeper.schema.typed_values import converted, unusable, unusable_type

__all__ = ["NO", "PLAIN", "YES", "Form", "Reading", "read", "seconds_of"]

YES = ("true", "t", "yes", "y", "1")
NO = ("false", "f", "no", "n", "0")
"""What a column that is declared as boolean may say, whatever its case."""

_SPAN = (
    r"^(?<sign>-)?(?:(?<days>\d+) days?,? ?)?[+]?"
    r"(?:(?<hours>\d{1,3}):(?<minutes>\d{2})(?::(?<seconds>\d{2}(?:\.\d+)?))?)?$"
)
_ISO_SPAN = (
    r"^(?<sign>-)?P(?:(?<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?<hours>\d+(?:\.\d+)?)H)?(?:(?<minutes>\d+(?:\.\d+)?)M)?(?:(?<seconds>\d+(?:\.\d+)?)S)?)?$"
)
_SIZES = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


PLAIN = NumberStyle()


class Form(StrEnum):
    """What the texts of a column are."""

    TYPED = "typed"
    TEXT = "text"
    WHOLE = "whole numbers"
    NUMBER = "numbers"
    TRUTH = "truth values"
    DATE = "dates"
    LOCAL = "times"
    MOMENT = "moments"
    CLOCK = "times of day"
    SPAN = "lengths of time"
    VECTOR = "vectors"
    UNUSABLE = "unusable"


_TYPES: Mapping[Form, pl.DataType] = {
    Form.TEXT: pl.String(),
    Form.WHOLE: pl.Int64(),
    Form.NUMBER: pl.Float64(),
    Form.TRUTH: pl.Boolean(),
    Form.DATE: pl.Date(),
    Form.LOCAL: pl.Datetime("us"),
    Form.MOMENT: MOMENT,
    Form.CLOCK: pl.Time(),
    Form.SPAN: pl.Float64(),
    Form.VECTOR: pl.List(pl.Float64()),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How a column is read.

    Attributes
    ----------
    form
        What its texts are.
    style
        How its numbers are written.
    pattern
        How its times are written; empty for ISO 8601.
    tokens
        The texts that are read as missing.
    missing
        Of them those that are there, each with its number of rows.
    unread, example
        Rows whose text is none of these, and is null after reading, and one such text.
    nearly, share
        Of a column that stays text: what nearly all of its values are, and which share of them.
    ambiguous
        Two forms that its dates may be written in.
    either
        Whether all its dates are the same in ``pattern`` and in its swap.
    reason
        Why it cannot be used, in words that follow "holds".
    typed
        Whether it comes from a table whose columns have types, and so is text on purpose.
    declared
        Whether its type is declared.
    into
        The type that a column which holds no text is turned into.
    """

    form: Form = Form.TEXT
    style: NumberStyle = PLAIN
    pattern: str = ""
    tokens: tuple[str, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)
    unread: int = 0
    example: str = ""
    nearly: str = ""
    share: float = 0.0
    ambiguous: tuple[str, str] | None = None
    either: bool = False
    reason: str = ""
    typed: bool = False
    declared: bool = False
    into: pl.DataType | None = None

    @property
    def dtype(self) -> pl.DataType:
        """The type of the column once it is read."""
        if self.into is not None:
            return self.into
        return unusable_type(self.reason) if self.form is Form.UNUSABLE else _TYPES[self.form]

    @property
    def changes(self) -> bool:
        """Whether reading does anything to a column of text."""
        return self.form is not Form.TEXT or bool(self.tokens)


def read(series: pl.Series, reading: Reading) -> pl.Series:
    """Return the column that texts stand for: numbers, truth values, moments, texts or vectors; null where none is."""
    if reading.form is Form.UNUSABLE:
        return unusable(series.name, len(series), reading.reason)
    if reading.into is not None:
        return converted(series, reading.into, reading.tokens)
    texts = series.alias("").cast(pl.String)
    stripped = texts.str.strip_chars()
    if reading.tokens:
        gone = stripped.is_in(reading.tokens).fill_null(False)
        if gone.any():
            missing = pl.Series([None], dtype=pl.String)
            texts, stripped = texts.zip_with(~gone, missing), stripped.zip_with(~gone, missing)
    if reading.form is Form.TEXT:
        return texts.alias(series.name)
    return _valued(stripped, reading).cast(reading.dtype).alias(series.name)


def _valued(texts: pl.Series, reading: Reading) -> pl.Series:
    form = reading.form
    if form is Form.WHOLE:
        return texts.cast(pl.Int64, strict=False)
    if form is Form.NUMBER:
        return numbers_of(texts, reading.style)
    if form is Form.TRUTH:
        lower = texts.str.to_lowercase()
        known = lower.is_in(YES + NO)
        return lower.is_in(YES).zip_with(known.fill_null(False), pl.Series([None], dtype=pl.Boolean))
    if form is Form.SPAN:
        return seconds_of(texts)
    if form is Form.CLOCK:
        return texts.str.to_time("%H:%M:%S%.f", strict=False)
    if form is Form.VECTOR:
        return _vectors(texts)
    moments = moments_of(texts, reading.pattern) if reading.pattern else to_utc(texts)
    if form is Form.MOMENT:
        return moments if moments.dtype == MOMENT else moments.dt.replace_time_zone("UTC")
    return moments.dt.replace_time_zone(None) if getattr(moments.dtype, "time_zone", None) else moments


def _vectors(texts: pl.Series) -> pl.Series:
    listed = texts.str.contains(r"^\[[\s\d.,eE+\-]*\]$").fill_null(False)
    plain = texts.zip_with(listed, pl.Series([None], dtype=pl.String))
    try:
        return plain.str.json_decode(pl.List(pl.Float64))
    except pl.exceptions.PolarsError:
        return pl.Series([None] * len(texts), dtype=pl.List(pl.Float64))


def seconds_of(texts: pl.Series) -> pl.Series:
    """Return lengths of time as seconds: 01:02:03, ``2 days 01:02:03``, PT1H2M3S, or a number of seconds."""
    numbers = texts.cast(pl.Float64, strict=False)
    for pattern in (_SPAN, _ISO_SPAN):
        parts = texts.to_frame("x").select(pl.col("x").str.extract_groups(pattern)).to_series().struct
        fields = [parts.field(name).cast(pl.Float64, strict=False) for name in _SIZES]
        there = fields[0].is_not_null()
        total = pl.Series([0.0] * len(texts), dtype=pl.Float64)
        for part, size in zip(fields, _SIZES.values(), strict=True):
            there = there | part.is_not_null()
            total = total + part.fill_null(0.0) * size
        minus = (parts.field("sign").fill_null("") == "-").fill_null(False)
        total = total.zip_with(~minus, -total)
        numbers = numbers.zip_with(~(there & numbers.is_null()), total)
    return numbers

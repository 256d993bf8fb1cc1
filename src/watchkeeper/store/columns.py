"""How columns of any type are kept in a table whose columns never change their type.

A stored column has a kind for ever. The first kind that comes under a name takes the name; values of another kind that
come later under the same name lie beside it, in ``name@kind``, so an append never fails and never loses a value because
a column changed its type. On reading, a batch gets the kind it really holds: numbers when all of its values are
numbers, text when kinds are mixed.

=========  =====================================================  ========================
kind       comes from                                             is read as
=========  =====================================================  ========================
int        integers that fit 64 bits with sign                    Int64
float      Float16 to Float64, Decimal, integers beyond 64 bits   Float64
bool       Boolean                                                Boolean
text       String, Categorical, Enum                              String
date       Date                                                   Date
time       Datetime with a time zone                              Datetime in UTC, in µs
local      Datetime without                                       Datetime in µs
bytes      Binary                                                 Binary
clock      Time                                                   Time
span       Duration                                               Duration in µs
json       List, Array, Struct                                    String that holds JSON
=========  =====================================================  ========================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote

import polars as pl

from watchkeeper.core.columns import callable_series, series_named
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import Kind, Schema

__all__ = [
    "ARRIVAL",
    "DATE",
    "ORIGIN",
    "PLACE",
    "UTC_TIME",
    "Layout",
    "dtype_of",
    "kind_of",
    "kind_of_type",
    "stored_json",
]

OWN = "watchkeeper_"
DATE, ARRIVAL, PLACE, ORIGIN = f"{OWN}date", f"{OWN}arrival", f"{OWN}place", f"{OWN}origin"
"""Columns of the store itself: the UTC date, the number of the commit, the place within it, and the file it is from."""

UTC_TIME = pl.Datetime("us", "UTC")

_STORED: Mapping[str, pl.DataType] = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
    "text": pl.String(),
    "date": pl.Date(),
    "time": UTC_TIME,
    "local": pl.Datetime("us"),
    "bytes": pl.Binary(),
    "clock": pl.Int64(),
    "span": pl.Int64(),
    "json": pl.String(),
}
_READ: Mapping[str, pl.DataType] = {**_STORED, "clock": pl.Time(), "span": pl.Duration("us")}
_FOREIGN = frozenset({"clock", "span", "json"})
_NATURAL = {dtype: kind for kind, dtype in _STORED.items() if kind not in _FOREIGN}
_NUMBERS = frozenset({"int", "float"})


def kind_of_type(dtype: pl.DataType) -> str | None:
    """Return the kind that values of a type are stored as; None when the type alone does not say."""
    if dtype.is_integer():
        return None if dtype in (pl.UInt64, pl.Int128, pl.UInt128) else "int"
    if dtype.is_float() or dtype.is_decimal():
        return "float"
    if isinstance(dtype, pl.Datetime):
        return "time" if dtype.time_zone else "local"
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return "text"
    if dtype.is_nested():
        return "json"
    simple: dict[type[pl.DataType], str] = {
        pl.Boolean: "bool",
        pl.String: "text",
        pl.Date: "date",
        pl.Binary: "bytes",
        pl.Time: "clock",
        pl.Duration: "span",
    }
    return simple.get(type(dtype))


def kind_of(series: pl.Series) -> str | None:
    """Return the kind a column is stored as; None for a column of nulls without a type.

    Raises
    ------
    SchemaError
        When the column holds Python objects.
    """
    if series.dtype == pl.Null:
        return None
    kind = kind_of_type(series.dtype)
    if kind is None and series.dtype.is_integer():
        low, high = series.cast(pl.Int128).min(), series.cast(pl.Int128).max()
        fits = low is None or (int(str(low)) >= -(2**63) and int(str(high)) < 2**63)
        return "int" if fits else "float"
    if kind is None:
        raise SchemaError(
            f"column {series.name!r} holds {series.dtype}, which cannot be stored; nothing was written. "
            f"Cast it first. Valid: numbers, text, booleans, times, bytes, lists and structs of these"
        )
    return kind


def dtype_of(kind: str) -> pl.DataType:
    """Return the type a kind is read as."""
    return _READ[kind]


class Layout:
    """Which stored column holds which kind of which column.

    Parameters
    ----------
    stored
        The columns of the table, as they are stored, with their types.
    """

    def __init__(self, stored: Mapping[str, pl.DataType] | None = None) -> None:
        self._stored: dict[str, str] = {}
        self._kinds: dict[str, dict[str, str]] = {}
        self._taken: set[str] = set()
        for name, dtype in (stored or {}).items():
            if not name.startswith(OWN):
                plain, _, kind = name.partition("@")
                self._add(unquote(plain), kind or _NATURAL[dtype], name)

    def _add(self, name: str, kind: str, stored: str) -> None:
        self._kinds.setdefault(name, {})[kind] = stored
        self._taken.add(stored.lower())

    def kinds(self, name: str) -> dict[str, str]:
        """Return the stored columns of a column by kind, oldest first."""
        return dict(self._kinds.get(name, {}))

    def columns(self, names: Iterable[str]) -> list[str]:
        """Return all stored columns of some columns."""
        return [stored for name in names for stored in self._kinds.get(name, {}).values()]

    def pack(self, frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
        """Return rows as they are stored; columns the table did not have yet get a place in it."""
        packed: dict[str, pl.Series] = {}
        for series in frame:
            kind = kind_of(series)
            if kind is None:
                if self._kinds.get(series.name):
                    continue
                kind = _kind_expected(schema, series.name)
            packed[self._place(series.name, kind)] = _to_stored(series, kind)
        return pl.DataFrame(packed)

    def _place(self, name: str, kind: str) -> str:
        known = self._kinds.get(name, {})
        if kind not in known:
            natural = "" if known or kind in _FOREIGN else self._free(name, "")
            self._add(name, kind, natural or self._free(name, f"@{kind}"))
        return self._kinds[name][kind]

    def _free(self, name: str, tail: str) -> str:
        """Escape what is ours, and names that differ from a taken one only in case: Delta holds them for the same.

        A NUL ends a name where Arrow hands it on in C, and the process with it.
        """
        plain = name.replace("%", "%25").replace("@", "%40").replace("\0", "%00")
        if plain.lower().startswith(OWN):
            plain = f"%{ord(plain[0]):02X}{plain[1:]}"
        for cut in range(len(name) + 1):
            head = "".join(f"%{byte:02X}" for byte in name[:cut].encode())
            stored = (head + quote(name[cut:]) if cut else plain) + tail
            if stored.lower() not in self._taken:
                return stored
        raise SchemaError(f"column {name!r} occurs twice")

    def restore(self, rows: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
        """Return rows as they came, with those of the columns ``names`` that the table has."""
        return pl.DataFrame({name: self._restore(rows, name) for name in names if self._kinds.get(name)})

    def _restore(self, rows: pl.DataFrame, name: str) -> pl.Series:
        kinds = self._kinds[name]
        if len(kinds) > 1:
            kinds = {k: stored for k, stored in kinds.items() if series_named(rows, stored).null_count() < rows.height}
        if not kinds:
            return pl.Series(name, [None] * rows.height, pl.Null)
        series = [series_named(rows, stored).cast(_READ[kind]).alias(name) for kind, stored in kinds.items()]
        if len(series) == 1:
            return series[0]
        common = pl.Float64() if set(kinds) <= _NUMBERS else pl.String()
        return pl.select(pl.coalesce([_as(one, common) for one in series]).alias(name)).to_series()


def _as(series: pl.Series, dtype: pl.DataType) -> pl.Series:
    if dtype == pl.String and series.dtype == pl.Binary:
        return series.bin.encode("hex")
    if dtype == pl.String and isinstance(series.dtype, pl.Duration):
        return series.dt.to_string("iso")
    return series.cast(dtype)


def _to_stored(series: pl.Series, kind: str) -> pl.Series:
    series = callable_series(series)
    if kind == "json":
        return stored_json(series)
    if kind == "span":
        return series.cast(pl.Duration("us")).cast(pl.Int64)
    return series.cast(_STORED[kind])


def stored_json(series: pl.Series) -> pl.Series:
    """Return nested values as JSON; Polars panics where it has no form for what they hold."""
    wrapped = pl.DataFrame([series.alias("value")]).select(pl.struct("value").struct.json_encode()).to_series()
    return wrapped.str.strip_prefix('{"value":').str.strip_suffix("}").set(series.is_null(), None)


def _kind_expected(schema: Schema, name: str) -> str:
    """Choose the kind of a column that has held nothing but nulls so far."""
    if name not in schema:
        return "text"
    column = schema[name]
    if column.dtype.startswith(("Int", "UInt")):
        return "int"
    if column.kind is Kind.NUMERIC:
        return "float"
    return "bool" if column.kind is Kind.BOOLEAN else "text"

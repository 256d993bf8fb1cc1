"""Which rows may enter the log, with their ids and times in one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, near_miss
from watchkeeper.core.intake import Refusal, TimeLimits
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.store import Table, Unusable
from watchkeeper.schema.event_time import MOMENT, to_utc
from watchkeeper.store.far_times import far_times
from watchkeeper.store.storable import storable

__all__ = ["Admitted", "admit"]


@dataclass(frozen=True, slots=True)
class Admitted:
    """Rows that may be written, and rows set aside with the reason.

    Parameters
    ----------
    rows
        Ids are integers or text, the time of predictions is in UTC; what cannot be stored of other columns is null.
    aside
        Refused and doubled rows as they came.
    codes, reasons
        Why each of those is set aside, as one of ``Refusal`` and in words.
    filed
        The moment each of those belongs to: its own where that can be, else the middle one of the rows it came with.
    doubled, refused
        How many of them there are.
    unusable
        Values that cannot be stored.
    """

    rows: pl.DataFrame
    aside: pl.DataFrame
    codes: pl.Series
    reasons: pl.Series
    filed: pl.Series
    doubled: int = 0
    refused: int = 0
    unusable: tuple[Unusable, ...] = ()

    @property
    def reason(self) -> str:
        """The reasons with their counts, in words."""
        name = self.reasons.name
        counts = self.reasons.value_counts(sort=True, name="n").sort(["n", name], descending=[True, False])
        return "; ".join(f"{n} row{'s' if n > 1 else ''}: {reason}" for reason, n in counts.iter_rows())


class _Verdicts:
    """The reason each row is set aside for; the first that is given stands."""

    def __init__(self, height: int) -> None:
        self.codes = pl.repeat(None, height, dtype=pl.String, eager=True).alias("code")
        self.reasons = self.codes.alias("reason")

    @property
    def fine(self) -> pl.Series:
        """Which rows nothing is said against."""
        return self.codes.is_null()

    def refuse(self, which: pl.Series, code: Refusal, reason: str) -> int:
        """Set rows aside that nothing else is said against; return how many."""
        which = which.fill_null(False) & self.fine
        count = int(which.sum())
        if count:
            self.codes, self.reasons = self.codes.set(which, code.value), self.reasons.set(which, reason)
        return count


def admit(
    rows: pl.DataFrame,
    table: Table,
    schema: Schema,
    limits: TimeLimits | None = None,
    dates: Mapping[date, int] | None = None,
) -> Admitted:
    """Sort rows into those that may be written and those to set aside, each by itself.

    Predictions need a time, and an id where the schema names one; labels need an id. Of predictions with the same id
    the first is kept, of labels the last. No other column keeps a row out: a value that cannot be stored is null.

    Parameters
    ----------
    limits
        Which times can be.
    dates
        Rows by UTC date that are stored already, beside which times are judged.

    Raises
    ------
    SchemaError
        When a column that rows cannot do without is missing, or holds a type that none of its values can be read from.
    """
    id_name, time_name = schema.name_of(Role.ID), schema.name_of(Role.TIME)
    verdicts, admitted = _Verdicts(rows.height), rows
    times = pl.repeat(None, rows.height, dtype=MOMENT, eager=True)
    if table is Table.PREDICTIONS:
        time_name = _needed(rows, time_name, Role.TIME, "predictions are filed by their time")
        times = to_utc(series_named(rows, time_name))
        admitted = admitted.with_columns(times.alias(time_name))
    else:
        id_name = _needed(rows, id_name, Role.ID, "labels are joined to predictions by their id")
        _needed(rows, schema.name_of(Role.LABEL), Role.LABEL, "these rows are meant to bring labels")
    refused, doubled = 0, 0
    if table is Table.PREDICTIONS and time_name:
        refused = _judge_times(verdicts, time_name, times, limits or TimeLimits(), dates or {})
    timely = verdicts.fine
    if id_name:
        _needed(rows, id_name, Role.ID, "rows are told apart by their id")
        given = series_named(rows, id_name)
        ids = _ids(given)
        admitted = admitted.with_columns(ids.alias(id_name))
        if given.dtype.is_nested() or given.dtype == pl.Object:
            odd = ids.is_null() & given.is_not_null()
            refused += verdicts.refuse(odd, Refusal.ID, f"{id_name} is no whole number or text")
        refused += verdicts.refuse(ids.is_null(), Refusal.ID, f"{id_name} is null")
        again = _again(ids, verdicts.fine, last=table is Table.LABELS)
        doubled = verdicts.refuse(again, Refusal.DOUBLED, f"{id_name} occurs twice in the same rows")
    fine = verdicts.fine
    kept, unusable = storable(admitted.filter(fine))
    filed = times.set(~timely, _middle(times.filter(fine))) if table is Table.PREDICTIONS else times
    return Admitted(
        kept, rows.filter(~fine), verdicts.codes.filter(~fine), verdicts.reasons.filter(~fine),
        filed.filter(~fine).alias("filed"), doubled, refused, unusable,
    )  # fmt: skip


def _judge_times(
    verdicts: _Verdicts, name: str, times: pl.Series, limits: TimeLimits, dates: Mapping[date, int]
) -> int:
    refused = verdicts.refuse(times.is_null(), Refusal.TIME, f"{name} is null or no time that can be read")
    early = f"{name} lies before {limits.earliest:%Y-%m-%d}: an empty clock, or seconds taken for milliseconds"
    refused += verdicts.refuse(times < limits.earliest, Refusal.EARLY, early)
    if limits.latest is not None:
        ahead = f"{name} lies after {limits.latest:%Y-%m-%d %H:%M} UTC, which is yet to come"
        refused += verdicts.refuse(times > limits.latest, Refusal.AHEAD, ahead)
    if limits.apart is not None:
        years = limits.apart.days / 365.25
        apart = f"{name} lies more than {years:.3g} years from the rest"
        far = far_times(times.filter(verdicts.fine), limits.apart, dates)
        if far is not None:
            which = verdicts.fine
            refused += verdicts.refuse(which.scatter(which.arg_true(), far), Refusal.APART, apart)
    return refused


def _middle(times: pl.Series) -> datetime | None:
    middle = times.median()
    return middle if isinstance(middle, datetime) else None


def _needed(rows: pl.DataFrame, name: str | None, role: Role, why: str) -> str:
    if name is None:
        raise SchemaError(f"the schema names no {role.value} column, and {why}; name it under columns.{role.value}")
    if name not in rows.columns:
        raise SchemaError(f"the {role.value} column {name!r} is missing, and {why}; {near_miss(name, rows.columns)}")
    return name


def _again(ids: pl.Series, fine: pl.Series, *, last: bool) -> pl.Series:
    """Mark the admitted rows whose id another admitted row of the same batch keeps."""
    keeps = ids.is_last_distinct() if last else ids.is_first_distinct()
    if not fine.all():
        place = pl.int_range(len(ids), eager=True).filter(fine)
        kept = ids.filter(fine)
        keeps = pl.repeat(False, len(ids), dtype=pl.Boolean, eager=True)
        keeps = keeps.scatter(place.filter(kept.is_last_distinct() if last else kept.is_first_distinct()), True)
    return fine & ~keeps


def _ids(ids: pl.Series) -> pl.Series:
    """Return ids as integers where all of them are, otherwise as text; what is no id is null."""
    dtype = ids.dtype
    if dtype.is_float():
        ids = ids.fill_nan(None)
        if not bool(((ids == ids.round(0)) & (ids.abs() < 2.0**53)).all()):
            return ids.cast(pl.String)
        return ids.cast(pl.Int64)
    if dtype in (pl.UInt64, pl.Int128, pl.UInt128):
        whole = ids.cast(pl.Int64, strict=False)
        return whole if whole.null_count() == ids.null_count() else ids.cast(pl.String)
    if dtype.is_integer():
        return ids.cast(pl.Int64)
    if dtype == pl.Binary:
        return ids.bin.encode("hex")
    if dtype == pl.Object or dtype.is_nested():
        return pl.Series(ids.name, [_id(value) for value in ids], pl.String)
    return ids.cast(pl.String)


def _id(value: object) -> str | None:
    """Return a Python object as an id; None where it is neither a whole number nor text."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None

"""What a file holds, known by its rows: so that one that has grown, was copied or was replaced is told apart."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from zlib import crc32

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import STOPS
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window
from watchkeeper.schema.event_time import to_utc

__all__ = ["Contents", "Known", "StoredRows", "row_hashes"]


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was taken in of a file.

    Attributes
    ----------
    mark
        Its size and time of change.
    digest
        Of its rows in their order; of files that version 0.1.0 took in, of its batches.
    rows
        How many it had; -1 where that is not known.
    replaced
        Whether it was replaced since, and its rows were not.
    """

    mark: str = ""
    digest: str = ""
    rows: int = -1
    replaced: bool = False

    @classmethod
    def of(cls, text: str) -> Known:
        """Read what a pointer holds; version 0.1.0 wrote the mark and the digest of the batches."""
        if text.startswith("{"):
            # A record that is damaged is none: the batches of the file are known by themselves.
            with suppress(msgspec.DecodeError):
                return msgspec.json.decode(text, type=Known)
            return cls()
        mark, _, digest = text.partition(" ")
        return cls(mark, digest)

    @property
    def text(self) -> str:
        """The stored form."""
        return msgspec.json.encode(self).decode()


class Contents:
    """The rows of a file as they are read, batch by batch.

    Parameters
    ----------
    known
        What was taken in of the file before.
    """

    def __init__(self, known: Known) -> None:
        self._known, self._sha, self.rows = known, sha256(), 0
        self._begins = known.rows == 0

    def add(self, frame: pl.DataFrame) -> None:
        """Take in the next rows."""
        hashes, before = row_hashes(frame), self._known.rows - self.rows
        if 0 < before <= len(hashes):
            self._sha.update(hashes[:before].tobytes())
            self._begins = self.digest == self._known.digest
            hashes = hashes[before:]
        self._sha.update(hashes.tobytes())
        self.rows += frame.height

    @property
    def digest(self) -> str:
        """The digest of the rows so far."""
        return self._sha.copy().hexdigest()[:32]

    @property
    def grown(self) -> bool:
        """Whether the rows begin with those that were taken in before."""
        return self._begins


class StoredRows:
    """Rows of the log, to leave out those of a file that are there already.

    A day is read before the first row of the file is appended to it, so that rows that occur twice in the file stay.
    """

    def __init__(self, store: Store, model: str) -> None:
        self._store, self._model = store, model
        self._days: dict[date, NDArray[np.uint64]] = {}

    def without(self, rows: pl.DataFrame, schema: Schema) -> pl.DataFrame:
        """Return the rows that the log does not hold, compared by all columns of the schema, the time included."""
        name = schema.name_of(Role.TIME)
        if name is None or name not in rows.columns or rows.is_empty():
            return rows
        dated = rows.with_columns(to_utc(series_named(rows, name)).alias(name))
        days = series_named(dated, name).dt.date().drop_nulls().unique().to_list()
        for day in days:
            if day not in self._days:
                self._days[day] = self._of_day(day, schema)
        known = np.concatenate([self._days[day] for day in days]) if days else np.empty(0, np.uint64)
        if not len(known):
            return rows
        names = [c.name for c in schema if c.name in rows.columns]
        return rows.filter(pl.Series(~np.isin(row_hashes(dated[names]), known)))

    def _of_day(self, day: date, schema: Schema) -> NDArray[np.uint64]:
        start = datetime.combine(day, time(), UTC)
        if not date(2, 1, 1) <= day <= date(9998, 1, 1):
            return np.empty(0, np.uint64)
        read = self._store.read(self._model, schema, Window(start, start + timedelta(days=1)))
        return np.concatenate([np.empty(0, np.uint64), *(row_hashes(batch.frame) for batch in read)])


def row_hashes(frame: pl.DataFrame) -> NDArray[np.uint64]:
    """Return a hash of each row, shape (rows,): the same whatever order columns have and however wide numbers are.

    A column without values counts as one that is not there.
    """
    total = np.zeros(frame.height, np.uint64)
    for name in frame.columns:
        series = _plain(series_named(frame, name))
        own = series.hash(seed=crc32(name.encode())).to_numpy().copy()
        own[series.is_null().to_numpy()] = 0
        total += own
    return total


def _plain(series: pl.Series) -> pl.Series:
    """Return values in the one form in which equal ones have equal hashes."""
    dtype = series.dtype
    try:
        if dtype.is_numeric() or dtype == pl.Boolean:
            return series.cast(pl.Float64)
        if isinstance(dtype, pl.Datetime) or dtype == pl.Date:
            return series.cast(pl.Datetime("us")).to_physical().cast(pl.Float64)
        return series.cast(pl.String) if isinstance(dtype, (pl.Categorical, pl.Enum)) else series
    except STOPS:
        raise
    except BaseException:  # noqa: BLE001 - Polars panics, which is no Exception, over moments that no calendar has
        return series.to_physical()

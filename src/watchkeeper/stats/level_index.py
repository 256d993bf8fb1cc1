"""Which level each row of a column holds, and how many rows hold it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import series_named
from watchkeeper.stats.blocks import BLOCK, KEYS, Levels, to_text
from watchkeeper.stats.hashing import hash_texts
from watchkeeper.stats.partitions import Partitions
from watchkeeper.stats.word_counts import WordCounts

__all__ = ["count_levels", "level_codes", "levels_by_piece"]

_COUNT = "__watchkeeper_count__"
_MOST_CELLS = 1 << 22

Coded = Callable[[int, int], NDArray[np.intp]]


def count_levels(frame: pl.DataFrame, names: Iterable[str]) -> dict[str, Levels]:
    """Count the distinct values of several columns at once, by column."""
    return {name: _levels(*_counted(series_named(frame, name))) for name in names}


def levels_by_piece(series: pl.Series, pieces: Partitions) -> list[Levels]:
    """Count the distinct values in each piece of the rows."""
    if pieces.codes is None:
        return [_levels(*_counted(series))]
    values, coded = _coded(series)
    names = to_text(values)
    null = names.is_null().to_numpy()
    hashes = np.zeros(len(names), np.uint64)
    hashes[~null] = hash_texts(names.drop_nulls())
    found = []
    for held, counts in _cells(pieces.codes, len(pieces), coded, max(1, len(names))):
        known = ~null[held]
        places = held[known]
        nulls = int(counts[~known].sum())
        # The method gather would cost as much as all the rest.
        found.append(Levels(int(counts.sum()), nulls, names[places], counts[known], hashes[places]))
    return found


def _cells(
    pieces: NDArray[np.intp], count: int, coded: Coded, width: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.int64]]]:
    """Return, for each piece, the places of the values that it holds and their counts."""
    if count * width > _MOST_CELLS:
        cells, counts = np.unique(pieces * width + coded(0, len(pieces)), return_counts=True)
        cuts = np.searchsorted(cells, np.arange(1, count) * width)
        yield from zip(np.split(cells % width, cuts), np.split(counts, cuts), strict=True)
        return
    table = np.zeros(count * width, np.int64)
    for start in range(0, len(pieces), BLOCK):
        stop = min(start + BLOCK, len(pieces))
        place = pieces[start:stop] * width
        place += coded(start, stop)
        np.add.at(table, place, 1)
    for row in table.reshape(count, width):
        held = row.nonzero()[0]
        yield held, row[held]


def level_codes(series: pl.Series) -> tuple[pl.Series, NDArray[np.intp]]:
    """Return the distinct values, null among them, and the place of each row's value there, shape (rows,)."""
    values, coded = _coded(series)
    return values, coded(0, len(series))


def _coded(series: pl.Series) -> tuple[pl.Series, Coded]:
    """Return the distinct values and what gives the places of the values of some rows."""
    found = _by_hash(series) if len(series) > BLOCK else None
    if found is not None:
        values, bits, counts = found
        places = np.flatnonzero(counts)
        codes = np.empty(KEYS, np.intp)
        codes[places] = np.arange(len(places))
        return values, lambda start, stop: codes.take(bits[start:stop])
    values = series.unique(maintain_order=True)
    order = pl.Series(np.arange(len(values)))
    places = series.replace_strict(values, order, return_dtype=pl.Int64).to_numpy().astype(np.intp)
    return values, lambda start, stop: places[start:stop]


def _levels(values: pl.Series, counts: NDArray[np.int64]) -> Levels:
    names = to_text(values)
    known = names.is_not_null()
    rows, valid = int(counts.sum()), counts[known.to_numpy()]
    return Levels(rows, rows - int(valid.sum()), names.filter(known), valid)


def _counted(series: pl.Series) -> tuple[pl.Series, NDArray[np.int64]]:
    found = _by_hash(series) if series.dtype == pl.String and len(series) > BLOCK else None
    if found is not None:
        values, _, counts = found
        return values, counts[counts != 0]
    table = series.value_counts(sort=False, name=_COUNT)
    return table.to_series(0), table.to_series(1).cast(pl.Int64).to_numpy()


def _by_hash(series: pl.Series) -> tuple[pl.Series, NDArray[np.uint16], NDArray[np.int64]] | None:
    """Count values by 16 bits of their 64-bit hash, in a third of the time of ``value_counts``.

    Returns None when there are so many values that two share each choice of 16 bits. Values are told apart by all
    64 bits: that two of 400 agree in them has a probability of 4e-15.

    Returns
    -------
    tuple
        The values in the order of their bits; the 16 bits of each row, shape (rows,); rows by bits, shape (65536,).
    """
    hashes = series.hash().to_numpy()
    places = np.empty(BLOCK // 2, np.intp)
    for choice in range(4):
        bits, counts = hashes.view(np.uint16)[choice::4], WordCounts()
        for start in range(0, len(hashes), len(places)):
            words = hashes[start : start + len(places)]
            places[: len(words)] = bits[start : start + len(places)]
            if not counts.add(words, places[: len(words)]):
                break
        else:
            distinct, first, _ = counts.found()
            # The word 0 may come without its row.
            return (series.gather(first), bits, counts.counts) if np.array_equal(hashes[first], distinct) else None
    return None

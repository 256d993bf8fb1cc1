"""Whether every line of a CSV file has as many values as its first one, counted without reading the values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["CsvShape", "shape_of"]

_CHUNK = 1 << 22
_QUOTE, _FEED, _RETURN = 34, 10, 13


@dataclass(frozen=True, slots=True)
class CsvShape:
    """The records of a CSV file, the first line among them.

    Attributes
    ----------
    records
        How many there are, blank lines aside.
    short, long
        How many have fewer or more values than the first line names columns, each with the first line of the first.
    blank
        Blank lines.
    open_quote
        The line in which a quote is opened that is never closed; 0 for none.
    cut
        Whether the last record is a short one and does not end in a line feed.
    stray_quotes
        Whether quotes stand within values that are not quoted.
    """

    records: int = 0
    short: int = 0
    short_line: int = 0
    long: int = 0
    long_line: int = 0
    blank: int = 0
    open_quote: int = 0
    cut: bool = False
    stray_quotes: bool = False


def shape_of(path: Path, separator: str, width: int) -> CsvShape:
    """Return the shape of a file of UTF-8 text whose lines should have ``width`` values.

    Separators and line feeds between quotes do not count.
    """
    sign = ord(separator)
    records = short = long = blank = short_line = long_line = open_line = 0
    line, inside, values, filled, start = 1, 0, 0, 0, 1
    last_short = stray = False
    ended, last = True, _FEED
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            data = np.frombuffer(chunk, np.uint8)
            quotes = data == _QUOTE
            parity = (np.cumsum(quotes) + inside) & 1
            feeds = data == _FEED
            lines = line + np.cumsum(feeds)
            if quotes.any():
                opening = np.flatnonzero(quotes & (parity == 1))
                before = np.concatenate([[last], data[:-1]])[opening]
                stray = stray or not bool(np.isin(before, (sign, _FEED, _RETURN, _QUOTE)).all())
                open_line = int(lines[opening[-1]]) if len(opening) else open_line
            ends = np.flatnonzero(feeds & (parity == 0))
            separators = np.cumsum((data == sign) & (parity == 0))
            content = np.cumsum((data != _FEED) & (data != _RETURN))
            if len(ends):
                found = np.diff(separators[ends], prepend=-values)
                sizes = np.diff(content[ends], prepend=-filled)
                begins = np.concatenate([[start], lines[ends[:-1]]])
                empty = (sizes == 0) & (found == 0)
                few, many = ~empty & (found < width - 1), ~empty & (found > width - 1)
                if few.any():
                    short_line = short_line or int(begins[np.argmax(few)])
                    short += int(few.sum())
                if many.any():
                    long_line = long_line or int(begins[np.argmax(many)])
                    long += int(many.sum())
                blank += int(empty.sum())
                records += int((~empty).sum())
                last_short, start = bool(few[-1]), int(lines[ends[-1]])
                values = int(separators[-1] - separators[ends[-1]])
                filled = int(content[-1] - content[ends[-1]])
            else:
                values, filled = values + int(separators[-1]), filled + int(content[-1])
            last = int(data[-1])
            line, inside, ended = int(lines[-1]), int(parity[-1]), chunk.endswith(b"\n")
    if filled or values:
        records += 1
        if values != width - 1 and not inside:
            last_short = values < width - 1
            short, long = short + last_short, long + (not last_short)
            short_line = short_line or (start if last_short else 0)
            long_line = long_line or (0 if last_short else start)
    return CsvShape(
        records, short, short_line, long, long_line, blank, open_line if inside else 0, last_short and not ended, stray
    )

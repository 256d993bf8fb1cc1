"""What separates the values of a CSV file, told by its first lines."""

from __future__ import annotations

import csv
import io
import re
from itertools import islice

import clevercsv

__all__ = ["SEPARATORS", "SNIFFED", "separator_of"]

SEPARATORS = (",", ";", "\t", "|")
SNIFFED = 6_000
"""Characters at the start of a file that its separator is told by."""


def separator_of(sample: str) -> str:
    """Return the separator that CleverCSV tells from the first characters, else the commonest of the first line."""
    lines = sample.splitlines(keepends=True)
    whole = "".join(lines[:-1]) if len(sample) >= SNIFFED and len(lines) > 1 else sample
    first = lines[0] if lines else ""
    return _sniffed(whole) or max(SEPARATORS, key=lambda sign: _outside_quotes(first, sign))


def _sniffed(sample: str) -> str:
    """Return the separator that CleverCSV tells, where the first line agrees with it; empty otherwise."""
    if sample.count("\n") < 1 or len(sample) >= SNIFFED:
        return ""
    try:
        dialect = clevercsv.Sniffer().sniff(sample, delimiters="".join(SEPARATORS))
    except (clevercsv.Error, UnicodeDecodeError):
        return ""
    sign = dialect.delimiter if dialect is not None else ""
    if not sign:
        return ""
    found = _widths(sample, sign)
    agree = len(found) > 1 and found[0] > 1 and found.count(found[0]) >= 0.5 * len(found)
    if not agree:
        return ""
    return (_beside_decimal_commas(sample) if sign == "," else "") or str(sign)


def _widths(sample: str, separator: str, most: int = 20) -> list[int]:
    """Return how many values the first records have, blank lines aside."""
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    return [len(row) for row in islice(rows, most) if row]


def _beside_decimal_commas(sample: str) -> str:
    """Return what separates nearly all lines alike, where every comma below the first line stands within a number."""
    lines = [line for line in sample.splitlines() if line.strip()][:20]
    outside = [part for line in lines[1:] for part in line.split('"')[::2]]
    if not any("," in part for part in outside) or any(re.search(r"(?<!\d),|,(?!\d)", part) for part in outside):
        return ""
    for sign in SEPARATORS[1:]:
        found = [len(row) for row in csv.reader(lines, delimiter=sign)]
        if found[0] > 1 and found.count(found[0]) >= 0.8 * len(found):
            return sign
    return ""


def _outside_quotes(line: str, sign: str) -> int:
    """Count a character outside quotes."""
    return sum(part.count(sign) for part in line.split('"')[::2])

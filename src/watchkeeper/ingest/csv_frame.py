"""Where the table of a CSV file begins and ends, and what stands before, within and after it that is no row."""

from __future__ import annotations

import csv
import io
import mmap
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from watchkeeper.ingest.csv_separator import SEPARATORS, SNIFFED, separator_of
from watchkeeper.schema.missing import TOKENS

__all__ = ["CsvFrame", "frame_of", "names_again", "write_table"]

_COMMENT = ("#", "//", "%")
_TAIL, _CHUNK = 4_096, 1 << 22
_MOST_BEFORE, _MOST_AFTER = 1_000, 10
"""Lines that may stand before the names, and after the last row."""

_AGREEING = 3
"""Lines of one width that show where the table begins."""

_NUMBER = re.compile(r"[-+(]?[$€£]?\s*\d[\d.,' ]*([eE][-+]?\d+)?\s*[%)€]?|[-+]?(nan|inf(inity)?)", re.IGNORECASE)
_UNIT = re.compile(r"[(\[{<].{0,24}[)\]}>]|[^\d\s\"][^\s\"]{0,11}")
_WORDS_AFTER = re.compile(
    r"\W*(\d[\d.,' ]*\s*(rows?|records?|lines?|zeilen|entries)\b|(grand\s+)?(sub)?totals?\b|sum\b|summe\b|gesamt\b|"
    r"end\b|eof\b|rows?\b|records?\b|source\b|generated\b|exported\b|created\b|printed\b|note\b|copyright\b|©)",
    re.IGNORECASE,
)
_TYPOGRAPHIC = str.maketrans(dict.fromkeys("“”„‟«»", '"'))


@dataclass(frozen=True, slots=True)
class CsvFrame:
    """What of a CSV file is no row.

    Attributes
    ----------
    before
        Lines before the one that names the columns.
    marked
        Whether that one begins with a sign of a comment, which belongs to no name.
    units
        Whether the line below it says in which units the columns are.
    end
        Bytes up to where the last row ends; -1 for all of the file.
    after
        Lines after that, blank ones aside.
    quote
        What stands around values in place of ``"``; ``”`` for all typographic quotes.
    separator
        What stands between values.
    announced
        Whether a first line such as ``sep=;`` says so.
    """

    separator: str
    before: int = 0
    marked: bool = False
    units: bool = False
    end: int = -1
    after: int = 0
    quote: str = '"'
    announced: bool = False

    @property
    def plain(self) -> bool:
        """Whether the table is all of the file, written as usual."""
        return self == CsvFrame(self.separator)

    def line(self, number: int) -> int:
        """Return the line of the file that a line of the table is."""
        return number + self.before + (self.units and number > 1)

    def notes(self, path: Path) -> list[str]:
        """Return in words what was left out, and what was read in another way."""
        found = []
        above = self.before - self.announced
        if above:
            lines = "line above it was" if above == 1 else f"{above} lines above it were"
            found.append(f"{path}: line {self.before + 1} names the columns; the {lines} left out")
        if self.marked:
            found.append(f"{path}: line {self.before + 1}, a comment, names the columns")
        if self.units:
            found.append(f"{path}: line {self.before + 2} says in which units the columns are, and is no row")
        if self.after:
            lines = "line after the last row was" if self.after == 1 else f"{self.after} lines after the last row were"
            found.append(f"{path}: the {lines} left out as no row of the table")
        if self.quote != '"':
            found.append(f"{path} has {self.quote} around its values, which were read as quotes")
        return found


def frame_of(path: Path) -> CsvFrame:
    """Return where the table begins and ends in a file of UTF-8 text.

    Lines before the table are blank, begin with ``#``, ``//`` or ``%``, or hold one value where at least three lines
    below them have more, all alike, the first of which names columns. Lines after it hold one value, or the word for a
    total beside empty ones. What is not surely so is left to be read as rows.
    """
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        announced = _announced(stream.readline(8))
        stream.seek(0)
        if announced:
            stream.readline()
        before, comment = int(bool(announced)), ""
        for line in islice(iter(stream.readline, ""), _MOST_BEFORE):
            if line.strip() and not line.lstrip().startswith(_COMMENT):
                break
            before, comment = before + 1, line if line.strip() else ""
        else:
            return CsvFrame(announced or ",", before, announced=bool(announced))
        sample = line + stream.read(max(0, SNIFFED - len(line)))
    found = _begun(sample, announced, before, comment)
    return _ended(path, found)


def write_table(path: Path, frame: CsvFrame, out: BinaryIO) -> None:
    """Write the table alone, from the line that names the columns to the last row, with values in usual quotes."""
    with path.open("rb") as stream:
        for _ in range(frame.before):
            stream.readline()
        head = stream.readline().removeprefix(b"\xef\xbb\xbf")
        if frame.marked:
            head = head.lstrip().lstrip(b"#/%").lstrip(b" ")
        if frame.units:
            stream.readline()
        end = frame.end if frame.end >= 0 else os.fstat(stream.fileno()).st_size
        if frame.quote == '"':
            out.write(head)
            _copy(stream, out, end)
            return
        rest = io.BytesIO()
        rest.write(head)
        _copy(stream, rest, end)
    text = rest.getvalue().decode("utf-8", "replace")
    sign = frame.quote
    if sign == "”":
        text, sign = text.translate(_TYPOGRAPHIC), '"'
    text_out = io.TextIOWrapper(out, encoding="utf-8", newline="")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=frame.separator, quotechar=sign)
    csv.writer(text_out, delimiter=frame.separator, lineterminator="\n").writerows(rows)
    text_out.flush()
    text_out.detach()


def names_again(path: Path) -> tuple[int, int]:
    """Return how many lines of a table repeat the one that names its columns, and the first of them."""
    with path.open("rb") as stream:
        head = stream.readline()
        named = head.removeprefix(b"\xef\xbb\xbf").strip(b"\r\n")
        if not head.endswith(b"\n") or not named.strip() or named.count(b'"') % 2:
            return 0, 0
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
            count, first, place = 0, 0, len(head) - 1
            while (place := text.find(b"\n" + named, place)) >= 0:
                end = place + 1 + len(named)
                if end == len(text) or text[end : end + 1] in b"\r\n":
                    count, first = count + 1, first or _feeds(text, place) + 2
                place = end
    return count, first


def _feeds(text: mmap.mmap, end: int) -> int:
    """Return how many line feeds are before a place."""
    chunks = (text[at : min(at + _CHUNK, end)] for at in range(0, end, _CHUNK))
    return sum(chunk.count(b"\n") for chunk in chunks)


def _copy(stream: BinaryIO, target: BinaryIO, end: int) -> None:
    while (left := end - stream.tell()) > 0 and (chunk := stream.read(min(left, _CHUNK))):
        target.write(chunk)


def _announced(line: str) -> str:
    """Return the separator that a line such as ``sep=;`` announces, as spreadsheets write it; empty for none."""
    line = line.strip("\r\n\ufeff ").strip('"')
    return line[4] if len(line) == 5 and line.startswith("sep=") else ""


def _begun(sample: str, announced: str, before: int, comment: str) -> CsvFrame:
    """Return where the table begins, from the text after blank lines and comments, the last of which is ``comment``."""
    quote = _quote_of(sample)
    plain = _as_usual(sample, quote)
    if comment:
        marked, named = _unmarked(comment, announced)
        separator = announced or separator_of(named + plain)
        names, row, second = _first(named, separator), *_first_two(plain, separator)
        # Of words above words a sign without a space stands at a name, unless the words below name columns themselves.
        beside = not comment.lstrip().lstrip("#/%").startswith(" ") and len(names) == len(row) > 1
        words = beside and not any(map(_is_number, names)) and not _names(row, second)
        if _names(names, row) or words:
            return CsvFrame(separator, before - 1, marked=marked, quote=quote, announced=bool(announced))
    separator = announced or separator_of(plain)
    skipped, other = _above(plain, (separator,) if announced else (separator, *SEPARATORS))
    if skipped:
        lines = sample.splitlines(keepends=True)
        sample = "".join(lines[skipped:])
        quote = _quote_of(sample)
        plain, before = _as_usual(sample, quote), before + skipped
        separator = announced or separator_of(plain) or other
    frame = CsvFrame(separator, before, quote=quote, announced=bool(announced))
    return replace(frame, units=_has_units(plain, separator))


def _unmarked(comment: str, announced: str) -> tuple[bool, str]:
    """Return whether a line begins with the sign of a comment that is no name by itself, and the line without it."""
    named = comment.lstrip().lstrip("#/%").lstrip(" ")
    alone = named.startswith((announced,) if announced else (*SEPARATORS,))
    return not alone, comment.lstrip() if alone else named


def _first(sample: str, separator: str) -> list[str]:
    return next(csv.reader(io.StringIO(sample, newline=""), delimiter=separator), [])


def _first_two(sample: str, separator: str) -> tuple[list[str], list[str]]:
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    return next(rows, []), next(rows, [])


def _names(names: Sequence[str], row: Sequence[str]) -> bool:
    """Return whether the first values are names, of which the second ones are values."""
    alike = len(names) == len(row) > 1 and all(name.strip() for name in names)
    return alike and not any(map(_is_number, names)) and any(map(_is_number, row))


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text.strip()) is not None


def _above(sample: str, separators: Sequence[str]) -> tuple[int, str]:
    """Return how many lines of one value stand above lines that all have more, and what separates these."""
    lines = sample.splitlines()
    lines = lines[:-1] if len(sample) >= SNIFFED else lines
    cut = {sign: [next(csv.reader([line], delimiter=sign), []) for line in lines] for sign in dict.fromkeys(separators)}
    if any(_whole([len(row) for row in rows if row]) for rows in cut.values()):
        return 0, ""
    for sign, rows in cut.items():
        begins = next((i for i, row in enumerate(rows) if len(row) > 1), 0)
        if not begins:
            continue
        below = [row for row in rows[begins:] if row]
        width = len(below[0])
        alike = [row for row in below if len(row) == width]
        if len(alike) < max(_AGREEING, 0.8 * len(below)) or '"' in "".join(lines[:begins]):
            continue
        if all(value.strip() and not _is_number(value) for value in below[0]):
            return begins, sign
    return 0, ""


def _whole(widths: Sequence[int]) -> bool:
    """Return whether the first line has as many values as those below it: it is one of them, or names them."""
    return bool(widths) and widths[0] > 1 and widths.count(widths[0]) >= max(_AGREEING, 0.8 * len(widths))


def _quote_of(sample: str) -> str:
    """Return what stands around values where that is not ``"``: all names, or a value in half of the lines, have it."""
    lines = [line for line in sample.splitlines() if line.strip()][:20]
    lines = lines[:-1] if len(sample) >= SNIFFED and len(lines) > 1 else lines
    if not lines or '"' in "".join(lines):
        return '"'
    signs = "".join(re.escape(sign) for sign in SEPARATORS)
    for sign, opened, closed in (("'", "'", "'"), ("`", "`", "`"), ("”", "[“„‟«»]", "[“”‟«»]")):
        whole = re.compile(rf"(?:^|(?<=[{signs}])){opened}[^\n]*?{closed}(?=[{signs}]|$)")
        quoted = [len(whole.findall(line)) for line in lines]
        begun = [len(re.findall(rf"(?:^|(?<=[{signs}])){opened}", line)) for line in lines]
        names = quoted[0] > 0 and not re.sub(f"[{signs}\\s]", "", whole.sub("", lines[0]))
        if quoted == begun and (names or sum(1 for n in quoted if n) >= len(lines) / 2):
            return sign
    return '"'


def _as_usual(sample: str, quote: str) -> str:
    """Return the text with ``"`` around its values."""
    if quote == '"':
        return sample
    return sample.translate(_TYPOGRAPHIC) if quote == "”" else sample.replace(quote, '"')


def _has_units(sample: str, separator: str) -> bool:
    """Return whether the second line has units above columns of numbers, and nothing else elsewhere."""
    rows = list(islice(csv.reader(io.StringIO(sample, newline=""), delimiter=separator), 30))
    rows = [row for row in (rows[:-1] if len(sample) >= SNIFFED else rows) if row]
    if len(rows) < 2 + _AGREEING or len({len(row) for row in rows}) > 1 or len(rows[0]) < 2:
        return False
    units, above = [value.strip() for value in rows[1]], 0
    for place, unit in enumerate(units):
        values = [row[place].strip() for row in rows[2:]]
        known = [value for value in values if value not in TOKENS]
        if known and all(map(_is_number, known)):
            if unit and (unit in TOKENS or _is_number(unit) or not _UNIT.fullmatch(unit)):
                return False
            above += bool(unit)
        elif unit and not re.fullmatch(r"[(\[{<].{0,24}[)\]}>]|[-–—]|str(ing)?|text|object|category|nominal", unit):
            return False
    return above > 0 and 2 * above >= sum(1 for unit in units if unit)


def _ended(path: Path, frame: CsvFrame) -> CsvFrame:
    """Return the frame with where the last row ends."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - _TAIL))
        tail = stream.read()
    lines = tail.splitlines(keepends=True)
    if size > _TAIL:
        lines = lines[1:]
    width = _width(path, frame)
    end = place = size
    after = 0
    for line in reversed(lines[-_MOST_AFTER:]):
        place -= len(line)
        text = line.decode("utf-8", "replace")
        if not text.strip():
            continue
        row = _first(text, frame.separator)
        blank = place > 0 and _blank_before(lines, line)
        if '"' in text or width < 2 or not _is_after(row, text, width, blank=blank):
            break
        end, after = place, after + 1
    if not after or _within_quotes(path, end):
        return frame
    return replace(frame, end=end, after=after)


def _width(path: Path, frame: CsvFrame) -> int:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        for _ in range(frame.before):
            stream.readline()
        return len(_first(_as_usual(stream.readline(), frame.quote), frame.separator))


def _blank_before(lines: Sequence[bytes], line: bytes) -> bool:
    """Return whether the line stands after a blank one."""
    at = next(i for i in range(len(lines) - 1, -1, -1) if lines[i] is line)
    return at > 0 and not lines[at - 1].strip()


def _is_after(row: Sequence[str], text: str, width: int, *, blank: bool) -> bool:
    values = [value.strip() for value in row if value.strip()]
    if not values or len(row) > width:
        return False
    if len(row) == 1 or len(values) == 1 < len(row):
        said = text.lstrip().startswith((*_COMMENT, "--")) or bool(_WORDS_AFTER.match(text))
        return said or (blank and len(row) == 1 and not _is_number(values[0]))
    total = re.fullmatch(r"(grand\s+)?totals?:?|sum:?|summe:?|gesamt:?", values[0], re.IGNORECASE)
    return bool(total) and len(values) < len(row)


def _within_quotes(path: Path, end: int) -> bool:
    """Return whether a quote is open at a place of a file."""
    count, left = 0, end
    with path.open("rb") as stream:
        while left > 0 and (chunk := stream.read(min(left, _CHUNK))):
            count, left = count + chunk.count(b'"'), left - len(chunk)
    return count % 2 == 1

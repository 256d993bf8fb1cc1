"""CSV files as people have them, made at random with what they hold: dialects, encodings, compression and damage."""

from __future__ import annotations

import csv
import gzip
import io
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

WORDS = (
    "north", "süd", "östlich", "a b", "x", "it's", "100 €", "café", "né", "Ärger", "left, right", "a;b", 'say "hi"',
    "two\nlines", "tab\there", "pipe|d", "=1+1",
)  # fmt: skip
PLAIN = ("north", "south", "east", "west", "a b", "it's", "x")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "latin-1", "cp1252")
DAMAGE = ("none", "none", "none", "none", "ragged-long", "ragged-short", "truncated", "cut-compression")


@dataclass(frozen=True)
class CsvCase:
    """A file and what is true of it."""

    path: Path
    names: list[str]
    rows: list[list[Any]]
    kinds: list[str]
    separator: str
    decimal: str
    encoding: str
    damage: str
    line: int = 0
    facts: dict[str, Any] = field(default_factory=dict)


def make(folder: Path, seed: int, *, damage: str | None = None) -> CsvCase:
    """Write a file for a seed."""
    g = np.random.default_rng(seed)
    separator = str(g.choice([",", ",", ";", "\t", "|"]))
    decimal = "," if separator != "," and g.random() < 0.4 else "."
    encoding = str(g.choice(ENCODINGS))
    damage = str(g.choice(DAMAGE)) if damage is None else damage
    count, rows = int(g.integers(2, 7)), int(g.integers(5, 60))
    kinds = ["number", *(str(k) for k in g.choice(["number", "whole", "text", "words", "date"], size=count - 1))]
    names = _names(g, count)
    table = [[_value(kind, g) for kind in kinds] for _ in range(rows)]
    quoting = csv.QUOTE_MINIMAL if decimal == "," else (csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC)[
        int(g.integers(3))
    ]  # fmt: skip
    end = str(g.choice(["\n", "\r\n"]))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerow(names)
    for row in table:
        writer.writerow([_written(value, decimal) for value in row])
    text, line = _damaged(stream.getvalue(), damage, separator, end, g)
    return _write(folder, seed, text, CsvCase(folder, names, table, kinds, separator, decimal, encoding, damage, line))


def _names(g: np.random.Generator, count: int) -> list[str]:
    pool = [
        "amount",
        "Height, cm",
        "Weight; kg",
        "größe",
        "x y",
        "*",
        "^x.*$",
        "a|b",
        'the "name"',
        "id2",
        "Änderung",
        "k",
    ]
    return [str(name) for name in g.choice(pool, size=count, replace=False)]


def _value(kind: str, g: np.random.Generator) -> Any:
    if kind == "number":
        return round(float(g.normal(0, 100)), int(g.integers(1, 4)))
    if kind == "whole":
        return int(g.integers(-1000, 1000))
    if kind == "date":
        return f"2026-{int(g.integers(1, 13)):02d}-{int(g.integers(1, 29)):02d}"
    return str(g.choice(WORDS if kind == "text" else PLAIN))


def _written(value: Any, decimal: str) -> Any:
    if isinstance(value, float):
        return repr(value).replace(".", decimal) if decimal == "," else value
    return value


def _damaged(text: str, damage: str, separator: str, end: str, g: np.random.Generator) -> tuple[str, int]:
    """Return the text with its damage, and the line that has it."""
    if damage not in ("ragged-long", "ragged-short", "truncated"):
        return text, 0
    records = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    if damage == "truncated":
        # The last line breaks off in the middle of a quoted value.
        return text + f'"{"broken"}', text.count("\n") + 1
    at = int(g.integers(1, len(records)))
    record = records[at]
    records[at] = [*record, "7", "8"] if damage == "ragged-long" else record[:-1]
    stream, line = io.StringIO(newline=""), 0
    writer = csv.writer(stream, delimiter=separator, lineterminator=end)
    for number, each in enumerate(records):
        if number == at:
            line = stream.getvalue().count("\n") + 1
        writer.writerow(each)
    return stream.getvalue(), line


def _write(folder: Path, seed: int, text: str, case: CsvCase) -> CsvCase:
    encoding = case.encoding
    if encoding == "utf-16-le-bom":
        body = b"\xff\xfe" + text.encode("utf-16-le")
    else:
        # What the code page lacks is written as it would be by a program that has no better: not at all.
        body = text.encode(encoding, "replace" if encoding in ("latin-1", "cp1252") else "strict")
    how = ("", "", "", ".gz", ".zst")[seed % 5]
    if case.damage == "cut-compression" and not how:
        how = ".gz"
    path = folder / f"{seed}.csv{how}"
    if how == ".gz":
        body = gzip.compress(body)
    elif how == ".zst":
        body = subprocess.run(["zstd", "-q", "-c"], input=body, capture_output=True, check=True).stdout
    path.write_bytes(body[: len(body) * 2 // 3] if case.damage == "cut-compression" else body)
    return CsvCase(**{**vars(case), "path": path})

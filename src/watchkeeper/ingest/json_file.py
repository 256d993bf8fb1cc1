"""One file of JSON: a line for each row, or one list of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from watchkeeper.core.errors import SourceError
from watchkeeper.ingest.compressed import open_bytes
from watchkeeper.schema.python_values import series_of

__all__ = ["json_rows"]


def json_rows(path: Path) -> pl.DataFrame:
    """Return the rows of a file of JSON, one object each; a key that an object lacks is null there.

    The rows are held in memory: for large tables Parquet is the better file.

    Raises
    ------
    SourceError
        When the file cannot be read, or a line of it is no object; the line is named.
    """
    try:
        with open_bytes(path) as stream:
            body = stream.read()
    except (OSError, EOFError, ValueError) as error:
        raise SourceError(f"{path} cannot be read as JSON: {error}") from error
    rows = list(_rows(path, body))
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pl.DataFrame([series_of(name, [row.get(name) for row in rows])[0] for name in names])


def _rows(path: Path, body: bytes) -> Iterator[dict[str, Any]]:
    text = body.lstrip()
    if text.startswith(b"["):
        try:
            listed = json.loads(text)
        except ValueError as error:
            raise SourceError(f"{path} cannot be read as JSON: {error}") from error
        numbered = list(enumerate(listed, 1))
        what = "row"
    else:
        numbered = [
            (number, _value(path, number, line)) for number, line in enumerate(body.splitlines(), 1) if line.strip()
        ]
        what = "line"
    for number, row in numbered:
        if not isinstance(row, dict):
            raise SourceError(f'{path}: {what} {number} is no object of column and value, such as {{"age": 41}}')
        yield row


def _value(path: Path, number: int, line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise SourceError(f"{path}: line {number} is no JSON: {error}; repair or delete that line") from error

"""Where tables are: the files behind a path, a folder, a glob or a URL, each as a piece of one table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from watchkeeper.core.columns import column_named
from watchkeeper.core.errors import STOPS, EmptyError, SourceError, in_short, near_miss
from watchkeeper.ingest.csv_file import CsvFile
from watchkeeper.ingest.delta_commits import delta_table, is_local_delta
from watchkeeper.ingest.json_file import json_rows
from watchkeeper.ingest.tables import TableFile

__all__ = ["new_pieces", "pieces_of"]

_FORMATS = {
    ".parquet": "Parquet", ".pq": "Parquet",
    **{f"{name}{how}": "CSV" for name in (".csv", ".tsv") for how in ("", ".gz", ".zst", ".zstd")},
    ".arrow": "Arrow", ".feather": "Arrow", ".ipc": "Arrow",
    **{f"{name}{how}": "JSON" for name in (".json", ".jsonl", ".ndjson") for how in ("", ".gz", ".zst")},
}  # fmt: skip
_MAGIC = ((b"PAR1", "Parquet"), (b"ARROW1", "Arrow"))


def pieces_of(source: str | Path) -> tuple[TableFile, ...]:
    """Return the pieces behind a path, folder, glob or URL.

    Raises
    ------
    SourceError
        When there is nothing, or it is empty or damaged.
    """
    text = str(source)
    if not text.strip():
        raise SourceError("the path is empty; name a file, a folder, a glob or a URL")
    if text.startswith("file://"):
        text = text.removeprefix("file://")
    if "://" in text:
        pieces = [_remote(text)]
    else:
        path = Path(text).expanduser()
        is_delta = is_local_delta(path)
        pieces = [delta_table(str(path))] if is_delta else _local(path)
    if not any(_has_rows(piece) for piece in pieces):
        what = text if len(pieces) == 1 else f"none of the {len(pieces)} files of {text}"
        raise EmptyError(f"{what} has {'no ' if len(pieces) == 1 else ''}rows; check what wrote it")
    return tuple(pieces)


def new_pieces(source: str | Path, wanted: Callable[[str], bool]) -> Iterator[TableFile | SourceError]:
    """Return the pieces behind a path, folder, glob or URL whose names are wanted, each for itself.

    The others are not looked into. A piece that cannot be opened is returned as what is wrong with it.

    Raises
    ------
    SourceError
        When there is nothing.
    """
    text = str(source).removeprefix("file://")
    path = Path(text).expanduser()
    whole = "://" in text or is_local_delta(path)
    root, files = (path, []) if whole else _files(path)
    for name in [text] if whole else list(map(str, files)):
        if not wanted(name):
            continue
        try:
            yield (
                (_remote(name) if "://" in name else delta_table(name))
                if whole
                else _piece(Path(name), _format(Path(name)), root)
            )
        except SourceError as error:
            yield error
        except STOPS:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever is raised, a panic included, costs one file
            yield SourceError(f"{name} cannot be read: {in_short(error)}")


def _has_rows(piece: TableFile) -> bool:
    return piece.csv.has_rows() if piece.csv is not None else piece.rows() > 0


def _local(path: Path) -> list[TableFile]:
    root, files = _files(path)
    formats = {file: _format(file) for file in files}
    if len(set(formats.values())) > 1:
        shown = ", ".join(f"{what} ({file.name})" for what, file in {w: f for f, w in formats.items()}.items())
        raise SourceError(f"{path} holds files of several formats: {shown}; name one of them with a glob")
    return [_piece(file, formats[file], root) for file in files]


def _files(path: Path) -> tuple[Path, list[Path]]:
    if path.is_dir():
        found = [f for f in sorted(path.rglob("*")) if f.is_file() and _suffix(f) and not _hidden(f, path)]
        if not found:
            raise SourceError(f"the folder {path} holds no table files; {_valid()}")
        return path, found
    if path.is_file():
        return path.parent, [path]
    if any(sign in str(path) for sign in "*?["):
        start = Path(path.anchor or ".")
        found = sorted(f for f in start.glob(str(path.relative_to(path.anchor))) if f.is_file())
        if not found:
            raise SourceError(f"no file matches {path}; check the pattern and the folder it starts from")
        return start, found
    raise SourceError(f"{path} does not exist; {_beside(path)}")


def _beside(path: Path) -> str:
    """Return what there is where a file was looked for."""
    if not path.parent.is_dir():
        return f"neither does the folder {path.parent}"
    try:
        beside = [entry for entry in path.parent.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        return f"the folder {path.parent} cannot be read: {error.strerror or error}"
    close = get_close_matches(path.name, [entry.name for entry in beside], n=1)
    found = [entry.name for entry in beside if entry.is_dir() or _suffix(entry) or entry.name in close]
    return near_miss(path.name, found) if found else f"the folder {path.parent} holds no table files. {_valid()}"


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith((".", "_")) for part in file.relative_to(root).parts)


def _suffix(file: Path) -> str:
    name = file.name.lower()
    return next((suffix for suffix in _FORMATS if name.endswith(suffix)), "")


def _valid() -> str:
    return f"Valid: {', '.join(_FORMATS)}, or a Delta table"


def _format(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            head = stream.read(8)
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror or error}") from error
    if not head:
        raise SourceError(f"{file} is empty (0 bytes); write it again, or leave it out")
    suffix = _suffix(file)
    found = _FORMATS.get(suffix) or next((what for magic, what in _MAGIC if head.startswith(magic)), None)
    if found is None:
        raise SourceError(f"the format of {file} is not known. {_valid()}")
    return found


def _piece(file: Path, what: str, root: Path) -> TableFile:
    if what == "CSV":
        csv = CsvFile(file)
        piece = TableFile(str(file), pl.LazyFrame(), csv=csv)
        with piece.reading():
            return TableFile(str(file), csv.scan(), seeks=True, csv=csv, typed=False)
    if what == "JSON":
        frame = json_rows(file)
        return TableFile(str(file), frame, frame.height)
    if what == "Arrow":
        return TableFile(str(file), pl.scan_ipc(file, glob=False), seeks=True, local=True)
    partitioned = file.is_relative_to(root) and any("=" in part for part in file.relative_to(root).parts[:-1])
    plan = pl.scan_parquet(file, glob=False, hive_partitioning=partitioned)
    return TableFile(str(file), plan.with_columns(_categories(file, plan)), seeks=True, local=True)


def _remote(url: str) -> TableFile:
    what = next((w for suffix, w in _FORMATS.items() if url.lower().endswith(suffix)), None)
    if what is None and "*" not in url:
        return delta_table(url)
    if what == "CSV":
        return TableFile(url, pl.scan_csv(url, infer_schema=False), typed=False)
    if what == "JSON":
        return TableFile(url, pl.scan_ndjson(url, infer_schema_length=None))
    scan: Any = {"Arrow": pl.scan_ipc}.get(what or "", pl.scan_parquet)
    return TableFile(url, scan(url), seeks=True)


def _categories(file: Path, plan: pl.LazyFrame) -> list[pl.Expr]:
    """Return the columns that were categorical in pandas, which Parquet keeps as the numbers they are made of."""
    with suppress(ValueError, KeyError, TypeError, AttributeError, pl.exceptions.PolarsError, OSError):
        said = json.loads(pl.read_parquet_metadata(file).get("pandas", "{}"))
        named = [one["name"] for one in said.get("columns", []) if one["pandas_type"] == "categorical"]
        types = dict(plan.collect_schema()) if named else {}
        return [
            column_named(name).cast(pl.String).cast(pl.Categorical).alias(name)
            for name in named
            if isinstance(name, str) and name in types and types[name].is_integer()
        ]
    return []

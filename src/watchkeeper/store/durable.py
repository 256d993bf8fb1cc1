"""What makes a commit to a local Delta table last: its files and folders are on the disk before anybody builds on it.

deltalake writes and renames, and leaves it to the system when that reaches the disk. A run deletes a segment of the
spool, or moves a cursor in the database, once its rows are committed: if the machine lost power in between, those rows
would be nowhere. What is not on the disk when power is lost was never built on, so that a torn commit may be left out.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

__all__ = ["begin", "leave_out_torn", "settle_all", "settle_since"]

_THREADS = 16
_LOG, _LAST, _MARK = "_delta_log", "_last_checkpoint", "_settled"
_PARQUET = b"PAR1"


def begin(root: Path) -> None:
    """Say of a table that is about to be made that nothing in it is settled."""
    (root / _LOG).mkdir(parents=True, exist_ok=True)
    _mark(root, -1)


def settle_since(root: Path, version: int) -> None:
    """Put the commits after a version on the disk, with what they name; -1 is before the first.

    Raises
    ------
    OSError
        When the disk refuses.
    """
    log, first = root / _LOG, version + 1
    entries: list[Path] = []
    data: set[Path] = set()
    while (entry := log / f"{version + 1:020d}.json").is_file():
        version += 1
        data.update(root / path for path, _ in _added(entry))
        entries += [entry, log / f"{version:020d}.checkpoint.parquet"]
    _sync({*data, *(folder for path in data for folder in path.parents if folder.is_relative_to(root))})
    _sync({*(entry for entry in (*entries, log / _LAST) if entry.exists()), log})
    # A table that was just made has a name in folders that are new as well.
    _sync(set(list(root.parents)[:3]) if first == 0 else set())
    _mark(root, version)


def settle_all(root: Path) -> None:
    """Put a whole table on the disk: a process that died may have left commits that are not there yet."""
    for folder, _, files in os.walk(root):
        _sync({Path(folder), *(Path(folder, name) for name in files)})
    _sync(set(list(root.parents)[:3]))


def leave_out_torn(root: Path) -> None:
    """Set the newest commits aside that lost power left empty or without the bytes of their files.

    Only those that nobody was told of: what is damaged later is an error.
    """
    log, settled = root / _LOG, _settled(root)
    for entry in sorted(log.glob("[0-9]*.json"), reverse=True):
        if settled is None or int(entry.stem) <= settled or not entry.is_file() or not _is_torn(root, entry):
            break
        _set_aside(entry)
    # A checkpoint only shortens the way: the commits themselves are there for days.
    for checkpoint in sorted(log.glob("*.checkpoint.parquet"))[-1:]:
        if not checkpoint.read_bytes().endswith(_PARQUET):
            _set_aside(checkpoint)
            (log / _LAST).unlink(missing_ok=True)


def _settled(root: Path) -> int | None:
    """Return the newest version that is known to be on the disk; None where nobody has kept count."""
    try:
        return int((root / _LOG / _MARK).read_text() or -1)
    except (OSError, ValueError):
        return None


def _mark(root: Path, version: int) -> None:
    if not (root / _LOG).is_dir():
        return  # there is no table yet
    # It need not be on the disk itself: what it says of older commits is true as well.
    part = root / _LOG / f".{secrets.token_hex(8)}.part"
    part.write_text(str(version))
    part.replace(root / _LOG / _MARK)


def _set_aside(path: Path) -> None:
    path.rename(path.with_name(f"{path.name}.torn"))


def _is_torn(root: Path, entry: Path) -> bool:
    try:
        added = list(_added(entry))
    except ValueError:
        return True
    files = ((root / path, size) for path, size in added)
    return not entry.stat().st_size or any(path.exists() and path.stat().st_size < size for path, size in files)


def _added(entry: Path) -> Iterator[tuple[str, int]]:
    """Yield the data files that a commit adds, with their sizes."""
    for line in entry.read_text().splitlines():
        add = json.loads(line).get("add")
        if add:
            yield unquote(add["path"]), int(add["size"])


def _sync(paths: Iterable[Path]) -> None:
    """Wait until files and folders are on the disk; those that were removed meanwhile need not be."""
    wanted = sorted(paths)
    if len(wanted) > 1:
        with ThreadPoolExecutor(min(_THREADS, len(wanted))) as threads:
            list(threads.map(_sync_one, wanted))
    else:
        list(map(_sync_one, wanted))


def _sync_one(path: Path) -> None:
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    except PermissionError:
        if os.name == "nt" or path.is_dir():
            return  # systems that cannot open a folder put its names on the disk by themselves
        raise
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

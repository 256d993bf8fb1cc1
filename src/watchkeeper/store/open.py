"""Opening a store by its address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL, make_url

from watchkeeper.core.errors import StoreError, UsageError
from watchkeeper.core.state import State
from watchkeeper.store.database import REVISION, place_of, stored_revision
from watchkeeper.store.faults import reported
from watchkeeper.store.lake import LakeStore

if TYPE_CHECKING:
    from watchkeeper.store.memory import MemoryStore
    from watchkeeper.store.rehearsal import RehearsalStore

__all__ = ["MEMORY", "open_rehearsal", "open_store"]

MEMORY = ":memory:"
"""The address of a store that lives as long as the process."""

_BARRED = "%[]^|`\\"


def open_store(
    url: str | Path,
    *,
    sql_url: str | None = None,
    storage_options: Mapping[str, str] | None = None,
    encode: Callable[[State], bytes],
    decode: Callable[[bytes], State],
) -> LakeStore | MemoryStore:
    """Return the store at an address, made if there is none yet.

    Parameters
    ----------
    url
        ``:memory:``; a folder, which gets the Delta tables in ``log`` and the database in ``watchkeeper.db``; or an
        address in an object store such as ``s3://bucket/path``, which needs ``sql_url`` too.
    sql_url
        SQLAlchemy URL of another database.
    storage_options
        Storage options of the object store: credentials, region, endpoint.
    encode, decode
        Turn a state into bytes and back.

    Raises
    ------
    StoreError
        When the store cannot be opened: it is a file, read-only, damaged or from a newer version.
    UsageError
        When an address in an object store comes without ``sql_url``.
    """
    text = str(url)
    if text == MEMORY:
        from watchkeeper.store.memory import MemoryStore

        return MemoryStore()
    log, database = _places(url, sql_url, made=True)
    return LakeStore(log, database, encode=encode, decode=decode, storage_options=storage_options)


def open_rehearsal(
    url: str | Path,
    *,
    sql_url: str | None = None,
    storage_options: Mapping[str, str] | None = None,
    encode: Callable[[State], bytes],
    decode: Callable[[bytes], State],
) -> RehearsalStore:
    """Return a store that shows what the one at an address holds, and writes nothing; for the rest see ``open_store``.

    Raises
    ------
    StoreError
        When the store there cannot be opened, or was made by an earlier version and would have to be brought up to
        date.
    """
    from watchkeeper.store.memory import MemoryStore
    from watchkeeper.store.rehearsal import RehearsalStore

    if str(url) == MEMORY:
        return RehearsalStore(MemoryStore())
    log, database = _places(url, sql_url, made=False)
    revision = stored_revision(database)
    if revision is None:
        return RehearsalStore(MemoryStore())
    if revision != REVISION:
        raise StoreError(
            f"{place_of(make_url(database))} was made by another version of Watchkeeper (its tables are at {revision}, "
            f"this version has {REVISION}), and a dry run writes nothing; run watchkeeper run once, which brings it up "
            f"to date"
        )
    return RehearsalStore(LakeStore(log, database, encode=encode, decode=decode, storage_options=storage_options))


def _places(url: str | Path, sql_url: str | None, *, made: bool) -> tuple[str, str | URL]:
    """Return where the log and the database are; the folder is made where that is wanted."""
    text = str(url)
    remote = "://" in text and not text.startswith("file://")
    if remote and sql_url is None:
        raise UsageError(
            f"{text} can hold the log but no database; name one as well: sql_url='postgresql+psycopg://...' or "
            f"sql_url='sqlite:///watchkeeper.db'"
        )
    if remote:
        return text, sql_url or ""
    folder = _folder(Path(unquote(urlsplit(text).path)) if text.startswith("file://") else Path(url), made=made)
    return str(folder / "log"), sql_url or URL.create("sqlite", database=str(folder / "watchkeeper.db"))


def _folder(folder: Path, *, made: bool) -> Path:
    folder = folder.expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"cannot open {folder}: it is a file, and a store is a folder; choose another folder")
    wrong = sorted({sign for part in folder.parts for sign in part if sign in _BARRED or not sign.isprintable()})
    if wrong and folder.anchor == "/":
        raise StoreError(
            f"cannot open {folder}: Delta tables cannot lie under a name with {' or '.join(map(repr, wrong))}; "
            f"choose another folder"
        )
    if made:
        with reported(str(folder), "open"):
            folder.mkdir(parents=True, exist_ok=True)
    return folder

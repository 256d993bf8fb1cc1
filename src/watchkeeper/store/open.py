"""Opening a store by its address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL

from watchkeeper.core.errors import StoreError, UsageError
from watchkeeper.core.state import State
from watchkeeper.store.faults import reported
from watchkeeper.store.lake import LakeStore
from watchkeeper.store.memory import MemoryStore

__all__ = ["MEMORY", "open_store"]

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
        return MemoryStore()
    remote = "://" in text and not text.startswith("file://")
    if remote and sql_url is None:
        raise UsageError(
            f"{text} can hold the log but no database; name one as well: sql_url='postgresql+psycopg://...' or "
            f"sql_url='sqlite:///watchkeeper.db'"
        )
    if remote:
        return LakeStore(text, sql_url or "", encode=encode, decode=decode, storage_options=storage_options)
    folder = _folder(Path(unquote(urlsplit(text).path)) if text.startswith("file://") else Path(url))
    database = sql_url or URL.create("sqlite", database=str(folder / "watchkeeper.db"))
    log = str(folder / "log")
    return LakeStore(log, database, encode=encode, decode=decode, storage_options=storage_options)


def _folder(folder: Path) -> Path:
    folder = folder.expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"cannot open {folder}: it is a file, and a store is a folder; choose another folder")
    wrong = sorted({sign for part in folder.parts for sign in part if sign in _BARRED or not sign.isprintable()})
    if wrong and folder.anchor == "/":
        raise StoreError(
            f"cannot open {folder}: Delta tables cannot lie under a name with {' or '.join(map(repr, wrong))}; "
            f"choose another folder"
        )
    with reported(str(folder), "open"):
        folder.mkdir(parents=True, exist_ok=True)
    return folder

"""Turning what file systems, Delta and databases raise into errors that name the place and the remedy."""

from __future__ import annotations

import errno
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from watchkeeper.core.errors import StoreError, WatchkeeperError

__all__ = ["reported", "store_error"]

_REMEDIES = (
    (
        ("no space left", "disk is full", "os error 28", "storagefull"),
        "the disk is full. Free some space and run again: nothing was written, and what was there before is untouched",
    ),
    (
        ("read-only file system", "readonlyfilesystem", "readonly database", "os error 30"),
        "it is read-only. Make it writeable or choose another store; what was there before is untouched",
    ),
    (
        ("permission denied", "permissiondenied", "operation not permitted", "access denied", "forbidden"),
        "permission is denied. Run as a user who may write there, or change the owner",
    ),
    (
        ("database is locked", "database table is locked"),
        "another process holds it. Wait until that one is done, or stop it, and run again",
    ),
    (
        ("file is not a database", "malformed", "file is encrypted", "disk i/o error"),
        "the database file is damaged. Put a copy back, or move it away to start a new one; the log is not affected",
    ),
    (
        ("not a directory", "notadirectory", "file exists"),
        "a file lies where a folder should be. Move it away or choose another folder",
    ),
    (
        ("unable to open database file",),
        "the database file cannot be opened. Check that its folder is there and may be written to; it may be read-only",
    ),
)

_NUMBERS = {
    errno.ENOSPC: "no space left",
    errno.EROFS: "read-only file system",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOTDIR: "not a directory",
}


def store_error(place: str, doing: str, error: BaseException) -> StoreError:
    """Return the error that says what failed where, and what to do about it."""
    seen: list[str] = []
    cause: BaseException | None = error
    number = None
    while cause is not None and len(seen) < 5:
        seen.append(f"{type(cause).__name__} {cause}".lower())
        number = number or getattr(cause, "errno", None)
        cause = cause.__cause__ or cause.__context__
    text = " ".join(seen)
    text += " " + _NUMBERS.get(number or 0, "")
    for signs, remedy in _REMEDIES:
        if any(sign in text for sign in signs):
            return StoreError(f"cannot {doing} {place}: {remedy}")
    said = str(error).strip().splitlines()
    return StoreError(f"cannot {doing} {place}: {said[0] if said else type(error).__name__}")


@contextmanager
def reported(place: str, doing: str) -> Iterator[None]:
    """Raise what goes wrong inside as a StoreError that names the place."""
    try:
        yield
    except WatchkeeperError:
        raise
    except _raised() as error:
        raise store_error(place, doing, error) from error
    except Exception as error:
        # Delta raises plain exceptions for some faults of schemas and casts, and no class of its own.
        if type(error) is Exception:
            raise store_error(place, doing, error) from error
        raise


def _raised() -> tuple[type[Exception], ...]:
    """Return what file systems, databases, Delta and Polars raise; what was never imported cannot have raised."""
    kinds: list[type[Exception]] = [OSError, SQLAlchemyError, sqlite3.Error]
    if "deltalake" in sys.modules:
        from deltalake.exceptions import DeltaError

        kinds.append(DeltaError)
    if "polars" in sys.modules:
        from polars.exceptions import PolarsError

        kinds.append(PolarsError)
    return tuple(kinds)

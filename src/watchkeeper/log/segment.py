"""Append-only files of log lines that survive a killed process.

A segment is named ``<time>-<process>-<number>.open`` while its process writes it and holds a lock on it, and ``.jsonl``
once it is finished. A process that dies loses its lock, and so tells the reader that its segment is finished too, but
for the lines that its tail still holds (see ``watchkeeper.log.tail``).
"""

from __future__ import annotations

import os

from watchkeeper.log.tail import LOCKS, Remains, abandoned_tails, locked
from watchkeeper.log.trusted import NO_LINKS, make_folder, open_trusted, sync_folder, trusted_users

__all__ = [
    "OPEN",
    "SEALED",
    "Segment",
    "abandoned",
    "open_trusted",
    "seal_abandoned",
    "spool_folder",
    "sync_folder",
    "trusted_users",
]

OPEN = ".open"
SEALED = ".jsonl"

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_ABANDONED_SECONDS = 3_600.0


def spool_folder(folder: str | os.PathLike[str], model: str) -> str:
    """Return where the segments of a model lie; characters that a file name may not have are written as %XX."""
    name = "".join(c if c in _PLAIN else "".join(f"%{b:02X}" for b in c.encode(errors="surrogatepass")) for c in model)
    return os.path.join(os.path.abspath(os.fspath(folder)), "spool", name)


class Segment:
    """One file that this process appends to; not thread-safe.

    Parameters
    ----------
    folder
        Where it is made; created, for this user alone, when it does not exist.
    name
        Its name without suffix, unique over all processes.

    Raises
    ------
    OSError
        When the folder is a link or belongs to another user, or the file cannot be made.
    """

    def __init__(self, folder: str, name: str) -> None:
        make_folder(folder, 2)
        self.folder, self.name = folder, name
        self.size = 0
        # The reader takes an unlocked .open file for abandoned, so the file is locked before it gets that name.
        fresh = os.path.join(folder, f"{name}.new")
        self.fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | NO_LINKS, 0o600)
        try:
            locked(self.fd)
            os.rename(fresh, self._path(OPEN))
            sync_folder(folder)
        except BaseException:
            os.close(self.fd)
            raise

    def _path(self, suffix: str) -> str:
        return os.path.join(self.folder, self.name + suffix)

    def append(self, data: bytes) -> None:
        """Write whole lines; when the disk refuses, none of them is left half written."""
        try:
            _write_all(self.fd, data)
        except OSError:
            os.ftruncate(self.fd, self.size)
            raise
        self.size += len(data)

    def sync(self) -> None:
        """Wait until everything written is on the disk."""
        os.fsync(self.fd)

    def seal(self) -> None:
        """Finish the segment, so that the reader may take it; an empty one is removed."""
        try:
            if self.size:
                os.fsync(self.fd)
                os.rename(self._path(OPEN), self._path(SEALED))
                sync_folder(self.folder)
            else:
                os.unlink(self._path(OPEN))
        finally:
            os.close(self.fd)

    def forget(self) -> None:
        """Let go of a file that belongs to the parent process."""
        os.close(self.fd)


def seal_abandoned(folder: str, *, now: float | None = None) -> list[str]:
    """Finish the segments of dead processes, with the lines their tails still hold; return what could not be.

    Parameters
    ----------
    folder
        A spool folder; one that does not exist is made where a process died before it could make it.
    now
        Seconds since 1970, for systems without file locks: there a segment is abandoned after an hour without writing.
    """
    if not os.path.isdir(folder):
        if not any(remains.data or remains.lost for remains in abandoned_tails(folder)):
            return []
        make_folder(folder, 2)
    reader = os.open(folder, os.O_RDONLY) if LOCKS else -1
    try:
        return _seal_all(folder, now) if not LOCKS or locked(reader) else []
    finally:
        if LOCKS:
            os.close(reader)


def abandoned(folder: str, *, now: float | None = None) -> dict[str, bytes]:
    """Return the unfinished segments of dead processes with the lines that each lacks; everything stays as it lies.

    Parameters
    ----------
    now
        As for ``seal_abandoned``.
    """
    names = (
        [n.removesuffix(OPEN) for n in sorted(os.listdir(folder)) if n.endswith(OPEN)] if os.path.isdir(folder) else []
    )
    found = {}
    for name in names:
        path = os.path.join(folder, name + OPEN)
        try:
            if _is_dead(path, now):
                found[path] = b""
        except OSError:
            continue  # the run says so
    for remains in abandoned_tails(folder):
        path = os.path.join(folder, remains.name + OPEN)
        if path in found or remains.name not in names:
            found[path] = remains.missing(os.stat(path).st_size if path in found else 0)
    return found


def _is_dead(path: str, now: float | None) -> bool:
    if not LOCKS:
        return now is not None and now - os.stat(path).st_mtime > _ABANDONED_SECONDS
    fd = open_trusted(path, os.O_RDONLY, trusted_users(os.path.dirname(path), 2))
    try:
        return locked(fd)
    finally:
        os.close(fd)


def _seal_all(folder: str, now: float | None) -> list[str]:
    problems = []
    for entry in sorted(os.listdir(folder)):
        if not entry.endswith(OPEN):
            continue
        try:
            _seal_dead(folder, entry.removesuffix(OPEN), now)
        except FileNotFoundError:
            continue  # its own process finished it in the meantime
        except OSError as error:
            problems.append(f"{os.path.join(folder, entry)} cannot be taken: {error.strerror or error}")
    # A process may have died before its segment was made: then its tail has all there is.
    for remains in abandoned_tails(folder):
        if not remains.data and not remains.lost:
            remains.remove()
        elif not os.path.exists(os.path.join(folder, remains.name + OPEN)):
            _complete(folder, remains.name, remains)
    return problems


def _seal_dead(folder: str, name: str, now: float | None) -> None:
    path = os.path.join(folder, name + OPEN)
    if LOCKS:
        _complete(folder, name, None)
    elif now is not None and now - os.stat(path).st_mtime > _ABANDONED_SECONDS:
        os.rename(path, os.path.join(folder, name + SEALED))


def _complete(folder: str, name: str, remains: Remains | None) -> None:
    """Append what a segment lacks and finish it, while nobody else can; nothing is done where its process lives.

    Parameters
    ----------
    remains
        The tail of a segment that was never made; None to look for that of one that was.
    """
    path = os.path.join(folder, name + OPEN)
    fd = open_trusted(path, os.O_WRONLY | os.O_APPEND | (os.O_CREAT if remains else 0), trusted_users(folder, 2))
    try:
        if not locked(fd):
            return
        for tail in [remains] if remains else abandoned_tails(folder):
            if tail.name != name:
                continue
            _write_all(fd, tail.missing(os.fstat(fd).st_size))
            os.fsync(fd)
            # What is in the segment must not come out of the tail again, whenever this process dies.
            tail.remove()
        os.rename(path, os.path.join(folder, name + SEALED))
        sync_folder(folder)
    finally:
        os.close(fd)


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]

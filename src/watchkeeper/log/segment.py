"""Append-only files of log lines that survive a killed process.

A segment is named ``<time>-<process>-<number>.open`` while its process writes it and holds a lock on it, and ``.jsonl``
once it is finished. A process that dies loses its lock, and so tells the reader that its segment is finished too.
"""

# ruff: noqa: PTH103, PTH104, PTH108, PTH116, PTH118, PTH208
# pathlib would cost a serving process another ten milliseconds at import.

from __future__ import annotations

import os

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["OPEN", "SEALED", "Segment", "seal_abandoned", "spool_folder"]

OPEN = ".open"
SEALED = ".jsonl"

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_ABANDONED_SECONDS = 3_600.0


def spool_folder(folder: str | os.PathLike[str], model: str) -> str:
    """Return where the segments of a model lie; characters that a file name may not have are written as %XX."""
    name = "".join(c if c in _PLAIN else "".join(f"%{b:02X}" for b in c.encode()) for c in model)
    return os.path.join(os.fspath(folder), "spool", name)


class Segment:
    """One file that this process appends to; not thread-safe.

    Parameters
    ----------
    folder
        Where it is made; created when it does not exist.
    name
        Its name without suffix, unique over all processes.
    """

    def __init__(self, folder: str, name: str) -> None:
        os.makedirs(folder, exist_ok=True)
        self.folder, self.name = folder, name
        self.size = 0
        # The reader takes an unlocked .open file for abandoned, so the file is locked before it gets that name.
        fresh = os.path.join(folder, f"{name}.new")
        self.fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            if fcntl is not None:
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.rename(fresh, self._path(OPEN))
            _sync_folder(folder)
        except BaseException:
            os.close(self.fd)
            raise

    def _path(self, suffix: str) -> str:
        return os.path.join(self.folder, self.name + suffix)

    def append(self, data: bytes) -> None:
        """Write whole lines; when the disk refuses, none of them is left half written."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self.fd, rest) :]
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
                _sync_folder(self.folder)
            else:
                os.unlink(self._path(OPEN))
        finally:
            os.close(self.fd)

    def forget(self) -> None:
        """Let go of a file that belongs to the parent process."""
        os.close(self.fd)


def seal_abandoned(folder: str, *, now: float | None = None) -> int:
    """Finish the segments of dead processes; return how many there were.

    Parameters
    ----------
    folder
        A spool folder.
    now
        Seconds since 1970, for systems without file locks: there a segment is abandoned after an hour without writing.
    """
    sealed = 0
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if not entry.endswith(OPEN):
            continue
        try:
            if _is_abandoned(path, now):
                os.rename(path, path.removesuffix(OPEN) + SEALED)
                sealed += 1
        except FileNotFoundError:
            continue  # its own process finished it in the meantime
    return sealed


def _is_abandoned(path: str, now: float | None) -> bool:
    if fcntl is None:
        return now is not None and now - os.stat(path).st_mtime > _ABANDONED_SECONDS
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(fd)


def _sync_folder(folder: str) -> None:
    """Put names on the disk too; systems that cannot open a folder do so by themselves."""
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        return
    finally:
        os.close(fd)

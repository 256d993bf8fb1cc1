"""The newest lines of a segment, in memory that outlives the process that logged them.

A serving process puts each line into its tail: a stretch of shared memory, so that nothing waits for a disk and nothing
is lost when the process is killed. A thread copies the tail into the segment. The tail says which bytes of which
segment it holds, so that whoever finds the process dead appends exactly those that the segment lacks, once, and may
itself be killed on the way. Where there is no shared memory the tail is memory of the process, and ends with it.
"""

from __future__ import annotations

import json
import mmap
import os
import stat
import struct
import time
from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["CAPACITY", "LOCKS", "Remains", "Tail", "abandoned_tails", "locked", "lost_line"]

LOCKS = fcntl is not None
"""Whether a lock on a file says that its process lives."""

CAPACITY = 262_144
"""Bytes of lines that a tail holds."""

SHARED = "/dev/shm"  # noqa: S108 - the folder in it is made for this user alone, and checked
"""Where memory that outlives a process has names."""

_MAGIC = b"wktail01"
_HEADER = 2_048
_SLOT = struct.Struct("<QQQ80s")
_SLOTS = (64, 192)
_ACTIVE, _LOST, _FOLDER = 8, 16, 512
_NUMBER = struct.Struct("<Q")
_STALE_SECONDS = 60.0
_NAME = frozenset("0123456789abcdef-")


class Tail:
    """Lines on their way into a segment; used under a lock.

    Parameters
    ----------
    folder, name
        The segment they belong to.

    Attributes
    ----------
    shared
        Whether the lines outlive the process; ``refusal`` says why not.
    name, base, start, end
        The bytes ``[start, end)`` of the tail are those from ``base`` on of the segment ``name``.
    """

    def __init__(self, folder: str, name: str) -> None:
        self.refusal = ""
        self._path, self._fd = "", -1
        self._buffer: bytearray | mmap.mmap = bytearray(_HEADER + CAPACITY)
        place = os.fsencode(folder)
        try:
            if not LOCKS or len(place) > _HEADER - _FOLDER - 2:
                raise OSError("no place with a name")
            self._share(place, name)
        except OSError as error:
            self.refusal = str(error)
        self.name, self.base, self.start, self.end = name, 0, 0, 0

    @property
    def shared(self) -> bool:
        """Whether the lines outlive the process."""
        return self._fd >= 0

    def _share(self, place: bytes, name: str) -> None:
        folder = _own_folder()
        fresh = os.path.join(folder, f"{name}.new")
        fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            locked(fd)
            # All of it is reserved now: a page that cannot be had later would end the process.
            os.posix_fallocate(fd, 0, _HEADER + CAPACITY)
            buffer = mmap.mmap(fd, _HEADER + CAPACITY)
            buffer[_FOLDER : _FOLDER + 2 + len(place)] = struct.pack("<H", len(place)) + place
            buffer[_SLOTS[0] : _SLOTS[0] + _SLOT.size] = _SLOT.pack(0, 0, 0, name.encode())
            buffer[: len(_MAGIC)] = _MAGIC
            path = os.path.join(folder, f"{name}.tail")
            os.rename(fresh, path)
        except BaseException:
            os.close(fd)
            os.unlink(fresh)
            raise
        self._buffer, self._fd, self._path = buffer, fd, path

    def append(self, line: bytes) -> bool:
        """Take a line in; False where there is no room for it."""
        end = self.end + len(line)
        if end > CAPACITY:
            return False
        self._buffer[_HEADER + self.end : _HEADER + end] = line
        # The line counts from here on, whatever happens to the process.
        at = _SLOTS[self._buffer[_ACTIVE]] + 16
        self._buffer[at : at + 8] = _NUMBER.pack(end)
        self.end = end
        return True

    def unwritten(self, size: int) -> bytes:
        """Return what a segment of ``size`` bytes lacks."""
        return bytes(self._buffer[_HEADER + self.start + size - self.base : _HEADER + self.end])

    def rewind(self, size: int) -> None:
        """Start anew at the front: the segment has it all."""
        self._point(self.name, size, 0, 0)

    def turn_to(self, name: str, size: int) -> None:
        """Let another segment have what one of ``size`` bytes lacks."""
        self._point(name, 0, self.start + size - self.base, self.end)

    def count_lost(self, rows: int) -> None:
        """Say how many lines are in no tail and no segment: they are lost if the process dies now."""
        self._buffer[_LOST : _LOST + 8] = _NUMBER.pack(rows)

    def _point(self, name: str, base: int, start: int, end: int) -> None:
        """Switch all of it at once: the byte that says which of two slots counts is written last."""
        other = 1 - self._buffer[_ACTIVE]
        self._buffer[_SLOTS[other] : _SLOTS[other] + _SLOT.size] = _SLOT.pack(base, start, end, name.encode())
        self._buffer[_ACTIVE] = other
        self.name, self.base, self.start, self.end = name, base, start, end

    def remove(self) -> None:
        """Take the name away: everything is in the segment."""
        if self.shared:
            os.unlink(self._path)
            self.forget()

    def forget(self) -> None:
        """Let go of what belongs to the parent process."""
        if self.shared:
            os.close(self._fd)
            self._fd = -1
            if isinstance(self._buffer, mmap.mmap):
                self._buffer.close()


class Remains:
    """What the tail of a dead process holds; nobody else can take it while this is open."""

    def __init__(self, path: str, fd: int, buffer: bytes) -> None:
        self._path, self._fd = path, fd
        self.base, start, end, name = _SLOT.unpack_from(buffer, _SLOTS[buffer[_ACTIVE] & 1])
        self.name = name.rstrip(b"\0").decode(errors="replace")
        lost = _NUMBER.unpack_from(buffer, _LOST)[0]
        self.data = buffer[_HEADER + start : _HEADER + min(end, CAPACITY)]
        self.lost = lost_line(lost, os.fstat(fd).st_mtime) if lost else b""

    def __enter__(self) -> Remains:
        """Return the remains themselves."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Let go of them."""
        self.close()

    def missing(self, size: int) -> bytes:
        """Return what a segment of ``size`` bytes lacks; one that was taken meanwhile lacks all of it."""
        return (self.data[size - self.base :] if size >= self.base else self.data) + self.lost

    def remove(self) -> None:
        """Take them away for good."""
        if os.path.exists(self._path):
            os.unlink(self._path)
        self.close()

    def close(self) -> None:
        """Let go of them."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def abandoned_tails(folder: str) -> Iterator[Remains]:
    """Yield the tails of dead processes that logged into a spool folder."""
    for shared in _known_folders(folder):
        for entry in sorted(os.listdir(shared)):
            remains = _remains(os.path.join(shared, entry), folder)
            if remains is not None:
                with remains:
                    yield remains


def _remains(path: str, folder: str) -> Remains | None:
    """Return what a tail holds where it belongs to a folder and its process is dead."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return None
    # Those of other folders are not even locked: their own reader would take them for alive.
    if _is_about(fd, path, folder) and locked(fd) and os.path.exists(path):
        remains = Remains(path, fd, os.pread(fd, _HEADER + CAPACITY, 0))
        if _NAME.issuperset(remains.name):
            return remains
    os.close(fd)
    return None


def _is_about(fd: int, path: str, folder: str) -> bool:
    held, header = os.fstat(fd), os.pread(fd, _HEADER, 0)
    if not stat.S_ISREG(held.st_mode) or held.st_uid != os.stat(os.path.dirname(path)).st_uid:
        return False
    if path.endswith(".tail") and held.st_size == _HEADER + CAPACITY and header.startswith(_MAGIC):
        named = _folder_in(header)
        return named == folder or _same(named, folder)
    if time.time() - held.st_mtime > _STALE_SECONDS and locked(fd):
        # A process was killed while it made it: nothing was ever put in.
        os.unlink(path)
    return False


def _folder_in(header: bytes) -> str:
    length = int.from_bytes(header[_FOLDER : _FOLDER + 2], "little")
    return os.fsdecode(header[_FOLDER + 2 : _FOLDER + 2 + length])


def _known_folders(folder: str) -> list[str]:
    """Return the folders of shared memory of this user and of whoever owns the spool."""
    if not LOCKS or not os.path.isdir(SHARED):
        return []
    users = {os.geteuid()}
    for place in (folder, os.path.dirname(os.path.dirname(folder))):
        if os.path.isdir(place):
            users.add(os.stat(place).st_uid)
    found = (_folder_of(user) for user in sorted(users))
    return [place for place in found if _is_own(place) and os.access(place, os.R_OK | os.X_OK)]


def _folder_of(user: int) -> str:
    return os.path.join(SHARED, f"watchkeeper-{user}")


def _is_own(folder: str) -> bool:
    try:
        held = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(held.st_mode) and folder.endswith(f"-{held.st_uid}") and not held.st_mode & 0o077


def _own_folder() -> str:
    if not os.path.isdir(SHARED):
        raise OSError("this system has no shared memory with names")
    folder = _folder_of(os.geteuid())
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if not _is_own(folder):
            raise PermissionError(1, "it is not this user's alone", folder) from None
    return folder


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def locked(fd: int) -> bool:
    """Take the lock that a living process holds on its files; False where there are no locks, or another has it.

    It ends with the last process that has the file open, in whatever way that ends.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def lost_line(rows: int, at: float) -> bytes:
    """Return the line that tells the reader of rows that were lost."""
    return (json.dumps({"kind": "lost", "rows": rows, "time": at}, separators=(",", ":")) + "\n").encode()

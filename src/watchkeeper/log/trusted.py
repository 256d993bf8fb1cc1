"""Files and folders that are this user's alone, and those of others that may be trusted."""

from __future__ import annotations

import os
import stat

__all__ = ["NO_LINKS", "make_folder", "open_trusted", "sync_folder", "trusted_users"]

NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
"""With this flag a name that is a link is not opened."""


def open_trusted(path: str, flags: int, users: frozenset[int]) -> int:
    """Open a file that a trusted user owns, following no link.

    Raises
    ------
    OSError
        When it is a link, no plain file, or somebody else's.
    """
    fd = os.open(path, flags | NO_LINKS | getattr(os, "O_NONBLOCK", 0), 0o600)
    held = os.fstat(fd)
    if not stat.S_ISREG(held.st_mode) or (users and held.st_uid not in users):
        os.close(fd)
        what = f"belongs to the user {held.st_uid}" if stat.S_ISREG(held.st_mode) else "is no plain file"
        raise PermissionError(1, f"it {what}, and only files of {_named(users)} are trusted", path)
    return fd


def trusted_users(folder: str, levels: int) -> frozenset[int]:
    """Return whose files are trusted in a folder: this user's, root's and those of whoever owns the store.

    Parameters
    ----------
    levels
        How far below the store's folder it lies.
    """
    if not hasattr(os, "geteuid"):
        return frozenset()
    store = folder
    for _ in range(levels):
        store = os.path.dirname(store)
    try:
        owner = os.stat(store).st_uid
    except OSError:
        owner = os.geteuid()
    return frozenset({0, os.geteuid(), owner})


def _named(users: frozenset[int]) -> str:
    return "the users " + ", ".join(str(user) for user in sorted(users))


def make_folder(folder: str, levels: int) -> None:
    """Make a folder of the store that is this user's alone; refuse one that is a link or that somebody else put there.

    Parameters
    ----------
    levels
        How far below the store's folder it lies.
    """
    if not os.path.isdir(folder):
        parts = [folder]
        for _ in range(levels - 1):
            parts.insert(0, os.path.dirname(parts[0]))
        os.makedirs(os.path.dirname(parts[0]), exist_ok=True)
        for part in parts:
            try:
                os.mkdir(part, 0o700)
            except FileExistsError:
                continue
            sync_folder(os.path.dirname(part))
    held, users = os.lstat(folder), trusted_users(folder, levels)
    if stat.S_ISLNK(held.st_mode) or (users and held.st_uid not in users):
        raise PermissionError(1, f"it is a link or belongs to none of {_named(users)}", folder)


def sync_folder(folder: str) -> None:
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

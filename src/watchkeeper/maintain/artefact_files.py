"""Model files on disks and in object stores: whole or not there, and on disks the user's alone."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import fsspec
from fsspec.implementations.local import LocalFileSystem

from watchkeeper.core.errors import ArtefactError, StoreError
from watchkeeper.log.trusted import NO_LINKS, make_folder, open_trusted, sync_folder, trusted_users

__all__ = ["Unnamed", "check_size", "ending_of", "read_artefact", "remove_unnamed", "write_artefact"]

_ENDINGS = ("skops", "zip", "pickle")
_ADDRESS = re.compile(rf"([0-9a-f]{{64}})\.(?:{'|'.join(_ENDINGS)})")

_SCHEMA = "schema.json"
_MOST_SCHEMA = 1 << 26
_MOST_MEMBERS = 100_000
_MOST_UNPACKED = 1 << 30
_MOST_TIMES = 20


def read_artefact(folder: str, address: str) -> tuple[bytes, str]:
    """Return the content and the ending of the model file of an address.

    On a disk no link is followed, and only files of this user, of root and of whoever owns the store are read.

    Raises
    ------
    ArtefactError
        When there is none, or it cannot be read or trusted.
    """
    system, root = fsspec.core.url_to_fs(folder)
    for ending in _ENDINGS:
        path = f"{root}/{address}.{ending}"
        try:
            if isinstance(system, LocalFileSystem):
                with os.fdopen(open_trusted(path, os.O_RDONLY, trusted_users(root, 1)), "rb") as file:
                    return file.read(), ending
            return bytes(system.cat_file(path)), ending
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ArtefactError(f"the model file {address[:12]}… in {folder} cannot be read: {error}") from error
    raise ArtefactError(f"there is no model file {address[:12]}… in {folder}; was the folder moved or cleaned?")


def ending_of(address: str, folder: str) -> str:
    """Return the ending of the model file of an address; empty where there is none."""
    system, root = fsspec.core.url_to_fs(folder)
    return next((ending for ending in _ENDINGS if system.exists(f"{root}/{address}.{ending}")), "")


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A model file that no version names, or what a process that was killed left of one."""

    name: str
    bytes: int


def remove_unnamed(folder: str, named: Collection[str], before: datetime, *, dry_run: bool = False) -> list[Unnamed]:
    """Remove the files of a folder of artefacts that no version names and nobody has written since a moment.

    Other files, which are not ours, stay.

    Parameters
    ----------
    named
        Addresses that a version names.
    before
        A file that was written later may be about to be registered.
    dry_run
        Whether they are only named.

    Raises
    ------
    StoreError
        When the folder cannot be read or a file cannot be removed.
    """
    system, root = fsspec.core.url_to_fs(folder)
    gone = []
    try:
        for path, size, written in _files(system, root):
            name = path.rpartition("/")[2]
            address = _ADDRESS.fullmatch(name)
            ours = address[1] not in named if address else name.startswith(".") and name.endswith(".part")
            if ours and written < before:
                gone.append(Unnamed(name, size))
                if not dry_run:
                    system.rm_file(path)
    except OSError as error:
        raise StoreError(f"the model files in {folder} cannot be cleaned up: {error}") from error
    return sorted(gone, key=lambda one: one.name)


def _files(system: fsspec.AbstractFileSystem, root: str) -> Iterator[tuple[str, int, datetime]]:
    """Yield path, size and time of writing of each file; one whose time is not known counts as just written."""
    if not system.exists(root):
        return
    for entry in system.ls(root, detail=True):
        written = next((entry[key] for key in ("mtime", "LastModified", "updated", "created") if key in entry), None)
        if isinstance(written, (int, float)):
            written = datetime.fromtimestamp(written, UTC)
        if isinstance(written, str):
            written = datetime.fromisoformat(written)
        written = written or datetime.now(UTC)
        if entry["type"] == "file":
            yield entry["name"], int(entry["size"]), written if written.tzinfo else written.replace(tzinfo=UTC)


def write_artefact(folder: str, name: str, data: bytes) -> None:
    """Write a model file under a name that nobody knows before, and rename it; one that is there and whole is left.

    It counts as written now all the same, so that it is not removed before a version names it.

    Raises
    ------
    StoreError
        When it cannot be written.
    """
    system, root = fsspec.core.url_to_fs(folder)
    final, part = f"{root}/{name}", f"{root}/.{secrets.token_hex(16)}.part"
    try:
        if isinstance(system, LocalFileSystem):
            _write_local(Path(part), Path(final), data)
        else:
            system.makedirs(root, exist_ok=True)
            system.pipe_file(part, data)
            system.mv(part, final)
    except OSError as error:
        with suppress(OSError):
            system.rm_file(part)
        raise StoreError(
            f"the model file cannot be written to {folder}: {error}. Make room or point the artefacts elsewhere"
        ) from error


def _write_local(part: Path, final: Path, data: bytes) -> None:
    make_folder(str(final.parent), 1)
    if final.is_file() and not final.is_symlink() and sha256(final.read_bytes()).digest() == sha256(data).digest():
        os.utime(final)
        return
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINKS, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(final)
    sync_folder(str(final.parent))


def check_size(data: bytes, where: str) -> None:
    """Check that a zip unpacks to what a model may take: a small file may stand for any number of bytes.

    What it says of its members holds: no more of a member is unpacked than its directory says.

    Raises
    ------
    ArtefactError
        When it has too many members, or they are too large.
    """
    try:
        with ZipFile(BytesIO(data)) as packed:
            members = packed.infolist()
    except BadZipFile as error:
        raise ArtefactError(f"{where} cannot be read: {error}") from error
    most = max(_MOST_UNPACKED, _MOST_TIMES * len(data))
    size = sum(member.file_size for member in members)
    schema = max((member.file_size for member in members if member.filename == _SCHEMA), default=0)
    if len(members) > _MOST_MEMBERS or size > most or schema > _MOST_SCHEMA:
        raise ArtefactError(
            f"{where} would unpack to {size:,} bytes in {len(members):,} parts, {schema:,} of them its description. At "
            f"most {most:,} in {_MOST_MEMBERS:,} are unpacked, {_MOST_SCHEMA:,} of a description; do not use this file"
        )

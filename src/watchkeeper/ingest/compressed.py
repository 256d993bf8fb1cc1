"""Files as bytes, whatever they are compressed by."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import IO, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["DAMAGED", "compression_of", "open_bytes"]

_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))
_NAMES = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}

DAMAGED = (EOFError, zstd.ZstdError)
"""What reading raises where a compressed file ends too early or is damaged."""


def compression_of(path: Path) -> str:
    """Return what a file is compressed by, as its first bytes say; empty for nothing.

    Raises
    ------
    ValueError
        When its name says what its bytes are not.
    """
    with path.open("rb") as stream:
        head = stream.read(4)
    found = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
    said = _NAMES.get(path.suffix.lower(), "")
    if said and not found:
        raise ValueError(f"it is not compressed by {said}, as its name says; rename it")
    return found


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading its bytes as they were before they were compressed."""
    how = compression_of(path)
    if how == "gzip":
        return cast(IO[bytes], gzip.open(path, "rb"))
    return cast(IO[bytes], zstd.open(path, "rb")) if how == "zstd" else path.open("rb")

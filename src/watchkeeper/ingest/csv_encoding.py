"""The bytes of a CSV file as UTF-8 text with plain line ends, whatever they were written as."""

from __future__ import annotations

import codecs
import os
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from watchkeeper.ingest.compressed import compression_of, open_bytes

__all__ = ["Encoding", "encoding_of", "plain_copy"]

_CHUNK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_UNDEFINED = frozenset(b"\x81\x8d\x8f\x90\x9d")
"""Bytes that Windows-1252 does not have."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is written.

    Attributes
    ----------
    name
        Its encoding, as Python calls it.
    compression
        What it is compressed by; empty for nothing.
    damaged
        Places in UTF-8 text that are none, and the first line with one.
    old_lines
        Whether its lines end in carriage returns alone.
    """

    name: str
    compression: str = ""
    damaged: int = 0
    damaged_line: int = 0
    old_lines: bool = False

    @property
    def plain(self) -> bool:
        """Whether the file can be read as it is."""
        return self.name in ("utf-8", "utf-8-sig") and not (self.compression or self.damaged or self.old_lines)


def encoding_of(path: Path) -> Encoding:
    """Return how a file is written, by its marks, else by all of its bytes: UTF-8, or what Windows wrote.

    Raises
    ------
    OSError, EOFError, ValueError
        When it cannot be read, or is not compressed as its name says.
    """
    compression = compression_of(path)
    with open_bytes(path) as stream:
        head = stream.read(_CHUNK)
        name = next((name for mark, name in _MARKS if head.startswith(mark)), "") or _without_mark(head)
        if name.startswith("utf-16") or name == "utf-32":
            text = head[: len(head) // 4 * 4].decode(name, "ignore")
            return Encoding(name, compression, old_lines="\r" in text and "\n" not in text)
        return _of_bytes(head, stream, name or "utf-8", compression)


def _without_mark(head: bytes) -> str:
    """Return UTF-16 where every other byte of a text is zero."""
    pairs = head[: min(len(head), 4_096) // 2 * 2]
    if len(pairs) < 4:
        return ""
    even, odd = pairs[::2].count(0), pairs[1::2].count(0)
    half = len(pairs) // 2
    return "utf-16-le" if odd > 0.4 * half > even else "utf-16-be" if even > 0.4 * half > odd else ""


def _of_bytes(head: bytes, stream: IO[bytes], name: str, compression: str) -> Encoding:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    good = bad = line = lines = 0
    returns = feeds = False
    seen: set[int] = set()
    chunk = head
    while True:
        text = decoder.decode(chunk, final=not chunk)
        if not text.isascii():
            wrong = text.count("\ufffd")
            if wrong and not bad:
                line = lines + text[: text.index("\ufffd")].count("\n") + 1
            bad += wrong
            good += len(text) - len(text.encode("ascii", "ignore")) - wrong
            seen.update(_UNDEFINED.intersection(chunk))
        lines += chunk.count(b"\n")
        returns, feeds = returns or b"\r" in chunk, feeds or b"\n" in chunk
        if not chunk:
            break
        chunk = stream.read(_CHUNK)
    old = returns and not feeds
    if bad and good <= bad:
        return Encoding("latin-1" if seen else "cp1252", compression, old_lines=old)
    return Encoding(name, compression, bad, line if bad else 0, old)


def plain_copy(path: Path, encoding: Encoding, owner: object) -> Path:
    """Return a copy in UTF-8 with line feeds, in a private file that goes with ``owner``."""
    handle, name = tempfile.mkstemp(prefix="watchkeeper-", suffix=".csv")
    weakref.finalize(owner, _remove, name)
    # A byte that is no UTF-8 costs itself; of UTF-16 nothing can be trusted after one.
    decoder = codecs.getincrementaldecoder(encoding.name)(
        "strict" if encoding.name.startswith("utf-") and (encoding.name not in ("utf-8", "utf-8-sig")) else "replace"
    )
    with os.fdopen(handle, "wb") as target, open_bytes(path) as stream:
        while chunk := stream.read(_CHUNK):
            target.write(_lines(decoder.decode(chunk), encoding))
        target.write(_lines(decoder.decode(b"", final=True), encoding))
    return Path(name)


def _lines(text: str, encoding: Encoding) -> bytes:
    return (text.replace("\r", "\n") if encoding.old_lines else text).encode("utf-8", "replace")


def _remove(name: str) -> None:
    Path(name).unlink(missing_ok=True)

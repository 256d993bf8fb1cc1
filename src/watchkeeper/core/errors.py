"""Every error Watchkeeper raises on purpose.

The tree::

    WatchkeeperError
    ├── UsageError            the call or command is off: names the argument and its valid values
    │   └── ConfigError       watchkeeper.yaml is off: names the path, the near miss and the origin
    ├── DataError             the data cannot be read or used: names the file and the column
    │   ├── SourceError       a file, folder or table is missing, truncated or unreadable
    │   │   └── EmptyError    a table is whole and has no rows: too little data, and no fault of the reading
    │   └── SchemaError       a column is missing, doubled, or of a type that cannot be used
    │       └── NoSuchColumnError     a report was asked for a column it does not know; a KeyError too
    ├── StateError            states that do not belong together: other map, other version, other statistic
    ├── StoreError            the store is read-only, full, locked or of another version
    │   ├── ConflictError     somebody else moved the pointer first
    │   │   └── LeaseLostError    another worker has taken the model over meanwhile
    │   └── LeasedError       another worker is at work on the model
    ├── PluginError           a plug-in is unknown, doubled or breaks its protocol
    ├── DeliveryError         an alert could not be sent: says why, and tells no secret of its address
    ├── TrainingError         the user's training function failed or returned something unusable
    └── ArtefactError         a model file is missing, altered or not on the allow-list
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from watchkeeper.core.secrets import without_secrets

__all__ = [
    "STOPS",
    "ArtefactError",
    "ConfigError",
    "ConflictError",
    "DataError",
    "DeliveryError",
    "EmptyError",
    "InternalError",
    "LeaseLostError",
    "LeasedError",
    "NoSuchColumnError",
    "PluginError",
    "SchemaError",
    "SourceError",
    "StateError",
    "StoreError",
    "TrainingError",
    "UsageError",
    "WatchkeeperError",
    "in_short",
    "near_miss",
]


_LONGEST = 60
_LONGEST_LINE = 300

STOPS = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""What ends a program on purpose: everything else, a panic of a library included, costs only what it concerns."""


class WatchkeeperError(Exception):
    """Base of every error raised on purpose; the message says what, where, what is valid and what to do.

    Passwords, keys and signatures are masked in it, wherever they stand.
    """

    def __init__(self, *words: object) -> None:
        super().__init__(*(without_secrets(word) if isinstance(word, str) else word for word in words))


class UsageError(WatchkeeperError):
    """The call or command cannot be carried out as it was written."""


class ConfigError(UsageError):
    """The configuration cannot be used."""


class DataError(WatchkeeperError):
    """The data cannot be read or used."""


class SourceError(DataError):
    """A file, folder or table cannot be read."""


class EmptyError(SourceError):
    """A table has columns and no rows."""


class SchemaError(DataError):
    """A column is missing, doubled or of an unusable type."""


class NoSuchColumnError(SchemaError, KeyError):
    """What was asked for by name is not there; as a ``KeyError`` it is what square brackets are expected to raise."""

    __str__ = Exception.__str__


class StateError(WatchkeeperError):
    """States that do not belong together."""


class StoreError(WatchkeeperError):
    """The store cannot be read or written."""


class ConflictError(StoreError):
    """A pointer was moved by somebody else between reading and writing it."""


class LeaseLostError(ConflictError):
    """A worker was to write about a model that another has taken over."""


class LeasedError(StoreError):
    """Another worker is at work on the model."""


class PluginError(WatchkeeperError):
    """A plug-in is unknown, doubled or breaks its protocol."""


class DeliveryError(WatchkeeperError):
    """An alert could not be sent.

    Attributes
    ----------
    after
        Seconds that the receiver asks to wait for; None where it says nothing.
    """

    after: float | None = None


class TrainingError(WatchkeeperError):
    """The user's training function failed or returned something unusable."""


class ArtefactError(WatchkeeperError):
    """A model file is missing, altered or not on the allow-list."""


class InternalError(WatchkeeperError):
    """Something went wrong that nobody foresaw, in Watchkeeper or in a library below it."""


def in_short(error: BaseException) -> str:
    """Return what went wrong in one line: our own message, or the kind of error of somebody else's and its first line.

    Examples
    --------
    >>> in_short(ValueError("year 33658 is out of range"))
    'ValueError: year 33658 is out of range'
    """
    if isinstance(error, WatchkeeperError):
        return str(error)
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:_LONGEST_LINE]}" if lines else type(error).__name__


def near_miss(word: str, valid: Iterable[str], *, most: int = 12) -> str:
    """Return the tail of an error message: the closest valid word, and the valid words.

    Examples
    --------
    >>> near_miss("psl", ["psi", "ks"])
    "did you mean 'psi'? Valid: ks, psi"
    """
    words = sorted(set(valid))
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    shown = ", ".join(map(_plain, words[:most])) + (f" and {len(words) - most} more" if len(words) > most else "")
    listed = f"Valid: {shown}" if words else "There is none to choose from"
    return f"did you mean {_cut(close[0])!r}? {listed}" if close else listed


def _plain(word: str) -> str:
    """Return a word as it is, or quoted where a reader could not tell where it begins and ends."""
    return word if word.isprintable() and word and word == _cut(word.strip()) else repr(_cut(word))


def _cut(word: str) -> str:
    return word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…"

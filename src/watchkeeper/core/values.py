"""What a person should know about how the values of a column were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ValueNote"]


@dataclass(frozen=True, slots=True)
class ValueNote:
    """How the values of one column of one table were read, where that is not plain.

    Attributes
    ----------
    column
        The column.
    read_as
        What its values were taken for, such as ``numbers`` or ``dates``; ``text`` for text.
    written
        How they are written: a number such as ``1.234,5``, a form such as ``%m/%d/%Y``, a sign such as ``%``; empty
        where that is the usual way.
    missing
        By text that was taken as missing how many rows have it.
    unread, example
        Rows whose text is none of that and counts as missing, and one such text.
    nearly, share
        Of a column that stays text: what nearly all of its values are, and which share of them.
    unusable
        What it holds, where it cannot be used.
    """

    column: str
    read_as: str = "text"
    written: tuple[str, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)
    unread: int = 0
    example: str = ""
    nearly: str = ""
    share: float = 0.0
    unusable: str = ""

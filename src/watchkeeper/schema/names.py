"""Columns by their own name, and the words that a name is made of.

In Polars ``*`` stands for all columns, and ``^x$`` for those that a pattern matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

__all__ = ["without", "words_of"]

_WORD, _HUMP = re.compile(r"[^\W\d_]+|\d+"), re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def without(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """Return a frame without columns of exactly these names; those that it lacks are no matter.

    Examples
    --------
    >>> without(pl.DataFrame({"*": [1], "a": [2]}), ["*", "b"]).columns
    ['a']
    """
    left_out = set(names)
    return frame[[name for name in frame.columns if name not in left_out]]


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a column's name in small letters, however it is spelt.

    Examples
    --------
    >>> words_of("CustomerID"), words_of("customer-id"), words_of("p_churned2")
    (('customer', 'id'), ('customer', 'id'), ('p', 'churned', '2'))
    """
    return tuple(word.lower() for part in _WORD.findall(name) for word in _HUMP.split(part))

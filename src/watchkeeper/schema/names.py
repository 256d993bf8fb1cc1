"""Columns by their own name, and the words that a name is made of.

In Polars ``*`` stands for all columns, and ``^x$`` for those that a pattern matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

__all__ = ["NUL", "plain_name", "plain_names", "without", "words_of"]

NUL = "\\x00"
"""How NUL is written in names: it would end them wherever a library of C reads them, and PostgreSQL holds none."""

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


def plain_name(name: str) -> str:
    r"""Return a name in which NUL is written out.

    Examples
    --------
    >>> plain_name("a\0b")
    'a\\x00b'
    """
    return name.replace("\0", NUL)


def plain_names(names: Iterable[str]) -> dict[str, str]:
    r"""Return another name for each that has a NUL, by the one it has; no two columns get the same.

    Examples
    --------
    >>> plain_names(["a\0b", "a\\x00b", "c"])
    {'a\x00b': 'a\\x00b_'}
    """
    names = list(names)
    taken, renamed = set(names), dict[str, str]()
    for name in names:
        if "\0" not in name:
            continue
        own = plain_name(name)
        while own in taken:
            own += "_"
        taken.add(own)
        renamed[name] = own
    return renamed


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a column's name in small letters, however it is spelt.

    Examples
    --------
    >>> words_of("CustomerID"), words_of("customer-id"), words_of("p_churned2")
    (('customer', 'id'), ('customer', 'id'), ('p', 'churned', '2'))
    """
    return tuple(word.lower() for part in _WORD.findall(name) for word in _HUMP.split(part))

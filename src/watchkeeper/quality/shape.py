"""The form that all texts of a column share, as a regular expression."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby

import polars as pl

__all__ = ["shape_of"]

_MOST, _LEAST = 5_000, 100
_LONGEST, _PARTS = 200, 24
_CLASSES = ((re.compile(r"[0-9]"), "[0-9]"), (re.compile(r"[a-z]"), "[a-z]"), (re.compile(r"[A-Z]"), "[A-Z]"))


def shape_of(texts: pl.Series) -> str:
    """Return the regular expression that every text matches as a whole; empty where they share no form.

    A text is cut into runs of digits, small letters, capital letters and other characters; all texts must have the
    same runs. A run is of fixed length where it is so in every text, except that digits without a leading zero may
    grow. Failing that, letters and digits are taken together, as in hexadecimal identifiers.

    Examples
    --------
    >>> shape_of(pl.Series([f"AB-{n:04d}" for n in range(200)]))
    '[A-Z]{2}\\\\-[0-9]{4}'
    """
    known = texts.drop_nulls().unique(maintain_order=True).head(_MOST).to_list()
    if len(known) < _LEAST or max(map(len, known)) > _LONGEST:
        return ""
    return _shared(known, _fine) or _shared(known, _coarse)


def _fine(character: str) -> str:
    return next((name for pattern, name in _CLASSES if pattern.match(character)), character)


def _coarse(character: str) -> str:
    return "[0-9A-Za-z]" if character.isascii() and character.isalnum() else character


def _shared(texts: list[str], classify: Callable[[str], str]) -> str:
    runs = [[(name, "".join(group)) for name, group in groupby(text, classify)] for text in texts]
    names = [name for name, _ in runs[0]]
    if not names or len(names) > _PARTS or any([name for name, _ in row] != names for row in runs):
        return ""
    return "".join(_part(name, [row[place][1] for row in runs]) for place, name in enumerate(names))


def _part(name: str, pieces: list[str]) -> str:
    lengths = {len(piece) for piece in pieces}
    name = name if len(name) > 1 else re.escape(name)
    if len(lengths) > 1 or (name == "[0-9]" and not any(piece.startswith("0") for piece in pieces)):
        return f"{name}+"
    size = lengths.pop()
    return name if size == 1 else f"{name}{{{size}}}"

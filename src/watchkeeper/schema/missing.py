"""What is written where there is no value."""

from __future__ import annotations

import polars as pl

__all__ = ["COUNTRY", "EXPLICIT", "TOKENS", "is_token"]

_WORDS = ("null", "none", "nan", "n/a", "na", "#n/a", "nil")
_SAID = (
    "unknown", "missing", "pending", "tbd", "tba", "n.a.", "n.a", "not available", "undefined", "unset", "blank",
    "empty", "error", "#error", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "*", "**", "(blank)", "[null]",
)  # fmt: skip


def _spellings(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for word in words for form in (word, word.upper(), word.capitalize())))


EXPLICIT = _spellings(_SAID)
"""Tokens that are values in a column of text, a class of a label even, and none among numbers or dates."""

TOKENS = tuple(
    dict.fromkeys(
        (
            "",
            *_spellings(_WORDS),
            "NaN", "NaT", "<NA>", "-nan", "-NaN", "\\N", "?", "-", "--", ".", "...", "#NA", "#N/A N/A", "#NULL!",
            "(null)", *EXPLICIT,
        )
    )
)  # fmt: skip
"""What stands for a missing value in a column that is otherwise numbers, dates or a label, blanks around it aside."""

COUNTRY = "NA"
"""The one token that may well be a value among codes of two letters: Namibia."""


def is_token(texts: pl.Expr, tokens: tuple[str, ...] = TOKENS) -> pl.Expr:
    """Return whether texts stand for a missing value."""
    return texts.str.strip_chars().is_in(tokens)

"""What is written where there is no value."""

from __future__ import annotations

import polars as pl

__all__ = ["COUNTRY", "TOKENS", "is_token"]

_WORDS = ("null", "none", "nan", "n/a", "na", "#n/a", "nil")
TOKENS = tuple(
    dict.fromkeys(
        (
            "",
            *(form for word in _WORDS for form in (word, word.upper(), word.capitalize())),
            "NaN", "NaT", "<NA>", "-nan", "-NaN", "\\N", "?", "-", "--", ".", "...", "#NA", "#N/A N/A", "#NULL!",
            "(null)",
        )
    )
)  # fmt: skip
"""What stands for a missing value in a column that is otherwise numbers, dates or a label, blanks around it aside."""

COUNTRY = "NA"
"""The one token that may well be a value among codes of two letters: Namibia."""


def is_token(texts: pl.Expr, tokens: tuple[str, ...] = TOKENS) -> pl.Expr:
    """Return whether texts stand for a missing value."""
    return texts.str.strip_chars().is_in(tokens)

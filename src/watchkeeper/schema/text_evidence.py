"""What the texts of a column look like, counted over all of its rows; counts of several files add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from watchkeeper.schema.event_time import ISO
from watchkeeper.schema.missing import TOKENS
from watchkeeper.schema.moment_forms import candidates, evidence_of_forms
from watchkeeper.schema.numerals import evidence_of_styles

__all__ = ["TRUTH", "TextEvidence", "added", "closer", "first_look", "of_series", "seen_at_first", "token_counts"]

TRUTH = ("true", "false", "True", "False", "TRUE", "FALSE")
"""Truth values as programs write them."""

EXAMPLES = 500
_LEADING_ZERO = r"^[+-]?0\d+$"
_LONG = r"^[+-]?\d{19,}$"
_CLOCK = r"^\d{2}:\d{2}:\d{2}(\.\d{1,9})?$"
_SPAN = r"^-?(\d+ days?,? )?(\+|-)?\d{1,2}:\d{2}:\d{2}(\.\d{1,9})?$"
_LIST = r"^\[.*\]$"
_DATED = r"\d{1,4}[-/.]\d|[A-Za-z]{3,}\s*\d|\d\s*[A-Za-z]{3}"


@dataclass(frozen=True, slots=True)
class TextEvidence:
    """Counts of the texts of a column.

    Attributes
    ----------
    counts
        By name how many rows there are, are null, stand for missing, are numbers, and so on.
    examples
        Some different texts that are there.
    tokens
        By text that stands for missing how often it is there; filled by ``token_counts``.
    odd
        The first text that is no number as programs write it.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    tokens: Mapping[str, int] = field(default_factory=dict)
    odd: str = ""

    def __getitem__(self, name: str) -> int:
        return self.counts.get(name, 0)

    @property
    def known(self) -> int:
        """Texts that are there and stand for a value."""
        return self["rows"] - self["nulls"] - self["tokens"]


def added(parts: Iterable[TextEvidence]) -> TextEvidence:
    """Return the evidence of several parts of one column together."""
    parts = list(parts)
    counts: dict[str, int] = {}
    examples: dict[str, None] = {}
    tokens: dict[str, int] = {}
    for part in parts:
        for name, count in part.counts.items():
            counts[name] = counts.get(name, 0) + count
        examples.update(dict.fromkeys(part.examples))
        for name, count in part.tokens.items():
            tokens[name] = tokens.get(name, 0) + count
    return TextEvidence(counts, tuple(examples)[:EXAMPLES], tokens, next((p.odd for p in parts if p.odd), ""))


def _known(texts: pl.Expr, tokens: tuple[str, ...]) -> pl.Expr:
    return texts.is_not_null() & ~texts.is_in(tokens)


def first_look(column: pl.Expr, tokens: tuple[str, ...] = TOKENS) -> dict[str, pl.Expr]:
    """Return what to count of a column of text to tell whether it is plain numbers or truth values."""
    texts = column.str.strip_chars()
    known = _known(texts, tokens)
    return {
        "rows": pl.len(),
        "nulls": texts.null_count(),
        "tokens": texts.is_in(tokens).sum(),
        "numbers": (known & texts.cast(pl.Float64, strict=False).is_not_null()).sum(),
        "whole": (known & texts.cast(pl.Int64, strict=False).is_not_null()).sum(),
        "zeros": texts.str.contains(_LEADING_ZERO).sum(),
        "long": texts.str.contains(_LONG).sum(),
        "truth": texts.is_in(TRUTH).sum(),
        "odd": texts.filter(known & texts.cast(pl.Float64, strict=False).is_null()).first(),
        "examples": texts.filter(known).head(20 * EXAMPLES).unique(maintain_order=True).head(EXAMPLES).implode(),
    }


def closer(
    column: pl.Expr, evidence: TextEvidence, tokens: tuple[str, ...] = TOKENS, forms: tuple[str, ...] = ()
) -> dict[str, pl.Expr]:
    """Return what to count more where a first look found neither numbers nor truth values.

    Parameters
    ----------
    forms
        Forms of times to count beside those that the examples have the shape of.
    """
    texts = column.str.strip_chars()
    known = _known(texts, tokens)
    counts = {
        "iso": (known & texts.str.contains(ISO)).sum(),
        "days": (known & texts.str.contains(r"^\d{4}-?\d{2}-?\d{2}$")).sum(),
        "zoned": (known & texts.str.contains(r":\d{2}.*([Zz]|UTC|[+-]\d{2}(:?\d{2})?)$")).sum(),
        "clocks": (known & texts.str.contains(_CLOCK)).sum(),
        "spans": (known & texts.str.contains(_SPAN)).sum(),
        "lists": (known & texts.str.contains(_LIST)).sum(),
        "different": texts.filter(known).n_unique(),
    }
    if any(any(c.isdigit() for c in text) for text in evidence.examples):
        counts |= evidence_of_styles(texts, known)
    wanted = list(dict.fromkeys([*candidates(list(evidence.examples)[:200]), *forms]))
    return counts | evidence_of_forms(texts, known, wanted)


def token_counts(column: pl.Expr, tokens: tuple[str, ...]) -> pl.Expr:
    """Return the texts that stand for missing, each as often as it is there."""
    texts = column.str.strip_chars()
    return texts.filter(texts.is_in(tokens)).value_counts(name="count").implode()


def of_series(series: pl.Series, tokens: tuple[str, ...] = TOKENS, forms: tuple[str, ...] = ()) -> TextEvidence:
    """Return the evidence of a column that is in memory."""
    frame = series.alias("x").to_frame()
    column = pl.col("x")
    first = frame.select(**first_look(column, tokens)).row(0, named=True)
    found = seen_at_first(first)
    more = frame.select(**closer(column, found, tokens, forms)).row(0, named=True)
    counted = frame.select(token_counts(column, tokens)).item()
    pairs = {row["x"]: row["count"] for row in counted.to_list()} if len(counted) else {}
    return TextEvidence({**found.counts, **more}, found.examples, pairs, found.odd)


def seen_at_first(row: Mapping[str, Any]) -> TextEvidence:
    """Return the evidence of what ``first_look`` has counted."""
    counts = {name: value for name, value in row.items() if name not in ("examples", "odd")}
    return TextEvidence(counts, tuple(row["examples"]), {}, row["odd"] or "")

"""What the texts of a column look like, counted over all of its rows; counts of several files add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from watchkeeper.schema.event_time import ISO
from watchkeeper.schema.missing import TOKENS
from watchkeeper.schema.moment_forms import candidates, evidence_of_forms
from watchkeeper.schema.numerals import evidence_of_styles

__all__ = [
    "TRUTH",
    "CloserLook",
    "TextEvidence",
    "added",
    "closer",
    "codes_with_zeros",
    "first_look",
    "of_frame",
    "seen_at_first",
    "token_counts",
]

TRUTH = ("true", "false", "True", "False", "TRUE", "FALSE")
"""Truth values as programs write them."""

EXAMPLES = 500
_VALUES = 1_000_000
"""Values of all columns that are looked at together."""

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


@dataclass(frozen=True, slots=True)
class CloserLook:
    """What to count more of texts.

    Attributes
    ----------
    digits
        Whether they may be numbers in some form.
    forms
        Forms of times that they may be written in.
    """

    digits: bool
    forms: tuple[str, ...]

    @classmethod
    def at(cls, evidence: TextEvidence, forms: tuple[str, ...] = ()) -> CloserLook:
        """Return what the examples suggest to look at, and forms beside those that they have the shape of."""
        digits = any(any(c.isdigit() for c in text) for text in evidence.examples)
        likely = candidates(list(evidence.examples)[:200])
        return cls(digits, tuple(dict.fromkeys([*likely, *forms])))


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


def closer(column: pl.Expr, look: CloserLook, tokens: tuple[str, ...] = TOKENS) -> dict[str, pl.Expr]:
    """Return what to count more where a first look found neither numbers nor truth values."""
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
    if look.digits:
        counts |= evidence_of_styles(texts, known)
    return counts | evidence_of_forms(texts, known, look.forms)


def codes_with_zeros(column: pl.Expr) -> pl.Expr:
    """Return how many texts are digits that begin with a zero."""
    return column.str.strip_chars().str.contains(_LEADING_ZERO).sum()


def token_counts(column: pl.Expr, tokens: tuple[str, ...]) -> pl.Expr:
    """Return the texts that stand for missing, each as often as it is there."""
    texts = column.str.strip_chars()
    return texts.filter(texts.is_in(tokens)).value_counts(name="count").implode()


def of_frame(
    frame: pl.DataFrame, tokens: tuple[str, ...] = TOKENS, forms: Mapping[str, tuple[str, ...]] | None = None
) -> dict[str, TextEvidence]:
    """Return the evidence of each column of a frame of texts.

    All columns are looked at as one long column, a million values at a time: what it costs to look at a column, be it
    ever so short, is paid once and not for each.

    Parameters
    ----------
    forms
        By column, forms of times to count beside those that the examples have the shape of.
    """
    evidence: dict[str, TextEvidence] = {}
    step = max(1, _VALUES // max(1, frame.height))
    columns = frame.get_columns()
    for start in range(0, len(columns), step):
        evidence |= _of_columns(columns[start : start + step], tokens, forms or {})
    return evidence


def _of_columns(
    columns: Sequence[pl.Series], tokens: tuple[str, ...], forms: Mapping[str, tuple[str, ...]]
) -> dict[str, TextEvidence]:
    """Return the evidence of columns of one length."""
    of = np.repeat(np.arange(len(columns), dtype=np.uint32), len(columns[0]))
    values = pl.concat([series.alias("x") for series in columns]).to_frame().with_columns(of=pl.Series(of))
    texts = pl.col("x")
    evidence = [TextEvidence()] * len(columns)
    for row in values.group_by("of").agg(**first_look(texts, tokens)).iter_rows(named=True):
        number = row.pop("of")
        evidence[number] = seen_at_first(row)
    looks: dict[CloserLook, list[int]] = {}
    for number, (series, one) in enumerate(zip(columns, evidence, strict=True)):
        looks.setdefault(CloserLook.at(one, forms.get(series.name, ())), []).append(number)
    for look, some in looks.items():
        chosen = values if len(some) == len(columns) else values.filter(pl.col("of").is_in(some))
        for row in chosen.group_by("of").agg(**closer(texts, look, tokens)).iter_rows(named=True):
            number = row.pop("of")
            evidence[number] = replace(evidence[number], counts={**evidence[number].counts, **row})
    standing = values.with_columns(texts.str.strip_chars()).filter(texts.is_in(tokens))
    pairs: dict[int, dict[str, int]] = {}
    for number, token, count in standing.group_by("of", "x", maintain_order=True).len().iter_rows():
        pairs.setdefault(number, {})[token] = count
    return {
        series.name: replace(one, tokens=pairs.get(number, {}))
        for number, (series, one) in enumerate(zip(columns, evidence, strict=True))
    }


def seen_at_first(row: Mapping[str, Any]) -> TextEvidence:
    """Return the evidence of what ``first_look`` has counted."""
    counts = {name: value for name, value in row.items() if name not in ("examples", "odd")}
    return TextEvidence(counts, tuple(row["examples"]), {}, row["odd"] or "")

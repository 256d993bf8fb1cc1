"""Numbers in whatever form a table writes them: thousands, decimal commas, currencies and per cent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

__all__ = ["STYLES", "NumberStyle", "evidence_of_styles", "numbers_of", "style_of", "style_of_example", "units_in"]

_SIGNS = "$€£¥₹₽₩₺₫฿₪₴"
_CODES = "USD|EUR|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|HUF|AUD|CAD|BRL|MXN|ZAR|TRY|KRW|SGD|HKD|NZD|RUB"
_UNIT = rf"[{_SIGNS}]|(?:{_CODES})|%"
_BLANKS = "[ \u00a0\u202f\u2009]"
_SHAPE = (
    rf"^(?<open>\()?(?<sign>[+-])?{_BLANKS}?(?<before>{_UNIT})?{_BLANKS}?(?<sign2>[+-])?"
    rf"(?<body>BODY){_BLANKS}?(?<after>{_UNIT})?(?<close>\))?$"
)
_BODIES: Mapping[str, str] = {
    "1,234.5": r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+",
    "1.234,5": r"(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d*)?|,\d+",
    "1 234,5": rf"(?:\d{{1,3}}(?:{_BLANKS}\d{{3}})+|\d+)(?:,\d*)?|,\d+",
    "1 234.5": rf"(?:\d{{1,3}}(?:{_BLANKS}\d{{3}})+|\d+)(?:\.\d*)?|\.\d+",
    "1'234.5": r"(?:\d{1,3}(?:['’]\d{3})+|\d+)(?:\.\d*)?|\.\d+",
}
"""How a number is written, by an example of it: what stands between thousands, and before the fraction."""

STYLES = tuple(_BODIES)
_POINT, _COMMA = STYLES[0], STYLES[1]
_PROOFS: Mapping[str, str] = {
    # What only the one of the two can be.
    _POINT: r",\d{3},|,\d{3}\.|\.\d{1,2}$|\.\d{4,}|^\D*0?\.",
    _COMMA: r"\.\d{3}\.|\.\d{3},|,\d{1,2}\D*$|,\d{4,}|^\D*0,|,$",
}


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """How the numbers of a column are written.

    Attributes
    ----------
    example
        One of ``STYLES``; empty for numbers as programs write them, such as 1234.5 and 1e9.
    unit
        The sign of a currency, or ``%``, that every number has; empty for none.
    thousands, decimal_comma
        Whether some have a separator of thousands, or a decimal comma.
    """

    example: str = ""
    unit: str = ""
    thousands: bool = False
    decimal_comma: bool = False


def _pattern(style: str) -> str:
    return _SHAPE.replace("BODY", _BODIES[style])


def evidence_of_styles(texts: pl.Expr, known: pl.Expr) -> dict[str, pl.Expr]:
    """Return what to count of stripped texts to tell how their numbers are written.

    Parameters
    ----------
    texts, known
        The texts, and whether each is there and no token.
    """
    counts: dict[str, pl.Expr] = {}
    for place, style in enumerate(STYLES):
        counts[f"style{place}"] = (known & texts.str.contains(_pattern(style))).sum()
    for place, proof in enumerate(_PROOFS.values()):
        counts[f"proof{place}"] = (known & texts.str.contains(proof)).sum()
    counts["comma"] = (known & texts.str.contains(",", literal=True)).sum()
    counts["thousands"] = (known & texts.str.contains(rf"\d(?:[,.'’]|{_BLANKS})\d{{3}}(?:\D|$)")).sum()
    counts["percents"] = (known & texts.str.contains("%", literal=True)).sum()
    counts["currencies"] = (known & texts.str.contains(rf"[{_SIGNS}]|{_CODES}")).sum()
    return counts


def style_of(
    counts: Mapping[str, int], known: int, units: set[str], *, comma_likely: bool = False, least: float = 1.0
) -> NumberStyle | None:
    """Return how the numbers of a column are written; None where they do not agree in one form.

    Parameters
    ----------
    counts
        Of ``evidence_of_styles``, over all rows.
    known
        Texts that are there and no token.
    units
        The signs that examples have.
    comma_likely
        Whether the table writes decimal commas elsewhere, which decides between 1,234 and 1,234.
    least
        Share of the texts that must fit.
    """
    fits = {style: counts.get(f"style{place}", 0) for place, style in enumerate(STYLES)}
    most = max(fits.values(), default=0)
    if not known or most < least * known or most == 0:
        return None
    unit = _unit(counts, known, units)
    if unit is None:
        return None
    best = [style for style in STYLES if fits[style] == most]
    example = best[0]
    if {_POINT, _COMMA} <= set(best):
        points, commas = counts.get("proof0", 0), counts.get("proof1", 0)
        example = _COMMA if commas > points or (commas == points and comma_likely) else _POINT
    comma = ",5" in example
    return NumberStyle(example, unit, counts.get("thousands", 0) > 0, comma and counts.get("comma", 0) > 0)


def _unit(counts: Mapping[str, int], known: int, units: set[str]) -> str | None:
    """Return the sign that all numbers have, empty for none; None where some have it and some have not."""
    percents, currencies = counts.get("percents", 0), counts.get("currencies", 0)
    if not percents and not currencies:
        return ""
    if percents >= known and not currencies:
        return "%"
    money = units - {"%"}
    return next(iter(money)) if currencies >= known and not percents and len(money) == 1 else None


def units_in(examples: list[str]) -> set[str]:
    """Return the signs of currencies and per cent that occur in examples."""
    return {found for text in examples for found in re.findall(_UNIT, text)}


def style_of_example(text: str) -> NumberStyle:
    """Return the style that a number is written in, as in ``1.234,5``."""
    for style in STYLES:
        if re.sub(r"\d+", "1", style) == re.sub(r"\d+", "1", text):
            return NumberStyle(style)
    last = max(text.rfind(","), text.rfind("."))
    return NumberStyle(_COMMA if last >= 0 and text[last] == "," else _POINT)


def numbers_of(texts: pl.Series, style: NumberStyle) -> pl.Series:
    """Return stripped texts as float64; what is no number in this style is null, and 12 % is 0.12."""
    if not style.example and not style.unit:
        return texts.cast(pl.Float64, strict=False)
    found = texts.to_frame("x").select(pl.col("x").str.extract_groups(_pattern(style.example or _POINT))).to_series()
    parts = found.struct
    body = parts.field("body").str.replace_all(_between(style.example), "")
    if ",5" in style.example:
        body = body.str.replace(",", ".", literal=True)
    numbers = body.cast(pl.Float64, strict=False)
    minus = (parts.field("sign").fill_null("") == "-") ^ (parts.field("sign2").fill_null("") == "-")
    minus = minus ^ parts.field("open").is_not_null()
    numbers = numbers.zip_with(~minus.fill_null(False), -numbers)
    if style.unit == "%":
        numbers = numbers / 100
    plain = texts.cast(pl.Float64, strict=False)
    special = plain.is_infinite().fill_null(False) | texts.str.contains(r"^[+-]?\d+(\.\d+)?[eE][+-]?\d+$")
    return numbers.zip_with(~special.fill_null(False), plain).alias(texts.name)


def _between(style: str) -> str:
    return {"1,234.5": ",", "1.234,5": r"\.", "1'234.5": "['’]"}.get(style, _BLANKS)

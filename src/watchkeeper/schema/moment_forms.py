"""Forms of dates and times beside ISO 8601: which of them a column is written in, by all of its rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import polars as pl

from watchkeeper.schema.event_time import ZONES

__all__ = ["FormChoice", "candidates", "choose", "evidence_of_forms", "moments_of", "swapped"]

_DATES = (
    "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%d/%m/%y", "%m/%d/%y",
    "%d.%m.%y", "%d-%m-%y", "%m-%d-%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%b %d, %Y", "%b %d %Y",
    "%d %B %Y", "%B %d, %Y", "%a, %d %b %Y", "%A, %B %d, %Y", "%Y-%m-%d", "%Y%m%d",
)  # fmt: skip
_CLOCKS = (
    "%H:%M", "%H:%M:%S", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%H.%M", "%H.%M.%S", "%H%M%S", "%H%M",
)  # fmt: skip
_BETWEEN = (" ", "T", ", ", ":")
_ZONES = ("", "%z", " %z", " UTC", " GMT", "Z", " %Z")
_WHOLE = ("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %Z %Y", "%a %b %d %H:%M:%S %z %Y")
"""Forms in which the year comes last, as C, Unix and social networks write moments."""

_FIELDS = {
    "%Y": r"\d{4}", "%y": r"\d{2}", "%m": r"\d{1,2}", "%d": r"\d{1,2}", "%b": "[a-z]{3}", "%B": "[a-z]{3,9}",
    "%a": "[a-z]{3}", "%A": "[a-z]{6,9}", "%H": r"\d{1,2}", "%I": r"\d{1,2}", "%M": r"\d{2}", "%S": r"\d{2}",
    r"%\.f": r"\.\d{1,9}", "%p": "[ap]m", "%z": r"[+-]\d{2}:?\d{2}", "%Z": f"(?:{'|'.join(ZONES)})",
}  # fmt: skip
_FIRST_YEAR = 1000
"""A year of four digits is never earlier."""

_ENOUGH = 0.9
"""Share of examples whose shape a form must have to be looked at in all rows."""

_MOST = 4


def swapped(form: str) -> str:
    """Return the form with day and month the other way round; empty where their order is plain."""
    if "%b" in form or "%B" in form or form.startswith(("%Y", "%d.%m")):
        return ""
    return form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")


def _parsed(texts: pl.Expr, form: str) -> pl.Expr:
    read = _read(texts, form)
    return pl.when(read.dt.year() >= _FIRST_YEAR).then(read) if "%Y" in form else read


def _read(texts: pl.Expr, form: str) -> pl.Expr:
    if "%Z" in form:
        offsets = [f" {'-' if m < 0 else '+'}{abs(m) // 60:02}{abs(m) % 60:02}" for m in ZONES.values()]
        named = dict(zip(ZONES, offsets, strict=True))
        zone = texts.str.extract(rf" ({'|'.join(ZONES)})(?: \d{{4}})?$")
        texts = texts.str.replace(rf" ({'|'.join(ZONES)})( \d{{4}})?$", " \0${2}").str.replace(
            " \0", zone.replace_strict(named, default=""), literal=True
        )
        form = form.replace("%Z", "%z")
    if "%z" in form:
        read = texts.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False, exact=True)
        return read.dt.replace_time_zone(None)
    if any(part in form for part in ("%H", "%I")):
        return texts.str.to_datetime(form, time_unit="us", strict=False, exact=True)
    return texts.str.to_date(form, strict=False, exact=True).cast(pl.Datetime("us"))


def candidates(examples: Sequence[str]) -> list[str]:
    """Return the forms that have the shape of nearly all examples, and their swaps, which may speak against them."""
    shapes = [text for text in examples if any(c.isdigit() for c in text)]
    if not shapes or len(shapes) < _ENOUGH * len(examples):
        return []
    found = dict.fromkeys(form for text in shapes[:: max(1, len(shapes) // 3)][:3] for form in _forms(text))
    kept = [form for form in found if sum(map(bool, map(_shape(form).fullmatch, shapes))) >= _ENOUGH * len(examples)]
    return list(dict.fromkeys([*kept[:_MOST], *filter(None, map(swapped, kept[:_MOST]))]))


@cache
def _shape(form: str) -> re.Pattern[str]:
    pattern = re.escape(form).replace("\\ ", " +" if form in _WHOLE else " ")
    for field, digits in _FIELDS.items():
        pattern = pattern.replace(field, digits)
    return re.compile(pattern, re.IGNORECASE)


def _forms(text: str) -> Iterable[str]:
    """Return the forms that have the shape of one text."""
    yield from (form for form in _WHOLE if _shape(form).fullmatch(text))
    for date in _DATES:
        begun = _shape(date).match(text)
        if begun is None:
            continue
        rest = text[begun.end() :]
        if not rest:
            yield date
            continue
        for between, clock, zone in product(_BETWEEN, _CLOCKS, _ZONES):
            if _shape(f"{between}{clock}{zone}").fullmatch(rest):
                yield f"{date}{between}{clock}{zone}"


def evidence_of_forms(texts: pl.Expr, known: pl.Expr, forms: Sequence[str]) -> dict[str, pl.Expr]:
    """Return what to count of stripped texts: how many each form reads, and how many it reads and its swap does not."""
    counts: dict[str, pl.Expr] = {}
    read = {form: known & _parsed(texts, form).is_not_null() for form in forms}
    for form in forms:
        counts[f"form {form}"] = read[form].sum()
        other = swapped(form)
        if other in read:
            counts[f"only {form}"] = (read[form] & ~read[other]).sum()
            counts[f"same {form}"] = (read[form] & (_parsed(texts, form) == _parsed(texts, other))).sum()
    return counts


@dataclass(frozen=True, slots=True)
class FormChoice:
    """The form that dates are written in.

    Attributes
    ----------
    form
        It; empty for none.
    read
        Texts that it reads.
    ambiguous
        The form and its swap, where nothing decides between them.
    contradictory
        Whether some texts can only be the one and some only the other.
    either
        Whether all texts are the same day in both, as 11/11/2026 is.
    """

    form: str = ""
    read: int = 0
    ambiguous: tuple[str, str] | None = None
    contradictory: bool = False
    either: bool = False


def choose(counts: Mapping[str, int], beside: Mapping[str, int] | None = None) -> FormChoice:
    """Return the form that reads most; of two that differ in the order of day and month that which a row proves.

    Parameters
    ----------
    counts
        Of ``evidence_of_forms``, over all rows.
    beside
        The same of other rows of the same origin, which decide where these do not.
    """
    forms = {name.removeprefix("form "): n for name, n in counts.items() if name.startswith("form ")}
    if not forms or not max(forms.values()):
        return FormChoice()
    form = max(forms, key=lambda name: forms[name])
    other = swapped(form)
    if not other or other not in forms:
        return FormChoice(form, forms[form])
    for known in (counts, beside or {}):
        mine, theirs = known.get(f"only {form}", 0), known.get(f"only {other}", 0)
        if mine and theirs:
            return FormChoice(form, forms[form] + theirs, contradictory=True)
        if mine or theirs:
            chosen = form if mine else other
            return FormChoice(chosen, forms[chosen])
    if counts.get(f"same {form}", 0) >= forms[form]:
        return FormChoice(form, forms[form], either=True)
    first, second = sorted((form, other), key=lambda name: name.index("%d"))
    return FormChoice("", forms[form], ambiguous=(first, second))


def moments_of(texts: pl.Series, form: str) -> pl.Series:
    """Return stripped texts in a form as moments without a zone, or in UTC where the form has one; null for others."""
    return texts.to_frame("x").select(_parsed(pl.col("x"), form)).to_series().alias(texts.name)

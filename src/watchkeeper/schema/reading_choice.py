"""Which reading a column gets: by what is declared, by what a schema expects, or by all of its texts alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from watchkeeper.core.schema import Column, Kind, Role
from watchkeeper.schema.declared import ColumnType
from watchkeeper.schema.missing import COUNTRY, EXPLICIT, TOKENS
from watchkeeper.schema.moment_forms import FormChoice, choose
from watchkeeper.schema.numerals import NumberStyle, style_of, style_of_example, units_in
from watchkeeper.schema.reading import Form, Reading
from watchkeeper.schema.text_evidence import TextEvidence

__all__ = ["Circumstances", "reading_as_declared", "reading_as_expected", "reading_by_itself"]

_NEARLY = 0.9
"""Share of its values from which on a column of text is said to be nearly all numbers or dates."""

_FEW_WORDS = 3
"""Different texts among numbers of many values that are words of somebody's own for what could not be measured."""

_MOSTLY = 0.5
"""Share of texts that must be what a schema expects, for the others to be unreadable values and not another type."""

_NUMBERS = (Form.WHOLE, Form.NUMBER)
_EMPTY = {"Int64": Form.WHOLE, "Float64": Form.NUMBER, "Boolean": Form.TRUTH, "Date": Form.DATE}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What beside its texts decides how a column is read.

    Attributes
    ----------
    typed
        Whether the table has types, so that text is text on purpose unless it would be an identifier.
    answer
        Whether it is a label or a prediction, in which tokens are missing though it is text.
    given
        What stands for missing in every column.
    comma_likely
        Whether other columns of the file write decimal commas.
    beside
        Evidence of other rows of the same origin, for the order of day and month.
    """

    typed: bool = False
    answer: bool = False
    given: tuple[str, ...] = ()
    comma_likely: bool = False
    beside: Mapping[str, int] = field(default_factory=dict)


def reading_by_itself(found: TextEvidence, about: Circumstances) -> Reading:
    """Return the reading that all texts agree in; text where they do not."""
    valued = Reading(tokens=_all(about), missing=found.tokens, typed=about.typed)
    text = _as_text(found, about)
    known = found.known
    if not known:
        return text if about.typed or not found["tokens"] or set(found.tokens) & set(EXPLICIT) else valued
    if about.typed and not _identifying(found):
        return text
    plain = _plain(found, known)
    if plain is not None:
        return replace(valued, form=plain)
    style = style_of(found.counts, known, units_in(list(found.examples)), comma_likely=about.comma_likely)
    if style is not None and not found["zeros"] and not found["long"]:
        return replace(valued, form=Form.NUMBER, style=style)
    choice = choose(found.counts, about.beside)
    if choice.read == known and _plausible(choice) and not choice.contradictory:
        return _dated(valued, choice, found)
    if (choice.ambiguous or choice.contradictory) and choice.read >= _NEARLY * known:
        return _dated(valued, choice, found)
    if found["lists"] == known and _are_vectors(found.examples):
        return replace(valued, form=Form.VECTOR)
    return _but_for_words(valued, found, about, choice) or _nearly(text, found, choice)


def reading_as_expected(  # noqa: PLR0911 - one return for each type that may be expected
    found: TextEvidence, column: Column, about: Circumstances
) -> Reading:
    """Return the reading that a schema expects, where most of the texts can be read so."""
    valued = Reading(tokens=_all(about), missing=found.tokens, typed=about.typed)
    if column.role in (Role.TIME, Role.LABEL_TIME):
        timed = _as_time(valued, found, about, 0.0)
        # Who reads the time of rows says what is odd about it, such as offsets that differ.
        return replace(timed, form=Form.TEXT, unread=0) if timed.form is Form.MOMENT and not timed.pattern else timed
    if not column.dtype or column.role is Role.IGNORED:
        return reading_by_itself(found, about)
    if not found.known and column.dtype in _EMPTY and not set(found.tokens) & set(EXPLICIT):
        # Nothing is there, such as labels that are all to come: the type is what it was.
        return replace(valued, form=_EMPTY[column.dtype])
    if column.dtype.startswith("Date"):
        return _as_time(valued, found, about, _MOSTLY)
    if column.dtype.startswith(("Time", "Duration")):
        form = Form.CLOCK if column.dtype.startswith("Time") and found["clocks"] else Form.SPAN
        return replace(valued, form=form)
    if column.kind is Kind.VECTOR:
        return replace(valued, form=Form.VECTOR) if found["lists"] else _as_text(found, about)
    if column.dtype == "Boolean" and not about.typed and found["truth"] >= _MOSTLY * max(found.known, 1):
        return _counted(replace(valued, form=Form.TRUTH), found, found["truth"])
    if column.dtype.startswith(("Int", "UInt", "Float", "Decimal")):
        if found["zeros"] and column.role in (Role.ID, Role.LABEL, Role.GROUP, Role.VERSION):
            return _as_text(found, about)
        whole = column.dtype.startswith(("Int", "UInt"))
        as_numbers = _as_numbers(valued, found, about, _MOSTLY, whole=whole)
        return as_numbers or reading_by_itself(found, about)
    return _as_text(found, about)


def reading_as_declared(found: TextEvidence, declared: ColumnType, about: Circumstances) -> Reading:
    """Return the reading that was declared; what cannot be read so is null, and counted."""
    valued = Reading(tokens=_all(about), missing=found.tokens, typed=about.typed, declared=True)
    name = declared.name
    if name == "numeric":
        style = style_of_example(declared.form) if declared.form else None
        read = _as_numbers(valued, found, about, 0.0, style=style)
        return read or replace(valued, form=Form.NUMBER, unread=found.known)
    if name == "time":
        if declared.form:
            read_by = found[f"form {declared.form}"]
            return _counted(_moments(valued, declared.form), found, read_by)
        return _as_time(valued, found, about, 0.0)
    if name == "boolean":
        return replace(valued, form=Form.TRUTH)
    if name == "duration":
        return replace(valued, form=Form.SPAN)
    if name == "vector":
        return _counted(replace(valued, form=Form.VECTOR), found, found["lists"])
    return replace(_as_text(found, about), declared=True)


def _all(about: Circumstances) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*TOKENS, *about.given)))


def _as_text(found: TextEvidence, about: Circumstances) -> Reading:
    """Return the reading of texts, in which only what was named is missing, and in answers the usual words too."""
    tokens = about.given
    if about.answer:
        codes = [text for text in found.examples if text != COUNTRY]
        countries = len(codes) > 2 and all(len(t) == 2 and t.isalpha() and t.isupper() for t in codes)
        values = {*EXPLICIT, COUNTRY} if countries else set(EXPLICIT)
        tokens = tuple(t for t in _all(about) if t in about.given or t not in values)
    return Reading(
        tokens=tokens, missing={t: n for t, n in found.tokens.items() if t in tokens}, typed=about.typed
    )  # fmt: skip


def _identifying(found: TextEvidence) -> bool:
    """Return whether texts are so many different ones that they would be an identifier."""
    known, different = found.known, found["different"]
    return (different > 0.9 * known and known >= 100) or different > max(1_000, 0.5 * known)


def _plain(found: TextEvidence, known: int) -> Form | None:
    """Return what texts are in the one way in which programs write it."""
    if found["numbers"] == known and not found["zeros"] and not found["long"]:
        return Form.WHOLE if found["whole"] == known else Form.NUMBER
    if found["truth"] == known:
        return Form.TRUTH
    if found["iso"] == known and found["numbers"] < known:
        days, zoned = found["days"] == known, found["zoned"]
        return Form.DATE if days else Form.MOMENT if zoned else Form.LOCAL
    if found["clocks"] == known:
        return Form.CLOCK
    if found["spans"] == known and any("day" in text for text in found.examples):
        return Form.SPAN
    return None


def _plausible(choice: FormChoice) -> bool:
    """Return whether texts of a shape are dates without anybody's word for it: 1.10.11 may be a version."""
    return bool(choice.form) and ("%y" not in choice.form or "%H" in choice.form or "/" in choice.form)


def _moments(valued: Reading, form: str) -> Reading:
    kind = Form.MOMENT if "%z" in form else Form.LOCAL if "%H" in form or "%I" in form else Form.DATE
    return replace(valued, form=kind, pattern=form)


def _dated(valued: Reading, choice: FormChoice, found: TextEvidence) -> Reading:
    if choice.ambiguous:
        first, second = choice.ambiguous
        why = f"dates that may be written as {first} or as {second}, and no row decides"
        return replace(valued, form=Form.UNUSABLE, reason=why, ambiguous=choice.ambiguous)
    if choice.contradictory:
        return replace(valued, form=Form.UNUSABLE, reason="dates of which some have the day first and some the month")
    return replace(_counted(_moments(valued, choice.form), found, choice.read), either=choice.either)


def _as_time(valued: Reading, found: TextEvidence, about: Circumstances, least: float) -> Reading:
    choice = choose(found.counts, about.beside)
    best = max(found["iso"], found["numbers"], choice.read)
    if best < least * max(found.known, 1):
        return reading_by_itself(found, about)
    if choice.read > max(found["iso"], found["numbers"]):
        return _dated(valued, choice, found)
    # Text of numbers are seconds, or parts of them, since 1970; they may stand among ISO 8601.
    return _counted(replace(valued, form=Form.MOMENT), found, max(found["iso"], found["numbers"]))


def _as_numbers(
    valued: Reading,
    found: TextEvidence,
    about: Circumstances,
    least: float,
    *,
    style: NumberStyle | None = None,
    whole: bool = False,
) -> Reading | None:
    known = max(found.known, 1)
    best = max(found.counts.get(f"style{i}", 0) for i in range(5)) if "style0" in found.counts else 0
    if style is None and best > found["numbers"]:
        units = units_in(list(found.examples))
        share = min(least, best / known) or best / known
        style = style_of(found.counts, known, units, comma_likely=about.comma_likely, least=min(share, best / known))
    if style is not None and best >= least * known:
        unit = style.unit or next(iter(units_in(list(found.examples)) & {"%"}), "")
        return _counted(replace(valued, form=Form.NUMBER, style=replace(style, unit=unit)), found, best)
    if found["numbers"] < least * known:
        return None
    form = Form.WHOLE if whole and found["whole"] == found["numbers"] else Form.NUMBER
    return _counted(replace(valued, form=form), found, found["numbers"])


def _counted(reading: Reading, found: TextEvidence, read: int) -> Reading:
    unread = max(found.known - read, 0)
    return replace(reading, unread=unread, example=found.odd if unread else "")


def _are_vectors(examples: tuple[str, ...]) -> bool:
    """Return whether texts are lists of measurements, all of one length."""
    lengths = set()
    fractions = False
    for text in examples:
        try:
            numbers = json.loads(text)
        except ValueError:
            return False
        if not isinstance(numbers, list) or not all(type(n) in (int, float) for n in numbers):
            return False
        lengths.add(len(numbers))
        fractions |= any(isinstance(n, float) for n in numbers)
    return fractions and len(lengths) == 1 and min(lengths) > 0


def _but_for_words(valued: Reading, found: TextEvidence, about: Circumstances, choice: FormChoice) -> Reading | None:
    """Return the reading of measurements or moments among which a few texts are none; None where it is not that.

    Numbers with fractions are measurements. Whole ones of many values may be identifiers, unless all that is no number
    is the same two or three words.
    """
    least = _NEARLY * found.known
    if found["zeros"] or found["long"]:
        return None
    best = max((found.counts.get(f"style{i}", 0) for i in range(5)), default=0)
    if max(found["numbers"], best) >= least:
        fractions = found["numbers"] > found["whole"] or best > found["numbers"]
        words = {text for text in found.examples if not _is_number(text)}
        return _as_numbers(valued, found, about, _NEARLY) if fractions or (
            _identifying(found) and 0 < len(words) <= _FEW_WORDS
        ) else None  # fmt: skip
    if found["iso"] >= least:
        days, zoned = found["days"] == found["iso"], found["zoned"]
        form = Form.DATE if days else Form.MOMENT if zoned else Form.LOCAL
        return _counted(replace(valued, form=form), found, found["iso"])
    if choice.read >= least and _plausible(choice) and not choice.ambiguous and not choice.contradictory:
        return _dated(valued, choice, found)
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _nearly(text: Reading, found: TextEvidence, choice: FormChoice) -> Reading:
    known = found.known
    best = max((found.counts.get(f"style{i}", 0) for i in range(5)), default=0)
    numbers = 0 if found["zeros"] or found["long"] else max(found["numbers"], best)
    dates = max(found["iso"] if found["numbers"] < found["iso"] else 0, choice.read)
    share = max(numbers, dates) / known
    if share < _NEARLY or (found["numbers"] == known):
        return text
    nearly = "numbers" if numbers >= dates else "dates"
    return replace(text, nearly=nearly, share=share, example=found.odd if nearly == "numbers" else "")

"""The one door through which values come in: each column is read once, and is then what it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from watchkeeper.core.columns import column_named
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.ingest.tables import TableFile
from watchkeeper.schema.declared import ColumnType, Declared
from watchkeeper.schema.event_time import MOMENT
from watchkeeper.schema.kinds import unusable_reason
from watchkeeper.schema.missing import TOKENS
from watchkeeper.schema.moment_forms import evidence_of_forms, swapped
from watchkeeper.schema.reading import Form, Reading, read
from watchkeeper.schema.reading_choice import (
    Circumstances,
    reading_as_declared,
    reading_as_expected,
    reading_by_itself,
)
from watchkeeper.schema.role_names import NAMES
from watchkeeper.schema.text_evidence import (
    CloserLook,
    TextEvidence,
    added,
    closer,
    codes_with_zeros,
    first_look,
    of_frame,
    seen_at_first,
    token_counts,
)
from watchkeeper.schema.typed_values import plain_type

__all__ = ["OPEN", "Beside", "Door", "enter", "forms_in", "known_by", "readings_of"]

_LOOKED_AT = 2_000
_CODE = 3
"""Digits from which on whole numbers of one length may be codes."""

_PROMISING = 0.5
"""Share of a sample that must look like numbers, dates or the like for all rows of a column to be looked at."""

_KINDS = ("numbers", "truth", "iso", "clocks", "spans", "lists")

Beside = Callable[[str, tuple[str, ...]], Mapping[str, int]]
"""Returns evidence of other rows for a column whose dates are ambiguous, given the forms in question."""


@dataclass(frozen=True)
class Door:
    """How columns are read.

    Attributes
    ----------
    declared
        Types and tokens that the owner has declared.
    columns
        The columns of a schema, as which they are read; None where they are read by themselves.
    known
        Readings of the reference by column: the order of day and month that it proved stands.
    answers
        The columns that hold labels or predictions.
    beside
        Gives evidence of other rows where those at hand do not decide.
    """

    declared: Declared = field(default_factory=Declared)
    columns: Mapping[str, Column] | None = None
    known: Mapping[str, Reading] = field(default_factory=dict)
    answers: tuple[str, ...] = ()
    beside: Beside | None = None

    def expecting(self, schema: Schema, known: Mapping[str, Reading] | None = None) -> Door:
        """Return the door for more rows of a log whose schema is known."""
        named = (schema.name_of(Role.LABEL), schema.name_of(Role.PREDICTION))
        answers = tuple(name for name in named if name is not None)
        columns = {column.name: column for column in schema}
        return replace(self, columns=columns, known=known or {}, answers=answers)

    def answers_among(self, columns: Sequence[str]) -> set[str]:
        """Return the columns that are answers: those that are named, else those with the name of one."""
        if self.answers:
            return set(self.answers)
        plain = {name.strip().lower(): name for name in columns}
        usual = (NAMES[Role.LABEL], NAMES[Role.PREDICTION])
        return {plain[word] for words in usual for word in words if word in plain}

    @property
    def tokens(self) -> tuple[str, ...]:
        """Everything that may stand for missing."""
        return tuple(dict.fromkeys((*TOKENS, *self.declared.missing)))


def known_by(forms: Mapping[str, str]) -> dict[str, Reading]:
    """Return readings of a reference of which the form of its dates is left: by column, empty where it has none."""
    return {name: Reading(Form.LOCAL, pattern=form) for name, form in forms.items()}


OPEN = Door()
"""The door through which every column is read by itself."""


def enter(frame: pl.DataFrame, door: Door, *, typed: bool = True) -> tuple[pl.DataFrame, dict[str, Reading]]:
    """Return rows in memory as columns of one meaning each, and how those were read that needed reading."""
    part = TableFile("", frame, frame.height, typed=typed)
    readings = readings_of([part], door)[0]
    columns = [read(series, readings[series.name]) if series.name in readings else series for series in frame]
    return pl.DataFrame(columns), readings


def readings_of(parts: Sequence[TableFile], door: Door) -> list[dict[str, Reading]]:
    """Return how the columns of each part of a table are read, so that all parts agree in what a column is.

    Raises
    ------
    SourceError
        When a part cannot be read.
    """
    types = [part.raw_types() for part in parts]
    names = list(dict.fromkeys(name for own in types for name in own))
    if door.columns is None:
        door.declared.check(names)
    answers = door.answers_among(names)
    texts = [
        [name for name, dtype in own.items() if dtype == pl.String and not _is_settled(name, part, door)]
        for part, own in zip(parts, types, strict=True)
    ]
    evidence = [_evidence(part, own, door) for part, own in zip(parts, texts, strict=True)]
    counts = {name: added(own[name] for own in evidence if name in own).counts for own in evidence for name in own}
    found: list[dict[str, Reading]] = []
    for part, dtypes, own in zip(parts, types, evidence, strict=True):
        comma = any(_writes_commas(one) for one in own.values())
        readings = {}
        for name, one in own.items():
            beside = {key: count - one[key] for key, count in counts[name].items()}
            about = Circumstances(part.typed, name in answers, door.declared.missing, comma, beside)
            readings[name] = _reading(name, one, door, about)
        others = {name: dtype for name, dtype in dtypes.items() if dtype != pl.String}
        both = _with_tokens(part, readings, own) | _typed_readings(part, others, door)
        found.append({name: both[name] for name in dtypes if name in both})
    return [{name: r for name, r in own.items() if r.changes or r.nearly} for own in _agreed(found, texts)]


def _is_settled(name: str, part: TableFile, door: Door) -> bool:
    """Return whether a column of text stays as it is, whatever its texts are."""
    column = door.columns.get(name) if door.columns is not None else None
    if column is None or not column.dtype or name in door.answers or name in door.declared.types:
        return column is not None and column.role is Role.IGNORED and name not in door.declared.types
    if column.dtype.startswith(("String", "Categorical", "Enum")):
        return not door.declared.missing and column.kind is not Kind.VECTOR
    return part.typed and column.kind in (Kind.NUMERIC, Kind.BOOLEAN) and name not in door.known and (
        column.role is not Role.TIME and not column.dtype.startswith(("Duration", "Time"))
    )  # fmt: skip


def forms_in(part: TableFile, name: str, forms: tuple[str, ...]) -> TextEvidence | None:
    """Return how many texts of a column each form reads; None where there is no such column of text."""
    if part.frame.collect_schema().get(name) != pl.String:
        return None
    texts = column_named(name).str.strip_chars()
    wanted = {"zeros": codes_with_zeros(texts), **evidence_of_forms(texts, texts.is_not_null(), forms)}
    counts = part.counted({name: wanted})[name]
    return TextEvidence(counts)


def _reading(name: str, evidence: TextEvidence, door: Door, about: Circumstances) -> Reading:
    reading = _first_reading(name, evidence, door, about)
    forms = reading.ambiguous or ((reading.pattern, swapped(reading.pattern)) if reading.either else None)
    if forms is not None and (name in door.known or door.beside is not None):
        proven = door.known.get(name)
        counts = {f"only {proven.pattern}": 1} if proven is not None and proven.pattern in forms else {}
        if not counts and door.beside is not None:
            counts = dict(door.beside(name, forms))
        return _first_reading(name, evidence, door, replace(about, beside=counts))
    if reading.form is Form.WHOLE and not about.typed and door.beside is not None and _are_codes(evidence.examples):
        # No row here begins with a zero, and those that it is compared with may.
        zeros = door.beside(name, ()).get("zeros", 0)
        return _first_reading(name, replace(evidence, counts={**evidence.counts, "zeros": zeros}), door, about)
    return reading


def _are_codes(examples: tuple[str, ...]) -> bool:
    """Return whether whole numbers are all of one length, as codes are."""
    lengths = {len(text) for text in examples}
    return len(examples) > 1 and len(lengths) == 1 and max(lengths) >= _CODE


def _first_reading(name: str, evidence: TextEvidence, door: Door, about: Circumstances) -> Reading:
    declared = door.declared.types.get(name)
    if declared is not None:
        return reading_as_declared(evidence, declared, about)
    if door.columns is None or name not in door.columns:
        return reading_by_itself(evidence, about)
    return reading_as_expected(evidence, door.columns[name], about)


def _evidence(part: TableFile, names: Sequence[str], door: Door) -> dict[str, TextEvidence]:
    """Return the evidence of columns of text: of a sample where that shows them to be words, else of all rows."""
    if not names:
        return {}
    tokens = door.tokens
    forms = {name: _declared_forms(door.declared.types.get(name)) for name in names}
    sample = part.raw_sample(_LOOKED_AT, names)
    found = of_frame(sample, tokens, forms)
    if sample.height >= part.rows():
        return found
    promising = [name for name in names if _is_promising(found[name])]
    first = part.counted({name: first_look(column_named(name), tokens) for name in promising})
    for name, counts in first.items():
        found[name] = seen_at_first(counts)
    more = {
        name: closer(column_named(name), CloserLook.at(found[name], forms[name]), tokens)
        for name in promising
        if (found[name]["numbers"] < found[name].known and found[name]["truth"] < found[name].known)
        or found[name]["zeros"] or part.typed
    }  # fmt: skip
    for name, counts in part.counted(more).items():
        found[name] = replace(found[name], counts={**found[name].counts, **counts})
    return found


def _declared_forms(declared: ColumnType | None) -> tuple[str, ...]:
    return (declared.form,) if declared is not None and declared.name == "time" and declared.form else ()


def _is_promising(found: TextEvidence) -> bool:
    counts = found.counts
    best = max((n for k, n in counts.items() if k in _KINDS or k.startswith(("style", "form "))), default=0)
    return found.known == 0 or best >= _PROMISING * found.known


def _with_tokens(
    part: TableFile, readings: Mapping[str, Reading], evidence: Mapping[str, TextEvidence]
) -> dict[str, Reading]:
    """Count each token that is read as missing, over all rows."""
    wanted = {
        name: {"tokens": token_counts(column_named(name), reading.tokens)}
        for name, reading in readings.items()
        if reading.tokens and not _is_counted(evidence[name], part)
    }
    counted = {
        name: {row[next(iter(row))]: row["count"] for row in counts["tokens"]}
        for name, counts in part.counted(wanted).items()
    }
    return {
        name: replace(reading, missing=counted[name]) if name in counted else reading
        for name, reading in readings.items()
    }


def _is_counted(evidence: TextEvidence, part: TableFile) -> bool:
    """Return whether tokens are counted already, in all rows."""
    return evidence["rows"] == part.rows() and (bool(evidence.tokens) or not evidence["tokens"])


def _writes_commas(found: TextEvidence) -> bool:
    return found["proof1"] > 0 and found["style1"] == found.known and found["numbers"] < found.known


def _typed_readings(part: TableFile, types: Mapping[str, pl.DataType], door: Door) -> dict[str, Reading]:
    """Return what is to be done with columns that hold no text, but for those that stay as they are."""
    targets = {name: plain_type(dtype) for name, dtype in types.items()}
    wholes = [name for name, dtype in types.items() if targets[name] == pl.Float64 and _is_whole_decimal(dtype)]
    readings = {}
    for name, target in (targets | _whole_types(part, wholes)).items():
        reading = _typed_reading(name, types[name], target, door)
        if reading is not None:
            readings[name] = reading
    return readings


def _typed_reading(name: str, dtype: pl.DataType, target: pl.DataType, door: Door) -> Reading | None:
    """Return what is to be done with a column that holds no text and is likely to become ``target``."""
    if dtype == pl.Object and door.columns is not None:
        # What is known takes of objects what it can, value by value.
        return None
    reason = unusable_reason(dtype)
    if reason is not None:
        return Reading(Form.UNUSABLE, reason=reason, typed=True)
    declared = door.declared.types.get(name)
    if declared is not None:
        target = _declared_type(declared, target, dtype)
    elif door.columns is not None and name in door.columns and dtype.is_integer():
        # A categorical type of whole numbers reaches other entrances as plain whole numbers.
        expected = door.columns[name].dtype
        target = pl.String() if expected.startswith(("Categorical", "Enum")) else target
    elif door.columns is not None and name in door.columns and isinstance(dtype, pl.Categorical):
        # Who knows the numbers alone gets the numbers.
        expected = door.columns[name].dtype
        target = pl.Int64() if expected.startswith(("Int", "UInt")) else target
    tokens = door.declared.missing if dtype.is_numeric() else ()
    if target == dtype and not tokens:
        return None
    return Reading(Form.TYPED, tokens=tokens, typed=True, declared=declared is not None, into=target)


def _is_whole_decimal(dtype: pl.DataType) -> bool:
    return dtype.is_decimal() and getattr(dtype, "scale", 1) == 0


def _whole_types(part: TableFile, names: Sequence[str]) -> dict[str, pl.DataType]:
    """Return the types of whole decimals: numbers where 64 bits hold them, else text, because they are identifiers."""
    digits = {name: {"digits": column_named(name).cast(pl.String).str.len_chars().max()} for name in names}
    counted = part.counted(digits)
    return {name: pl.Int64() if (counted[name]["digits"] or 0) <= 18 else pl.String() for name in names}


def _declared_type(declared: ColumnType, target: pl.DataType, dtype: pl.DataType) -> pl.DataType:
    simple = not dtype.is_nested()
    if declared.name == "boolean" and dtype.is_numeric():
        return pl.Boolean()
    if declared.name == "time" and dtype.is_numeric():
        return MOMENT
    if declared.name == "text" and simple:
        return pl.String()
    if declared.name == "numeric" and (dtype == pl.Boolean or target == pl.String):
        return pl.Float64()
    return target


def _agreed(found: list[dict[str, Reading]], texts: Sequence[Sequence[str]]) -> list[dict[str, Reading]]:
    """Make a column the same in all parts of a table: text in one of them is text in all."""
    if len(found) < 2:
        return found
    for name in dict.fromkeys(name for own in texts for name in own):
        places = [i for i, own in enumerate(texts) if name in own]
        readings = [found[i][name] for i in places]
        valued = [r for r in readings if r.form is not Form.TEXT or not _is_blank(r)]
        forms = {_family(r.form) for r in valued}
        if len(forms) > 1 and not any(r.declared for r in readings):
            for i in places:
                old = found[i][name]
                found[i][name] = Reading(typed=old.typed, nearly=old.form.value if old.form is not Form.TEXT else "")
    return found


def _is_blank(reading: Reading) -> bool:
    return bool(reading.tokens) and reading.form is Form.TEXT


def _family(form: Form) -> str:
    if form in (Form.WHOLE, Form.NUMBER):
        return "numbers"
    return "times" if form in (Form.DATE, Form.LOCAL, Form.MOMENT) else form.value

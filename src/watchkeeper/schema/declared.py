"""What an owner says of the values of columns: their types, and what stands for missing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from watchkeeper.core.errors import SchemaError, near_miss
from watchkeeper.core.schema import Kind

__all__ = ["NOTHING_DECLARED", "TYPES", "ColumnType", "Declared", "column_type"]

TYPES: Mapping[str, Kind] = {
    "numeric": Kind.NUMERIC,
    "categorical": Kind.CATEGORICAL,
    "boolean": Kind.BOOLEAN,
    "text": Kind.TEXT,
    "time": Kind.TIME,
    "identifier": Kind.IDENTIFIER,
    "duration": Kind.NUMERIC,
    "vector": Kind.VECTOR,
}
"""The types that a column can be declared as, each with the kind that its values then are."""

_FORMS = ("numeric", "time")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The declared type of a column.

    Attributes
    ----------
    name
        One of ``TYPES``.
    form
        How times are written, such as ``%m/%d/%Y``; or a number as it is written, such as ``1.234,5``. Empty where the
        values are to tell.
    """

    name: str
    form: str = ""

    @property
    def kind(self) -> Kind:
        """The kind of the column."""
        return TYPES[self.name]

    @property
    def text(self) -> str:
        """The type as it is written."""
        return f"{self.name} {self.form}".strip()


def column_type(text: str) -> ColumnType:
    """Return a type as it is written: a kind, and for times and numbers a form after a blank or a colon.

    Raises
    ------
    ValueError
        When there is no such kind, or its form is none.

    Examples
    --------
    >>> column_type("time %m/%d/%Y")
    ColumnType(name='time', form='%m/%d/%Y')
    >>> column_type("time:%H:%M")
    ColumnType(name='time', form='%H:%M')
    """
    name, form, *_ = (*re.split(r"[ :]", str(text).strip(), maxsplit=1), "")
    form = form.strip()
    if name not in TYPES:
        raise ValueError(f"{name!r} is no kind of values; {near_miss(name, TYPES)}")
    if form and name not in _FORMS:
        raise ValueError(f"{name!r} takes no form; only {' and '.join(_FORMS)} do, such as 'time %m/%d/%Y'")
    if name == "time" and form and "%" not in form:
        raise ValueError(f"{form!r} is no form of times; write it as in 'time %d.%m.%Y %H:%M'")
    if name == "numeric" and form and not (any(c.isdigit() for c in form) and set(form) <= set("0123456789.,' ")):
        raise ValueError(f"{form!r} is no form of numbers; write one as the column does, as in 'numeric 1.234,5'")
    return ColumnType(name, form)


@dataclass(frozen=True, slots=True)
class Declared:
    """What is declared of the values of a table.

    Attributes
    ----------
    types
        By column its type.
    missing
        What stands for missing in every column, beside the usual words.
    """

    types: Mapping[str, ColumnType] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, types: Mapping[str, str] | None, missing: Sequence[str] = ()) -> Declared:
        """Return what is declared in words.

        Raises
        ------
        SchemaError
            When a type is none.
        """
        known = {}
        for name, text in (types or {}).items():
            try:
                known[name] = column_type(text)
            except ValueError as error:
                raise SchemaError(f"the type of column {name!r}: {error}") from None
        return cls(known, tuple(dict.fromkeys(missing)))

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each column whose type is declared."""
        return {name: one.kind for name, one in self.types.items()}

    def among(self, columns: Sequence[str]) -> Declared:
        """Return what is declared of some columns alone."""
        return Declared({name: one for name, one in self.types.items() if name in columns}, self.missing)

    def check(self, columns: Sequence[str]) -> None:
        """Raise a SchemaError where the type of a column is declared that does not exist."""
        for name in self.types:
            if name not in columns:
                raise SchemaError(f"a type is declared for column {name!r}, which does not exist; "
                                  f"{near_miss(name, columns)}")  # fmt: skip


NOTHING_DECLARED = Declared()
"""For a table whose values tell all."""

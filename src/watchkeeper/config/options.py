"""Options described once: a frozen dataclass whose annotations say of each field what a reader must know.

The command line, Python and the configuration are made from such a description; this file imports nothing heavy,
because help is made from it too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, update_wrapper
from math import isnan
from textwrap import fill, indent, shorten
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, get_args, get_origin, get_type_hints

from watchkeeper.core.errors import UsageError, near_miss

__all__ = ["Described", "Option", "TakesTables", "check_options", "described", "listed_names", "takes"]

P = ParamSpec("P")
Filled = TypeVar("Filled")
Result = TypeVar("Result")
Shown_co = TypeVar("Shown_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Option:
    """What is to be said of one field of a description.

    Parameters
    ----------
    help
        What it is, in one sentence for people.
    metavar
        What stands for its value in the help of the command line.
    flag
        How it is called on the command line; empty for the name of the field.
    read
        Turns what the command line gave, which is a list of texts, into the value; None for the list itself.
    check
        Raises ``ValueError`` with the words that follow the option's name.
    lower, upper
        The least and the greatest number.
    on_command_line
        Whether a person can write it there.
    more
        What else is to be said of it where there is more room than in a terminal.
    """

    help: str
    metavar: str = ""
    flag: str = ""
    read: Callable[[str, Sequence[str]], Any] | None = None
    check: Callable[[Any], object] | None = None
    lower: float | None = None
    upper: float | None = None
    on_command_line: bool = True
    more: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """One field of a description: its name, its type and default, and what its ``Option`` says."""

    name: str
    type: Any
    default: Any
    option: Option

    @property
    def flag(self) -> str:
        """How it is called on the command line."""
        return self.option.flag or "--" + self.name.replace("_", "-")

    @property
    def words(self) -> str:
        """What it is, in whole."""
        return f"{self.option.help} {self.option.more}".rstrip()

    @property
    def choices(self) -> tuple[str, ...]:
        """The values it may have; empty where they cannot be counted."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    @property
    def repeats(self) -> bool:
        """Whether it holds several texts."""
        return Sequence[str] in (self.type, *get_args(self.type))

    def _of_another_type(self, value: Any) -> str:
        """Return what a value must be, where it is of another type; empty where it is of this one, or nobody knows."""
        kinds = [kind for kind in (get_args(self.type) or (self.type,)) if kind is not type(None)]
        if value is None and len(kinds) < len(get_args(self.type)):
            return ""
        if self.repeats:
            named = isinstance(value, tuple) and all(isinstance(one, str) for one in value)
            return "" if named else "a text or a list of texts"
        if kinds == [str]:
            return "" if isinstance(value, str) else "a text"
        if self.type is bool:
            return "" if isinstance(value, bool) else "True or False"
        if self.type is float:
            number = isinstance(value, int | float) and not isinstance(value, bool) and not isnan(value)
            return "" if number else "a number"
        if any(get_origin(kind) is Mapping for kind in kinds):
            return "" if isinstance(value, Mapping) else "a mapping"
        if any(get_origin(kind) is Callable for kind in kinds):
            return "" if callable(value) else "a function"
        return ""

    def faults(self, value: Any) -> str:
        """Return what is wrong with a value, in words that follow the name; empty where nothing is."""
        one = self.option
        if self.choices and value not in self.choices:
            return f"cannot be {value!r}; {near_miss(str(value), self.choices)}"
        valid = self._of_another_type(value)
        if valid:
            return f"must be {valid}; this is {shorten(repr(value), 60, placeholder='…')}"
        if one.lower is not None and not (isinstance(value, int | float) and value >= one.lower):
            return f"must be a number of at least {one.lower:g}; this is {value!r}"
        if one.upper is not None and value > one.upper:
            return f"must be at most {one.upper:g}; this is {value!r}"
        if one.check is not None:
            try:
                one.check(value)
            except ValueError as error:
                return str(error)
        return ""


@cache
def described(description: type) -> tuple[Described, ...]:
    """Return the fields of a description that have an ``Option``, in their order."""
    hints = get_type_hints(description, include_extras=True)
    listed = []
    for field in fields(description):
        hint = hints[field.name]
        option = next((note for note in getattr(hint, "__metadata__", ()) if isinstance(note, Option)), None)
        if option is not None:
            listed.append(Described(field.name, get_args(hint)[0], field.default, option))
    return tuple(listed)


def listed_names(value: Any) -> Any:
    """Return one name as a list of one, names of any other form as a tuple, and what is none of these as it is."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, Mapping) else value


def check_options(filled: Any) -> None:
    """Check every value of a filled description.

    Raises
    ------
    UsageError
        With the name of the option, what is wrong and what is valid.
    """
    description: Any = type(filled)
    for one in described(description):
        if one.repeats:
            # A frozen description, whose one name stands for a list of one.
            object.__setattr__(filled, one.name, listed_names(getattr(filled, one.name)))
        faults = one.faults(getattr(filled, one.name))
        if faults:
            raise UsageError(f"{one.name} {faults}")


class TakesTables(Protocol[P, Shown_co]):
    """A function of two tables that takes options by keyword."""

    def __call__(self, current: Any, reference: Any, *args: P.args, **kwargs: P.kwargs) -> Shown_co:
        """Call it."""


def takes(
    description: Callable[P, Filled],
) -> Callable[[Callable[[Any, Any, Filled], Result]], TakesTables[P, Result]]:
    """Let a function that takes a filled description take its options by keyword instead.

    Type checkers and editors see the parameters of the description, and so does ``help``. A name that is not among
    them is a ``UsageError`` with the nearest one that is.
    """

    def with_options(function: Callable[[Any, Any, Filled], Result]) -> TakesTables[P, Result]:
        types = get_type_hints(description)
        listed = [
            one.replace(annotation=types.get(one.name, one.annotation))
            for one in inspect.signature(description).parameters.values()
        ]

        def call(current: Any, reference: Any, *args: P.args, **kwargs: P.kwargs) -> Result:
            known = [one.name for one in listed]
            for name in kwargs:
                if name not in known:
                    raise UsageError(f"{call.__name__}() has no option {name!r}; {near_miss(name, known, most=40)}")
            if args:
                raise UsageError(f"{call.__name__}() takes two tables; what follows is given by keyword: {args[0]!r}")
            return function(current, reference, description(*args, **kwargs))

        update_wrapper(call, function)
        tables = list(inspect.signature(function).parameters.values())[:2]
        made = inspect.signature(function).return_annotation
        call.__signature__ = inspect.Signature([*tables, *listed], return_annotation=made)  # type: ignore[attr-defined]
        call.__doc__ = _documented(inspect.getdoc(function) or "", described(description))
        return call

    return with_options


def _documented(text: str, listed: Sequence[Described]) -> str:
    """Return a docstring whose section of parameters tells the options too."""
    head, section, tail = text.partition("\nRaises\n")
    told = "".join(f"{_headed(one)}\n{indent(fill(one.words, 112), '    ')}\n" for one in listed)
    return f"{head.rstrip()}\n{told}{section}{tail}" if section else text


def _headed(one: Described) -> str:
    kind = " or ".join(one.choices) or one.option.metavar.lower()
    default = "" if one.default in (None, ()) else f"default {one.default}"
    told = ", ".join(filter(None, (kind, default)))
    return f"{one.name} : {told}" if told else one.name

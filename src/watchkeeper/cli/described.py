"""Options of a command, made from a description."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from watchkeeper.config.options import Described, described

__all__ = ["with_options"]


def with_options(description: type, only: Sequence[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of a description, in the place of its parameter ``options``.

    Parameters
    ----------
    description
        A dataclass whose fields have an ``Option``.
    only
        The fields that are options of this command; empty for all that may stand on a command line.
    """
    listed = [one for one in described(description) if one.option.on_command_line and (not only or one.name in only)]

    def with_them(command: Callable[..., None]) -> Callable[..., None]:
        def call(**words: Any) -> None:
            values = {one.name: _value(one, words.pop(one.name)) for one in listed}
            command(**words, options=description(**values))

        parameters: list[inspect.Parameter] = []
        for own in inspect.signature(command, eval_str=True).parameters.values():
            placed = own.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            parameters += [_parameter(one) for one in listed] if own.name == "options" else [placed]
        call.__name__, call.__doc__, call.__module__ = command.__name__, command.__doc__, command.__module__
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {one.name: one.annotation for one in parameters}
        return call

    return with_them


def _parameter(one: Described) -> inspect.Parameter:
    """Return an option as typer reads it from a signature."""
    option = one.option
    several = one.repeats or option.read is not None
    words = f"{option.help.removesuffix('.')}; repeatable." if several else option.help
    metavar = None if one.choices else option.metavar or None
    made = typer.Option(one.flag, help=words, metavar=metavar, min=option.lower, max=option.upper)
    kind, default = (list[str] | None, None) if several else _kind(one)
    return inspect.Parameter(
        one.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, made]
    )


def _kind(one: Described) -> tuple[Any, Any]:
    """Return the type and the default of an option that is written once."""
    if one.choices:
        choice = StrEnum(one.name, {name.upper(): name for name in one.choices})  # type: ignore[misc]
        return choice, choice(one.default)
    if one.type in (bool, int, float):
        return one.type, one.default
    return (Path | None if Path in get_args(one.type) else str | None), one.default


def _value(one: Described, word: Any) -> Any:
    """Return what the description holds for what was written."""
    if one.option.read is not None:
        return one.option.read(one.flag, word) if word else one.default
    if isinstance(word, Enum):
        return word.value
    return one.default if word is None else word

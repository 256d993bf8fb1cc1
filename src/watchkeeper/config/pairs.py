"""Options that give one thing for another: how they are written on the command line, and what is valid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from watchkeeper.core.errors import UsageError, near_miss
from watchkeeper.core.tasks import Task
from watchkeeper.schema.declared import TYPES, column_type

__all__ = [
    "check_levels",
    "check_place",
    "check_shares",
    "check_task",
    "check_types",
    "embedders",
    "quantiles",
    "scores",
    "shares",
    "types",
    "values",
]

_CELLS = ("TP", "FP", "FN", "TN")


def check_place(name: str, of: str = "") -> str:
    """Return where a function is to be imported from, if it is written as such.

    Raises
    ------
    ValueError
        When it is not ``module:function``.
    """
    module, _, function = name.partition(":")
    if not (module and function):
        raise ValueError(f"{name!r}{f' for {of!r}' if of else ''} is not understood. Valid: module:function")
    return name


def check_levels(by_level: Mapping[float, Any] | None) -> None:
    """Check the levels of quantiles.

    Raises
    ------
    ValueError
        When one does not lie between 0 and 1.
    """
    for level in by_level or {}:
        if not 0 < level < 1:
            raise ValueError(f"a level must be greater than 0 and less than 1; {level:g} is not")


def check_task(name: str | None) -> None:
    """Check the name of a task.

    Raises
    ------
    ValueError
        When there is none of that name.
    """
    if name is not None and name not in tuple(Task):
        raise ValueError(f"cannot be {name!r}; {near_miss(str(name), list(Task))}")


def check_types(by_column: Mapping[str, str] | None) -> None:
    """Check the types of columns.

    Raises
    ------
    ValueError
        When one is none.
    """
    for column, text in (by_column or {}).items():
        try:
            column_type(text)
        except ValueError as error:
            raise ValueError(f"for the column {column!r}: {error}") from None


def types(flag: str, texts: Sequence[str]) -> dict[str, str]:
    """Return the declared type of each column.

    Raises
    ------
    UsageError
        When one is no ``COLUMN=KIND``.
    """
    by_column = {}
    for text in texts:
        column, _, kind = text.rpartition("=")
        if not (column and kind):
            raise _not_understood(flag, text, f"COLUMN=KIND, where KIND is {', '.join(TYPES)}")
        by_column[column] = kind
    return by_column


def check_shares(by_column: Mapping[str, Any] | None) -> None:
    """Check the shares of columns.

    Raises
    ------
    ValueError
        When one does not lie between 0 and 1, both included.
    """
    for column, share in (by_column or {}).items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ValueError(f"must be from 0 to 1; that of {column!r} is {share!r}")


def embedders(flag: str, texts: Sequence[str]) -> dict[str, str]:
    """Return where to import the embedder of each column from.

    Raises
    ------
    UsageError
        When one is no ``COLUMN=MODULE:FUNCTION``.
    """
    places = {}
    for text in texts:
        column, _, name = text.rpartition("=")
        if not (column and ":" in name):
            raise _not_understood(flag, text, "COLUMN=MODULE:FUNCTION")
        places[column] = name
    return places


def scores(flag: str, texts: Sequence[str]) -> dict[str, str]:
    """Return the column of the probability of each class.

    Raises
    ------
    UsageError
        When one is no ``CLASS=COLUMN``.
    """
    columns = {}
    for text in texts:
        name, _, column = text.partition("=")
        if not (name and column):
            raise _not_understood(flag, text, "CLASS=COLUMN")
        columns[name] = column
    return columns


def quantiles(flag: str, texts: Sequence[str]) -> dict[float, str]:
    """Return the column of each forecast quantile by its level.

    Raises
    ------
    UsageError
        When one is no ``LEVEL=COLUMN`` with a level between 0 and 1.
    """
    columns = {}
    for text in texts:
        level, _, column = text.partition("=")
        number = _number(level)
        if number is None or not (0 < number < 1 and column):
            raise _not_understood(flag, text, "LEVEL=COLUMN with a level between 0 and 1")
        columns[number] = column
    return columns


def shares(flag: str, texts: Sequence[str]) -> dict[str, float]:
    """Return the share of each column.

    Raises
    ------
    UsageError
        When one is no ``COLUMN=SHARE`` with a share from 0 to 1.
    """
    columns = {}
    for text in texts:
        column, _, share = text.rpartition("=")
        number = _number(share)
        if number is None or not (0 <= number <= 1 and column):
            raise _not_understood(flag, text, "COLUMN=SHARE with a share from 0 to 1")
        columns[column] = number
    return columns


def values(flag: str, texts: Sequence[str]) -> dict[str, float | dict[str, float]]:
    """Return what a prediction brings, by cell, or by label and by prediction.

    Raises
    ------
    UsageError
        When one is no ``CELL=NUMBER``.
    """
    cells: dict[str, float] = {}
    matrix: dict[str, dict[str, float]] = {}
    for text in texts:
        cell, _, number = text.rpartition("=")
        amount, (label, _, prediction) = _number(number), cell.partition(":")
        if amount is None or not (cell in _CELLS or (label and prediction)):
            raise _not_understood(flag, text, "TP, FP, FN, TN or LABEL:PREDICTION, then = and a number")
        if cell in _CELLS:
            cells[cell] = amount
        else:
            matrix.setdefault(label, {})[prediction] = amount
    return {**cells, **matrix}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _not_understood(flag: str, text: str, valid: str) -> Exception:
    return UsageError(f"{flag} {text!r} is not understood. Valid: {valid}")

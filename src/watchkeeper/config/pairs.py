"""Options that give one thing for another: how they are written on the command line, and what is valid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isnan, nan
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
    "comparisons",
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
    return dict(_pairs(flag, texts, f"COLUMN=KIND, where KIND is {', '.join(TYPES)}", str.rpartition))


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
    valid = "COLUMN=MODULE:FUNCTION"
    return dict(_pairs(flag, texts, valid, str.rpartition, is_valid=lambda _, name: ":" in name))


def comparisons(flag: str, texts: Sequence[str]) -> dict[str, str]:
    """Return the comparison of each column, with its limit where one is given.

    Raises
    ------
    UsageError
        When one is no ``COLUMN=NAME`` or ``COLUMN=NAME:LIMIT``.
    """
    return dict(_pairs(flag, texts, "COLUMN=NAME or COLUMN=NAME:LIMIT", str.rpartition))


def scores(flag: str, texts: Sequence[str]) -> dict[str, str]:
    """Return the column of the probability of each class.

    Raises
    ------
    UsageError
        When one is no ``CLASS=COLUMN``.
    """
    return dict(_pairs(flag, texts, "CLASS=COLUMN", str.partition))


def quantiles(flag: str, texts: Sequence[str]) -> dict[float, str]:
    """Return the column of each forecast quantile by its level.

    Raises
    ------
    UsageError
        When one is no ``LEVEL=COLUMN`` with a level between 0 and 1.
    """
    valid = "LEVEL=COLUMN with a level between 0 and 1"
    pairs = _pairs(flag, texts, valid, str.partition, is_valid=lambda level, _: 0 < _number(level) < 1)
    return {_number(level): column for level, column in pairs}


def shares(flag: str, texts: Sequence[str]) -> dict[str, float]:
    """Return the share of each column.

    Raises
    ------
    UsageError
        When one is no ``COLUMN=SHARE`` with a share from 0 to 1.
    """
    valid = "COLUMN=SHARE with a share from 0 to 1"
    pairs = _pairs(flag, texts, valid, str.rpartition, is_valid=lambda _, share: 0 <= _number(share) <= 1)
    return {column: _number(share) for column, share in pairs}


def values(flag: str, texts: Sequence[str]) -> dict[str, float | dict[str, float]]:
    """Return what a prediction brings, by cell, or by label and by prediction.

    Raises
    ------
    UsageError
        When one is no ``CELL=NUMBER``.
    """
    cells: dict[str, float] = {}
    matrix: dict[str, dict[str, float]] = {}
    valid = "TP, FP, FN, TN or LABEL:PREDICTION, then = and a number"
    for cell, amount in _pairs(flag, texts, valid, str.rpartition, is_valid=_is_cell):
        label, _, prediction = cell.partition(":")
        if prediction:
            matrix.setdefault(label, {})[prediction] = _number(amount)
        else:
            cells[cell] = _number(amount)
    return {**cells, **matrix}


def _pairs(
    flag: str,
    texts: Sequence[str],
    valid: str,
    part: Callable[[str, str], tuple[str, str, str]],
    is_valid: Callable[[str, str], bool] = lambda *_: True,
) -> Iterator[tuple[str, str]]:
    """Take texts apart at their first or last ``=``."""
    for text in texts:
        name, _, value = part(text, "=")
        if not (name and value and is_valid(name, value)):
            raise UsageError(f"{flag} {text!r} is not understood. Valid: {valid}")
        yield name, value


def _is_cell(cell: str, amount: str) -> bool:
    label, _, prediction = cell.partition(":")
    return not isnan(_number(amount)) and (cell in _CELLS or bool(label and prediction))


def _number(text: str) -> float:
    """Return a text as a number; NaN, which no range holds, where it is none."""
    try:
        return float(text)
    except ValueError:
        return nan

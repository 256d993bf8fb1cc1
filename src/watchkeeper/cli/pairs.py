"""Options that give one thing for another, written ``NAME=THING``."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["EmbedOption", "QuantileOption", "ScoresOption", "ValueOption", "embedders", "quantiles", "scores", "values"]

EmbedOption = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN=MODULE:FUNCTION", help="Watch the embeddings of a column of text too; repeatable."),
]
ScoresOption = Annotated[
    list[str] | None,
    typer.Option("--scores", metavar="CLASS=COLUMN", help="The probability of one of several classes; repeatable."),
]
QuantileOption = Annotated[
    list[str] | None,
    typer.Option("--quantile", metavar="LEVEL=COLUMN", help="A forecast quantile, such as 0.9=upper; repeatable."),
]
ValueOption = Annotated[
    list[str] | None,
    typer.Option(
        "--value",
        metavar="CELL=NUMBER",
        help="What TP, FP, FN, TN or LABEL:PREDICTION brings, losses negative; repeatable.",
    ),
]

_CELLS = ("TP", "FP", "FN", "TN")


def embedders(given: list[str] | None) -> dict[str, str]:
    """Return where to import the embedder of each column from.

    Raises
    ------
    UsageError
        When one is no ``COLUMN=MODULE:FUNCTION``.
    """
    found = {}
    for text in given or ():
        column, _, name = text.rpartition("=")
        if not (column and ":" in name):
            raise _not_understood("--embed", text, "COLUMN=MODULE:FUNCTION")
        found[column] = name
    return found


def scores(given: list[str] | None) -> dict[str, str] | None:
    """Return the column of the probability of each class; None where there is none.

    Raises
    ------
    UsageError
        When one is no ``CLASS=COLUMN``.
    """
    found = {}
    for text in given or ():
        name, _, column = text.partition("=")
        if not (name and column):
            raise _not_understood("--scores", text, "CLASS=COLUMN")
        found[name] = column
    return found or None


def quantiles(given: list[str] | None) -> dict[float, str] | None:
    """Return the column of each forecast quantile by its level; None where there is none.

    Raises
    ------
    UsageError
        When one is no ``LEVEL=COLUMN`` with a level between 0 and 1.
    """
    found = {}
    for text in given or ():
        level, _, column = text.partition("=")
        number = _number(level)
        if number is None or not (0 < number < 1 and column):
            raise _not_understood("--quantile", text, "LEVEL=COLUMN with a level between 0 and 1")
        found[number] = column
    return found or None


def values(given: list[str] | None) -> dict[str, float | dict[str, float]]:
    """Return what a prediction brings, by cell, or by label and by prediction.

    Raises
    ------
    UsageError
        When one is no ``CELL=NUMBER``.
    """
    cells: dict[str, float] = {}
    matrix: dict[str, dict[str, float]] = {}
    for text in given or ():
        cell, _, number = text.rpartition("=")
        amount, (label, _, prediction) = _number(number), cell.partition(":")
        if amount is None or not (cell in _CELLS or (label and prediction)):
            raise _not_understood("--value", text, "TP, FP, FN, TN or LABEL:PREDICTION, then = and a number")
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


def _not_understood(option: str, text: str, valid: str) -> Exception:
    from watchkeeper.core.errors import UsageError

    return UsageError(f"{option} {text!r} is not understood. Valid: {valid}")

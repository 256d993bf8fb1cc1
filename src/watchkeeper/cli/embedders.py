"""The option that names embedders."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["EmbedOption", "embedders"]

EmbedOption = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN=MODULE:FUNCTION", help="Watch the embeddings of a column of text too; repeatable."),
]


def embedders(given: list[str] | None) -> dict[str, str]:
    """Return where to import the embedder of each column from.

    Raises
    ------
    UsageError
        When one is no ``COLUMN=MODULE:FUNCTION``.
    """
    from watchkeeper.core.errors import UsageError

    found = {}
    for text in given or ():
        column, equals, name = text.rpartition("=")
        if not (equals and column and ":" in name):
            raise UsageError(f"--embed {text!r} is not understood. Valid: COLUMN=MODULE:FUNCTION")
        found[column] = name
    return found

"""What became of rows that came in, in sentences."""

from __future__ import annotations

from watchkeeper.core.store import Appended

__all__ = ["appended_sentences", "copy_sentence", "known_sentence", "replaced_sentence", "unnamed_sentence"]


def appended_sentences(source: str, rows: Appended) -> list[str]:
    """Return what a person should know about rows that were appended; nothing where all of them were as they came."""
    said = []
    if rows.doubled or rows.refused:
        said.append(f"{source}: {rows.doubled + rows.refused} rows set aside in quarantine: {rows.reason}")
    for lost in rows.unusable:
        values, are = ("value", "is") if lost.values == 1 else ("values", "are")
        said.append(
            f"{source}: {lost.values:,} {values} of {lost.column!r} ({lost.type}) cannot be stored and {are} null"
        )
    return said


def unnamed_sentence(source: str, rows: int) -> str:
    """Say that features were logged without names."""
    counted = f"{rows:,} row{'' if rows == 1 else 's'}"
    return (
        f"{source}: the features of {counted} came without names and are left out: log them by name, as {{'age': 31}}"
    )


def copy_sentence(source: str, original: str) -> str:
    """Say that a file holds what another one holds."""
    return f"{source} holds the same rows as {original}; nothing was taken in of it"


def known_sentence(source: str, rows: int) -> str:
    """Say that rows are in the log already."""
    are, them = ("row is", "it") if rows == 1 else ("rows are", "them")
    return (
        f"{source}: {rows:,} {are} in the log already, with the same time and the same values, and left out; "
        f"if two of {them} happened, give rows an id (columns: id)"
    )


def replaced_sentence(source: str) -> str:
    """Say that a file was replaced by another."""
    return (
        f"{source} was replaced by another since its rows were taken in; they stay as they were. To put its new rows "
        "in their place: watchkeeper run --replace, or intake: {on_change: replace}"
    )

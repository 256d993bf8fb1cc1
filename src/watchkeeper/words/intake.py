"""What became of rows that came in, in sentences."""

from __future__ import annotations

from watchkeeper.core.store import Appended

__all__ = ["appended_sentences", "unnamed_sentence"]


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

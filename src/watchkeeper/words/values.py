"""How values were read, in sentences."""

from __future__ import annotations

from watchkeeper.core.values import ValueNote

__all__ = ["value_sentences"]

_MOST = 5
_EXAMPLES = {"numbers": "numeric", "dates": "'time %d.%m.%Y'"}


def value_sentences(note: ValueNote) -> list[str]:
    """Return what to say of a column, without the table's name before it and the full stop after it.

    Examples
    --------
    >>> value_sentences(ValueNote("x", "numbers", missing={"null": 30}))
    ["column 'x' is numbers but for 'null' (30 rows), taken as missing"]
    """
    name = repr(note.column)
    if note.unusable:
        remedy = f"; declare its form, as in --type '{note.column}=time %d/%m/%Y'" if "%" in note.unusable else ""
        return [f"column {name} cannot be used, because it holds {note.unusable}{remedy}"]
    found = []
    if note.nearly:
        odd = f" (one is {note.example!r})" if note.example else ""
        kind = _EXAMPLES.get(note.nearly, note.nearly)
        found.append(
            f"column {name} is read as text, but {_share(note.share)} of its values are {note.nearly}{odd}; if it is "
            f"no text, declare it with --type {note.column}={kind} or under columns.types, or name what stands for "
            "missing with --missing or columns.missing"
        )
    if note.missing:
        tokens = sorted(note.missing.items(), key=lambda pair: (-pair[1], pair[0]))
        told = ", ".join(f"{_token(token)} ({_rows(count)})" for token, count in tokens[:_MOST])
        more = f" and {len(tokens) - _MOST} more" if len(tokens) > _MOST else ""
        found.append(f"column {name} is {note.read_as} but for {told}{more}, taken as missing")
    if note.written:
        found.append(f"column {name} holds {note.read_as} written as {', '.join(note.written)}")
    if note.unread and not note.nearly:
        example = f", such as {note.example!r}" if note.example else ""
        told = f"something else{example} counts as missing ({_rows(note.unread)})"
        found.append(f"column {name} is read as {note.read_as}, and {told}")
    return found


def _share(share: float) -> str:
    return f"{share:.0%}" if share < 0.995 else "nearly all"


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def _token(token: str) -> str:
    return repr(token) if token else "empty text"

"""What is not plain about how the columns of a table were read."""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.core.values import ValueNote
from watchkeeper.schema.kinds import unusable_reason
from watchkeeper.schema.numerals import STYLES
from watchkeeper.schema.reading import Form, Reading

__all__ = ["note_of"]


def note_of(name: str, readings: Sequence[Reading]) -> ValueNote | None:
    """Return what a person should know of a column, from its readings in all files; None where all is plain."""
    missing: dict[str, int] = {}
    for reading in readings:
        for token, rows in reading.missing.items():
            missing[token] = missing.get(token, 0) + rows
    written = tuple(dict.fromkeys(part for reading in readings for part in _written(reading)))
    unread = sum(reading.unread for reading in readings)
    nearly = next((r for r in readings if r.nearly), None)
    unusable = next(filter(None, (unusable_reason(r.dtype) for r in readings)), "")
    if not (missing or written or unread or nearly or unusable):
        return None
    forms = dict.fromkeys(r.form.value for r in readings if r.form is not Form.TYPED)
    return ValueNote(
        name,
        " and ".join(forms) or "numbers",
        written,
        missing,
        unread,
        next((r.example for r in readings if r.example), ""),
        nearly.nearly if nearly else "",
        nearly.share if nearly else 0.0,
        unusable,
    )


def _written(reading: Reading) -> list[str]:
    """Return how values are written, where not as programs write them."""
    style = reading.style
    found = [style.unit] if style.unit else []
    if style.example and (style.thousands or style.decimal_comma or style.example != STYLES[0]):
        found.insert(0, style.example)
    if reading.form is Form.UNUSABLE or reading.declared:
        return []
    return [*found, *([reading.pattern] if reading.pattern else [])]

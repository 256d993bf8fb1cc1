"""How much room a text takes at most, whatever sans-serif face the reader's machine has.

A chart is laid out by widths that its renderer measures in a face of its own, and read in another one: where Arial is
missing, Debian shows DejaVu Sans, which is up to a fifth wider. Room for names is reckoned from the widest face that
is common, so that no reader finds a name cut off by the edge of a chart.

References
----------
Widths in em of Verdana and DejaVu Sans (Bitstream Vera), which share most of their metrics; the larger of the two.
"""

from __future__ import annotations

from unicodedata import combining, east_asian_width

__all__ = ["FONT_SIZE", "fitted", "text_width"]

FONT_SIZE = 11
"""Size in pixels of the names, numbers and titles of charts."""

_ELLIPSIS = "…"
_CLASSES = (
    (0.46, "fijlrtIJ .,:;'`\"|!()[]-/\\·"),
    (0.64, "abcdeghknopqsuvxyzEFLPSTZ0123456789_$?*{}£€"),
    (0.70, "ABCKRXY"),
    (0.79, "GHNOQUV&"),
    (0.87, "DMw<>=+~^#−×"),
)
_EMS = {letter: ems for ems, letters in _CLASSES for letter in letters}
_OTHER, _FULL = 1.08, 1.35


def text_width(text: str, size: float = FONT_SIZE) -> float:
    """Return an upper bound of the width of a text in pixels.

    Examples
    --------
    >>> round(text_width("carrier"), 1)
    41.4
    """
    return size * sum(map(_ems, text))


def fitted(text: str, room: float, size: float = FONT_SIZE) -> str:
    """Return as much of a text as fits into ``room`` pixels, with an ellipsis where something is left out.

    Examples
    --------
    >>> fitted("a long name for a level", 80)
    'a long na…'
    """
    if text_width(text, size) <= room:
        return text
    left = room - text_width(_ELLIPSIS, size)
    for place, letter in enumerate(text):
        left -= size * _ems(letter)
        if left < 0:
            return text[:place].rstrip() + _ELLIPSIS
    return text


def _ems(letter: str) -> float:
    if combining(letter):
        return 0.0
    return _EMS.get(letter) or (_FULL if east_asian_width(letter) in "WF" else _OTHER)

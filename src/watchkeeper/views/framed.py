"""What a notebook shows: a page of its own inside the notebook, which neither side's styles can leave."""

from __future__ import annotations

from collections.abc import Collection
from html import escape

__all__ = ["framed", "wanted"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def framed(fragment: str, title: str, *, height: int) -> str:
    """Return a part of a page as a frame of its own, for the output of a notebook's cell.

    The frame holds the whole part and asks for nothing, so that it shows wherever the notebook goes. It runs no script
    and knows nothing of the page around it; the reader may pull it longer by its corner.

    Parameters
    ----------
    fragment
        HTML made by our own templates, with its styles.
    title
        What screen readers call the frame.
    height
        Its height in pixels; what is longer scrolls inside.

    Examples
    --------
    >>> framed("<p>Fine</p>", "Report", height=80).count("<iframe")
    1
    """
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}</title></head>"
        f'<body style="margin:0">{fragment}</body></html>'
    )
    look = f"display:block;width:100%;height:{height}px;min-height:60px;border:0;resize:vertical;overflow:auto"
    return f'<iframe title="{escape(title)}" sandbox="" style="{look}" srcdoc="{escape(page)}"></iframe>'


def wanted(mime: str, include: Collection[str] | None, exclude: Collection[str] | None) -> bool:
    """Return whether a notebook asks for a form."""
    return (not include or mime in include) and mime not in (exclude or ())

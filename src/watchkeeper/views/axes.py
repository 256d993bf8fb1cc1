"""Data and axes that several charts share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import altair as alt

from watchkeeper.views.lettering import fitted, text_width
from watchkeeper.views.theme import chart_config

__all__ = [
    "NARROW",
    "WIDE",
    "WIDTH",
    "Frame",
    "inline",
    "label_expression",
    "named_columns",
    "named_rows",
    "sheet",
    "time_axis",
]


@dataclass(frozen=True)
class Frame:
    """Room of an overview: pixels of its drawing area, of the names beside it and of one row; windows and ticks."""

    plot: int
    labels: int
    row: int
    windows: int
    ticks: int


WIDE = Frame(800, 170, 17, 52, 10)
NARROW = Frame(212, 116, 18, 12, 3)
"""For a phone, where a wide chart would show its names and its oldest windows only."""

WIDTH = 360
"""Width in pixels of a chart that shares a row with others, and fills a phone."""


_PADDING = {"left": 12, "top": 5, "right": 6, "bottom": 5}
"""On the left the numbers of an axis may be wider in the reader's face than in the renderer's."""


def inline(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """Return an empty chart over rows that travel inside its specification."""
    # Altair copies lists and dicts at each step of building a chart, but leaves tuples alone.
    return alt.Chart(alt.InlineData(values=tuple(rows)))


def sheet(layers: Sequence[alt.Chart], width: int, height: int) -> alt.LayerChart:
    """Return layers on top of one another in a drawing of the given size, axes included."""
    fit = alt.AutoSizeParams(type="fit", contains="padding")
    sized = alt.LayerChart(layer=list(layers)).properties(width=width, height=height, autosize=fit, padding=_PADDING)
    chart: alt.LayerChart = sized.configure(**chart_config())
    return chart


def time_axis(ticks: int = 5) -> alt.Axis:
    """Return the axis of event time."""
    return alt.Axis(title=None, tickCount=ticks, labelBound=True)


def label_expression(keys: Sequence[str], names: Sequence[str]) -> str:
    """Return the expression that writes ``names`` where an axis has ``keys``.

    Names come from outside, and an expression is code: every character of a name is written as an escape, so that no
    name can end its literal. Keys are our own numbers.
    """
    pairs = ",".join(f"'{key}':{_literal(name)}" for key, name in zip(keys, names, strict=True))
    return f"{{{pairs}}}[datum.value]"


def named_rows(names: Sequence[str], extent: int) -> tuple[list[str], alt.Y]:
    """Return a key for each name, and the axis that gives each key a row with its name beside it."""
    keys = [f"{place:03d}" for place in range(len(names))]
    axis = alt.Axis(
        title=None,
        labelExpr=label_expression(keys, [fitted(name, extent - 5) for name in names]),
        labelLimit=0,
        minExtent=extent,
        maxExtent=extent,
        ticks=False,
        domain=False,
    )
    scale = alt.Scale(domain=keys, paddingInner=0, paddingOuter=0)
    return keys, alt.Y("row:N", axis=axis, scale=scale, sort=keys)


def named_columns(names: Sequence[str], room: int) -> tuple[list[str], alt.X]:
    """Return a key for each name, and the axis that gives each key a column with its name upright below it."""
    keys = [f"{place:03d}" for place in range(len(names))]
    below = [fitted(name, room) for name in names]
    extent = ceil(max(map(text_width, below), default=0.0)) + 8
    axis = alt.Axis(title=None, labelAngle=-90, labelExpr=label_expression(keys, below), labelLimit=0, minExtent=extent)
    return keys, alt.X("x:N", axis=axis, scale=alt.Scale(domain=keys), sort=keys)


def _literal(text: str) -> str:
    units = text.encode("utf-16-be", "replace").hex()
    return "'" + "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + "'"

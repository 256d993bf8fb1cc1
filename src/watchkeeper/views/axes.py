"""What several charts share: data, axes and the frame around them, as parts of Vega-Lite specifications.

Specifications are written as plain values: a report draws dozens, and building them through objects took longer than
drawing them.

References
----------
Satyanarayan and others (2017), Vega-Lite: a grammar of interactive graphics, https://doi.org/10.1109/TVCG.2016.2599030
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from watchkeeper.views.lettering import fitted, text_width
from watchkeeper.views.theme import chart_config

__all__ = [
    "NARROW",
    "WIDE",
    "WIDTH",
    "Chart",
    "Frame",
    "Specification",
    "label_expression",
    "layer",
    "named_columns",
    "named_rows",
    "nominal",
    "point_mark",
    "quantitative",
    "sheet",
    "temporal",
    "time_axis",
    "timeline_scale",
    "whole",
]

Specification = dict[str, Any]
"""A specification in Vega-Lite, or a part of one."""

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


@dataclass(frozen=True)
class Chart:
    """What a view holds of a chart: what it shows, in words, and its specification with the numbers inside.

    Whoever shows the view draws it: a page as SVG, a browser with Vega, a notebook with either.
    """

    title: str
    specification: Specification


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


def layer(rows: Sequence[Mapping[str, Any]], mark: Specification, **encoding: Specification) -> Specification:
    """Return a layer: one kind of mark over rows that travel inside the specification."""
    return {"data": {"values": [*rows]}, "mark": mark, "encoding": encoding}


def point_mark(shape: str, size: float, fill: str, **more: Any) -> Specification:
    """Return a point that says what it stands for when it is pointed at."""
    return {
        "type": "point",
        "shape": shape,
        "size": size,
        "filled": True,
        "fill": fill,
        "opacity": 1,
        "aria": True,
    } | more


def temporal(field: str, **options: Any) -> Specification:
    """Return a channel that shows a field of moments."""
    return {"field": field, "type": "temporal", **options}


def quantitative(field: str, **options: Any) -> Specification:
    """Return a channel that shows a field of numbers."""
    return {"field": field, "type": "quantitative", **options}


def nominal(field: str, **options: Any) -> Specification:
    """Return a channel that shows a field of names."""
    return {"field": field, "type": "nominal", **options}


def sheet(layers: Sequence[Specification], width: int, height: int) -> Specification:
    """Return layers on top of one another in a drawing of the given size, axes included."""
    fit = {"type": "fit", "contains": "padding"}
    return whole({"layer": [*layers], "width": width, "height": height, "autosize": fit, "padding": _PADDING})


def whole(body: Specification, **config: Any) -> Specification:
    """Return a specification that stands by itself, with the colours and letters that all charts share."""
    return {"$schema": _SCHEMA, "config": chart_config() | config, **body}


def time_axis(ticks: int = 5) -> Specification:
    """Return the axis of event time."""
    return {"title": None, "tickCount": ticks, "labelBound": True}


def timeline_scale(first: datetime, last: datetime) -> Specification:
    """Return the scale of event time between two moments."""
    return {"type": "utc", "domain": [first.isoformat(), last.isoformat()]}


def label_expression(keys: Sequence[str], names: Sequence[str]) -> str:
    """Return the expression that writes ``names`` where an axis has ``keys``.

    Names come from outside, and an expression is code: every character of a name is written as an escape, so that no
    name can end its literal. Keys are our own numbers.
    """
    pairs = ",".join(f"'{key}':{_literal(name)}" for key, name in zip(keys, names, strict=True))
    return f"{{{pairs}}}[datum.value]"


def named_rows(names: Sequence[str], extent: int) -> tuple[list[str], Specification]:
    """Return a key for each name, and the channel that gives each key a row with its name beside it."""
    keys = [f"{position:03d}" for position in range(len(names))]
    axis = {
        "title": None,
        "labelExpr": label_expression(keys, [fitted(name, extent - 5) for name in names]),
        "labelLimit": 0,
        "minExtent": extent,
        "maxExtent": extent,
        "ticks": False,
        "domain": False,
    }
    scale = {"domain": keys, "paddingInner": 0, "paddingOuter": 0}
    return keys, nominal("row", axis=axis, scale=scale, sort=keys)


def named_columns(names: Sequence[str], room: int) -> tuple[list[str], Specification]:
    """Return a key for each name, and the channel that gives each key a column with its name upright below it."""
    keys = [f"{position:03d}" for position in range(len(names))]
    below = [fitted(name, room) for name in names]
    extent = ceil(max(map(text_width, below), default=0.0)) + 8
    labels = {"labelAngle": -90, "labelExpr": label_expression(keys, below), "labelLimit": 0, "minExtent": extent}
    return keys, nominal("x", axis={"title": None, **labels}, scale={"domain": keys}, sort=keys)


def _literal(text: str) -> str:
    units = text.encode("utf-16-be", "replace").hex()
    return "'" + "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + "'"

"""From a chart specification to a drawing that stands in a page by itself.

The drawing is made when the page is made: it needs no script and no network, prints, and follows the theme, because its
colours are CSS variables. What comes out is rebuilt element by element from a list of allowed ones; text stays text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any
from xml.etree import ElementTree as ET

import altair as alt
import vl_convert

from watchkeeper.core.errors import UsageError

__all__ = ["draw"]

_TAGS = {"svg", "g", "path", "line", "rect", "text", "tspan"}
_KEPT = {
    "d", "transform", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
    "stroke-linecap", "opacity", "x", "y", "x2", "y2", "dx", "dy", "width", "height", "viewBox", "text-anchor",
    "font-size", "font-weight",
}  # fmt: skip
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?|-?\d+e-\d+")
_GEOMETRY = {"d", "transform", "x", "y", "x2", "y2", "width", "height"}


def draw(chart: alt.LayerChart | alt.VConcatChart, title: str) -> str:
    """Return a chart as an SVG element for use inside HTML.

    Parameters
    ----------
    chart
        Its data must be inline. A mark with a ``description`` gets it as its title, which browsers show as a tooltip.
    title
        What the chart shows, read out by screen readers.
    """
    specification: dict[str, Any] = chart.to_dict(validate=False)
    source = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
    root = ET.fromstring(source)  # noqa: S314 - our own renderer wrote it, and it refuses control characters
    size = {name: root.get(name, "") for name in ("width", "height", "viewBox")}
    inside = "".join(_rebuilt(child) for child in root)
    return (
        f'<svg class="wk-chart" role="img" aria-label="{escape(title)}" width="{size["width"]}" '
        f'height="{size["height"]}" viewBox="{size["viewBox"]}">{inside}</svg>'
    )


def _rebuilt(element: ET.Element) -> str:
    tag = element.tag.rpartition("}")[2]
    if tag not in _TAGS:
        raise UsageError(f"a chart drew <{tag}>, which reports do not carry; use lines, areas, points, bars and text")
    if _invisible(tag, element.attrib):
        return ""
    inside = "".join(_rebuilt(child) for child in element)
    if tag in ("text", "tspan"):
        inside = escape(element.text or "", quote=False) + inside
    told = element.get("aria-label")
    if told and tag != "g" and element.get("aria-roledescription") != "axis":
        inside = f"<title>{escape(told, quote=False)}</title>{inside}"
    kept = {k: _short(k, v) for k, v in element.attrib.items() if k in _KEPT and not _default(k, v)}
    if tag == "g":
        if not inside:
            return ""
        if not kept:
            return inside
    written = "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
    return f"<{tag}{written}>{inside}</{tag}>" if inside else f"<{tag}{written}/>"


def _invisible(tag: str, attributes: Mapping[str, str]) -> bool:
    if attributes.get("display") == "none" or attributes.get("opacity") == "0":
        return True
    if tag != "path":
        return False
    drawn = any(attributes.get(name, "none") not in ("none", "transparent") for name in ("fill", "stroke"))
    return not attributes.get("d") or not (drawn or "aria-label" in attributes)


def _default(name: str, value: str) -> bool:
    return (name, value) in {
        ("opacity", "1"), ("stroke-width", "1"), ("transform", "translate(0,0)"), ("font-size", "11px"),
        ("text-anchor", "start"), ("font-weight", "normal"),
    }  # fmt: skip


def _short(name: str, value: str) -> str:
    return _NUMBER.sub(_rounded, value) if name in _GEOMETRY else value


def _rounded(found: re.Match[str]) -> str:
    text = f"{float(found[0]):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text

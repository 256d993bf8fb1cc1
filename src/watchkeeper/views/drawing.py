"""From a chart specification to a drawing that stands in a page by itself.

Views hold no drawings: one is made when a page is written. It needs no script and no network, prints, and follows the
theme, because its colours are CSS variables. What comes out is rebuilt element by element from a list of allowed ones;
text stays text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from xml.etree import ElementTree as ET

import vl_convert

from watchkeeper.core.errors import UsageError
from watchkeeper.views.axes import Chart

__all__ = ["DrawingBudget", "draw"]

_TAGS = {"svg", "g", "path", "line", "rect", "text", "tspan"}
_KEPT = {
    "d", "transform", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
    "stroke-linecap", "opacity", "x", "y", "x2", "y2", "dx", "dy", "width", "height", "viewBox", "text-anchor",
    "font-size", "font-weight",
}  # fmt: skip
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?|-?\d+e-\d+")
_GEOMETRY = {"d", "transform", "x", "y", "x2", "y2", "width", "height"}


def draw(chart: Chart) -> str:
    """Return a chart as an SVG element for use inside HTML; screen readers read its title out.

    A mark with a ``description`` gets it as its title, which browsers show as a tooltip. Its numbers must stand in the
    specification: nothing is fetched.
    """
    source = vl_convert.vegalite_to_svg(chart.specification, allowed_base_urls=[])
    root = ET.fromstring(source)  # noqa: S314 - our own renderer wrote it, and it refuses control characters
    size = {name: root.get(name, "") for name in ("width", "height", "viewBox")}
    inside = "".join(_rebuilt(child) for child in root)
    return (
        f'<svg class="wk-chart" role="img" aria-label="{escape(chart.title)}" width="{size["width"]}" '
        f'height="{size["height"]}" viewBox="{size["viewBox"]}">{inside}</svg>'
    )


class DrawingBudget:
    """Draws charts until their number or their bytes run out, and counts what was left out."""

    def __init__(self, most: int, most_bytes: int = 1_350_000) -> None:
        self.most, self.most_bytes = most, most_bytes
        self.drawn = self.bytes = self.left_out = 0

    def draw(self, chart: Chart) -> str:
        """Return the drawing, or nothing when the budget is spent."""
        if not self.room:
            self.left_out += 1
            return ""
        svg = draw(chart)
        self.drawn += 1
        self.bytes += len(svg.encode())
        return svg

    @property
    def room(self) -> bool:
        """Whether another chart may be drawn."""
        return self.drawn < self.most and self.bytes < self.most_bytes


def _rebuilt(element: ET.Element) -> str:
    tag = element.tag.rpartition("}")[2]
    if tag not in _TAGS:
        raise UsageError(f"a chart drew <{tag}>, which reports do not carry; use lines, areas, points, bars and text")
    if _invisible(tag, element.attrib):
        return ""
    inside = "".join(_rebuilt(child) for child in element)
    if tag in ("text", "tspan"):
        inside = escape(element.text or "", quote=False) + inside
    says = element.get("aria-label")
    if says and tag != "g" and element.get("aria-roledescription") != "axis":
        inside = f"<title>{escape(says, quote=False)}</title>{inside}"
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


def _rounded(match: re.Match[str]) -> str:
    text = f"{float(match[0]):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text

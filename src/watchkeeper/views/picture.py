"""A chart as a picture, for messages that take no SVG."""

from __future__ import annotations

import json
import re

import vl_convert

from watchkeeper.views.axes import Specification
from watchkeeper.views.theme import COLOURS

__all__ = ["png_of"]

_VARIABLE = re.compile(r"var\(--wk-([a-z0-9-]+)\)")


def png_of(specification: Specification) -> bytes:
    """Return a chart as PNG in the colours of light ground; nothing is fetched for it."""
    lit = _VARIABLE.sub(lambda match: COLOURS[match[1].replace("-", "_")][0], json.dumps(specification))
    document = json.loads(lit)
    document["config"]["background"] = COLOURS["paper"][0]
    return vl_convert.vegalite_to_png(document, scale=2, allowed_base_urls=[])

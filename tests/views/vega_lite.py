"""The published schema of Vega-Lite, as Altair carries it."""

from __future__ import annotations

from typing import Any

import altair as alt

__all__ = ["valid"]


def valid(specification: dict[str, Any]) -> dict[str, Any]:
    """Return a specification; what the schema of Vega-Lite refuses raises a ValidationError."""
    alt.Chart.from_dict(specification, validate=True)
    return specification

"""Colours for light and dark, and the chart configuration that uses them by name.

The colours are those of Okabe and Ito, which readers with any common colour vision tell apart; marks differ in shape as
well. Charts name colours as CSS variables, so that one drawing serves both themes.

References
----------
Okabe and Ito (2008), Color Universal Design, https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.core.alert import Severity
from watchkeeper.views.lettering import FONT_SIZE
from watchkeeper.views.series import Mark

__all__ = ["COLOURS", "MARK_COLOURS", "SEVERITY_COLOURS", "chart_config", "colour"]

COLOURS: Mapping[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#16191d"),
    "ground": ("#f4f5f7", "#0e1013"),
    "ink": ("#1b1f24", "#e8eaed"),
    "muted": ("#59626d", "#a2abb6"),
    "line": ("#dfe3e8", "#2c3239"),
    "grid": ("#eceff2", "#23282e"),
    "value": ("#0072b2", "#56b4e9"),
    "band": ("#cfe3f1", "#1d3a4e"),
    "estimate": ("#a0457e", "#e29cc5"),
    "limit": ("#6b7580", "#98a2ad"),
    "reference": ("#c3c9d1", "#4a525c"),
    "reference_edge": ("#8b95a1", "#8b95a1"),
    "void": ("#dcdfe4", "#3a4149"),
    "void_edge": ("#9aa3ad", "#7d8792"),
    "fault": ("#f0d9e7", "#4d2b42"),
    "fault_edge": ("#8f3468", "#d98abb"),
    "fine": ("#007a59", "#34c79a"),
    "fine_ground": ("#e2f4ee", "#10352b"),
    "signal": ("#b84300", "#ff8a3d"),
    "signal_ground": ("#fef1e9", "#43230f"),
    "warning": ("#8a6100", "#f0b429"),
    "warning_ground": ("#fdf3d7", "#3a2d0a"),
    "notice": ("#3d5a80", "#9db8d9"),
    "notice_ground": ("#e6edf6", "#1f2b3a"),
    "step_1": ("#e9f1f7", "#1a2731"),
    "step_2": ("#cfe1ee", "#21405a"),
    "step_3": ("#93bfde", "#3a7cae"),
    "shade": ("#c3c9d1", "#4a525c"),
    "learning": ("#eeeef4", "#24262f"),
}
"""Name → colour on light and on dark ground."""


def colour(name: str) -> str:
    """Return a colour as a chart or a style sheet names it."""
    if name not in COLOURS:
        raise KeyError(name)
    return f"var(--wk-{name.replace('_', '-')})"


MARK_COLOURS: Mapping[Mark, str] = {
    Mark.SIGNAL: "signal",
    Mark.FAILED: "fault",
    Mark.NO_DATA: "void",
    Mark.NEAR: "step_3",
    Mark.MIDDLE: "step_2",
    Mark.IN_CONTROL: "step_1",
    Mark.BLIND: "void",
    Mark.LEARNING: "learning",
    Mark.NOT_JUDGED: "learning",
}

SEVERITY_COLOURS: Mapping[Severity, str] = {
    Severity.PAGE: "signal",
    Severity.WARNING: "warning",
    Severity.NOTICE: "notice",
}


def chart_config() -> dict[str, Any]:
    """Return the configuration every chart shares."""
    text = {"labelColor": colour("muted"), "titleColor": colour("muted"), "labelFontSize": FONT_SIZE}
    text["titleFontSize"] = FONT_SIZE
    axis = {
        **text,
        "titleFontWeight": "normal",
        "gridColor": colour("grid"),
        "domainColor": colour("line"),
        "tickColor": colour("line"),
        "tickSize": 4,
        "labelPadding": 4,
    }
    return {
        "font": "Helvetica, Arial, sans-serif",
        "background": "transparent",
        "view": {"stroke": None},
        "axis": axis,
        "axisX": {"grid": False, "labelFlush": True},
        "axisY": {"domain": False, "ticks": False},
        "aria": False,
        "text": {"fill": colour("ink"), "fontSize": FONT_SIZE},
    }

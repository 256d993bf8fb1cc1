"""The report as one HTML page that needs nothing but itself, and as a part of a notebook."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader

from watchkeeper.views.drawing import DrawingBudget
from watchkeeper.views.findings import Findings
from watchkeeper.views.report_view import ReportView, report_view
from watchkeeper.views.theme import COLOURS
from watchkeeper.views.wording import count, shown

__all__ = ["environment", "report_fragment", "report_html", "style", "whole_page"]

_MOST_CHARTS, _MOST_COLUMNS = 60, 40
_NOTEBOOK_CHARTS, _NOTEBOOK_COLUMNS = 13, 6


def report_html(findings: Findings, *, charts: int = _MOST_CHARTS) -> str:
    """Return the report as one self-contained page: no file, no script and no font comes from anywhere else.

    Parameters
    ----------
    charts
        Charts drawn at most, worst first; the page says how many are left out.
    """
    return whole_page(shown(findings.title), _written(report_view(findings, _MOST_COLUMNS, folded=True), charts))


def whole_page(title: str, body: str) -> str:
    """Return a page that needs nothing but itself around a body that is made by our own templates."""
    script = files("watchkeeper.views").joinpath("templates/report.js").read_text("utf-8")
    # The policy lets only this one script run, so that a name that slipped through could still do nothing.
    digest = b64encode(sha256(script.encode()).digest()).decode()
    page = environment().get_template("page.html")
    return page.render(title=title, style=style(), script=script, digest=digest, body=body)


def report_fragment(findings: Findings) -> str:
    """Return the report for a notebook cell: the same parts with fewer charts, and no script."""
    body = _written(report_view(findings, _NOTEBOOK_COLUMNS, folded=False), _NOTEBOOK_CHARTS)
    return f"<style>{style()}</style>{body}"


@cache
def environment() -> Environment:
    """Return the templates; every value is escaped unless it is a drawing of our own."""
    loaded = Environment(
        loader=PackageLoader("watchkeeper.views"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    loaded.filters["count"] = count
    return loaded


@cache
def style() -> str:
    """Return the style sheet: the colours of both themes, then the rules."""

    def colours(theme: int) -> str:
        return "".join(f"--wk-{name.replace('_', '-')}:{both[theme]};" for name, both in COLOURS.items())

    # `dark` is chosen by the reader, by the system, or by the notebook that shows the report.
    dark = ":root[data-theme=dark] .wk,body[data-jp-theme-light=false] .wk,body.vscode-dark .wk"
    system = "@media screen and (prefers-color-scheme:dark)"
    unless = ":root:not([data-theme=light]) body:not([data-jp-theme-light]):not(.vscode-light) .wk"
    rules = files("watchkeeper.views").joinpath("templates/report.css").read_text("utf-8")
    return (
        f".wk{{{colours(0)}color-scheme:light}}"
        f"@media screen{{{dark}{{{colours(1)}color-scheme:dark}}}}"
        f"{system}{{{unless}{{{colours(1)}color-scheme:dark}}}}\n{rules}"
    )


def _written(view: ReportView, charts: int) -> str:
    """Return a view as HTML: here, at the edge, its charts are drawn, in the order in which they stand."""
    budget = DrawingBudget(charts)
    return environment().get_template("body.html").render(**vars(view), budget=budget)

"""A chart by itself: shows itself in a notebook, and is saved as a picture."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

from watchkeeper.core.errors import UsageError
from watchkeeper.core.measurement import Family
from watchkeeper.core.schema import ALL
from watchkeeper.core.state import State, StateKey
from watchkeeper.views.axes import Chart, Specification, whole
from watchkeeper.views.control_chart import control_chart
from watchkeeper.views.findings import Findings
from watchkeeper.views.framed import wanted
from watchkeeper.views.overlay import overlay
from watchkeeper.views.series import Series, series_of
from watchkeeper.views.theme import COLOURS
from watchkeeper.views.wording import shown

__all__ = ["Plot", "column_chart", "report_picture", "series_chart", "written_as"]

_SCALE = 2.0
_MOST_COLUMNS, _MOST_METRICS, _TOGETHER, _LEAST_WINDOWS = 6, 2, 2, 2
_COLOUR = re.compile(r"var\(--wk-([a-z0-9-]+)\)")


@dataclass(frozen=True, repr=False)
class Plot:
    """A chart that shows itself in a notebook as a picture.

    Attributes
    ----------
    title
        What it shows.
    specification
        The chart in Vega-Lite, with its numbers inside; ``altair.Chart.from_dict`` takes it.
    """

    title: str
    specification: Specification

    @classmethod
    def of(cls, chart: Chart) -> Plot:
        """Return the chart of a page by itself, on light ground."""
        return cls(chart.title, _on_light_ground({**chart.specification, "title": chart.title}))

    def png(self) -> bytes:
        """Return it as a picture."""
        import vl_convert

        made: bytes = vl_convert.vegalite_to_png(self.specification, scale=_SCALE, allowed_base_urls=[])
        return made

    def svg(self) -> str:
        """Return it as a drawing."""
        import vl_convert

        return str(vl_convert.vegalite_to_svg(self.specification, allowed_base_urls=[]))

    def save(self, path: str | Path) -> Path:
        """Write it as a picture (``.png``), a drawing (``.svg``) or a Vega-Lite specification (``.json``).

        Raises
        ------
        UsageError
            When the name of the file ends otherwise, or the file cannot be written.
        """
        makers = {
            ".png": self.png, ".svg": lambda: self.svg().encode(),
            ".json": lambda: json.dumps(self.specification, indent=2).encode(),
        }  # fmt: skip
        return written_as(path, makers)

    def __repr__(self) -> str:
        return f"<Plot {self.title!r}>"

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        makers = {"image/png": self.png, "text/plain": self.__repr__}
        return {mime: make() for mime, make in makers.items() if wanted(mime, include, exclude)}


def written_as(path: str | Path, makers: dict[str, Any]) -> Path:
    """Write what the maker of a file's suffix returns, and return the path.

    Raises
    ------
    UsageError
        When no maker has the suffix, or the file cannot be written.
    """
    target = Path(path)
    make = makers.get(target.suffix.lower())
    if make is None:
        *most, last = makers
        told = f"ends in {target.suffix!r}" if target.suffix else "has no ending"
        raise UsageError(f"{target} {told}, which says what to write; end it in {', '.join(most)} or {last}")
    content = make()
    try:
        target.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or error}") from error
    return target


def report_picture(findings: Findings) -> Plot:
    """Return a report as one picture: its headline, then the charts of what matters most.

    Raises
    ------
    UsageError
        When the report has no chart to draw.
    """
    charts = _worst_charts(findings)
    if not charts:
        raise UsageError("this report has nothing to draw; save it as .html or .json")
    rows = [charts[at : at + _TOGETHER] for at in range(0, len(charts), _TOGETHER)]
    body = {
        "vconcat": [{"hconcat": [_part(chart) for chart in row]} for row in rows],
        "title": {"text": findings.title, "subtitle": _lines(findings.heading), "anchor": "start", "fontSize": 16},
    }
    return Plot(findings.title, _on_light_ground(whole(body)))


def column_chart(name: str, findings: Findings) -> Chart | None:
    """Return the distribution of a column over that of the reference; None where neither can be drawn."""
    before, now = _newest(findings.reference, name), _newest(findings.current, name)
    laid = overlay(before, now) if before or now else None
    if laid is None or laid.chart is None:
        return None
    return Chart(f"Reference and current distribution of {shown(name, 120)}", laid.chart)


def series_chart(series: Series, findings: Findings) -> Chart | None:
    """Return the control chart of a series; None where it has one window at most."""
    if series.windows < _LEAST_WINDOWS:
        return None
    return Chart(f"Control chart of {series.subject}", control_chart(series, actions=findings.actions))


def _newest(states: Mapping[StateKey, State], column: str) -> State | None:
    own = [key for key in states if key.column == column and key.segment == ALL]
    ended = max(own, key=lambda k: (k.window is not None, k.window.end.timestamp() if k.window else 0.0), default=None)
    return states[ended] if ended else None


def _worst_charts(findings: Findings) -> list[Chart]:
    series = series_of(findings.signals)
    metrics = (s for s in series if s.family is Family.METRIC and s.newest.measurement.segment == ALL)
    charts = [chart for one in metrics if (chart := series_chart(one, findings))]
    named = [name for alert in findings.worst_alerts for name in alert.columns]
    named += [one.newest.measurement.column for one in series]
    columns = [chart for name in dict.fromkeys(named) if (chart := column_chart(name, findings))]
    return charts[:_MOST_METRICS] + columns[:_MOST_COLUMNS]


def _part(chart: Chart) -> Specification:
    kept = {
        key: value
        for key, value in chart.specification.items()
        if key not in ("$schema", "config", "autosize", "padding")
    }
    return {**kept, "title": {"text": chart.title, "anchor": "start", "fontSize": 12}}


def _lines(text: str, width: int = 110) -> Sequence[str]:
    return wrap(text, width)[:4] or [""]


def _on_light_ground(specification: Specification) -> Specification:
    """Return a specification whose colours are colours: a picture has no style sheet."""

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: named(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [named(one) for one in value]
        if isinstance(value, str) and "var(--wk-" in value:
            return _COLOUR.sub(lambda match: COLOURS[match[1].replace("-", "_")][0], value)
        return value

    made: Specification = named({**specification, "background": COLOURS["paper"][0]})
    return made

"""A view is words, numbers and specifications, fit to be shown in any form; it holds no drawing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.views.vega_lite import valid
from watchkeeper.core.encode import as_json, as_values
from watchkeeper.views.axes import Chart
from watchkeeper.views.drawing import DrawingBudget
from watchkeeper.views.report import Report
from watchkeeper.views.report_view import ReportView, report_view


@pytest.fixture(scope="module")
def view(report: Report) -> ReportView:
    return report_view(report, 40, folded=True)


def inside(value: Any) -> Iterator[Any]:
    """Yield a value and all that it holds."""
    yield value
    if is_dataclass(value):
        value = [getattr(value, name) for name in value.__dataclass_fields__]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from inside(one)


def test_a_view_holds_specifications_and_no_drawing(view: ReportView) -> None:
    held = list(inside(view))
    assert sum(isinstance(one, Chart) for one in held) >= 30
    assert [one for one in held if isinstance(one, str) and re.search("<(svg|path|figure|div|g)[ >]", one)] == []
    strange = {type(one) for one in held if not isinstance(one, str | int | float | list | tuple | dict | None)}
    assert [kind for kind in strange if not is_dataclass(kind)] == []


def test_every_chart_of_a_view_is_valid_vega_lite(view: ReportView) -> None:
    charts = [one for one in inside(view) if isinstance(one, Chart)]
    for chart in charts:
        valid(chart.specification)
    assert len({chart.title for chart in charts}) > 20


def test_a_view_is_frozen_and_goes_into_json_whole(report: Report, view: ReportView) -> None:
    with pytest.raises(FrozenInstanceError):
        view.title = "another"
    assert as_values(view)["metrics"][0]["control"]["specification"]["layer"]
    assert as_json(view) == as_json(report_view(report, 40, folded=True))


@pytest.mark.parametrize(
    "made",
    [
        "from watchkeeper.views.report_view import report_view; report_view(example.checked(), 40, folded=True)",
        "example.checked().json(); str(example.checked())",
        "import watchkeeper.api",
    ],
)
def test_only_a_page_loads_what_draws(made: str) -> None:
    code = f"import sys; from tests.views import example; {made}; print({{'vl_convert', 'jinja2'}} & set(sys.modules))"
    words, root = [sys.executable, "-c", code], Path(__file__).parents[2]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "set()"


def test_the_page_draws_each_chart_once_and_no_more_than_its_budget(
    report: Report, view: ReportView, monkeypatch: pytest.MonkeyPatch
) -> None:
    from watchkeeper.views import drawing, page

    drawn: list[str] = []
    real = drawing.draw
    monkeypatch.setattr(drawing, "draw", lambda chart: drawn.append(chart.title) or real(chart))
    charts = [one.title for one in inside(view) if isinstance(one, Chart)]
    page.report_html(report)
    assert sorted(drawn) == sorted(charts)
    drawn.clear()
    page.report_html(report, charts=3)
    assert len(drawn) == 3


def test_a_budget_of_bytes_stops_drawing_and_counts_what_is_left_out(view: ReportView) -> None:
    charts = [one for one in inside(view) if isinstance(one, Chart)][2:8]
    budget = DrawingBudget(60, most_bytes=1)
    drawn = [budget.draw(chart) for chart in charts]
    assert [bool(svg) for svg in drawn] == [True] + [False] * 5
    assert (budget.drawn, budget.left_out) == (1, 5)

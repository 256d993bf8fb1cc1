from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest

from tests.views.example import actions, alerts, column_signals, metric_signals, signals
from tests.views.vega_lite import valid
from watchkeeper.core.errors import UsageError
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.state import StateKey
from watchkeeper.core.window import Window
from watchkeeper.views.axes import Chart, Specification, label_expression
from watchkeeper.views.control_chart import control_chart
from watchkeeper.views.drawing import draw
from watchkeeper.views.lines import Line
from watchkeeper.views.overview import history
from watchkeeper.views.series import Mark, mark_of, series_of
from watchkeeper.views.standing import standing

START = datetime(2024, 1, 1, tzinfo=UTC)


def window(day: int) -> Window:
    return Window(START + timedelta(days=day), START + timedelta(days=day + 1))


def signal(day: int, value: float | None, *, rule: str = "", zone: Zone = Zone.WITHIN_1, **about: Any) -> Signal:
    key = StateKey("m", about.pop("version", ""), window(day), column=about.pop("column", "x"))
    if value is None:
        return Signal(Measurement.missing(key, Family.COMPARISON, "ks", "no rows"), "tolerance")
    measured = Measurement.of(key, Family.COMPARISON, "ks", value, 100, interval=(value - 0.01, value + 0.01))
    return Signal(
        measured, "tolerance", 0.0, None, 0.5, Zone.BEYOND if rule else zone, rule, 3 * value / 0.5, fired=bool(rule)
    )


def marks(chart: Specification, kind: str) -> list[dict[str, Any]]:
    """The layers of a chart with a kind of mark, each with its rows."""
    layers = [one for one in valid(chart)["layer"] if one["mark"]["type"] == kind]
    return [{**one["mark"], "rows": one["data"]["values"]} for one in layers]


def test_points_beyond_the_limits_differ_in_shape_in_colour_and_by_a_label() -> None:
    series = series_of([signal(0, 0.1), signal(1, 0.2), signal(2, 0.9, rule="above 0.5")])[0]
    chart = control_chart(series)
    plain, fired = marks(chart, "point")
    assert (plain["shape"], len(plain["rows"])) == ("circle", 2)
    assert (fired["shape"], [row["y"] for row in fired["rows"]]) == ("diamond", [0.9])
    assert plain["fill"] != fired["fill"]
    assert [row["word"] for label in marks(chart, "text") for row in label["rows"]] == ["0.9"]


def test_a_window_without_data_breaks_the_line_and_is_shaded_with_its_reason() -> None:
    series = series_of([signal(0, 0.1), signal(1, None), signal(2, 0.2)])[0]
    chart = control_chart(series)
    (shade,) = marks(chart, "rect")
    assert [row["says"] for row in shade["rows"]] == ["2024-01-02: no data; no rows"]
    value = marks(chart, "line")[-1]
    assert len({row["run"] for row in value["rows"]}) == 2


def test_a_gap_between_windows_and_a_series_that_ended_are_shaded_too() -> None:
    other = [signal(day, 0.1, column="y") for day in range(8)]
    series = next(s for s in series_of([signal(0, 0.1), signal(4, 0.2), *other]) if s.subject == "x")
    assert series.mark is Mark.NO_DATA
    (shade,) = marks(control_chart(series), "rect")
    assert [(row["at"][8:10], row["end"][8:10]) for row in shade["rows"]] == [("02", "05"), ("06", "09")]


def test_a_series_without_a_number_tells_its_last_one_and_when_that_was() -> None:
    other = [signal(day, 0.1, column="y") for day in range(8)]
    ended = next(s for s in series_of([signal(0, 0.1), signal(4, 0.2), *other]) if s.subject == "x")
    assert (Line.of(ended).value, Line.of(ended).told) == ("–", "not measured since 2024-01-05; last 0.2")
    blind = series_of([signal(0, 0.1), signal(1, 0.3), signal(2, None), signal(3, None)])[0]
    assert (Line.of(blind).value, Line.of(blind).told) == ("–", "no rows; last 0.3, 2024-01-02")
    never = series_of([signal(0, None), signal(1, None)])[0]
    assert (never.last, Line.of(never).told) == (None, "no rows")
    assert series_of([signal(0, 0.1)])[0].last is None


def test_a_series_whose_level_is_being_learned_says_so() -> None:
    told = {}
    for zone, phase in ((Zone.LEARNING, 1), (Zone.WITHIN_1, 1), (Zone.WITHIN_1, 2), (Zone.WITHIN_1, 0)):
        (series,) = series_of([replace(signal(0, 0.1, zone=zone), phase=phase)])
        told[zone, phase] = Line.of(series).told
    assert told[Zone.LEARNING, 1] == "what is usual is being learned; judged when there are enough windows"
    assert told[Zone.WITHIN_1, 1] == "what is usual is still being learned"
    assert told[Zone.WITHIN_1, 2] == told[Zone.WITHIN_1, 0] == ""


def test_a_new_version_starts_a_new_line() -> None:
    series = series_of([signal(0, 0.1, version="v1"), signal(1, 0.2, version="v2")])[0]
    assert len({row["run"] for row in marks(control_chart(series), "line")[-1]["rows"]}) == 2


def test_limits_are_steps_over_whole_windows() -> None:
    series = series_of([signal(day, 0.1) for day in range(3)])[0]
    limit = marks(control_chart(series), "line")[1]
    assert limit["interpolate"] == "step-after"
    assert [(row["at"][8:10], row["y"]) for row in limit["rows"]] == [
        ("01", 0.5), ("02", 0.5), ("03", 0.5), ("04", 0.5),
    ]  # fmt: skip


def test_a_chart_is_bounded_in_points() -> None:
    series = series_of([signal(day, 0.1) for day in range(500)])[0]
    assert len(marks(control_chart(series), "point")[0]["rows"]) == 120


def test_a_series_without_windows_cannot_be_drawn_over_time() -> None:
    lone = Signal(Measurement.of(StateKey(column="x"), Family.COMPARISON, "ks", 0.1, 5), "tolerance")
    with pytest.raises(UsageError, match="has no windows"):
        control_chart(series_of([lone])[0])


def test_only_the_newest_revision_of_a_window_counts() -> None:
    from dataclasses import replace

    first = signal(0, 0.1)
    second = replace(first, measurement=replace(first.measurement, value=0.3, revision=1))
    for order in ([first, second], [second, first]):
        assert [s.measurement.value for s in series_of(order)[0].signals] == [0.3]


def test_series_come_worst_first_and_blind_ones_before_calm_ones() -> None:
    found = series_of(
        [
            signal(0, 0.1, column="calm"),
            signal(0, None, column="blind"),
            signal(0, 0.9, rule="above", column="loud"),
            signal(0, 0.45, zone=Zone.WITHIN_3, column="near"),
        ]
    )
    assert [s.subject for s in found] == ["loud", "blind", "near", "calm"]


def test_since_is_the_first_window_of_the_lasting_run_of_signals() -> None:
    days = [(0, 0.9, "a"), (1, 0.1, ""), (2, 0.9, "a"), (3, None, ""), (4, 0.9, "a")]
    series = series_of([signal(day, value, rule=rule) for day, value, rule in days])[0]
    assert series.since == window(2)


def test_a_claimed_number_that_is_not_finite_is_marked_failed() -> None:
    assert mark_of(signal(0, float("inf"))) is Mark.FAILED
    assert mark_of(signal(0, None)) is Mark.NO_DATA


def test_the_overview_marks_every_window_a_row_lacks_as_no_data() -> None:
    kept = [signal(day, 0.1, column="kept") for day in range(5)]
    drawn = history(series_of([*kept, signal(0, 0.1, column="lost"), signal(1, 0.1, column="lost")]), (), ())
    assert drawn is not None
    layers = [one for part in drawn[0]["vconcat"] for one in part["layer"]]
    cells = [row for one in layers for row in one["data"]["values"] if "mark" in row]
    assert sum(cell["mark"] == "no data" for cell in cells) == 3


def test_a_specification_that_is_wrong_is_refused() -> None:
    chart = control_chart(series_of([signal(0, 0.1)])[0])
    chart["layer"][0]["mark"]["type"] = "blob"
    with pytest.raises(jsonschema.ValidationError):
        valid(chart)


def test_all_charts_of_a_report_are_valid_specifications() -> None:
    found = signals()
    for series in series_of(found)[:3] + series_of(metric_signals("auroc", 0.67, 0.01, falls=0.05)):
        valid(control_chart(series, actions=actions()))
    drawn = history(series_of(found), alerts(found), actions())
    assert drawn is not None
    valid(drawn[0])
    stood = standing(series_of([signal(0, 0.9, rule="above"), signal(0, 0.1, column="y")]))
    assert stood is not None
    valid(stood[0])


def test_a_label_expression_lets_no_character_of_a_name_stand_bare() -> None:
    made = label_expression(["000"], ["'}[0],alert(1),'"])
    assert made.startswith("{'000':'\\u0027\\u007d")
    assert "alert" not in made


def test_a_drawing_holds_only_shapes_and_text_and_says_its_title() -> None:
    chart = control_chart(series_of(column_signals("x", "ks", 0.08, breaks=0.3))[0])
    svg = draw(Chart('a "title" <b>', chart))
    assert svg.startswith('<svg class="wk-chart" role="img" aria-label="a &quot;title&quot; &lt;b&gt;"')
    assert "href" not in svg
    assert "style" not in svg
    assert "<title>2013-11-18 to 2013-11-24: 0.3" in svg
    assert len(svg) < 25_000

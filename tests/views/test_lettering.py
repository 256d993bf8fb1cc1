"""Names beside charts fit into their room in any common face."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.views.chromium import Page
from watchkeeper.views.axes import NARROW, WIDE, Chart, Frame, layer, named_columns, named_rows, quantitative, sheet
from watchkeeper.views.drawing import draw
from watchkeeper.views.lettering import FONT_SIZE, fitted, text_width

# Advance widths of Verdana in units of 1/2048 em, as its table hmtx gives them.
VERDANA = {"a": 1230, "i": 562, "m": 1992, "w": 1676, "W": 2025, "M": 1726, "0": 1302, " ": 720, "%": 2204, "…": 1676}
NAMES = (
    "carrier", "W" * 40, "m" * 40, "ill" * 20, "%@" * 20, "<b>bold</b> & a long name for a level", "客户年龄" * 8,
    "ÄÖÜ, señor, čeština " * 3, "RATE_OF_CHURN_BY_REGION", "0123456789" * 4, "",
)  # fmt: skip


@pytest.mark.parametrize("letter", VERDANA)
def test_no_letter_of_the_widest_common_face_is_wider_than_reckoned(letter: str) -> None:
    assert text_width(letter, 2048) >= VERDANA[letter]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_fits_and_says_that_it_was_cut(name: str) -> None:
    for room in (40, 104, 162):
        short = fitted(name, room)
        assert text_width(short) <= room
        assert short == name if text_width(name) <= room else short.endswith("…")
        if short != name:
            one_more = f"{name[: len(short)]}…"
            assert text_width(one_more) > room or one_more.rstrip("…").endswith(" ")


def charts(frame: Frame) -> str:
    keys, y = named_rows(NAMES, frame.labels)
    rows = layer([{"x": 1, "row": key} for key in keys], {"type": "bar"}, x=quantitative("x"), y=y)
    keys, x = named_columns(NAMES, 50)
    columns = layer([{"y": 123_456.789, "x": key} for key in keys], {"type": "bar"}, x=x, y=quantitative("y"))
    made = {"rows": sheet([rows], frame.plot + frame.labels, 240), "columns": sheet([columns], 360, 160)}
    return "".join(draw(Chart(title, specification)) for title, specification in made.items())


@pytest.mark.browser
@pytest.mark.parametrize("face", ["Helvetica, Arial, sans-serif", "Verdana, DejaVu Sans, sans-serif", "serif"])
@pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_name_is_cut_off_by_the_edge_of_a_chart(page: Page, tmp_path: Path, face: str, frame: Frame) -> None:
    place = tmp_path / "charts.html"
    style = f"svg text {{ font: {FONT_SIZE}px {face} }}"
    place.write_text(f"<!doctype html><meta charset=utf-8><style>{style}</style>{charts(frame)}", "utf-8")
    page.open(place.as_uri(), width=1280, height=900)
    assert page.value("document.querySelectorAll('svg text').length") > 2 * len(NAMES)
    cut = """[...document.querySelectorAll('svg')].flatMap(s => { const box = s.getBoundingClientRect();
        return [...s.querySelectorAll('text')].filter(t => { const b = t.getBoundingClientRect();
        return b.left < box.left || b.right > box.right || b.top < box.top || b.bottom > box.bottom })
        .map(t => t.textContent) })"""
    assert page.value(cut) == []


@pytest.mark.browser
def test_the_browser_measures_no_more_than_reckoned(page: Page, address: str) -> None:
    page.open(address, width=800, height=600)
    for name in NAMES:
        measured = page.value(
            f"(() => {{ const c = document.createElement('canvas').getContext('2d');"
            f"c.font = '{FONT_SIZE}px Helvetica, Arial, sans-serif'; return c.measureText({name!r}).width }})()"
        )
        assert measured <= text_width(name) + 0.5, name

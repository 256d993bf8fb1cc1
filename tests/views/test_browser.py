"""The page in a real browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.views.chromium import Page
from tests.views.example import HOSTILE

pytestmark = pytest.mark.browser

SIZES = [(390, 844), (768, 1024), (1280, 900), (1920, 1080)]
AXE = Path(__file__).parents[2] / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_opens_without_a_complaint_and_asks_for_nothing(
    page: Page, address: str, width: int, height: int, dark: bool
) -> None:
    page.open(address, width=width, height=height, dark=dark)
    assert page.value("document.querySelectorAll('svg.wk-chart').length") >= 30
    assert page.complaints == []
    assert page.requests == [address]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_sticks_out_sideways(page: Page, address: str, width: int, height: int) -> None:
    page.open(address, width=width, height=height)
    page.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert page.value("document.documentElement.scrollWidth <= innerWidth")
    assert page.value("innerWidth") == width
    wide = """[...document.querySelectorAll('main *')].filter(e => !e.closest('.wk-scroll') && !e.closest('svg')
        && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className || e.tagName)"""
    assert page.value(wide) == []


def test_charts_on_a_phone_keep_letters_of_at_least_eight_pixels(page: Page, address: str) -> None:
    page.open(address, width=360, height=740)
    scale = """Math.min(...[...document.querySelectorAll('svg.wk-chart')].filter(s => s.getClientRects().length)
        .map(s => s.getBoundingClientRect().width / s.viewBox.baseVal.width))"""
    assert 11 * page.value(scale) >= 8


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_no_label_of_a_chart_is_cut_off_by_its_edge(page: Page, address: str, width: int, height: int) -> None:
    page.open(address, width=width, height=height)
    page.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
    cut = """[...document.querySelectorAll('svg.wk-chart')].flatMap(s => { const box = s.getBoundingClientRect();
        if (!box.width) return [];
        return [...s.querySelectorAll('text')].filter(t => { const b = t.getBoundingClientRect();
        return b.left < box.left - 2 || b.right > box.right + 2 || b.top < box.top - 2 || b.bottom > box.bottom + 2 })
        .map(t => t.textContent + ' in ' + s.getAttribute('aria-label')) })"""
    assert page.value(cut) == []


def test_light_and_dark_look_different_and_the_charts_follow(page: Page, address: str) -> None:
    pictures, inks = [], []
    for dark in (False, True):
        page.open(address, width=800, height=600, dark=dark)
        pictures.append(page.picture())
        inks.append(page.value("getComputedStyle(document.querySelector('svg.wk-chart text')).fill"))
    assert pictures[0] != pictures[1]
    assert inks == ["rgb(89, 98, 109)", "rgb(162, 171, 182)"]


def test_the_reader_may_choose_the_theme(page: Page, address: str) -> None:
    page.open(address, width=800, height=600)
    ground = "getComputedStyle(document.querySelector('.wk')).backgroundColor"
    light = page.value(ground)
    seen = []
    for _ in range(3):
        page.value("document.querySelector('.wk-theme').click()")
        seen.append((page.value("document.querySelector('.wk-theme').textContent"), page.value(ground)))
    assert [word for word, _ in seen] == ["theme: light", "theme: dark", "theme: auto"]
    assert seen[0][1] == light == seen[2][1] != seen[1][1]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(page: Page, address: str, dark: bool) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 to 1."""
    page.open(address, width=1280, height=900, dark=dark)
    pairs = page.value(
        """[...document.querySelectorAll('.wk-badge,.wk-word,.wk-model,.wk-tiles dt,td,p,h1,h2,h3')]
        .map(e => { let g = e; while (getComputedStyle(g).backgroundColor === 'rgba(0, 0, 0, 0)') g = g.parentElement;
        return [getComputedStyle(e).color, getComputedStyle(g).backgroundColor, e.className || e.tagName] })"""
    )
    weak = {(name, ink, ground) for ink, ground, name in pairs if contrast(ink, ground) < 4.5}
    assert weak == set()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_that_keeps_readers_out(
    page: Page, html: str, width: int, dark: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Deque's axe-core, with every part of the page unfolded."""
    if not AXE.exists():
        pytest.skip("axe-core is not here: run `make axe`, which needs npm")
    place = tmp_path_factory.mktemp("axe") / "report.html"
    place.write_text(html, "utf-8")
    page.open(place.as_uri(), width=width, height=900, dark=dark)
    page.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
    page.value(f"{AXE.read_text('utf-8')};1")
    found = page.value(
        """axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations.map(v =>
        [v.id, v.nodes.slice(0, 3).map(n => n.html.slice(0, 120))])))"""
    )
    assert json.loads(found) == []


def test_every_control_is_reached_by_the_keyboard_in_the_order_of_the_page_and_shows_that_it_is(
    page: Page, address: str
) -> None:
    page.open(address, width=1280, height=900)
    places, bare = [], []
    for _ in range(400):
        page.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
        seen = page.value(
            """(() => { const e = document.activeElement; if (e === document.body) return null;
            const all = [...document.querySelectorAll('*')];
            return [all.indexOf(e), getComputedStyle(e).outlineStyle, e.className || e.tagName] })()"""
        )
        if seen is None or (places and seen[0] <= places[-1]):
            break
        places.append(seen[0])
        bare += [seen[2]] if seen[1] == "none" else []
    wanted = "[...document.querySelectorAll('button, summary, .wk-scroll')].filter(e => e.checkVisibility()).length"
    assert len(places) == page.value(wanted) > 5
    assert bare == []


def contrast(ink: str, ground: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(v) / 255 for v in re.findall(r"\d+", colour)[:3]]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    high, low = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_pointing_at_a_mark_says_what_it_is(page: Page, address: str) -> None:
    page.open(address, width=1280, height=900)
    where = page.value(
        """(() => { const mark = [...document.querySelectorAll('[data-says]')]
        .find(m => m.dataset.says.startsWith('distance, 2013-12-02'));
        mark.scrollIntoView({block: 'center'}); const b = mark.getBoundingClientRect();
        return [b.left + b.width / 2, b.top + b.height / 2] })()"""
    )
    page.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=where[0], y=where[1])
    said = page.value("document.querySelector('.wk-tip').hidden ? '' : document.querySelector('.wk-tip').textContent")
    assert said.startswith("distance, 2013-12-02 to 2013-12-08: signal; KS 0.3")


def test_a_hostile_name_is_text_in_the_page_and_in_its_charts(page: Page, address: str) -> None:
    page.open(address, width=1280, height=900)
    assert page.value("document.scripts.length") == 1
    headings = page.value("[...document.querySelectorAll('h3')].map(h => h.textContent)")
    labels = page.value("[...document.querySelectorAll('svg.wk-chart text')].map(t => t.textContent)")
    assert HOSTILE in headings
    assert HOSTILE in labels


def test_a_script_that_slipped_in_would_not_run(
    page: Page, html: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("slipped") / "report.html"
    place.write_text(html.replace("</main>", "<script>window.ran = true</script></main>"), "utf-8")
    page.open(place.as_uri(), width=800, height=600)
    assert page.value("window.ran === undefined")

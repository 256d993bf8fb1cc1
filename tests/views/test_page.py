from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser

import pytest

from tests.views.example import HOSTILE, START, column_signals
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.state import StateKey
from watchkeeper.core.window import Window
from watchkeeper.views.page import report_fragment, report_html
from watchkeeper.views.report import Report, Verdict

MADE = datetime(2013, 12, 9, tzinfo=UTC)
FETCHING = ("src", "href", "action", "data", "poster", "srcset", "xlink:href", "formaction", "background")


class Seen(HTMLParser):
    """Collects what a browser would see: tags, attributes, and text outside of styles and scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self._silent = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._silent = tag if tag in ("style", "script") else ""

    def handle_endtag(self, tag: str) -> None:
        self._silent = ""

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_thirty_columns_over_forty_windows_stay_under_two_megabytes(html: str) -> None:
    assert len(html.encode()) < 2_000_000


def test_no_tag_fetches_anything(html: str) -> None:
    seen = Seen(html)
    fetched = [(tag, name, value) for tag, name, value in seen.attributes if name in FETCHING]
    assert fetched == [("link", "href", "data:,")]
    assert "@import" not in html
    assert re.findall(r"url\(", html) == []
    assert not {"iframe", "img", "object", "embed", "base", "form", "image", "use"} & set(seen.tags)


def test_the_only_script_is_the_one_the_policy_names(html: str) -> None:
    seen = Seen(html)
    assert seen.tags.count("script") == 1
    policy = next(value for tag, name, value in seen.attributes if tag == "meta" and "script-src" in value)
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[\w+/=]{44}'", policy)


def test_no_attribute_runs_code(html: str) -> None:
    assert [a for a in Seen(html).attributes if a[1].startswith("on") or a[2].startswith("javascript:")] == []


def test_a_hostile_column_name_shows_as_text_and_is_never_a_tag(html: str) -> None:
    assert HOSTILE in Seen(html).text
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize(
    "name",
    [
        '"><img src=x onerror=alert(1)>',
        "</title></svg><script>alert(1)</script>",
        "'+alert(1)+'",
        "{{ 7 * 7 }}",
        "a\x00b\x1bc",
        "\u202egnp.exe",
        "datum['x'].y\\",
        "😀 emoji",
        "]]>",
        "",
    ],
)
def test_any_name_comes_through_every_part_of_the_page_as_text(name: str) -> None:
    signals = tuple(column_signals(name, "ks", 0.08, breaks=0.3))
    alert = Alert(
        "a", name, Cause.DRIFT, Severity.PAGE, AlertState.FIRING, START, None, (name,), (name,), (signals[-1],)
    )
    schema = Schema((Column(name, Role.FEATURE, Kind.NUMERIC, name, why=name),))
    report = Report(
        name, name, Verdict.ALERT, MADE, name, alerts=(alert,), signals=signals, schema=schema, notes=(name,)
    )
    page = report_html(report)
    seen = Seen(page)
    assert seen.tags.count("script") == 1
    assert "img" not in seen.tags
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", page)
    visible = " ".join("".join("\ufffd" if c in "\x00\x1b\u202e" else c for c in name).split())
    assert seen.text.count(visible) >= 5


def test_a_template_in_a_name_is_not_evaluated() -> None:
    page = report_html(Report("{{ 7 * 7 }}", "m", Verdict.OK, MADE))
    assert "49" not in Seen(page).text


def test_the_verdict_comes_first_as_icon_and_word(html: str) -> None:
    body = html[html.index("<body") :]
    header = body[: body.index("</header>")]
    assert "Alert" in Seen(header).text
    assert "<svg" in header
    assert body.index("wk-verdict") < body.index("<h1") < body.index("<h2")


def test_open_alerts_come_before_resolved_ones_and_worse_before_milder(html: str) -> None:
    text = Seen(html).text
    assert text.index("2 columns changed since 18 November: KS of distance is") < text.index("KS of score is")
    assert text.index("KS of score is") < text.index("1 alert that ended") < text.rindex("AUROC fell: 0.67")


def test_what_was_done_about_an_alert_stands_with_it_once(html: str) -> None:
    text = Seen(html).text
    assert text.index("AUROC fell: 0.67") < text.index("performance fell for two weeks") < text.index("Log of 1")
    assert text.count("by watchkeeper") == 5


def test_columns_come_worst_first(html: str) -> None:
    cards = re.findall(r"<article class=\"wk-card\">\s*<header><h3>(.*?)</h3>", html)
    columns = cards[cards.index("origin") :]
    assert columns[:4] == ["origin", "score", "distance", "visibility"]


def test_a_window_without_data_says_so_in_words_on_its_card_and_in_its_chart(html: str) -> None:
    card = next(c for c in html.split('<article class="wk-card">') if "<h3>visibility</h3>" in c)
    seen = Seen(card).text
    assert "no data" in seen
    assert "the current data has no values" in seen
    assert "The current data holds no value in this column." in seen
    assert "2013-12-02 to 2013-12-08: no data" in seen
    assert "in control" not in seen


def test_an_estimate_shares_the_card_of_its_metric_and_says_what_it_cannot_see(html: str) -> None:
    assert html.count("<h3>AUROC <span") == 1
    assert "<dt>estimated without labels</dt>" in html
    assert "A change of concept is invisible to them" in html
    assert "Estimated by cbpe (AUROC)." in html
    assert "2013-05-27 to 2013-06-02" in html  # labels are missing in that week
    assert "estimated without labels, 2013-05-27 to 2013-06-02: 0.6" in html


def test_an_estimate_without_a_realised_metric_has_a_card_of_its_own(report: Report) -> None:
    known = [s for s in report.signals if s.measurement.family is not Family.METRIC]
    alone = replace(report, signals=tuple(known)).html()
    assert re.search("<h3>AUROC, estimated", alone)


def test_a_report_without_estimates_does_not_speak_of_them(report: Report) -> None:
    known = [s for s in report.signals if s.measurement.family is not Family.ESTIMATE]
    assert "estimated" not in replace(report, signals=tuple(known)).html().replace("wk-line-estimate", "")


def test_a_column_that_vanished_from_the_newest_window_is_no_data_not_its_last_value() -> None:
    signals = column_signals("kept", "ks", 0.08) + column_signals("lost", "ks", 0.08)[:-3]
    page = report_html(Report("t", "m", Verdict.OK, MADE, signals=tuple(signals)))
    card = next(c for c in page.split('<article class="wk-card">') if "<h3>lost</h3>" in c)
    assert "no data" in Seen(card).text
    assert "not measured since 2013-11-11 to 2013-11-17" in Seen(card).text


def test_a_value_that_is_not_finite_is_shown_as_failed() -> None:
    key = StateKey("m", window=Window(START, MADE))
    signal = Signal(Measurement.of(key, Family.METRIC, "auroc", float("nan"), 10), "shewhart")
    text = Seen(report_html(Report("t", "m", Verdict.FAILED, MADE, signals=(signal,)))).text
    assert "failed" in text
    assert "nan" not in text.lower().split()


def test_a_report_about_nothing_says_that_nothing_was_measured() -> None:
    text = Seen(report_html(Report("t", "m", Verdict.NO_DATA, MADE, "No rows."))).text
    assert "No data" in text
    assert "nothing was measured" in text
    assert "in control" not in text


def test_a_check_without_windows_shows_where_each_column_stands(checked: Report) -> None:
    html = report_html(checked)
    text = Seen(html).text
    assert "Where each column stands" in text
    assert "over time" not in text
    assert "2 series have no number and no place on this axis." in text


def test_a_thousand_columns_stay_under_two_megabytes_and_the_page_says_what_it_leaves_out() -> None:
    signals = []
    for place in range(1_000):
        signals += column_signals(f"column_{place}", "ks", 0.08, breaks=0.3, seed=place)[-2:]
    columns = tuple(Column(f"column_{i}", Role.FEATURE, Kind.NUMERIC) for i in range(1_000))
    report = Report("t", "m", Verdict.ALERT, MADE, signals=tuple(signals), schema=Schema(columns))
    page = report_html(report, charts=8)
    assert len(page.encode()) < 2_000_000
    text = Seen(page).text
    assert "960 further columns or segments, 32 charts" in text
    assert "850 more series not shown" in text
    assert "850 more columns not shown" in text
    assert page.count("wk-chart") - page.count(".wk-chart") == 8


def test_a_long_history_is_cut_to_its_newest_windows_and_says_so() -> None:
    signals = []
    for year in range(4):
        for signal in column_signals("distance", "ks", 0.08, breaks=0.3, seed=year):
            measured = signal.measurement
            assert measured.window is not None
            shift = (measured.window.end - measured.window.start) * 40 * year
            window = Window(measured.window.start + shift, measured.window.end + shift)
            signals.append(replace(signal, measurement=replace(measured, window=window)))
    text = Seen(report_html(Report("t", "m", Verdict.ALERT, MADE, signals=tuple(signals)))).text
    assert "the newest 52 of 160 windows" in text


def test_numbers_that_no_chart_judges_are_shown_and_said_to_be_unjudged() -> None:
    signal = column_signals("distance", "ks", 0.08, breaks=0.3)[-1]
    window = signal.measurement.window
    effect = Measurement.of(StateKey("m", window=window, column="distance"), Family.COMPARISON, "psi", 0.731, 5_200)
    metric = Measurement.of(
        StateKey("m", window=window, column="@outcome"), Family.METRIC, "f1", 0.412, 5_200, interval=(0.38, 0.44)
    )
    report = Report("t", "m", Verdict.ALERT, MADE, signals=(signal,), measurements=(effect, metric, signal.measurement))
    text = Seen(report_html(report)).text
    assert "not judged: PSI 0.731" in text
    assert "F1 0.412 0.38 … 0.44 5,200" in text


def test_a_notebook_gets_the_same_story_without_a_script(report: Report) -> None:
    bundle = report._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    framed = bundle["text/html"]
    assert framed.startswith("<iframe ")
    assert framed.count("<") == 2
    fragment = unescape(framed)
    assert "<script" not in fragment
    assert fragment.count('<svg class="wk-chart"') >= 8
    assert "KS of distance is" in Seen(fragment).text
    assert len(framed) < 750_000


def test_a_notebook_that_asks_for_text_only_gets_text_only(report: Report) -> None:
    assert set(report._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}
    assert set(report._repr_mimebundle_(exclude={"text/html"})) == {"text/plain"}


def test_two_reports_of_the_same_findings_are_the_same_bytes(checked: Report) -> None:
    assert report_fragment(checked) == report_fragment(checked)

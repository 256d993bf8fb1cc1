from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from io import StringIO

import pytest
from rich.console import Console

from tests.alerts.said import said
from tests.views.example import HOSTILE
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.diagnosis import Attribution, Contribution, Diagnosis
from watchkeeper.core.evidence import Estimation, Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.state import StateKey
from watchkeeper.core.window import Window
from watchkeeper.views.listing import listing
from watchkeeper.views.report import Report, Verdict
from watchkeeper.views.terminal import plain
from watchkeeper.views.wording import number, period, share, shown

MADE = datetime(2013, 12, 9, tzinfo=UTC)


def test_the_text_opens_with_the_verdict_and_puts_the_worst_first(report: Report) -> None:
    text = plain(report)
    assert text.startswith("▲ Alert  delays")
    assert text.index("KS of distance is") < text.index("KS of score is") < text.index("AUROC fell: 0.67")
    table = text[text.index("worst series") :]
    assert table.index("origin") < table.index("distance") < table.index("visibility")
    assert "51 more series" in text


def test_no_data_is_said_in_the_text(report: Report) -> None:
    line = next(row for row in plain(report).splitlines() if "visibility" in row and "KS" in row)
    assert line.lstrip().startswith("○")
    assert "no data: the current data has no values" in line


def test_markup_in_a_name_is_shown_and_not_obeyed() -> None:
    name = "[bold red]x[/bold red]"
    alert = Alert(
        "a", "m", Cause.DRIFT, Severity.PAGE, AlertState.FIRING, columns=(name,), evidence=said(f"{name} drifted", name)
    )
    text = plain(Report("t", name, Verdict.ALERT, MADE, name, alerts=(alert,)))
    assert text.count(name) == 5


def test_a_terminal_escape_in_a_name_does_not_reach_the_terminal() -> None:
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=100, color_system=None)
    console.print(Report("t", "\x1b]0;owned\x07", Verdict.OK, MADE, "a\x1b[2Jb"))
    assert "\x1b]" not in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_text_keeps_to_the_width_of_the_terminal(report: Report, width: int) -> None:
    assert max(map(len, plain(report, width=width).splitlines())) <= width


def test_text_needs_no_chart_package() -> None:
    code = "import sys, watchkeeper.views.terminal, watchkeeper.views.report; print('altair' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_listing_shows_signals_worst_first_and_counts_the_rest(report: Report) -> None:
    newest = [s for s in report.signals if s.measurement.window and s.measurement.window.end.month == 12]
    table = listing(newest, most=5)
    lines = str(table).splitlines()
    assert lines[1].split()[-1] == "signal"
    assert lines[-1] == f"and {len(newest) - 5} more rows"
    html = unescape(table._repr_mimebundle_()["text/html"])
    assert html.count("<tr>") == 6
    assert HOSTILE not in html


def test_a_listing_of_measurements_says_not_judged() -> None:
    table = listing([Measurement.of(StateKey(column="x"), Family.COMPARISON, "psi", 0.12345, 10)])
    assert str(table).splitlines()[1].split() == ["all", "rows", "x", "PSI", "0.123", "–", "10", "not", "judged"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (-0.5, "−0.5"),
        (0.0, "0"),
        (1234.56, "1,235"),
        (98_211.0, "98,211"),
        (99.996, "100"),
        (12_345_678.0, "1.235e7"),
        (0.00001234, "1.234e-5".replace("-", "−")),
        (None, "–"),
        (float("nan"), "–"),
        (float("-inf"), "−∞"),
    ],
)
def test_numbers_are_written_with_four_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_shares_are_per_cent_and_a_tiny_share_is_not_zero() -> None:
    assert [share(v) for v in (0.0, 0.00001, 0.0012, 0.1234, 1.0, None)] == [
        "0 %", "<0.01 %", "0.12 %", "12.3 %", "100 %", "–",
    ]  # fmt: skip


def test_a_period_ends_with_its_last_day_not_with_the_day_after() -> None:
    from watchkeeper.core.window import Window

    week = Window(datetime(2013, 3, 4, tzinfo=UTC), datetime(2013, 3, 11, tzinfo=UTC))
    hour = Window(datetime(2013, 3, 4, 5, tzinfo=UTC), datetime(2013, 3, 4, 6, tzinfo=UTC))
    assert period(week) == "2013-03-04 to 2013-03-10"
    assert period(hour) == "2013-03-04 05:00 to 2013-03-04 06:00 UTC"
    assert period(None) == "all rows"


def test_text_from_outside_is_cut_and_loses_what_cannot_be_seen() -> None:
    assert shown("x" * 400, 10) == "xxxxxxxxx…"
    assert shown("a\u202eb\x07c\nd") == "a\ufffdb\ufffdc d"


def test_a_lost_column_is_one_line_with_all_its_measures() -> None:
    lost = [
        Signal(
            Measurement.failed(StateKey("m", column="income"), Family.COMPARISON, name, "column 'income' is missing"),
            "x",
        )
        for name in ("ks", "null_rate")
    ]
    text = plain(Report("T", "m", Verdict.ALERT, MADE, signals=tuple(lost)))
    assert text.count("income' is missing") == 1
    assert "KS, null rate" in text


def test_the_only_alert_is_not_told_twice() -> None:
    alert = Alert(
        "a", "m", Cause.DRIFT, Severity.WARNING, AlertState.FIRING, columns=("age",), evidence=said("age moved")
    )
    text = plain(Report("T", "m", Verdict.ALERT, MADE, "age moved", alerts=(alert,)))
    assert text.count("age moved") == 1
    assert text.startswith("▲ Alert  m  1 alert, the worst a warning")


def test_judged_metrics_and_estimates_stand_there_however_well_the_model_does() -> None:
    def signal(name: str, family: Family, zone: Zone, segment: str = "all") -> Signal:
        measured = Measurement(family, name, 0.9, 500, column="@outcome", segment=segment)
        limits = {"upper": 0.95} if family is Family.COMPARISON else {"lower": 0.8}
        return Signal(measured, "shewhart", zone=zone, **limits)

    drifting = [signal(f"m{i}", Family.COMPARISON, Zone.WITHIN_3) for i in range(12)]
    fine = [signal("auroc", Family.ESTIMATE, Zone.WITHIN_1), signal("recall", Family.METRIC, Zone.WITHIN_1, "a=b")]
    text = plain(Report("t", "m", Verdict.OK, MADE, "fine", signals=(*drifting, *fine)))
    assert "AUROC, estimated" in text
    assert "recall" not in text
    assert "3 more series" in text


def test_estimates_say_by_which_method_they_were_made_what_they_assume_and_what_they_lack() -> None:
    days = [Window(MADE - timedelta(days=n), MADE - timedelta(days=n - 1)) for n in (2, 1)]

    def signal(name: str, window: Window, method: str, silent: str = "") -> Signal:
        evidence = Evidence(estimate=Estimation(method, "all stays", silent=silent))
        measured = Measurement(Family.ESTIMATE, name, 0.9, 500, column="@outcome", window=window, evidence=evidence)
        return Signal(measured, "shewhart", False, lower=0.8, zone=Zone.WITHIN_1)

    old = signal("auroc", days[0], "pape")
    new = [signal(name, days[1], "cbpe", "pape: few") for name in ("auroc", "f1")]
    report = Report("t", "m", Verdict.OK, MADE, "fine", signals=(old, *new))
    told = " ".join(plain(report).split())
    assert "Estimated by cbpe (AUROC, F1), as if all stays. Methods that did not answer: pape: few." in told
    assert told.count("pape") == 1
    noted = " ".join(plain(replace(report, notes=("It is estimated as if all stays.",))).split())
    assert "Estimated by cbpe (AUROC, F1). Methods" in noted
    assert "Estimated" not in plain(replace(report, signals=()))


def test_what_a_loss_comes_from_is_told_once_for_all_alerts() -> None:
    found = [
        Alert(name, "m", Cause.DRIFT, Severity.WARNING, AlertState.FIRING, evidence=said(f"{name} moved"))
        for name in "ab"
    ]
    parts = (Contribution("covariate shift", 0.01, 0.004), Contribution("concept shift", 0.09, 0.003))
    attributed = (Attribution("brier", "causes", 0.2, 0.3, 0.01, parts, 900, 900),)
    diagnoses = tuple(Diagnosis(a.id, "m", (), attributions=attributed) for a in found)
    text = " ".join(plain(Report("t", "m", Verdict.ALERT, MADE, "", alerts=tuple(found), diagnoses=diagnoses)).split())
    assert text.count("brier 0.2 → 0.3 (+0.1), by causes: covariate shift +0.01 ± 0.008, concept shift") == 1


def test_notes_beyond_a_dozen_are_counted() -> None:
    text = plain(Report("T", "m", Verdict.OK, MADE, notes=tuple(f"note {i}." for i in range(20))))
    assert "note 11." in text
    assert "8 more notes not shown" in text

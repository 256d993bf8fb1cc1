"""The first sentence of an alert: what changed, from what to what, since when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.evidence import Change, Evidence, Quantity, Transformation, TransformationKind
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.rounding import pair
from watchkeeper.core.signal import Signal
from watchkeeper.words.headline import alert_headline

SINCE = datetime(2026, 3, 9, tzinfo=UTC)


def fired(column: str, before: float = 1.4, after: float = 2.3, *, name: str = "ks") -> Signal:
    evidence = Evidence(Change(Quantity.MEAN, before, after))
    measured = Measurement(Family.COMPARISON, name, 0.26, 900, column=column, evidence=evidence)
    return Signal(measured, "tolerance", upper=0.09, rule="beyond_tolerance", fired=True)


def alert(*evidence: Signal) -> Alert:
    return Alert("a", "m", Cause.DRIFT, Severity.WARNING, AlertState.FIRING, since=SINCE, evidence=evidence)


def test_one_column_is_told_with_both_numbers_the_day_and_the_effect() -> None:
    told = alert_headline(
        alert(fired("support_calls")), effect=("predictions moved too", "performance not hurt so far")
    )
    assert told == (
        "support_calls rose: mean 1.4 → 2.3 (KS 0.26, limit 0.09) since 9 March; predictions moved too; performance "
        "not hurt so far"
    )


def test_of_several_columns_the_count_the_three_worst_and_the_shared_cause_are_told() -> None:
    told = alert_headline(alert(*(fired(name) for name in "abcde")), cause="traffic mix (91%)")
    assert told == (
        "5 columns changed since 9 March: a (mean 1.4 → 2.3), b (mean 1.4 → 2.3), c (mean 1.4 → 2.3) and 2 more; "
        "likely cause: traffic mix (91%)"
    )


def test_a_column_that_two_measures_saw_counts_once() -> None:
    told = alert_headline(alert(fired("a"), fired("a", name="null_rate"), fired("b")))
    assert told.startswith("2 columns changed since 9 March: a (")


def test_a_day_that_the_change_says_itself_is_not_said_twice() -> None:
    one = fired("distance")
    does = Transformation(TransformationKind.SCALE, factor=1.609, since=SINCE)
    evidence = Evidence(transformation=does)
    told = alert_headline(alert(replace(one, measurement=replace(one.measurement, evidence=evidence))))
    assert told.count("since 9 March") == 1
    assert told.startswith("distance is 1.61 times what it was")


def test_an_alert_that_was_none_says_so_first() -> None:
    lapsed = replace(alert(fired("a"), fired("b")), state=AlertState.ENDED, end=AlertEnd.LAPSED)
    assert alert_headline(lapsed).startswith("did not persist: 2 columns changed")


def test_two_numbers_are_rounded_to_what_tells_them_apart() -> None:
    assert pair(36.0412, 40.5571) == ("36.0", "40.6")
    assert pair(1_004.2, 1_671.6) == ("1,004", "1,672")
    assert pair(0.0, 5.5) == ("0", "5.5")
    assert pair(0.5053, 0.6783) == ("0.51", "0.68")
    assert pair(100_000.2, 100_000.3) == ("100,000", "100,000")
    assert pair(1.5e12, 2.5e12) == ("1.5e+12", "2.5e+12")
    assert pair(float("nan"), 1.0) == ("nan", "1")

"""Changes that began together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.diagnosis import Diagnosis, Hypothesis, HypothesisKind, Onset
from watchkeeper.diagnose.incidents import Change, change_of, group_incidents
from watchkeeper.words.causes import incident_sentence

DAY = timedelta(days=1)
START = datetime(2024, 3, 1, tzinfo=UTC)


def change(alert: str, model: str, day: float, columns: tuple[str, ...], room: float = 1.0) -> Change:
    at = START + day * DAY
    return Change(alert, model, Onset(at, at - room * DAY, at + room * DAY), columns)


def test_changes_of_one_column_in_three_models_at_one_time_are_one_incident() -> None:
    found = group_incidents(
        [
            change("a", "prices", 10, ("distance", "score")),
            change("b", "delays", 11, ("distance",)),
            change("c", "demand", 10.5, ("origin", "distance")),
            change("d", "demand", 10.5, ("weather",)),
            change("e", "fraud", 40, ("distance",)),
        ]
    )
    assert len(found) == 1
    assert found[0].columns == ("distance",)
    assert found[0].models == ("delays", "demand", "prices")
    assert found[0].alerts == ("a", "c", "b")
    assert found[0].earliest == START + 10 * DAY
    assert found[0].latest == START + 11 * DAY
    assert "'distance'" in incident_sentence(found[0])


def test_intervals_must_have_one_moment_in_common_not_only_meet_in_a_chain() -> None:
    chain = [change(name, name, day, ("x",)) for name, day in (("a", 0), ("b", 1.5), ("c", 3))]
    found = group_incidents(chain)
    assert [one.alerts for one in found] == [("a", "b")]


def test_each_change_is_told_once_and_two_incidents_can_begin_together() -> None:
    found = group_incidents(
        [
            change("a", "m1", 0, ("x",)), change("b", "m2", 0, ("x",)), change("c", "m3", 0, ("x", "y")),
            change("d", "m4", 0, ("y",)), change("e", "m5", 0, ("y",)),
        ]
    )  # fmt: skip
    assert sorted(name for one in found for name in one.alerts) == ["a", "b", "c", "d", "e"]
    assert {one.columns for one in found} == {("x",), ("y",)}


def test_changes_without_a_shared_column_and_changes_alone_are_no_incident() -> None:
    assert group_incidents([change("a", "m1", 0, ("x",)), change("b", "m2", 0, ("y",))]) == ()
    assert group_incidents([change("a", "m1", 0, ("x",)), change("a", "m1", 0.2, ("x",))]) == ()


def test_the_diagnosis_names_the_columns_and_the_interval_and_upstream_names_join_models() -> None:
    alert = Alert("a", "m", Cause.PERFORMANCE, Severity.PAGE, AlertState.FIRING, START + 2 * DAY, columns=("score",))
    onset = Onset(START + DAY, START, START + 2 * DAY, 40.0, 20)
    sure = Hypothesis(HypothesisKind.DATA_FAULT, 0.9, ("dist_km",))
    unsure = Hypothesis(HypothesisKind.COVARIATE_SHIFT, 0.05, ("age",))
    found = change_of(alert, Diagnosis("a", "m", (sure, unsure), onset), {"dist_km": "trips.distance"})
    assert found == Change("a", "m", onset, ("trips.distance", "score"))
    undated = Alert("b", "m", Cause.DRIFT, Severity.WARNING, AlertState.FIRING)
    assert change_of(undated) is None
    dated = change_of(alert)
    assert dated is not None
    assert dated.onset.earliest == dated.onset.latest == START + 2 * DAY

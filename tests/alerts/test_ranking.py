"""Columns in an alarm are ranked by the false discovery rate, which never makes an alarm."""

from __future__ import annotations

from watchkeeper.alerts.ranking import ranked
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Signal


def signal(column: str, p_value: float | None, *, fired: bool = False, score: float = 0.0) -> Signal:
    measured = Measurement(Family.COMPARISON, "ks", 0.1, 100, column=column)
    return Signal(measured, "tolerance", rule="beyond" if fired else "", score=score, p_value=p_value, fired=fired)


def test_without_a_signal_that_fired_nothing_is_ranked():
    assert ranked([signal("a", 1e-12), signal("b", 1e-9)]) == []


def test_columns_that_moved_along_follow_those_that_fired():
    given = [signal("calm", 0.6), signal("along", 1e-4), signal("b", 1e-9, fired=True, score=4.0),
             signal("a", 1e-20, fired=True, score=9.0), signal("untested", None)]  # fmt: skip
    assert [s.measurement.column for s in ranked(given)] == ["a", "b", "along"]

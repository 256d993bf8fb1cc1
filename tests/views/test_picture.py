"""The chart of an alert as a picture, in colours that a mail program knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from watchkeeper.api.pictures import picture_of
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.window import Window
from watchkeeper.store.memory import MemoryStore

START, DAY = datetime(2024, 3, 4, tzinfo=UTC), timedelta(days=1)


def signals() -> list[Signal]:
    found = []
    for day in range(5):
        window = Window(START + day * DAY, START + (day + 1) * DAY)
        measured = Measurement(Family.COMPARISON, "ks", 0.1 * day, 500, column="amount", window=window)
        fired = day == 4
        found.append(
            Signal(
                measured, "fixed", upper=0.3, zone=Zone.BEYOND if fired else Zone.WITHIN_1, rule="upper", fired=fired
            )
        )
    return found


def test_an_alert_has_the_picture_of_the_series_it_is_about() -> None:
    store, found = MemoryStore(), signals()
    store.record("m", found)
    alert = Alert(
        "a1", "m", Cause.DRIFT, Severity.WARNING, AlertState.FIRING, START, START + DAY, ("amount",), (), (found[-1],)
    )
    picture = picture_of(store, alert)
    assert picture is not None
    assert picture.png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(picture.png[at : at + 4]) for at in (16, 20))
    assert (width, height) == (1_200, 300)
    assert "amount" in picture.words


def test_an_alert_without_windows_has_no_picture() -> None:
    alert = Alert("a1", "m", Cause.NO_DATA, Severity.WARNING, AlertState.FIRING)
    assert picture_of(MemoryStore(), alert) is None

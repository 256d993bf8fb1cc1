"""What a person does with the outbox: look into it, try its messages again, and try the receivers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

from watchkeeper.alerts.letter import Letter
from watchkeeper.alerts.notifier import send_letter
from watchkeeper.alerts.outbox import key_of
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.delivery import Delivery, DeliveryState
from watchkeeper.core.errors import in_short
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.plugins import plugin
from watchkeeper.core.query import Query
from watchkeeper.core.routes import Route
from watchkeeper.core.secrets import without_secrets
from watchkeeper.core.signal import Signal
from watchkeeper.core.store import Store
from watchkeeper.run.outbox import TOTAL_SECONDS

__all__ = ["Trial", "due_again", "try_receivers", "undelivered"]

_TEST = "TEST, nothing is wrong"
_NOTHING = Measurement(
    Family.RUNTIME, "notify_test", None, 0, status=Status.FAILED,
    reason="somebody tries this receiver with watchkeeper notify test",
)  # fmt: skip
_WORDS = (Signal(_NOTHING, "", rule="notify_test", fired=True),)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying a receiver; without a problem it took the messages."""

    to: str
    problem: str = ""


def undelivered(model: str, store: Store) -> list[Delivery]:
    """Return what waits in the outbox of a model, and what was given up."""
    return store.recorded(model, Delivery, Query(deliveries=(DeliveryState.WAITING, DeliveryState.DEAD)))


def due_again(model: str, store: Store, now: datetime) -> list[Delivery]:
    """Make everything that waits or was given up due now, as if it had never been tried; return it."""
    again = [
        replace(one, state=DeliveryState.WAITING, due=now, attempts=0, ended=None) for one in undelivered(model, store)
    ]
    if again:
        store.record(model, again)
    return again


def try_receivers(
    model: str, routes: Iterable[Route], now: datetime, *, total: float = TOTAL_SECONDS
) -> Sequence[Trial]:
    """Send a message that says that it is a test, and its end, to each receiver; all at once.

    Parameters
    ----------
    total
        Seconds that all of them have together.
    """
    firing = Alert(
        "test", f"{_TEST}: {model}", Cause.RUNTIME, Severity.NOTICE, AlertState.FIRING, since=now, last=now,
        evidence=_WORDS,
    )  # fmt: skip
    ended = replace(firing, state=AlertState.ENDED, end=AlertEnd.CLEARED)
    done: SimpleQueue[tuple[int, BaseException | None]] = SimpleQueue()

    def send(place: int, route: Route) -> None:
        error: BaseException | None = None
        try:
            for number, alert in enumerate((firing, ended)):
                made = Delivery(f"test/{now.isoformat()}/{number}", "", route.to, "test", DeliveryState.SENT, now, now)
                letter = Letter(key_of([made], [model]), (alert,), now)
                send_letter(plugin("notifier", route.to), letter, route.options)
        except BaseException as failure:  # noqa: BLE001 - a receiver may fail in any way
            error = failure
        done.put((place, error))

    listed = list(routes)
    for place, route in enumerate(listed):
        Thread(target=send, args=(place, route), name="watchkeeper-notify-test", daemon=True).start()
    found, over = dict[int, str](), monotonic() + total
    while len(found) < len(listed):
        try:
            place, error = done.get(timeout=max(over - monotonic(), 0.0))
        except Empty:
            break
        found[place] = without_secrets(in_short(error)) if error is not None else ""
    late = f"it has not answered within {total:g} seconds"
    return [Trial(route.to, found.get(place, late)) for place, route in enumerate(listed)]

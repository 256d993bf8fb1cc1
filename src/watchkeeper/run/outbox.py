"""Sending what waits in the outbox: beside the run, so that no receiver delays another, or judging."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

from watchkeeper.alerts.letter import Letter, Picture
from watchkeeper.alerts.notifier import send_letter
from watchkeeper.alerts.outbox import STORM, after_failure, after_sending, letter_of, ready, together
from watchkeeper.core.alert import Alert
from watchkeeper.core.delivery import Delivery, DeliveryState
from watchkeeper.core.errors import DeliveryError, in_short
from watchkeeper.core.plugins import plugin
from watchkeeper.core.query import Query
from watchkeeper.core.routes import Route
from watchkeeper.core.secrets import without_secrets
from watchkeeper.core.store import Store
from watchkeeper.run.notify import receiver_of

__all__ = ["TOTAL_SECONDS", "Courier", "waiting_of"]

TOTAL_SECONDS = 30.0
"""Seconds that all receivers together have, counted from the first message that is handed over."""

Draw = Callable[[Alert], Picture | None]
_Pair = tuple[Delivery, Alert]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class _Round:
    """The messages of one receiver, sent one after the other in a thread of its own."""

    receiver: str
    route: Route
    groups: list[tuple[list[_Pair], Letter]]
    done: SimpleQueue[tuple[_Round, int, BaseException | None]]
    until: float
    ended: int = 0
    given_up: bool = False
    thread: Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = Thread(target=self._send_all, name="watchkeeper-notify", daemon=True)
        self.thread.start()

    def _send_all(self) -> None:
        for place, (_, letter) in enumerate(self.groups):
            if self.given_up:
                return
            error: BaseException | None = None
            try:
                send_letter(plugin("notifier", self.route.to), letter, self.route.options)
            except BaseException as failure:  # noqa: BLE001 - a receiver may fail in any way; the others are told
                error = failure
            self.done.put((self, place, error))


@dataclass
class Courier:
    """Sends what waits in the outbox of models, each receiver in a thread of its own.

    What was sent is recorded after it was sent: killed in between it is sent again, with the same key, rather than
    never. A receiver that hangs is left alone until it lets go, and its messages wait. Of a storm, which is more than
    five messages for one receiver, one message is made.

    Parameters
    ----------
    store
        Where the outbox is.
    clock
        The time.
    total
        Seconds that ``collect`` waits at most.
    draw
        Draws the chart of an alert; None for no pictures.
    """

    store: Store
    clock: Callable[[], datetime] = _now
    total: float = TOTAL_SECONDS
    draw: Draw | None = None
    _done: SimpleQueue[tuple[_Round, int, BaseException | None]] = field(default_factory=SimpleQueue)
    _rounds: dict[str, _Round] = field(default_factory=dict)
    _sent: Counter[str] = field(default_factory=Counter)
    _held: dict[str, tuple[Route, set[str]]] = field(default_factory=dict)
    _problems: dict[str, list[str]] = field(default_factory=dict)

    def hand_over(self, model: str, routes: Iterable[Route]) -> None:
        """Begin to send what waits for the receivers of a model and is due; return at once."""
        for route in routes:
            receiver = receiver_of(route)
            self._held.setdefault(receiver, (route, set()))[1].add(model)
            if receiver not in self._rounds and self._sent[receiver] < STORM:
                self._start(receiver)

    def collect(self, *, wait: bool = True) -> Mapping[str, Sequence[str]]:
        """Record what has become of the messages; return what went wrong, by model.

        Parameters
        ----------
        wait
            Whether to send what was held back as a storm, and to wait until all is done or the time is over.
        """
        self._take()
        over = monotonic() + self.total
        while wait:
            for receiver in [name for name in self._held if name not in self._rounds]:
                self._start(receiver)
            busy = any(not one.given_up for one in self._rounds.values())
            if not busy or not self._take(max(over - monotonic(), 0.0)):
                break
        for one in list(self._rounds.values()):
            if not one.given_up and (wait or monotonic() >= one.until):
                self._give_up(one)
        if wait:
            self._sent.clear()
        problems, self._problems = self._problems, {}
        return problems

    def _start(self, receiver: str) -> None:
        """Begin a round of what is due for a receiver now."""
        route, models = self._held.pop(receiver)
        now = self.clock()
        waiting = [pair for model in sorted(models) for pair in waiting_of(model, self.store)]
        due = ready([pair for pair in waiting if pair[0].receiver == receiver], route, now)
        letters = [(group, letter_of(group, now, self._pictures(group))) for group in together(due, route)]
        if letters:
            self._sent[receiver] += len(letters)
            self._rounds[receiver] = _Round(receiver, route, letters, self._done, monotonic() + self.total)

    def _take(self, wait: float = 0.0) -> bool:
        """Record what threads have reported; return whether there was anything."""
        taken = False
        while True:
            try:
                one, place, error = self._done.get(timeout=wait) if wait and not taken else self._done.get_nowait()
            except Empty:
                break
            taken = True
            # Of what was given up the failure is recorded already.
            if error is None or not one.given_up:
                self._record(one, place, error)
            one.ended = place + 1
            if one.ended == len(one.groups):
                self._rounds.pop(one.receiver, None)
        for one in [one for one in self._rounds.values() if one.given_up and not one.thread.is_alive()]:
            self._rounds.pop(one.receiver)
        return taken

    def _give_up(self, one: _Round) -> None:
        """Wait no longer for a receiver; should it take the message yet, that is recorded when it does."""
        one.given_up = True
        for place in range(one.ended, len(one.groups)):
            self._record(one, place, DeliveryError(f"it has not answered within {self.total:g} seconds"))

    def _record(self, one: _Round, place: int, error: BaseException | None) -> None:
        now = self.clock()
        by_model: dict[str, list[Delivery]] = {}
        for delivery, alert in one.groups[place][0]:
            after = after_sending(delivery, now) if error is None else after_failure(delivery, error, now)
            by_model.setdefault(alert.model, []).append(after)
        for model, deliveries in by_model.items():
            self.store.record(model, deliveries)
            if error is not None:
                about = deliveries[0].alert if len(deliveries) == 1 else f"{deliveries[0].alert} and others"
                told = f"the notifier {one.route.to} failed on alert {about}: {in_short(error)}"
                self._problems.setdefault(model, []).append(without_secrets(told))

    def _pictures(self, group: Sequence[_Pair]) -> tuple[Picture, ...]:
        if self.draw is None:
            return ()
        try:
            if not getattr(plugin("notifier", group[0][0].notifier), "shows_pictures", False):
                return ()
            picture = self.draw(group[0][1])
        except Exception:  # noqa: BLE001 - a message without its chart is better than none
            return ()
        return (picture,) if picture else ()


def waiting_of(model: str, store: Store) -> list[_Pair]:
    """Return what waits in the outbox of a model, each with its alert as it is recorded now."""
    waiting = store.recorded(model, Delivery, Query(deliveries=(DeliveryState.WAITING,)))
    ids = tuple(dict.fromkeys(delivery.alert for delivery in waiting))
    alerts = {alert.id: alert for alert in store.recorded(model, Alert, Query(ids=ids))} if ids else {}
    return [(delivery, alerts[delivery.alert]) for delivery in waiting if delivery.alert in alerts]

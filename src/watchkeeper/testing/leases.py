"""What every store must obey that lets one worker at a time work on a model."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import LeasedError, LeaseLostError, StoreError
from watchkeeper.core.lease import Lease, Leases
from watchkeeper.core.schema import Column, Kind, Role
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.store import AuditEvent, Store
from watchkeeper.core.window import Window
from watchkeeper.store.leases import LeasedStore

__all__ = ["check_leases"]

_LONG, _OVER = timedelta(hours=1), timedelta(0)
_WINDOW = Window(datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC))


def check_leases(make_store: Callable[[], Store]) -> None:
    """Assert that a store that knows leases keeps to them; part of ``check_store``.

    Checked: a model has one holder at a time, of whom the next who asks is told; a lease that is renewed lasts longer;
    one that is over or released is free; of many who ask at once one gets it; and whoever has lost a lease writes
    nothing under it any more, neither records nor states. A lease of no length, which is over at once, stands for a
    worker that has died.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    if isinstance(make_store(), Leases):
        for check in (_check_holder, _check_renewing, _check_race, _check_writes, _check_takeover):
            check(make_store)


def _leases(store: Store) -> Leases:
    assert isinstance(store, Leases)
    return store


def _ask(store: Store, model: str, process: int, length: timedelta = _LONG) -> Lease:
    return _leases(store).lease(model, length, host=f"host {process}", process=process)


def _take(store: Store, model: str, length: timedelta, process: int = 1) -> Lease:
    try:
        return _ask(store, model, process, length)
    except LeasedError as error:
        raise AssertionError(f"a model that is free is refused: {error}") from error


def _refused(kind: type[StoreError], work: Callable[[], object], law: str) -> str:
    try:
        work()
    except kind as error:
        return str(error)
    raise AssertionError(law)


def _check_holder(make: Callable[[], Store]) -> None:
    model = "holder"
    first = _take(make(), model, _LONG)
    assert (first.model, first.host, first.process) == (model, "host 1", 1), f"the lease names another holder: {first}"
    assert first.until - first.since == _LONG, "the lease is not as long as was asked for"
    words = _refused(LeasedError, lambda: _ask(make(), model, 2), "a model has two holders")
    for part in ("process 1", "host 1", f"{first.since:%Y-%m-%d %H:%M:%S}", f"{first.until:%H:%M:%S}"):
        assert part in words, f"the second is not told {part!r}: {words}"
    assert _take(make(), "another", _LONG, 2).process == 2, "a lease holds other models"
    _leases(make()).release(first)
    after = _take(make(), model, _LONG, 2)
    assert after.number > first.number, "a lease that changes hands keeps its number"
    _leases(make()).release(first)
    _refused(LeasedError, lambda: _ask(make(), model, 3), "a holder of before releases what another holds")


def _check_renewing(make: Callable[[], Store]) -> None:
    model = "renewing"
    over = _take(make(), model, _OVER)
    longer = _leases(make()).renew(over, _LONG)
    assert longer == replace(over, until=longer.until), "renewing changes more than the end"
    assert longer.until - over.until >= _LONG, "a lease that was renewed does not last longer"
    _refused(LeasedError, lambda: _ask(make(), model, 2), "a lease that was renewed is free")
    _leases(make()).release(longer)
    _refused(LeaseLostError, lambda: _leases(make()).renew(longer, _LONG), "a lease that was released is renewed")


def _check_race(make: Callable[[], Store]) -> None:
    stores = [make() for _ in range(4)]

    def ask(asked: tuple[Store, str, int]) -> bool:
        try:
            _ask(*asked)
        except LeasedError:
            return False
        return True

    for model in ("race", "race again"):
        with ThreadPoolExecutor(len(stores)) as pool:
            got = list(pool.map(ask, [(store, model, number) for number, store in enumerate(stores)]))
        assert sum(got) == 1, f"of four who ask at once {sum(got)} get the model"


def _check_writes(make: Callable[[], Store]) -> None:
    model = "writes"
    store, lease = make(), _take(make(), model, _OVER)
    held = LeasedStore(store, lease)
    held.record(model, [_action(model, 1)], {"at": (None, "1")})
    held.put_states(model, {_WINDOW: [_state(model, "one")]})
    assert store.pointer(model, "at") == "1", "a holder whose time is over, and whom nobody followed, cannot write"
    assert [s.problem for s in store.states(model, _WINDOW).values()] == ["one"], "a holder cannot put states"
    _refused(StoreError, lambda: held.record("other", [], {"at": (None, "1")}), "a lease covers another model")
    _refused(StoreError, lambda: held.put_states("other", {}), "a lease covers another model's states")
    _leases(store).release(lease)
    _refused(LeaseLostError, lambda: held.record(model, [], {"at": ("1", "2")}), "a released lease writes")
    store.record(model, [], {"at": ("1", "2")})
    assert store.pointer(model, "at") == "2", "somebody who asks for no lease cannot write"


def _check_takeover(make: Callable[[], Store]) -> None:
    model = "takeover"
    store = make()
    old = LeasedStore(make(), _take(make(), model, _OVER, 1))
    old.record(model, [_action(model, 1)], {"at": (None, "1")})
    old.put_states(model, {_WINDOW: [_state(model, "old")], None: [_state(model, "reference", None)]})
    new = LeasedStore(make(), _take(make(), model, _LONG, 2))
    assert new.lease.number > old.lease.number, "a lease that changes hands keeps its number"
    law = "a worker whose model was taken over writes"
    _refused(LeaseLostError, lambda: old.record(model, [_action(model, 2)], {"at": ("1", "2")}), law)
    _refused(LeaseLostError, lambda: old.put_states(model, {_WINDOW: [_state(model, "late")]}), law)
    _refused(LeaseLostError, lambda: _leases(store).renew(old.lease, _LONG), "a lease taken over is renewed")
    assert store.pointer(model, "at") == "1" and len(store.recorded(model, AuditEvent)) == 1, f"{law} nevertheless"
    assert [s.problem for s in store.states(model, _WINDOW).values()] == ["old"], f"{law} states nevertheless"
    new.record(model, [_action(model, 3)], {"at": ("1", "3")})
    new.put_states(model, {_WINDOW: [_state(model, "new")]})
    _refused(LeaseLostError, lambda: old.put_states(model, {_WINDOW: [_state(model, "late")]}), law)
    assert [s.problem for s in make().states(model, _WINDOW).values()] == ["new"], "old states replace newer ones"


def _action(model: str, number: int) -> Action:
    return Action(f"hold {number}", model, ActionKind.HOLD, Outcome.DONE, "a test", "test", _WINDOW.start)


def _state(model: str, words: str, window: Window | None = _WINDOW) -> State:
    return State(StateKey(model, "v1", window, "all", "x"), Column("x", Role.FEATURE, Kind.NUMERIC), {}, words)

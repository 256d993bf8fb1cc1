from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.store import Appended, AuditEvent, Changes, Store
from watchkeeper.store.lake import LakeStore
from watchkeeper.store.memory import MemoryStore
from watchkeeper.testing.store import check_store


def test_every_store_obeys_the_contract(make_store: Callable[[], Store]) -> None:
    check_store(make_store)


def test_the_log_of_a_remote_address_and_the_folder_are_the_same_store(
    opened: Callable[..., LakeStore], tmp_path
) -> None:
    from watchkeeper.stats.codec import decode_state, encode_state

    def remote() -> LakeStore:
        database = f"sqlite:///{tmp_path / 'ledger.db'}"
        store = LakeStore((tmp_path / "remote").as_uri(), database, encode=encode_state, decode=decode_state)
        closing.append(store)
        return store

    closing: list[LakeStore] = []
    check_store(remote)
    for store in closing:
        store.close()


class Forgetful(MemoryStore):
    def append(self, *args, source="", **options):
        return super().append(*args, **options)


class Repeating(MemoryStore):
    def changes(self, model, schema, windows, cursor):
        return super().changes(model, schema, windows, "")


class Blunt(MemoryStore):
    def record(self, model, nouns, pointers=None):
        held = {name: (self.pointer(model, name), new) for name, (_, new) in (pointers or {}).items()}
        super().record(model, nouns, held)


class Rounding(MemoryStore):
    def recorded(self, model, kind, query=None):
        found = super().recorded(model, kind, query)
        if kind is not Measurement:
            return found
        return [replace(m, value=m.value and round(m.value, 6)) for m in found]


class Unchained(MemoryStore):
    def recorded(self, model, kind, query=None):
        found = super().recorded(model, kind, query)
        return [replace(e, previous="") for e in found] if kind is AuditEvent else found


class Silent(MemoryStore):
    def append(self, *args, **options):
        return replace(super().append(*args, **options), refused=0) or Appended()


class Orphaned(MemoryStore):
    def changes(self, model, schema, windows, cursor):
        found = super().changes(model, schema, windows, cursor)
        return Changes(found.cursor, found.windows, 0)


class Piling(MemoryStore):
    def put_states(self, model, states):
        for window, found in states.items():
            kept = [] if window is None else list(self.states(model, window).values())
            new = list(found)
            super().put_states(model, {window: new + [s for s in kept if s.key not in {n.key for n in new}]})


@pytest.mark.parametrize(
    "broken", [Forgetful, Repeating, Blunt, Rounding, Unchained, Silent, Orphaned, Piling], ids=lambda c: c.__name__
)
def test_the_suite_notices_a_store_that_breaks_the_contract(broken: type[MemoryStore]) -> None:
    store = broken()
    with pytest.raises(AssertionError):
        check_store(lambda: store)

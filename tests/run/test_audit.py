"""What somebody changes by hand beside the audit trail does not go unnoticed."""

from datetime import UTC, datetime

import pytest

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.store import AuditEvent
from watchkeeper.run.audit import audit_faults
from watchkeeper.store.memory import MemoryStore

AT = datetime(2024, 3, 1, tzinfo=UTC)


def action(kind, version, why="because"):
    return Action(f"{kind}{version}", "m", kind, Outcome.DONE, why, "me", AT, version)


class Altered:
    """A store whose records somebody has changed on the way out."""

    def __init__(self, store, change):
        self.store, self.change = store, change

    def recorded(self, model, kind, query=None):
        return self.change(kind, self.store.recorded(model, kind, query))

    def pointer(self, model, name):
        return self.change(name, self.store.pointer(model, name))


@pytest.fixture
def store():
    made = MemoryStore()
    made.record("m", [action(ActionKind.REGISTER, "v1"), action(ActionKind.REGISTER, "v2")])
    made.record("m", [action(ActionKind.PROMOTE, "v1")], {"champion": (None, "v1")})
    made.record("m", [action(ActionKind.PROMOTE, "v2")], {"champion": ("v1", "v2")})
    return made


def test_records_that_nobody_touched_are_whole(store):
    assert audit_faults(store, "m") == []
    assert audit_faults(MemoryStore(), "m") == []


@pytest.mark.parametrize(
    ("what", "change", "words"),
    [
        ("champion", lambda _: "v1", "v1 is in charge, but the audit trail says v2"),
        ("champion", lambda _: None, "no version is in charge, but the audit trail says v2"),
        (Action, lambda found: found[:-1], "the action 'promote v2' of 2024-03-01 was removed"),
        (Action, lambda found: [*found, action(ActionKind.REGISTER, "v3")], "'register v3' of 2024-03-01 is not what"),
        (
            Action,
            lambda found: [action(ActionKind.REGISTER, "v1", "another reason"), *found[1:]],
            "'register v1' of 2024-03-01 is not what the audit trail says of it",
        ),
        (AuditEvent, lambda found: found[1:], "the audit trail is broken at record 2"),
        (AuditEvent, lambda found: found[:-1], "the audit trail is broken at record 4"),
    ],
)
def test_each_change_is_named(store, what, change, words):
    altered = Altered(store, lambda asked, found: change(found) if asked is what or asked == what else found)
    assert any(words in fault for fault in audit_faults(altered, "m")), audit_faults(altered, "m")

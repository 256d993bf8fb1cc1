"""What every trigger must obey."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.maintain.trigger import MaintenanceMemory, Proposal, TriedTrigger, Trigger
from watchkeeper.words.actions import ground_sentence

__all__ = ["check_trigger"]

_NOW = datetime(2013, 7, 8, tzinfo=UTC)
_SPEC = Spec("flights", Schema(()), maintenance=Maintenance(schedule="never"))
_AGED = replace(_SPEC, maintenance=Maintenance(schedule="never", max_age=timedelta(days=90)))


@dataclass(frozen=True, slots=True)
class _World:
    """What a trigger is asked about."""

    name: str
    alerts: tuple[Alert, ...]
    memory: MaintenanceMemory
    spec: Spec = _SPEC

    def ask(self, trigger: Trigger) -> Proposal | None:
        return trigger.propose(self.alerts, self.memory, self.spec)


def check_trigger(trigger: Trigger) -> None:
    """Assert that a trigger obeys its contract.

    Checked: the protocol; it proposes nothing where nothing is wrong, where alerts are pending, muted or ended, and
    where there is no champion yet; it does propose on its cause, which is its ``trial`` or else a firing alert of some
    cause, or a champion that is older than it may be; a proposal says why, by a code and in one line, and the alert
    that it names is one that fires; the same memory gives the same proposal, to a fresh trigger and with the alerts in
    another order too, and nothing that it was given is changed.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    assert isinstance(trigger, Trigger), "it lacks a member of the protocol Trigger"
    assert trigger.plugin == "trigger", f"plugin is {trigger.plugin!r}"
    assert trigger.__doc__, "it has no docstring"
    assert type(plugins("trigger").get(trigger.name)) is type(trigger), f"{trigger.name!r} is not registered"
    for world in _quiet():
        found = world.ask(trigger)
        assert found is None, f"it proposes without a cause, {world.name}: {found}"
    causes = list(_causes(trigger))
    proposed = [(world, found) for world in causes if (found := world.ask(trigger))]
    assert proposed, f"it proposes nothing on any of: {'; '.join(world.name for world in causes)}"
    for world, found in proposed:
        _check_proposal(world, found)
        _check_pure(trigger, world, found)


def _check_proposal(world: _World, found: Proposal) -> None:
    assert found.ground.code.isidentifier(), f"{world.name}: its proposal does not say why, by a code"
    words = ground_sentence(found.ground)
    assert words.isprintable(), f"{world.name}: why it proposes takes more than a line: {words!r}"
    firing = [alert.id for alert in world.alerts if alert.state is AlertState.FIRING]
    assert found.alert in ("", *firing), f"{world.name}: it names the alert {found.alert!r}, which does not fire"


def _check_pure(trigger: Trigger, world: _World, found: Proposal) -> None:
    before = deepcopy((world.alerts, world.memory, world.spec))
    again = world.ask(trigger)
    assert again == found, f"{world.name}: asked again it proposes {again}, and not {found}"
    fresh = world.ask(type(trigger)())
    assert fresh == found, f"{world.name}: a fresh trigger proposes {fresh}, and not {found}"
    turned = replace(world, alerts=world.alerts[::-1]).ask(trigger)
    assert turned == found, f"{world.name}: with the alerts in another order it proposes {turned}, and not {found}"
    assert before == (world.alerts, world.memory, world.spec), f"{world.name}: it changes what it was given"


def _alert(cause: Cause, state: AlertState = AlertState.FIRING, number: int = 0) -> Alert:
    end = AlertEnd.CLEARED if state is AlertState.ENDED else None
    return Alert(
        f"{cause.value}-{number}", "flights", cause, Severity.PAGE, state, since=_NOW - timedelta(days=3), last=_NOW,
        columns=("distance",), end=end,
    )  # fmt: skip


def _memory(age: timedelta = timedelta(days=10)) -> MaintenanceMemory:
    """Return what is remembered of a champion whose newest training row is that old."""
    end = _NOW - age
    facts = {"trained_from": (end - timedelta(days=60)).isoformat(), "trained_until": end.isoformat()}
    known = [(ActionKind.REGISTER, facts), (ActionKind.PROMOTE, {"from": "", "to": "v1"})]
    actions = tuple(
        Action(kind.value, "flights", kind, Outcome.DONE, "first", "us", end + timedelta(days=1), "v1", "", dict(told))
        for kind, told in known
    )
    return MaintenanceMemory(_NOW, actions, "v1")


def _quiet() -> Iterator[_World]:
    yield _World("with no alert and a young champion", (), _memory(), _AGED)
    yield _World("with no limit of age", (), _memory(timedelta(days=2_000)))
    yield _World("with no champion", (), MaintenanceMemory(_NOW), _AGED)
    for state in (AlertState.PENDING, AlertState.MUTED, AlertState.ENDED):
        alerts = tuple(_alert(cause, state) for cause in Cause)
        yield _World(f"with alerts that are {state.value}", alerts, _memory(), _AGED)


def _causes(trigger: Trigger) -> Sequence[_World]:
    if isinstance(trigger, TriedTrigger):
        alerts, memory, spec = trigger.trial()
        return [_World("its trial", tuple(alerts), memory, spec)]
    aged = _World("a champion that is too old", (), _memory(timedelta(days=365)), _AGED)
    firing = [
        _World(f"firing alerts of {cause.value}", (_alert(cause), _alert(cause, number=1)), _memory())
        for cause in Cause
    ]
    return [aged, *firing]

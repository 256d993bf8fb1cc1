"""The last of the four steps: alerts in, actions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.plugins import plugins
from watchkeeper.core.spec import Spec
from watchkeeper.maintain.guard import FAULTS, fault_in_words
from watchkeeper.maintain.registry import action_id
from watchkeeper.maintain.trigger import MaintenanceMemory, Proposal, Trigger

__all__ = ["WHO", "promotion_barrier", "respond"]

WHO = "watchkeeper"
"""The name automatic actions carry; people have their own."""

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_ROLLBACKS = 2


def respond(alerts: Sequence[Alert], spec: Spec, memory: MaintenanceMemory) -> list[Action]:
    """Return what should be done about the alerts; nothing is done here.

    A data fault, label fault or blindness that is open is answered by ``hold``: training on such data would teach the
    fault. Otherwise each trigger may propose to retrain, unless two rollbacks within seven days have frozen the
    automation or a refused challenger is so recent that nothing can have changed (``maintenance.cooldown`` windows). An
    action that is in the memory is not returned again.

    Parameters
    ----------
    alerts
        The newest state of each alert of the model.
    spec
        ``maintenance.train`` empty or ``maintenance.retrain: never`` ends in no action.
    memory
        Recorded actions and the end of the judged window.

    Returns
    -------
    list of Action
        ``hold`` (done) for what blocks, ``retrain`` (proposed) for what should be done; ``facts["mode"]`` says whether
        it may be done without asking.
    """
    rule = spec.maintenance
    if not rule.train or rule.retrain == "never":
        return []
    faults = [a for a in alerts if a.cause in FAULTS and a.state is not AlertState.ENDED]
    if faults:
        return _new([_hold(spec, a.since, f"retraining waits: {fault_in_words(a)}", a.id) for a in faults], memory)
    proposals = _proposals(alerts, spec, memory)
    if not proposals:
        return []
    why = "; ".join(p.why for p in proposals)
    identity = action_id(spec.model, ActionKind.RETRAIN, "", memory.now, why)
    if any(a.id == identity for a in memory.actions):
        # Answered before: what came of it may bar the next proposal, but is no reason to hold this one.
        return []
    barrier = _frozen(memory) or _cooling(spec, memory)
    if barrier:
        return _new([_hold(spec, barrier[0], barrier[1], proposals[0].alert)], memory)
    if rule.retrain == "ask" and _asked(proposals[0], why, memory):
        return []
    action = Action(
        identity, spec.model, ActionKind.RETRAIN, Outcome.PROPOSED, why, WHO, memory.now, "", proposals[0].alert,
        {"mode": rule.retrain},
    )  # fmt: skip
    return [action]


def promotion_barrier(spec: Spec, memory: MaintenanceMemory) -> str:
    """Return why a proven challenger may not be promoted without asking; empty when it may.

    Automatic promotion needs ``maintenance.promote: auto``, at most one of them a day, and no freeze.
    """
    if spec.maintenance.promote != "auto":
        return f"maintenance.promote is {spec.maintenance.promote}: a person decides"
    frozen = _frozen(memory)
    if frozen:
        return frozen[1]
    own = replace(memory, actions=tuple(a for a in memory.actions if a.who == WHO))
    last = own.last(ActionKind.PROMOTE)
    if last is not None and last.at is not None and memory.now - last.at < _DAY:
        return f"the last automatic promotion was at {last.at:%Y-%m-%d %H:%M}; there is at most one a day"
    return ""


def _proposals(alerts: Sequence[Alert], spec: Spec, memory: MaintenanceMemory) -> list[Proposal]:
    found = []
    for trigger in plugins("trigger").values():
        proposal = _ask(trigger, alerts, spec, memory)
        if proposal is not None:
            found.append(proposal)
    # A proposal that comes from an alert goes first: its id is what the action carries.
    return sorted(found, key=lambda p: not p.alert)


def _ask(trigger: Trigger, alerts: Sequence[Alert], spec: Spec, memory: MaintenanceMemory) -> Proposal | None:
    return trigger.propose(alerts, memory, spec)


def _frozen(memory: MaintenanceMemory) -> tuple[datetime, str] | None:
    """Return since when and why automation is frozen."""
    times = sorted(
        a.at
        for a in memory.actions
        if a.kind is ActionKind.ROLL_BACK and a.outcome is Outcome.DONE and a.at and memory.now - a.at < _WEEK
    )
    if len(times) < _ROLLBACKS:
        return None
    until = times[-_ROLLBACKS] + _WEEK
    return times[-1], f"{len(times)} rollbacks within 7 days freeze automation until {until:%Y-%m-%d %H:%M}"


def _cooling(spec: Spec, memory: MaintenanceMemory) -> tuple[datetime, str] | None:
    """Return since when and why nothing is tried again yet: a challenger was refused, or waits for a person."""
    refused = memory.last(ActionKind.VALIDATE, outcome=Outcome.REFUSED)
    waiting = memory.last(ActionKind.PROMOTE, outcome=Outcome.PROPOSED)
    promoted = memory.last(ActionKind.PROMOTE)
    newest = max(((a.at, a) for a in (refused, waiting) if a and a.at), key=lambda pair: pair[0], default=None)
    if newest is None or (promoted and promoted.at and promoted.at >= newest[0]):
        return None
    since, action = newest
    until = since + spec.maintenance.cooldown * (spec.windows.every if spec.windows else _DAY)
    if memory.now >= until:
        return None
    name = action.version or "a challenger"
    told = f"{name} has been refused" if action.outcome is Outcome.REFUSED else f"{name} has waited for a decision"
    return since, f"{told} since {since:%Y-%m-%d %H:%M}; the next try is from {until:%Y-%m-%d %H:%M}"


def _asked(proposal: Proposal, why: str, memory: MaintenanceMemory) -> bool:
    """Whether the same was proposed before and nothing has been done since."""
    asked = memory.last(ActionKind.RETRAIN, outcome=Outcome.PROPOSED)
    done = memory.last(ActionKind.RETRAIN, ActionKind.PROMOTE, ActionKind.ROLL_BACK)
    if asked is None or asked.at is None or (done and done.at and done.at >= asked.at):
        return False
    return asked.alert == proposal.alert if proposal.alert else asked.why == why


def _hold(spec: Spec, at: datetime | None, why: str, alert: str) -> Action:
    # The message of an alert changes with its numbers; one episode is held once.
    identity = action_id(spec.model, ActionKind.HOLD, "", at, alert or why)
    return Action(identity, spec.model, ActionKind.HOLD, Outcome.DONE, why, WHO, at, "", alert)


def _new(actions: Sequence[Action], memory: MaintenanceMemory) -> list[Action]:
    known = {a.id for a in memory.actions}
    return [a for a in actions if a.id not in known]

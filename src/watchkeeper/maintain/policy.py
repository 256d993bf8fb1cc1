"""The last of the four steps: alerts in, actions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.ground import Ground
from watchkeeper.core.plugins import plugins
from watchkeeper.core.spec import Spec
from watchkeeper.maintain.backoff import backing_off
from watchkeeper.maintain.budget import spent
from watchkeeper.maintain.grounds import of_alert, same_grounds
from watchkeeper.maintain.guard import spoils_training
from watchkeeper.maintain.registry import AUTOMATION, action_id
from watchkeeper.maintain.schedule import due, interval, last_training
from watchkeeper.maintain.trigger import MaintenanceMemory, Proposal, Trigger

__all__ = ["WHO", "frozen", "hold", "promotion_barrier", "respond"]

WHO = AUTOMATION
"""The name automatic actions carry."""

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_ROLLBACKS = 2


def respond(alerts: Sequence[Alert], spec: Spec, memory: MaintenanceMemory) -> list[Action]:
    """Return what should be done about the alerts; nothing is done here.

    A data fault, label fault or blindness that is open is answered by ``hold``: training on such data would teach the
    fault. Otherwise each trigger may propose to retrain, unless two rollbacks within seven days have frozen the
    automation, a refused challenger is so recent that nothing can have changed (``maintenance.cooldown`` windows),
    trainings have failed (see ``backing_off``), the budget of trainings or of money is spent, or
    ``maintenance.enabled`` is false. An action that is in the memory is not returned again.

    Parameters
    ----------
    alerts
        The newest state of each alert of the model.
    spec
        neither ``maintenance.train`` nor ``framework`` or ``maintenance.retrain: never`` ends in no action.
    memory
        Recorded actions and the end of the judged window.

    Returns
    -------
    list of Action
        ``hold`` (done) for what blocks and until when, also after a training for when the schedule asks for the next;
        ``retrain`` (proposed) for what should be done; ``facts["mode"]`` says whether it may be done without asking.
    """
    rule = spec.maintenance
    if not rule.trains or rule.retrain == "never":
        return []
    faults = [a for a in alerts if a.state is not AlertState.ENDED and spoils_training(a, spec.schema)]
    if faults:
        again = memory.now + (spec.windows.every if spec.windows else _DAY)
        return _new([hold(spec, a.since, replace(of_alert("fault", a), until=again), a.id) for a in faults], memory)
    proposals = _proposals(alerts, spec, memory)
    if not proposals:
        return _not_due(spec, memory)
    because = tuple(proposal.ground for proposal in proposals)
    identity = action_id(spec.model, ActionKind.RETRAIN, "", memory.now, same_grounds(because) + proposals[0].alert)
    if any(a.id == identity or _before_grounds(a, memory.now) for a in memory.actions):
        # Answered before: what came of it may bar the next proposal, but is no reason to hold this one.
        return []
    if not rule.enabled:
        off = Ground("switched_off", at=last_training(memory))
        return _new([hold(spec, off.at, off, proposals[0].alert)], memory)
    barrier = frozen(memory) or _cooling(spec, memory, proposals[0]) or backing_off(spec, memory) or spent(spec, memory)
    if barrier:
        return _new([hold(spec, barrier.at, barrier, proposals[0].alert)], memory)
    if rule.retrain == "ask" and _asked(proposals[0], because, memory):
        return []
    action = Action(
        identity, spec.model, ActionKind.RETRAIN, Outcome.PROPOSED, "", WHO, memory.now, "", proposals[0].alert,
        {"mode": rule.retrain}, because,
    )  # fmt: skip
    return [action]


def promotion_barrier(spec: Spec, memory: MaintenanceMemory) -> Ground | None:
    """Return why a proven challenger may not be promoted without asking; None when it may.

    Automatic promotion needs ``maintenance.promote: auto``, at most one of them a day, and no freeze. With
    ``maintenance.rollout`` it begins with a rollout.
    """
    if not spec.maintenance.enabled:
        return Ground("switched_off")
    if spec.maintenance.promote != "auto":
        return Ground("person_decides", spec.maintenance.promote)
    if spec.maintenance.second_person:
        return Ground("person_decides", "second_person")
    barred = frozen(memory)
    if barred:
        return barred
    own = replace(memory, actions=tuple(a for a in memory.actions if a.who == WHO))
    last = own.last(ActionKind.PROMOTE)
    if last is not None and last.at is not None and memory.now - last.at < _DAY:
        return Ground("one_a_day", at=last.at)
    if spec.maintenance.rollout is not None and memory.champion is not None:
        return Ground("rolls_out")
    return None


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


def _not_due(spec: Spec, memory: MaintenanceMemory) -> list[Action]:
    """Return the decision to wait for the schedule, once after each training that ended."""
    last, moment = last_training(memory), due(memory, spec)
    tried = memory.last(ActionKind.VALIDATE) or memory.last(ActionKind.VALIDATE, outcome=Outcome.REFUSED)
    if not spec.maintenance.enabled or last is None or moment is None or tried is None:
        return []
    gained = tried.facts.get("relative_gain") if tried.at == last else None
    value = float(gained) if isinstance(gained, int | float) else None
    name = "adaptive" if spec.maintenance.schedule == "adaptive" else "fixed"
    windows = interval(memory.actions) if name == "adaptive" else 0
    return _new([hold(spec, last, Ground("not_due", name, value=value, n=windows, at=last, until=moment), "")], memory)


def frozen(memory: MaintenanceMemory) -> Ground | None:
    """Return since when and why automation is frozen."""
    times = sorted(
        a.at
        for a in memory.actions
        if a.kind is ActionKind.ROLL_BACK and a.outcome is Outcome.DONE and a.at and memory.now - a.at < _WEEK
    )
    if len(times) < _ROLLBACKS:
        return None
    until = times[-_ROLLBACKS] + _WEEK
    return Ground("frozen", n=len(times), at=times[-1], until=until)


def _cooling(spec: Spec, memory: MaintenanceMemory, proposal: Proposal) -> Ground | None:
    """Return since when and why nothing is tried again yet: a challenger was refused, or waits for a person.

    A challenger that was trained by the schedule says nothing of one that answers an alert which fires since.
    """
    refused = memory.last(ActionKind.VALIDATE, outcome=Outcome.REFUSED)
    asked = memory.last(ActionKind.RETRAIN, outcome=Outcome.PROPOSED)
    if proposal.alert and asked is not None and not asked.alert:
        refused = None
    waiting = memory.last(ActionKind.PROMOTE, outcome=Outcome.PROPOSED)
    promoted = memory.last(ActionKind.PROMOTE)
    newest = max(((a.at, a) for a in (refused, waiting) if a and a.at), key=lambda pair: pair[0], default=None)
    if newest is None or (promoted and promoted.at and promoted.at >= newest[0]):
        return None
    since, action = newest
    until = since + spec.maintenance.cooldown * (spec.windows.every if spec.windows else _DAY)
    if memory.now >= until:
        return None
    code = "refused_lately" if action.outcome is Outcome.REFUSED else "undecided"
    return Ground(code, version=action.version, at=since, until=until)


def _before_grounds(action: Action, now: datetime) -> bool:
    """Whether version 0.1.0, which knew an action by its sentence, has proposed to retrain in this window."""
    proposed = (action.kind, action.outcome, action.who) == (ActionKind.RETRAIN, Outcome.PROPOSED, WHO)
    return proposed and action.at == now and not action.because


def _asked(proposal: Proposal, because: tuple[Ground, ...], memory: MaintenanceMemory) -> bool:
    """Whether the same was proposed before and nothing has been done since."""
    asked = memory.last(ActionKind.RETRAIN, outcome=Outcome.PROPOSED)
    done = memory.last(ActionKind.RETRAIN, ActionKind.PROMOTE, ActionKind.ROLL_BACK)
    if asked is None or asked.at is None or (done and done.at and done.at >= asked.at):
        return False
    return asked.alert == proposal.alert if proposal.alert else same_grounds(asked.because) == same_grounds(because)


def hold(spec: Spec, at: datetime | None, ground: Ground, alert: str) -> Action:
    """Return the record of a decision not to act, with its reason."""
    # One episode of an alert is held once, whatever becomes of its numbers.
    identity = action_id(spec.model, ActionKind.HOLD, "", at, alert or same_grounds((ground,)))
    return Action(identity, spec.model, ActionKind.HOLD, Outcome.DONE, "", WHO, at, "", alert, because=(ground,))


def _new(actions: Sequence[Action], memory: MaintenanceMemory) -> list[Action]:
    known = {a.id for a in memory.actions}
    return [a for a in actions if a.id not in known]

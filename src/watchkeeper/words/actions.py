"""Why something is done or refused, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from math import exp

from watchkeeper.core.action import Action, ActionKind
from watchkeeper.core.alert import Alert, Cause
from watchkeeper.core.ground import Ground, Observation
from watchkeeper.core.triage import standing_triage
from watchkeeper.words.alerts import CAUSES, describe, number_sentence
from watchkeeper.words.compressed import COMPRESSED
from watchkeeper.words.names import measure_words

__all__ = ["action_sentence", "first_ground", "ground_sentence", "triage_sentence"]

_MOST = 4

_CLAUSE = r"; (?![^(]*\))"
"""Between two clauses of a sentence; one in brackets is part of its clause."""


def action_sentence(action: Action, alerts: Iterable[Alert] = ()) -> str:
    """Say why something was done: in the words of the person who did it, or by the grounds that were recorded.

    Parameters
    ----------
    alerts
        Alerts at hand; one that an action answers says more of itself than the action does.
    """
    return "; ".join(_grounds(action, alerts))


def triage_sentence(alert: Alert, actions: Iterable[Action]) -> str:
    """Say what a person did about an open alert last: acknowledged or muted it, who and why; empty where nobody did.

    Parameters
    ----------
    actions
        Of the model, in any order.
    """
    last = standing_triage(alert, actions)
    if last is None:
        return ""
    until = "".join(f" {ground_sentence(ground)}" for ground in last.because)
    return f"{_SAID[last.kind]}{until} by {last.who}" + (f": {last.why}" if last.why else "")


_SAID: Mapping[ActionKind, str] = {ActionKind.ACKNOWLEDGE: "acknowledged", ActionKind.MUTE: "muted"}


def first_ground(action: Action) -> str:
    """Say the first reason why something was done, without its details; empty where none is given."""
    return re.split(_CLAUSE, next(iter(_grounds(action, ())), ""), maxsplit=1)[0]


def _grounds(action: Action, alerts: Iterable[Alert]) -> list[str]:
    found = [action.why] if action.why else []
    alert = next((one for one in alerts if one.id == action.alert), None) if action.alert else None
    for ground in action.because:
        said = ground_sentence(ground)
        if ground.code == "fault":
            known = describe(alert.evidence) if alert else ""
            said += f": {known or _observed(ground) or ground.text}"
            said = f"retraining waits: {said}" if action.kind is ActionKind.HOLD else said
        found.append(said)
    return found


def ground_sentence(ground: Ground) -> str:
    """Say what a ground is; an unknown one, such as that of a plug-in, by its own text or its code."""
    say = _BY_CODE.get(ground.code)
    return say(ground) if say else ground.text or ground.code.replace("_", " ")


def _observed(ground: Ground) -> str:
    said = [_observation(one) for one in ground.observations]
    more = f"; and {ground.more} more" if ground.more else ""
    return "; ".join(said) + more


def _observation(one: Observation) -> str:
    where = f" in {one.segment}" if one.segment else ""
    if one.value is None:
        return f"{one.reason or f'{one.name} of {one.column} could not be measured'}{where}"
    limits = (one.lower, one.upper)
    return number_sentence(one.name, one.column, one.value, one.centre, limits, estimated=one.estimated) + where


def _moment(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "–"


def _alert_firing(ground: Ground) -> str:
    return _observed(ground) or CAUSES[Cause(ground.cause)]


def _fault(ground: Ground) -> str:
    where = f" in {', '.join(ground.columns)}" if ground.columns else ""
    since = f" since {_moment(ground.at)}".removesuffix(" 00:00") if ground.at else ""
    return f"{CAUSES[Cause(ground.cause)]}{where}{since}"


def _unreadable(ground: Ground) -> str:
    when = f"{ground.name}" or "all rows"
    return f"data fault in {', '.join(ground.columns)} ({when}): {ground.text}"


def _old(ground: Ground) -> str:
    end = f"{ground.until:%Y-%m-%d}" if ground.until else "–"
    return f"{ground.version} was trained on rows up to {end}; the limit is {ground.needed} days"


def _due(ground: Ground) -> str:
    since = f"nothing was trained since {_date(ground.at)}"
    if ground.name == "fixed":
        return f"{since}, and maintain.schedule asks for it from {_date(ground.until)}"
    windows = "window" if ground.n == 1 else f"{ground.n} windows"
    return f"{since}: by what the last trainings gained, the next one pays after {windows}"


def _not_due(ground: Ground) -> str:
    when = f"the next training without an alarm is due on {_date(ground.until)}"
    if ground.value is None:
        return when
    direction = "gained" if ground.value >= 0 else "lost"
    return f"{when}: the last one {direction} {abs(ground.value):.1%} on the champion's loss"


def _sample_size(ground: Ground) -> str:
    gain = f"a gain of {ground.value:.2g} a row" if ground.value else ""
    to_show = gain or f"that the challenger is not worse by {ground.limit or 0.0:.2g} a row"
    return f"to show {to_show} the gate needs about {ground.needed:,} rows; there are {ground.n:,} to judge on"


def _regret(ground: Ground) -> str:
    return (
        f"since {_date(ground.at)} the champion lost more than the {ground.before or 0.0:.3g} of its good days: on "
        f"{ground.n:,} rows that cost {ground.value or 0.0:.4g}, and a training costs {ground.limit or 0.0:.4g}"
    )


def _new_labels(ground: Ground) -> str:
    return f"{ground.n:,} labels have come that nothing has learned from; maintain.new_labels is {ground.needed:,}"


def _budget(ground: Ground) -> str:
    limit = f"{ground.limit or 0.0:g} trainings" if ground.name == "trainings" else f"{ground.limit or 0.0:g} of money"
    return f"{ground.n} trainings within 30 days, and {limit} are allowed; the next may be on {_date(ground.until)}"


def _switched_off(ground: Ground) -> str:
    return f"{ground.name or 'maintain.enabled'} is false: nothing is trained or promoted until it is set to true"


def _muted(ground: Ground) -> str:
    return f"until {_moment(ground.until)}"


def _frozen(ground: Ground) -> str:
    return f"{ground.n} rollbacks within 7 days freeze automation until {_moment(ground.until)}"


def _cooling(ground: Ground) -> str:
    name = ground.version or "a challenger"
    told = f"{name} has been refused" if ground.code == "refused_lately" else f"{name} has waited for a decision"
    return f"{told} since {_moment(ground.at)}; the next try is from {_moment(ground.until)}"


def _failed(ground: Ground) -> str:
    first, line, rest = ground.text.partition("\n")
    return f"{first}{_next_try(ground)}{line}{rest}"


def _failed_lately(ground: Ground) -> str:
    times = "the last training" if ground.n == 1 else f"the last {ground.n} trainings"
    return f"{times} failed, the newest at {_moment(ground.at)}{_next_try(ground)}"


def _next_try(ground: Ground) -> str:
    return f"; the next try is from {_moment(ground.until)}" if ground.until else ""


def _person(ground: Ground) -> str:
    if ground.name == "second_person":
        return "maintain.second_person is set: two people decide"
    return f"maintain.promote is {ground.name}: a person decides"


def _second_person(ground: Ground) -> str:
    return f"{ground.name} asked for it; a second person has to ask for it too"


def _one_a_day(ground: Ground) -> str:
    return f"the last automatic promotion was at {_moment(ground.at)}; there is at most one a day"


def _trained(ground: Ground) -> str:
    best = next((tried for tried in ground.tried if tried.name == ground.name), None)
    loss = f" (held-out loss {best.loss:.3g})" if best else ""
    others = ", ".join(f"{t.name} +{t.behind:.3g} ± {t.error:.2g}" for t in ground.tried if t is not best)
    return f"trained on {ground.n:,} rows, window {ground.name}{loss}" + (
        f"; others behind it: {others}" if others else ""
    )


def _compared(ground: Ground) -> str:
    error = f"standard error {ground.error or 0.0:.2g}, n = {ground.n}"
    return (
        f"{measure_words(ground.name)} {ground.before or 0.0:.4f} → {ground.after or 0.0:.4f} "
        f"(gain {ground.value or 0.0:+.4f}, {error}, p = {ground.p_value or 0.0:.2g})"
    )


def _no_answer(ground: Ground) -> str:
    return f"the challenger gives no usable answer on {ground.n:,} of {ground.needed:,} rows"


def _too_few(ground: Ground) -> str:
    return f"needs {ground.needed:,} rows, has {ground.n:,}"


def _one_class(ground: Ground) -> str:
    return f"{ground.name} cannot be compared on {ground.n} rows: fewer than two of one class"


def _leakage(ground: Ground) -> str:
    limit = ground.limit or 0.0
    said = f"the challenger loses {ground.after or 0.0:.4g}, less than half of {limit:.4g} ({ground.name})"
    if ground.columns:
        said = f"{_listed(ground.columns)} alone may know the label ({ground.name} below half of {limit:.4g})"
    return f"{said}; look for a feature that knows the label before promoting it by hand"


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _one_day(ground: Ground) -> str:
    return (
        f"{ground.name} cannot be compared on {ground.n} rows of one day: too few earlier days say how much days differ"
    )


def _miscalibrated(ground: Ground) -> str:
    return (
        f"the challenger's mean {ground.name} misses the share of positives by {ground.value or 0.0:+.3g} "
        f"± {ground.error or 0.0:.2g} (the champion's by {ground.before or 0.0:.3g}; "
        f"{ground.limit or 0.0:.2g} is allowed)"
    )


def _awaits(ground: Ground) -> str:
    since, until = _date(ground.at), _date(ground.until)
    if not ground.n:
        return f"retraining waits: no labelled rows since {since} are trainable until {until}"
    few = f"{ground.n} labelled rows since {since} are too few to learn from and to judge on"
    return f"retraining waits: {few}; {ground.needed} are expected by {until}"


def _immature(ground: Ground) -> str:
    stretch = f"from {_date(ground.at)} to {_date(ground.until)}"
    return (
        f"labels are immature: under {ground.limit or 0.0:.0%} of those that usually come have come for any window "
        f"{stretch}, and those that come fast are not like the others"
    )


def _date(at: datetime | None) -> str:
    if at is None:
        return "–"
    return f"{at:%d %B}".lstrip("0") + ("" if at.hour == at.minute == 0 else f", {at:%H:%M}")


def _not_worse(ground: Ground) -> str:
    where = f", in {ground.needed} segments too" if ground.needed else ""
    return f"not worse by more than {ground.limit or 0.0:.4g}{where}: {_compared(ground)}"


def _worse(ground: Ground) -> str:
    low = f"the gain may be as low as {ground.lower or 0.0:+.4f}, the margin is {ground.limit or 0.0:.4g}"
    short = ground.needed > ground.n
    if ground.segment:
        few = f"; it needs {ground.needed} rows, has {ground.n}" if short else ""
        return f"segment {ground.segment} is not shown to be non-inferior: {_compared(ground)}; {low}{few}"
    few = f"; showing non-inferiority needs {ground.needed} rows, has {ground.n}" if short else ""
    return f"not shown to be non-inferior: {_compared(ground)}; {low}{few}"


def _not_better(ground: Ground) -> str:
    return f"not shown to be better: {_compared(ground)}, the level is {ground.limit or 0.0:.2g}"


def _better(ground: Ground) -> str:
    where = f" and non-inferior in {ground.needed} segments" if ground.needed else ""
    return f"better: {_compared(ground)}{where}"


def _evidence(ground: Ground) -> str:
    odds = f"{exp(min(ground.evidence or 0.0, 40.0)):,.3g} : 1, {exp(ground.limit or 0.0):,.3g} : 1 needed"
    effect = f"; {ground.effect:.2g} rows of a day count as one" if ground.effect and ground.effect > 1.05 else ""
    return f"evidence {odds}{effect}"


def _gain(ground: Ground) -> str:
    gain = ground.value or 0.0
    where = f" in {ground.segment}" if ground.segment else ""
    return f"{'worse' if gain < 0 else 'better'} by {abs(gain):.3g} a row{where} on {ground.n:,} labelled rows"


def _rollout(words: str) -> Callable[[Ground], str]:
    def said(ground: Ground) -> str:
        return f"{words}{_gain(ground)}" + (f" ({_evidence(ground)})" if ground.evidence is not None else "")

    return said


def _rollout_slow(ground: Ground) -> str:
    return (
        f"slow: {ground.value or 0.0:.1%} of {ground.n:,} requests take longer than {1 - (ground.before or 0.0):.0%} "
        f"of the champion's did ({_evidence(ground)})"
    )


def _sample_ratio(ground: Ground) -> str:
    return (
        f"{ground.value or 0.0:.2%} of {ground.n:,} requests went to the challenger, where {ground.before or 0.0:.0%} "
        f"should ({_evidence(ground)}); look at the routing"
    )


def _few_days(ground: Ground) -> str:
    return f"labelled rows of {ground.n} days are there, and {ground.needed} must say how much days differ"


def _superseded(ground: Ground) -> str:
    return f"{ground.version or 'no version'} is in charge by now"


_BY_CODE: Mapping[str, Callable[[Ground], str]] = {
    "alert_firing": _alert_firing,
    "fault": _fault,
    "unreadable": _unreadable,
    "champion_old": _old,
    "training_due": _due,
    "not_due": _not_due,
    "sample_size": _sample_size,
    "regret": _regret,
    "new_labels": _new_labels,
    "budget_spent": _budget,
    "switched_off": _switched_off,
    "frozen": _frozen,
    "muted": _muted,
    "refused_lately": _cooling,
    "undecided": _cooling,
    "failed": _failed,
    "failed_lately": _failed_lately,
    "person_decides": _person,
    "second_person": _second_person,
    "one_a_day": _one_a_day,
    "trained": _trained,
    "no_answer": _no_answer,
    "too_few_rows": _too_few,
    "one_class": _one_class,
    "leakage": _leakage,
    "awaits_labels": _awaits,
    "labels_immature": _immature,
    "one_day": _one_day,
    "miscalibrated": _miscalibrated,
    "not_worse": _not_worse,
    "not_non_inferior": _worse,
    "not_better": _not_better,
    "better": _better,
    "rolls_out": lambda _: "maintain.rollout is set: it takes over step by step",
    "rollout_began": lambda ground: f"it begins beside {ground.version}",
    "rollout_step": _rollout("goes on: "),
    "rollout_waits": _rollout("undecided: "),
    "rollout_better": _rollout("not worse: "),
    "rollout_worse": _rollout(""),
    "rollout_watched": _rollout("in charge and watched: "),
    "rollout_complete": _rollout("over: "),
    "rollout_inconclusive": _rollout("inconclusive, the champion stays: "),
    "rollout_slow": _rollout_slow,
    "rollout_failed": lambda ground: f"it fails: {ground.text}",
    "rollout_few_days": _few_days,
    "rollout_superseded": _superseded,
    "sample_ratio": _sample_ratio,
    **COMPRESSED,
}

"""How a version of a model came to be, in a dozen plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.errors import UsageError, near_miss
from watchkeeper.core.provenance import Provenance, Tenure, VersionRole
from watchkeeper.core.query import Query
from watchkeeper.core.store import Store
from watchkeeper.maintain.registry import CHAMPION, Version, versions
from watchkeeper.views.causes import cause_lines
from watchkeeper.words.actions import action_sentence
from watchkeeper.words.alerts import alert_sentence

__all__ = ["StoryLine", "version_story"]

_MOST_CAUSES = 1


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One thing that happened, and when; ``at`` is None for what has no time of its own."""

    at: datetime | None
    text: str


def version_story(store: Store, model: str, name: str) -> list[StoryLine]:
    """Return how a version came to be and what became of it: alert, cause, training, proof, promotion, service.

    Raises
    ------
    UsageError
        When there is no such version.
    """
    actions = store.recorded(model, Action)
    known = {version.name: version for version in versions(actions, store.pointer(model, CHAMPION))}
    if name not in known:
        raise UsageError(f"there is no version {name!r} of {model}; {near_miss(name, list(known))}")
    version = known[name]
    own = [action for action in actions if action.version == name]
    proposal = _proposal(actions, own)
    made = store.recorded(model, Provenance, Query(versions=(name,)))
    proposed = f"{proposal.who} proposed to retrain: {action_sentence(proposal)}" if proposal else ""
    return [
        *_began(store, model, proposal, own),
        *([StoryLine(proposal.at, proposed)] if proposal else []),
        *_made(version, own, made[0] if made else None),
        *_judged(own),
        *_served(version, store.recorded(model, Tenure)),
    ]  # fmt: skip


def _proposal(actions: Sequence[Action], own: Sequence[Action]) -> Action | None:
    trained = next((a for a in own if a.kind is ActionKind.RETRAIN and a.outcome is Outcome.DONE), None)
    wanted = trained.facts.get("proposal") if trained else None
    return next((action for action in actions if action.id == wanted), None)


def _began(store: Store, model: str, proposal: Action | None, own: Sequence[Action]) -> Iterator[StoryLine]:
    """Yield the alert that a version answers, and what it was diagnosed to come from."""
    alert_id = next((a.alert for a in ([proposal] if proposal else []) + list(own) if a.alert), "")
    found = store.recorded(model, Alert, Query(ids=(alert_id,))) if alert_id else []
    for alert in found[:1]:
        yield StoryLine(alert.since, f"an alert began ({alert.cause.value.replace('_', ' ')}): {alert_sentence(alert)}")
        for diagnosis in store.recorded(model, Diagnosis, Query(ids=(alert.id,)))[:1]:
            for cause in cause_lines(diagnosis, alert, _MOST_CAUSES):
                said = "; ".join(cause.evidence[:1])
                yield StoryLine(
                    None, f"its likeliest cause, {cause.confidence}: {cause.kind}" + (f": {said}" if said else "")
                )


def _made(version: Version, own: Sequence[Action], made: Provenance | None) -> Iterator[StoryLine]:
    """Yield what it was trained on and with."""
    trained = next((a for a in own if a.kind is ActionKind.RETRAIN and a.outcome is Outcome.DONE), None)
    if version.trained:
        span = f"rows from {version.trained.start:%Y-%m-%d %H:%M} up to {version.trained.end:%Y-%m-%d %H:%M}"
        yield StoryLine(None, f"it has learned from {span}" + (f"; {action_sentence(trained)}" if trained else ""))
    if made is not None and made.data is not None:
        data = made.data
        yield StoryLine(
            None, f"{data.rows:,} rows of the log at {data.log or 'an unknown version'}, SHA-256 {data.digest[:12]}…"
        )
    if made is not None and made.trainer:
        packages = ", ".join(f"{name} {number}" for name, number in made.environment.items())
        yield StoryLine(None, f"made by {made.trainer} (code {made.code[:12]}…) with {packages}")
    registered = next((a for a in own if a.kind is ActionKind.REGISTER), None)
    if registered is not None:
        instead = f" to take the place of {version.parent}" if version.parent else ""
        kept = f"file {version.artefact[:12]}…" if version.artefact else "its model is kept elsewhere"
        why = f": {registered.why}" if registered.why else ""
        yield StoryLine(registered.at, f"{registered.who} registered {version.name}{instead}, {kept}{why}")


def _judged(own: Sequence[Action]) -> Iterator[StoryLine]:
    """Yield what the gate said, and what people and runs did with it."""
    for action in own:
        said = action_sentence(action)
        if action.kind is ActionKind.VALIDATE:
            verdict = "passed" if action.outcome is Outcome.DONE else "refused"
            yield StoryLine(action.at, f"the gate {verdict} it: {said}")
        elif action.kind is ActionKind.PROMOTE and action.outcome is Outcome.PROPOSED:
            yield StoryLine(action.at, f"{action.who} proposed it for promotion: {said}")
        elif action.kind in (ActionKind.PROMOTE, ActionKind.ROLL_BACK) and action.outcome is Outcome.DONE:
            verb = "promoted it" if action.kind is ActionKind.PROMOTE else "rolled back to it"
            forced = " by force" if action.facts.get("forced") else ""
            instead = f" in place of {action.facts['from']}" if action.facts.get("from") else ""
            yield StoryLine(action.at, f"{action.who} {verb}{forced}{instead}" + (f": {said}" if said else ""))


def _served(version: Version, tenures: Sequence[Tenure]) -> Iterator[StoryLine]:
    """Yield when it was in charge, by the clock of the store, and what it is now."""
    reigns = [tenure for tenure in tenures if tenure.role is VersionRole.CHAMPION]
    for number, tenure in enumerate(reigns):
        if tenure.version == version.name:
            after = reigns[number + 1] if number + 1 < len(reigns) else None
            until = f" until {after.since:%Y-%m-%d %H:%M}, when {after.version} followed" if after else ", and is still"
            yield StoryLine(tenure.since, f"in charge{until}")
    yield StoryLine(None, f"{version.name} is {version.standing.value.replace('_', ' ')} now")

"""How a version of a model came to be, in a dozen plain lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert
from watchkeeper.core.diagnosis import Diagnosis, HypothesisKind
from watchkeeper.core.encode import Moment, in_utc
from watchkeeper.core.errors import UsageError, near_miss
from watchkeeper.core.provenance import Provenance, Tenure, reigns
from watchkeeper.core.query import Query
from watchkeeper.core.store import Store
from watchkeeper.maintain.registry import CHAMPION, Version, versions
from watchkeeper.views.causes import KINDS, cause_lines
from watchkeeper.words.actions import action_sentence, first_ground
from watchkeeper.words.alerts import alert_sentence

__all__ = ["StoryLine", "StoryLineDocument", "VersionRecord", "story_documents", "version_record", "version_story"]

_MOVES = (ActionKind.PROMOTE, ActionKind.ROLL_BACK)


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One thing that happened, and when; ``at`` is None for what has no time of its own."""

    at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class StoryLineDocument:
    """One thing that happened to a version; null for what has no time of its own."""

    at: Moment | None
    text: str


def story_documents(lines: Iterable[StoryLine]) -> tuple[StoryLineDocument, ...]:
    """Return a story for programs."""
    return tuple(StoryLineDocument(in_utc(line.at), line.text) for line in lines)


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version, and what was recorded of it.

    Attributes
    ----------
    own
        The actions about it, and those that put another one in its place.
    made
        What it is made of; None where that was not recorded.
    reigned
        From when to when it was in charge; the last end is None where it still is.
    """

    version: Version
    own: tuple[Action, ...]
    proposal: Action | None
    made: Provenance | None
    reigned: tuple[tuple[datetime, datetime | None], ...]


def version_record(store: Store, model: str, name: str) -> VersionRecord:
    """Return what was recorded of a version.

    Raises
    ------
    UsageError
        When there is no such version.
    """
    actions = store.recorded(model, Action)
    known = {version.name: version for version in versions(actions, store.pointer(model, CHAMPION))}
    if name not in known:
        raise UsageError(f"there is no version {name!r} of {model}; {near_miss(name, list(known))}")
    own = tuple(a for a in actions if a.version == name or (a.kind in _MOVES and a.facts.get("from") == name))
    made = store.recorded(model, Provenance, Query(versions=(name,)))
    history = reigns(store.recorded(model, Tenure))
    reigned = _merged([(one.since, end) for one, end in _spans(history) if one.version == name])
    return VersionRecord(known[name], own, _proposal(actions, own), made[0] if made else None, reigned)


def version_story(store: Store, model: str, name: str) -> list[StoryLine]:
    """Return how a version came to be and what became of it, in the order of time.

    Raises
    ------
    UsageError
        When there is no such version.
    """
    record = version_record(store, model, name)
    proposal, version = record.proposal, record.version
    proposed = f"{proposal.who} proposed to retrain: {action_sentence(proposal)}" if proposal else ""
    lines = [
        *_began(store, model, record),
        *([StoryLine(proposal.at, proposed)] if proposal else []),
        *_made(record),
        *_judged(record),
    ]  # fmt: skip
    # What has no time belongs to the line before it.
    dated, last = list[tuple[datetime, StoryLine]](), None
    first = next((line.at for line in lines if line.at is not None), None)
    for line in lines:
        last = line.at or last or first
        if last is not None:
            dated.append((last, line))
    dated.sort(key=lambda pair: pair[0])
    told = [line for _, line in dated] if dated else lines
    return [
        *told,
        StoryLine(None, f"{version.name} is {version.standing.value.replace('_', ' ')} now{_reigned(record)}"),
    ]


def _proposal(actions: Sequence[Action], own: Sequence[Action]) -> Action | None:
    trained = _trained(own)
    wanted = trained.facts.get("proposal") if trained else None
    return next((action for action in actions if action.id == wanted), None)


def _trained(own: Sequence[Action]) -> Action | None:
    return next((a for a in own if a.kind is ActionKind.RETRAIN and a.outcome is Outcome.DONE), None)


def _began(store: Store, model: str, record: VersionRecord) -> Iterator[StoryLine]:
    """Yield the alert that a version answers, and what it was diagnosed to come from."""
    offered = [record.proposal] if record.proposal else []
    alert_id = next(
        (a.alert for a in (*offered, *record.own) if a.alert and a.version in ("", record.version.name)), ""
    )
    found = store.recorded(model, Alert, Query(ids=(alert_id,))) if alert_id else []
    for alert in found[:1]:
        yield StoryLine(alert.since, f"an alert began ({alert.cause.value.replace('_', ' ')}): {alert_sentence(alert)}")
        for diagnosis in store.recorded(model, Diagnosis, Query(ids=(alert.id,)))[:1]:
            yield StoryLine(None, _causes(diagnosis, alert, trained=_trained(record.own) is not None))


def _causes(diagnosis: Diagnosis, alert: Alert, *, trained: bool) -> str:
    """Say what an alert was held to come from.

    A version that was trained on the alert's rows is no answer to a data fault: where the diagnosis held one for
    likeliest and the data guard found none, both are said.
    """
    lines = cause_lines(diagnosis, alert)
    if not lines:
        return "its diagnosis names no cause"
    first = lines[0]
    said = f": {first.evidence[0]}" if first.evidence else ""
    told = f"its likeliest cause, {first.confidence}: {first.kind}{said}"
    if not trained or first.kind != KINDS[HypothesisKind.DATA_FAULT]:
        return told
    others = ", ".join(f"{line.kind} {line.confidence}" for line in lines[1:3])
    return (
        f"diagnosed as {first.kind}, {first.confidence}{said}"
        + (f" (else {others})" if others else "")
        + "; no data fault was open, so it was trained all the same"
    )


def _made(record: VersionRecord) -> Iterator[StoryLine]:
    """Yield what it was trained on and with."""
    version, made = record.version, record.made
    registered = next((a for a in record.own if a.kind is ActionKind.REGISTER), None)
    trained = _trained(record.own)
    at = (trained.at if trained else None) or (registered.at if registered else None)
    if version.trained:
        span = f"rows from {version.trained.start:%Y-%m-%d %H:%M} up to {version.trained.end:%Y-%m-%d %H:%M}"
        yield StoryLine(at, f"it has learned from {span}" + (f"; {first_ground(trained)}" if trained else ""))
    if made is not None and made.data is not None:
        data = made.data
        yield StoryLine(
            at, f"{data.rows:,} rows of the log at {data.log or 'an unknown version'}, SHA-256 {data.digest[:12]}…"
        )
    if made is not None and made.trainer:
        packages = ", ".join(f"{name} {number}" for name, number in made.environment.items())
        yield StoryLine(at, f"made by {made.trainer} (code {made.code[:12]}…) with {packages}")
    if registered is not None:
        instead = f" to take the place of {version.parent}" if version.parent else ""
        kept = f"file {version.artefact[:12]}…" if version.artefact else "its model is kept elsewhere"
        why = f": {registered.why}" if registered.why else ""
        yield StoryLine(registered.at, f"{registered.who} registered {version.name}{instead}, {kept}{why}")


def _judged(record: VersionRecord) -> Iterator[StoryLine]:
    """Yield what the gate said, and what people and runs did with it."""
    name = record.version.name
    proven = next((a for a in record.own if a.kind is ActionKind.VALIDATE), None)
    for action in record.own:
        said = first_ground(action)
        more = len(action.because) - 1
        said += f" (and {more} more)" if more > 0 and not action.why else ""
        if action.kind is ActionKind.VALIDATE:
            verdict = "passed" if action.outcome is Outcome.DONE else "refused"
            yield StoryLine(action.at, f"the gate {verdict} it: {said}")
        elif action.kind is ActionKind.PROMOTE and action.outcome is Outcome.PROPOSED:
            yield StoryLine(action.at, f"{action.who} proposed it for promotion: {said}")
        elif action.kind is ActionKind.ROLL_OUT and action.version == name:
            yield StoryLine(action.at, f"{action.who} {_stage(action)}: {said}".removesuffix(": "))
        elif action.kind in _MOVES and action.outcome is Outcome.DONE:
            known = proven is not None and action.because == proven.because
            yield StoryLine(action.at, _moved(action, name) + (f": {said}" if said and not known else ""))


def _stage(action: Action) -> str:
    """Say which step of its rollout a version has taken."""
    state, share = str(action.facts.get("state", "")), float(action.facts.get("share", 0.0))
    if state != "running":
        return f"ended its rollout ({state.replace('_', ' ')})" if state != "paused" else "held its rollout"
    return f"rolled it out to {share:.0%} of the requests" if share else "rolled it out in the shadow of the champion"


def _moved(action: Action, name: str) -> str:
    forced = " by force" if action.facts.get("forced") else ""
    if action.version != name:
        after = f"promoted {action.version} in its place" if action.kind is ActionKind.PROMOTE else (
            f"rolled back from it to {action.version}"
        )  # fmt: skip
        return f"{action.who} {after}{forced}"
    verb = "promoted it" if action.kind is ActionKind.PROMOTE else "rolled back to it"
    instead = f" in place of {action.facts['from']}" if action.facts.get("from") else ""
    return f"{action.who} {verb}{forced}{instead}"


def _spans(history: Sequence[Tenure]) -> list[tuple[Tenure, datetime | None]]:
    ends = [*(one.since for one in history[1:]), None]
    return list(zip(history, ends, strict=False))


def _merged(spans: Sequence[tuple[datetime, datetime | None]]) -> tuple[tuple[datetime, datetime | None], ...]:
    found: list[tuple[datetime, datetime | None]] = []
    for start, end in spans:
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)


def _reigned(record: VersionRecord) -> str:
    """Say when it was in charge; empty where it never was."""
    told = [
        f"from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}" if end else f"since {start:%Y-%m-%d %H:%M}"
        for start, end in record.reigned
    ]
    if not told:
        return ""
    return f"; in charge {', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else f"; in charge {told[0]}"

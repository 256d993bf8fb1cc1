"""How a rollout stands: for people, for programs, and for what deploys."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from watchkeeper.alerts.payload import SchemaVersion
from watchkeeper.core.encode import SCHEMA_VERSION, Moment, in_utc
from watchkeeper.maintain.rollout import Rollout, RolloutState
from watchkeeper.maintain.rollout_evidence import ROLL_BACK, Verdict
from watchkeeper.words.actions import ground_sentence

__all__ = [
    "RolloutDocument",
    "RolloutStatusDocument",
    "StakeDocument",
    "VerdictDocument",
    "rollout_lines",
    "rollout_status",
    "verdict_document",
]

_MOST = 60.0


@dataclass(frozen=True, slots=True)
class StakeDocument:
    """Evidence as odds to one, divided by the design effect; null where too few days are known. What it must reach."""

    odds: float | None
    needed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutDocument:
    """A rollout.

    Attributes
    ----------
    stage, share
        Which of ``shares`` it is in, from 0, and the share of requests that the challenger answers now.
    rows, discordant
        Labelled rows that both were compared on, and those on which they differ.
    gain
        What the champion loses more than the challenger, a row; negative where the challenger is worse.
    design_effect
        How many rows of a day count as one, because they depend on each other; null with fewer than three days.
    better, worse
        What speaks for its next step, and for a rollback.
    answered, asked
        Requests of this stage that it answered, and all of them.
    reason
        What was said of it last, in words.
    """

    id: str
    champion: str
    challenger: str
    who: str
    state: RolloutState
    shares: tuple[float, ...]
    stage: int
    share: float
    started: Moment
    entered: Moment
    until: Moment
    rows: int
    discordant: int
    gain: float
    design_effect: float | None
    better: StakeDocument
    worse: StakeDocument
    answered: int
    asked: int
    verdict: Verdict
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class RolloutStatusDocument:
    """The newest rollout of a model; null before the first."""

    schema_version: SchemaVersion
    model: str
    rollout: RolloutDocument | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictDocument:
    """What a deployment should do with the challenger.

    Attributes
    ----------
    verdict
        ``promote``, ``wait``, ``hold`` or ``roll_back``.
    value
        The same as a number: 1 to promote, 0 to wait or to hold, -1 to roll back.
    promote, roll_back
        Each as a truth value.
    """

    schema_version: SchemaVersion
    model: str
    champion: str
    challenger: str
    verdict: str
    value: int
    promote: bool
    roll_back: bool
    share: float
    reason: str


def rollout_status(model: str, rollout: Rollout | None) -> RolloutStatusDocument:
    """Return how a rollout stands, for programs."""
    return RolloutStatusDocument(SCHEMA_VERSION, model, None if rollout is None else _document(rollout))


def _document(rollout: Rollout) -> RolloutDocument:
    evidence, effect = rollout.evidence, rollout.evidence.effect
    needed = rollout.progress(rollout.entered).needed

    def stake(log_evidence: float, reached: float) -> StakeDocument:
        odds = None if effect is None else exp(max(-_MOST, min(_MOST, log_evidence / effect)))
        return StakeDocument(odds, round(exp(reached), 6))

    return RolloutDocument(
        id=rollout.id,
        champion=rollout.champion,
        challenger=rollout.challenger,
        who=rollout.who,
        state=rollout.state,
        shares=rollout.shares,
        stage=rollout.stage,
        share=rollout.share,
        started=in_utc(rollout.started),
        entered=in_utc(rollout.entered),
        until=in_utc(rollout.until),
        rows=evidence.better.n,
        discordant=evidence.discordant,
        gain=evidence.gain * rollout.scale,
        design_effect=effect,
        better=stake(evidence.better.log_evidence, needed),
        worse=stake(evidence.worse.log_evidence, ROLL_BACK),
        answered=evidence.chosen,
        asked=evidence.asked,
        verdict=rollout.verdict,
        code=rollout.ground.code if rollout.ground else "",
        reason=_reason(rollout),
    )


def rollout_lines(model: str, rollout: Rollout | None) -> list[str]:
    """Return how a rollout stands, for people."""
    if rollout is None:
        return [f"No version of {model} has been rolled out yet."]
    stages = ["shadow" if share == 0 else f"{100 * share:.3g}%" for share in rollout.shares]
    stages[rollout.stage] = f"[{stages[rollout.stage]}]"
    told = _document(rollout)
    state, way = rollout.state.value.replace("_", " "), " → ".join(stages)
    effect = "" if told.design_effect is None else f"; {told.design_effect:.2g} rows of a day count as one"
    rows = f"{told.rows:,} labelled rows up to {rollout.until:%Y-%m-%d %H:%M}; the two differ on {told.discordant:,}"
    return [
        f"{rollout.challenger} beside {rollout.champion}: {state}, {way}",
        f"since {rollout.started:%Y-%m-%d %H:%M}, in this stage since {rollout.entered:%Y-%m-%d %H:%M}",
        rows + effect,
        f"odds for the next step: {_odds(told.better)}; for a rollback: {_odds(told.worse)}",
        told.reason,
    ]


def verdict_document(model: str, rollout: Rollout | None, champion: str | None) -> VerdictDocument:
    """Return what a deployment should do.

    An ended rollout keeps its word: a challenger that went back is to be rolled back, one in charge to be promoted. One
    that was put in charge and that somebody took back since is to be rolled back as well.
    """
    verdict, reason = "wait", "no rollout has begun"
    if rollout is not None:
        reason = _reason(rollout)
        if rollout.state in (RolloutState.ROLLED_BACK, RolloutState.INCONCLUSIVE, RolloutState.ABORTED):
            verdict = "roll_back"
        elif rollout.promoted:
            verdict = "roll_back" if champion == rollout.champion else "promote"
        elif rollout.state is RolloutState.PAUSED:
            verdict = "hold"
    return VerdictDocument(
        schema_version=SCHEMA_VERSION,
        model=model,
        champion=champion or "",
        challenger=rollout.challenger if rollout else "",
        verdict=verdict,
        value={"promote": 1, "roll_back": -1}.get(verdict, 0),
        promote=verdict == "promote",
        roll_back=verdict == "roll_back",
        share=rollout.share if rollout else 0.0,
        reason=reason,
    )


def _reason(rollout: Rollout) -> str:
    """Say what was said of it last, and first that a person ended it, of which no ground is kept."""
    code = rollout.ground.code if rollout.ground else ""
    said = ground_sentence(rollout.ground) if rollout.ground else "not judged yet"
    if rollout.state is RolloutState.ABORTED and code != "rollout_superseded":
        return f"a person ended it; until then: {said}"
    return said


def _odds(stake: StakeDocument) -> str:
    said = "not known yet" if stake.odds is None else f"{stake.odds:,.3g} : 1"
    return f"{said} ({stake.needed:,.3g} : 1 needed)"

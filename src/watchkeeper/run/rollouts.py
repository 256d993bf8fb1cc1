"""Rollouts: begun, moved on after each window, held and ended; each step in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

import numpy as np

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert
from watchkeeper.core.errors import UsageError
from watchkeeper.core.ground import Ground
from watchkeeper.core.provenance import VersionRole
from watchkeeper.core.query import Query
from watchkeeper.core.spec import RolloutRule, Spec
from watchkeeper.core.store import Store
from watchkeeper.maintain.day_sums import DaySums
from watchkeeper.maintain.policy import WHO, frozen
from watchkeeper.maintain.registry import CHAMPION, Moves, Standing
from watchkeeper.maintain.rollout import ROLLOUT, Rollout, RolloutState, moved, read_rollout, roles_of, written
from watchkeeper.maintain.rollout_evidence import Evidence, Verdict, judge_rollout
from watchkeeper.maintain.store_registry import StoreRegistry
from watchkeeper.maintain.trigger import MaintenanceMemory
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.deeds import deeds, trainings
from watchkeeper.run.label_age import label_age
from watchkeeper.run.rollout_rows import ChallengerFailed, RolloutRows, day_number, scale_of, scaled

__all__ = ["Rollouts"]

_BEFORE = timedelta(days=28)
_RELATIVE = 0.02

_ENDS = {
    Verdict.ROLL_BACK: RolloutState.ROLLED_BACK,
    Verdict.INCONCLUSIVE: RolloutState.INCONCLUSIVE,
    Verdict.COMPLETE: RolloutState.COMPLETE,
    Verdict.HOLD: RolloutState.PAUSED,
}


@dataclass(frozen=True)
class Rollouts:
    """The rollouts of one model.

    Parameters
    ----------
    folder
        Where the user's training module lies.
    artefacts
        Folder or URL of the model files.
    """

    spec: Spec
    store: Store
    folder: str
    artefacts: str

    @property
    def registry(self) -> StoreRegistry:
        """The versions of the model, and who of them serves."""
        return StoreRegistry(self.spec, self.store, self.artefacts)

    @property
    def newest(self) -> Rollout | None:
        """The newest rollout, open or not; None before the first."""
        return read_rollout(self.store.pointer(self.spec.model, ROLLOUT))

    def start(self, version: str, *, who: str, why: str = "", at: datetime, alert: str = "") -> Rollout:
        """Begin to roll a version out, once its file was loaded.

        Raises
        ------
        UsageError
            When there is no such version, it is in charge or was refused, no version is in charge, another rollout is
            open, or ``maintenance.second_person`` is set and no other person has asked for it.
        ArtefactError
            When its file is not what was registered.
        ConflictError
            When somebody else began one, or changed the champion, at the same time; nothing is written.
        """
        held = self.store.pointer(self.spec.model, ROLLOUT)
        open_ = read_rollout(held)
        champion = self.registry.role(VersionRole.CHAMPION)
        self._check_startable(version, champion, open_)
        assert champion is not None  # noqa: S101 - it was checked
        if not self.registry.may_decide(version, who):
            raise UsageError(
                f"maintain.second_person is set, and no other person has asked for {version}: let one of you say "
                f"watchkeeper promote {version}, and another begin its rollout"
            )
        self.registry.check(version)
        rollout = self._prepared(version, champion, who, at, self.spec.maintenance.rollout or RolloutRule())
        began = (Ground("rollout_began", version=champion),)
        actions, moves = moved(self.spec.model, None, rollout, who=who, why=why, at=at, because=began)
        self._record(held, rollout, [replace(action, alert=alert) for action in actions], moves)
        return rollout

    def _check_startable(self, version: str, champion: str | None, open_: Rollout | None) -> None:
        found = self.registry.version(version)
        if champion is None:
            raise UsageError(f"no version is in charge beside which {version} could begin; promote it")
        if version == champion:
            raise UsageError(f"{version} is the champion already")
        if open_ is not None and open_.open:
            raise UsageError(
                f"the rollout of {open_.challenger} is {open_.state.value}; end it first: watchkeeper rollout abort"
            )
        if found.standing is Standing.REFUSED:
            raise UsageError(
                f"{version} was refused by the gate (watchkeeper why {version} says on which grounds) and is not "
                "rolled out; watchkeeper promote --force puts it in charge"
            )
        if not found.artefact and (self.spec.maintenance.rollout or RolloutRule()).paired:
            raise UsageError(
                f"the model of {version} is kept elsewhere, so it cannot be asked about rows that others answered; to "
                f"compare the logged answers alone, set models.{self.spec.model}.maintain.rollout.paired: false"
            )

    def _prepared(self, version: str, champion: str, who: str, at: datetime, rule: RolloutRule) -> Rollout:
        """Return a rollout at its beginning: with the margin, and with what the days before say of dependence."""
        until = self._labelled_until(at)
        rows = RolloutRows(self.spec, self.store, self.registry, self.folder)
        margin, scale, evidence = self.spec.maintenance.margin or 0.01, 1.0, Evidence()
        try:
            kept = self.registry.version(version).artefact
            both = rows.compared(champion, version, until - _BEFORE, until) if kept else None
        except ChallengerFailed as error:
            raise UsageError(f"{version} cannot be rolled out: {error}") from error
        if both is not None and len(both.champion) > 1:
            lost = both.champion
            noise = float(lost.std(ddof=1)) / float(np.sqrt(len(lost)))
            scale = scale_of(both) if rule.paired else float(np.quantile(lost, 0.995)) or 1.0
            margin = self.spec.maintenance.margin or max(_RELATIVE * float(lost.mean()), noise)
            if rule.paired:
                change = self._change(version)
                # Before a change of the world the two differed otherwise, for good.
                since = both.days >= (both.days.min() if change is None else day_number(change) + 1)
                evidence = Evidence(days_before=DaySums().after(scaled(both, scale)[since], both.days[since]))
        slow, evidence = self._latency(rows, until, evidence)
        identity = sha256(f"{self.spec.model}\n{version}\n{champion}\n{at.isoformat()}".encode()).hexdigest()[:16]
        return Rollout(
            identity, champion, version, who, rule.shares, at, at, until, at, min(margin / scale, 0.5), scale,
            paired=rule.paired, length=rule.length, longest=rule.longest, watch=rule.watch, slow=slow,
            evidence=evidence,
        )  # fmt: skip

    def _change(self, version: str) -> datetime | None:
        """Return when the harm began that a version was made to repair; None where it was made for something else."""
        own = (a for a in trainings(self.store, self.spec.model) if a.version == version and a.alert)
        alert = next((a.alert for a in own), None)
        found = self.store.recorded(self.spec.model, Alert, Query(ids=(alert,))) if alert else []
        return found[0].since if found else None

    def _latency(self, rows: RolloutRows, until: datetime, evidence: Evidence) -> tuple[float | None, Evidence]:
        """Return what 5 % of the champion's requests took longer than, and how alike those of one day were."""
        frame = rows.read(until - _BEFORE, until)
        times = rows.latencies(frame) if frame is not None else None
        days = None if frame is None else rows.days(frame)
        if times is None or days is None or not np.isfinite(times).any():
            return None, evidence
        known = np.isfinite(times)
        limit = float(np.quantile(times[known], 0.95))
        slow = (times[known] > limit).astype(np.float64)
        return limit, replace(evidence, slow_before=DaySums().after(slow, days[known]))

    def advance(self, now: datetime) -> list[Action]:
        """Judge the open rollout by what is new since the last time, and move it; begin the one that waits.

        Returns
        -------
        list of Action
            What was done; nothing where the rollout stays in its stage.
        """
        held = self.store.pointer(self.spec.model, ROLLOUT)
        rollout = read_rollout(held)
        if rollout is None or not rollout.open:
            return self._begun(now)
        if self._superseded(rollout):
            other = Ground("rollout_superseded", version=self.registry.role(VersionRole.CHAMPION) or "")
            return self._to(held, rollout, replace(rollout, state=RolloutState.ABORTED, ground=other), WHO, now, other)
        if rollout.state is RolloutState.PAUSED:
            return []
        labelled = max(rollout.until, self._labelled_until(now))
        served = max(rollout.served, min(now, self._judged_until(now)))
        try:
            seen = RolloutRows(self.spec, self.store, self.registry, self.folder).seen(rollout, labelled, served)
        except ChallengerFailed as error:
            failed = Ground("rollout_failed", text=str(error))
            gone = replace(rollout, state=RolloutState.ROLLED_BACK, verdict=Verdict.ROLL_BACK, ground=failed)
            return self._to(held, rollout, gone, WHO, now, failed)
        evidence = rollout.evidence.after(seen, rollout.margin)
        looked = replace(rollout, evidence=evidence, until=labelled, served=served)
        verdict, ground = judge_rollout(evidence, looked.progress(now))
        forward = verdict in (Verdict.ADVANCE, Verdict.PROMOTE)
        barred = self._barred(now) if forward and rollout.who == WHO else None
        if barred is not None:
            verdict, ground = Verdict.WAIT, barred
        if ground.value is not None and ground.code not in ("sample_ratio", "rollout_slow"):
            ground = replace(ground, value=ground.value * rollout.scale)
        told = replace(looked, verdict=verdict, ground=ground)
        if verdict is Verdict.WAIT:
            self._record(held, told, [], {})
            return []
        if verdict in _ENDS:
            return self._to(held, rollout, replace(told, state=_ENDS[verdict]), WHO, now, ground)
        fresh = replace(evidence, chosen=0, asked=0)
        return self._to(
            held, rollout, replace(told, stage=told.stage + 1, entered=now, evidence=fresh), WHO, now, ground
        )

    def _barred(self, now: datetime) -> Ground | None:
        """Return why the automation may not give a challenger more; None when it may."""
        if self.spec.maintenance.second_person:
            return Ground("person_decides", "second_person")
        return frozen(self._memory(now)) if self.spec.maintenance.enabled else Ground("switched_off")

    def _begun(self, now: datetime) -> list[Action]:
        """Begin the rollout of a challenger that has passed the gate and waits for it."""
        waiting = [
            action
            for action in trainings(self.store, self.spec.model)
            if action.kind is ActionKind.PROMOTE and action.outcome is Outcome.PROPOSED
            and any(ground.code == "rolls_out" for ground in action.because)
        ]  # fmt: skip
        champion, newest = self.registry.role(VersionRole.CHAMPION), self.newest
        barred = self._barred(now)
        if barred or not waiting or self.spec.maintenance.rollout is None or waiting[-1].facts.get("from") != champion:
            return []
        last, known = waiting[-1], {version.name: version for version in self.registry.versions()}
        tried = newest is not None and newest.challenger == last.version
        if tried or last.version not in known or known[last.version].standing is not Standing.CHALLENGER:
            return []
        begun = self.start(last.version, who=WHO, at=now, alert=last.alert)
        made = trainings(self.store, self.spec.model)
        return [action for action in made if action.facts.get("rollout") == begun.id]

    def pause(self, *, who: str, why: str, at: datetime) -> Rollout:
        """Hold the open rollout at its stage; rows that come meanwhile are judged when it goes on."""
        return self._told(RolloutState.RUNNING, RolloutState.PAUSED, who, why, at)

    def resume(self, *, who: str, why: str, at: datetime) -> Rollout:
        """Let the paused rollout go on."""
        return self._told(RolloutState.PAUSED, RolloutState.RUNNING, who, why, at)

    def abort(self, *, who: str, why: str, at: datetime) -> Rollout:
        """End the open rollout: the challenger answers no request any more.

        Raises
        ------
        UsageError
            When none is open, or the challenger is in charge: a rollback takes it back.
        """
        held, rollout = self._open()
        if rollout.promoted:
            raise UsageError(f"{rollout.challenger} is in charge already; watchkeeper rollback takes it back")
        after = replace(rollout, state=RolloutState.ABORTED)
        self._to(held, rollout, after, who, at, why=why)
        return after

    def _told(self, before: RolloutState, after: RolloutState, who: str, why: str, at: datetime) -> Rollout:
        held, rollout = self._open()
        if rollout.state is not before:
            raise UsageError(f"the rollout of {rollout.challenger} is {rollout.state.value}, not {before.value}")
        told = replace(rollout, state=after)
        if after is RolloutState.RUNNING:
            # Requests of the time in between went by another share, or by a router that was mended.
            told = replace(told, served=at, evidence=replace(told.evidence, chosen=0, asked=0))
        self._to(held, rollout, told, who, at, why=why)
        return told

    def _open(self) -> tuple[str | None, Rollout]:
        held = self.store.pointer(self.spec.model, ROLLOUT)
        rollout = read_rollout(held)
        if rollout is None or not rollout.open:
            raise UsageError(f"no rollout of {self.spec.model} is open; watchkeeper rollout start VERSION begins one")
        return held, rollout

    def _superseded(self, rollout: Rollout) -> bool:
        expected = rollout.challenger if rollout.promoted else rollout.champion
        return self.registry.role(VersionRole.CHAMPION) != expected

    def _to(
        self, held: str | None, before: Rollout, after: Rollout, who: str, at: datetime, *because: Ground, why: str = ""
    ) -> list[Action]:
        actions, moves = moved(self.spec.model, before, after, who=who, why=why, at=at, because=because)
        if moves:
            self.registry.check(moves[CHAMPION][1] or "")
        self._record(held, after, actions, moves)
        return actions

    def _record(self, held: str | None, rollout: Rollout, actions: Sequence[Action], moves: Moves) -> None:
        """Record it, its actions and the roles in one transaction."""
        if moves:
            moves = self.registry.moves(moves)
        elif actions:
            # A champion that somebody else puts in charge meanwhile is a conflict.
            champion = self.registry.role(VersionRole.CHAMPION)
            moves = {CHAMPION: (champion, champion)} if champion else {}
        wanted = roles_of(rollout).items() if actions else ()
        roles = {role.value: (self.registry.role(role), version) for role, version in wanted}
        moves = {**moves, **{name: move for name, move in roles.items() if move[0] != move[1]}}
        self.store.record(self.spec.model, list(actions), {**moves, ROLLOUT: (held, written(rollout))})

    def _memory(self, now: datetime) -> MaintenanceMemory:
        champion = self.registry.role(VersionRole.CHAMPION)
        return MaintenanceMemory(now, tuple(deeds(self.store, self.spec.model, champion)), champion)

    def _judged_until(self, now: datetime) -> datetime:
        filled = Checkpoint.load(self.store, self.spec.model).filled
        return max(filled).end if filled else now

    def _labelled_until(self, now: datetime) -> datetime:
        return min(self._judged_until(now), now - label_age(self.spec, self.store))

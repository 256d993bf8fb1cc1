"""From labelled rows to a challenger, and its proof against the champion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import TrainingError
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.window import Window
from watchkeeper.maintain.gate import GateResult, gate
from watchkeeper.maintain.guard import leave_out
from watchkeeper.maintain.losses import choose_metric, losses, row_metric
from watchkeeper.maintain.paired import correlation_within
from watchkeeper.maintain.standard import Aim, Healthy, Standard, healthy_loss
from watchkeeper.maintain.terms import days_of, read_answers
from watchkeeper.maintain.train import Start, Trainer, score_rows
from watchkeeper.maintain.windows import Candidate, Choice, Fit, between, candidates, choose_window, epoch, split

__all__ = [
    "FEWEST", "Challenger", "Champion", "Occasion", "healthy_when_well", "labelled", "make_challenger", "prove",
    "refit",
]  # fmt: skip

FEWEST = 50
"""Labelled rows that the gate needs, and those that are learned from, after a change."""

_HISTORY = timedelta(days=28)
_MOST = 50_000
_SEASON = timedelta(days=7)

Answers = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a challenger is made for.

    Parameters
    ----------
    change
        When the harm began that it is to mend; None where nothing is known of a change.
    aim
        What has to be shown of it.
    tries
        Which try since the last promotion it is, the first being 1.
    excluded
        Windows whose rows are left out, from the guard.
    """

    change: datetime | None = None
    aim: Aim = Aim.SUPERIOR
    tries: int = 1
    excluded: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Champion:
    """The champion, as far as a challenger meets it.

    Parameters
    ----------
    answers
        Takes rows and returns them with its answers: asked anew, or as they were logged.
    trained_until
        End of its training rows; None where unknown.
    features
        Names of the features it knows; None where it does not say.
    model
        The model itself, to go on from; None where it is kept elsewhere.
    """

    answers: Answers
    trained_until: datetime | None = None
    features: tuple[str, ...] | None = None
    model: Any = None


@dataclass(frozen=True, slots=True)
class Challenger:
    """A model trained to take the champion's place.

    Parameters
    ----------
    model
        The fitted model.
    choice
        Which window it was trained on, and how the others did; None of a model from elsewhere.
    trained
        First and last moment (exclusive) of its training rows, of which there are ``rows``.
    gate
        The block, newer than any training row, on which it has to prove itself.
    refitted
        Whether it was trained again up to the end of that block, once it had.
    parent
        The model that it goes on from; None where it was trained anew.
    """

    model: Any
    choice: Choice | None
    trained: Window
    rows: int
    gate: Window
    refitted: bool = False
    parent: Any = None

    @property
    def window(self) -> str:
        """Name of the training window that was chosen; empty of a model from elsewhere."""
        return self.choice.candidate.name if self.choice else ""


_ANY = Occasion()


def make_challenger(
    rows: pl.DataFrame,
    spec: Spec,
    trainer: Trainer,
    newest: datetime,
    occasion: Occasion = _ANY,
    *,
    unseen: datetime | None = None,
    champion: Champion | None = None,
) -> Challenger:
    """Choose the training window on held-out blocks, refit up to the gate's, and leave that one to the gate.

    Where the trainer can go on from the champion, that is tried too, with the rows since the change, or the newest
    weeks: but not where the champion has learned from rows that the choice is made on, which would speak for it.

    Parameters
    ----------
    rows
        Rows of the log with their labels, in any order; rows without a label are left out.
    spec
        Schema and maintenance options.
    trainer
        The user's training function.
    newest
        End of the time whose labels have arrived.
    occasion
        What it is made for: after a change, windows and blocks fit within the rows since then.
    unseen
        End of what the champion has learned from; the gate judges on what is newer.
    champion
        Whose place it is to take: what it has learned from stands for ``unseen``, and its model may be gone on from.

    Raises
    ------
    TrainingError
        When there are too few rows or the training function fails.
    """
    rule, schema, change = spec.maintenance, spec.schema, occasion.change
    unseen, parent = (champion.trained_until, champion.model) if champion else (unseen, None)
    metric = row_metric(choose_metric(schema.task, rule.metric))
    clean = leave_out(labelled(rows, schema), schema, occasion.excluded)
    least = _span_of_newest(between(clean, schema, change, newest), schema, newest, _fewest(spec, change))
    blocks = split(
        newest, rule.holdout, rule.label_delay, since=change, unseen=unseen, least=least, tries=occasion.tries
    )

    def fitting(start: Start | None) -> Fit:
        return lambda chosen, weights: trainer.train(chosen, schema, rule.seed, weights, start)

    def loss(model: Any, held_out: pl.DataFrame) -> NDArray[np.float64]:
        lost = losses(score_rows(model, held_out, schema, trainer), schema, metric)
        silent = int(np.isnan(lost).sum())
        if silent:
            raise TrainingError(f"{trainer.name} made a model that gives no usable answer on {silent} rows")
        return lost

    fits = {"refit": fitting(None)} if "refit" in rule.ways else {}
    if parent is not None and (unseen is None or unseen <= blocks.folds[0].held_out.start):
        fits |= {way: fitting(Start(parent, way)) for way in trainer.ways if way in rule.ways}
    tried = _tried(spec, trainer, change, tuple(fits))
    # The folds leave the newest fifth of what is learned from out.
    fewest = _fewest(spec, change) // (1 if change is None else 2)
    choice = choose_window(
        tried, clean, schema, fitting(None), loss, blocks, min_rows=fewest, larger_at_ties=change is None, going_on=fits
    )
    chosen, weights = choice.candidate.select(clean, schema, blocks.refit_end)
    model = fits[choice.candidate.way](chosen, weights)
    parent = None if choice.candidate.way == "refit" else parent
    trained = _span(chosen, schema, blocks.refit_end)
    return Challenger(model, choice, trained, chosen.height, blocks.gate, parent=parent)


def _tried(spec: Spec, trainer: Trainer, change: datetime | None, ways: Sequence[str]) -> list[Candidate]:
    """Return the windows to train anew on, and to go on from the champion with the newest of those."""
    rule = spec.maintenance
    windows = [c for c in candidates(rule.windows, change) if c.half_life is None or trainer.weighs]
    tried = windows if "refit" in ways else []
    plain = [c for c in windows if c.half_life is None and c.season is None]
    newest = [c for c in plain if c.since is not None] or sorted(
        (c for c in plain if c.last is not None), key=lambda c: c.last or timedelta.max
    )
    for way in ways:
        tried += [replace(c, name=f"{way} {c.name}", way=way) for c in newest[:1] or plain[:1] if way != "refit"]
    return tried


def prove(
    champion: Champion, challenger: Challenger, rows: pl.DataFrame, spec: Spec, trainer: Trainer,
    occasion: Occasion = _ANY,
) -> GateResult:  # fmt: skip
    """Let champion and challenger answer the labelled rows of the gate's block and judge them.

    What the champion has learned from is left out of the block, without a label delay: what it gains by that speaks for
    it. What days have in common comes from up to four weeks before the block, or before the change; what the champion
    lost when it was healthy from its first four weeks after its training, and where there are none from those before
    the change, or the first of all.
    """
    schema = spec.schema
    clean = leave_out(labelled(rows, schema), schema, occasion.excluded)
    start = max(challenger.gate.start, champion.trained_until or challenger.gate.start)
    if challenger.choice is None:
        start = max(start, challenger.trained.end + spec.maintenance.label_delay)
    block = between(clean, schema, start, challenger.gate.end)

    def answers(asked: pl.DataFrame) -> pl.DataFrame:
        return score_rows(challenger.model, asked, schema, trainer)

    standard = Standard(occasion.aim, occasion.tries, min_rows=_fewest(spec, occasion.change))
    if block.height:
        judged = Window(start, challenger.gate.end)
        standard = replace(
            standard,
            healthy=healthy_when_well(champion, clean, spec, start, occasion.change),
            correlation=_correlation(champion.answers, answers, clean, spec, judged, occasion.change),
            new=_new_features(champion, challenger),
        )
    return gate(champion.answers(block), answers(block), schema, spec.maintenance, standard=standard)


def refit(challenger: Challenger, rows: pl.DataFrame, spec: Spec, trainer: Trainer, occasion: Occasion) -> Challenger:
    """Train a challenger that has passed again, by the same choice, on all rows up to the end of the gate's block.

    Training that ends a block early costs more than anything else does. The one that has passed is kept where the new
    one answers the block worse, although it has learned from it.
    """
    schema, rule, end = spec.schema, spec.maintenance, challenger.gate.end
    if challenger.choice is None:
        return challenger
    clean = leave_out(labelled(rows, schema), schema, occasion.excluded)
    chosen, weights = challenger.choice.candidate.select(clean, schema, end)
    way = challenger.choice.candidate.way
    start = None if challenger.parent is None else Start(challenger.parent, way)
    model = trainer.train(chosen, schema, rule.seed, weights, start)
    block = between(clean, schema, challenger.gate.start, end)
    metric = row_metric(choose_metric(schema.task, rule.metric))
    before, after = (
        losses(score_rows(one, block, schema, trainer), schema, metric) for one in (challenger.model, model)
    )
    worse = float(np.nanmean(after - before)) > float(np.nanstd(after - before)) / max(1, len(before)) ** 0.5
    if worse or np.isnan(after).sum() > np.isnan(before).sum():
        return challenger
    return replace(challenger, model=model, trained=_span(chosen, schema, end), rows=chosen.height, refitted=True)


def _fewest(spec: Spec, change: datetime | None) -> int:
    return spec.maintenance.min_rows if change is None else min(spec.maintenance.min_rows, FEWEST)


def healthy_when_well(
    champion: Champion, rows: pl.DataFrame, spec: Spec, start: datetime, change: datetime | None
) -> Healthy | None:
    """Return what the champion lost at first, or where nothing is known of that, before the change."""
    schema, end = spec.schema, min(change or start, start)
    metric = choose_metric(schema.task, spec.maintenance.metric)
    first = champion.trained_until
    stretches = [] if first is None else [(first, min(end, first + _HISTORY))]
    if change is None:
        # Whatever came last may be the harm that nobody has noticed.
        times = epoch(series_named(rows, schema.name_of(Role.TIME) or ""))
        oldest = datetime.fromtimestamp(float(times.min()) / 1e6, UTC) if len(times) else end
        stretches.append((oldest, min(end, oldest + _HISTORY)))
    else:
        stretches.append((end - _HISTORY, end))
    for begin, stop in stretches:
        held = _thinned(between(rows, schema, begin, stop))
        healthy = healthy_loss(champion.answers(held), schema, metric) if held.height else None
        if healthy is not None:
            return healthy
    return None


def _correlation(
    champion: Answers, challenger: Answers, rows: pl.DataFrame, spec: Spec, block: Window, change: datetime | None
) -> float | None:
    """Return how much stretches of days as long as the block have in common, from rows before it."""
    schema, end = spec.schema, block.start
    if change is not None and block.start - change < _SEASON:
        # The step of a change is no effect of days: one side of it.
        end = min(change, block.start)
    held = between(rows, schema, end - _HISTORY if change is None or end <= change else change, end)
    held = _thinned(between(held, schema, end - _HISTORY, end))
    days = days_of(held, schema)
    if days is None or not held.height:
        return None
    metric = row_metric(choose_metric(schema.task, spec.maintenance.metric))
    d = losses(champion(held), schema, metric) - losses(challenger(held), schema, metric)
    known = np.isfinite(d)
    length = max(1, -(-(block.end - block.start) // timedelta(days=1)))
    return correlation_within(d[known], days[known], length)


def _new_features(champion: Champion, challenger: Challenger) -> tuple[str, ...]:
    names = getattr(challenger.model, "feature_names_in_", None)
    if names is None or champion.features is None:
        return ()
    return tuple(str(name) for name in names if str(name) not in champion.features)


def _thinned(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.gather_every(-(-rows.height // _MOST)) if rows.height > _MOST else rows


def _span_of_newest(rows: pl.DataFrame, schema: Schema, newest: datetime, wanted: int) -> timedelta:
    """Return how far back the newest rows reach that the gate needs; at most a quarter of what there is."""
    times = np.sort(epoch(series_named(rows, schema.name_of(Role.TIME) or "")))
    if not len(times):
        return timedelta(0)
    first, start = (datetime.fromtimestamp(float(t) / 1e6, UTC) for t in (times[0], times[-min(len(times), wanted)]))
    return newest - start if wanted == FEWEST else min(newest - start, (newest - first) / 4)


def labelled(rows: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return the rows whose label is known."""
    return rows.filter(pl.Series(np.isfinite(read_answers(rows, schema).label)))


def _span(rows: pl.DataFrame, schema: Schema, end: datetime) -> Window:
    first = epoch(series_named(rows, schema.name_of(Role.TIME) or "")).min()
    return Window(datetime.fromtimestamp(float(first) / 1e6, UTC), end)

"""Which stretch of the past to learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import ConfigError, SchemaError, TrainingError, near_miss
from watchkeeper.core.ground import Tried
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.window import Window, parse_duration
from watchkeeper.maintain.paired import Difference, mean_difference
from watchkeeper.maintain.terms import days_of

__all__ = [
    "Blocks", "Candidate", "Choice", "Fit", "Fold", "Trial", "between", "candidates", "choose_window", "epoch", "split",
]  # fmt: skip

Floats = NDArray[np.float64]
Fit = Callable[[pl.DataFrame, Floats | None], Any]
Loss = Callable[[Any, pl.DataFrame], Floats]

_SEASON = timedelta(weeks=4)
_LEAST_GATE = 7
"""The gate's block is at least this part of ``maintenance.holdout``, whatever the champion has learned from."""

_FOLDS = (0.4, 0.6, 0.8, 1.0)
_KINDS = ("all", "since_change", "last", "decay", "season")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One stretch of the past, described relative to the end of training.

    Parameters
    ----------
    name
        As written in the configuration.
    since
        First moment; None for the beginning.
    last
        Length of the stretch before the end; None for no limit.
    half_life
        Age at which a row counts half; None when all rows count the same.
    season
        How long ago the stretch lies: rows within four weeks of that moment; None for the stretch up to the end.
    way
        How a model comes of it: ``refit``, or one of the ways to go on from the champion.
    """

    name: str
    since: datetime | None = None
    last: timedelta | None = None
    half_life: timedelta | None = None
    season: timedelta | None = None
    way: str = "refit"

    def select(self, rows: pl.DataFrame, schema: Schema, end: datetime) -> tuple[pl.DataFrame, Floats | None]:
        """Return the rows to learn from when training ends (exclusively) at ``end``, and their weights."""
        start, stop = self.since, end
        if self.last is not None:
            start = end - self.last
        if self.season is not None:
            start, stop = end - self.season - _SEASON, min(end, end - self.season + _SEASON)
        chosen = between(rows, schema, start, stop)
        if self.half_life is None:
            return chosen, None
        ages = end.timestamp() - epoch(chosen[_time(chosen, schema)]) / 1e6
        return chosen, np.exp2(-ages / self.half_life.total_seconds())


@dataclass(frozen=True, slots=True)
class Fold:
    """A held-out block, and the end of the training that is tried on it."""

    end: datetime
    held_out: Window


@dataclass(frozen=True, slots=True)
class Blocks:
    """Labelled time cut into what is learned from, what chooses the window and what the gate judges on.

    Parameters
    ----------
    folds
        What chooses the window, oldest first: each block is newer than what is trained for it.
    gate
        What the gate judges on, newer than all of them.
    refit_end
        End of the training that is proven at the gate.
    embargo
        Between the end of training and the gate's block; the label delay where there is room for it.
    """

    folds: tuple[Fold, ...]
    gate: Window
    refit_end: datetime
    embargo: timedelta


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one candidate.

    Parameters
    ----------
    loss
        Mean loss on the held-out block; None when the candidate was not tried, and ``reason`` says why.
    behind
        By how much its loss exceeds the smallest one, with the standard error of the paired difference.
    rows
        Rows trained on; of weighted rows their effective number (Σw)²/Σw².
    """

    candidate: Candidate
    rows: float
    loss: float | None = None
    behind: Difference | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen window and the story of all candidates."""

    candidate: Candidate
    trials: tuple[Trial, ...]

    @property
    def tried(self) -> tuple[Tried, ...]:
        """The candidates that were tried, with their losses."""
        tried = [(t, t.loss, t.behind) for t in self.trials]
        return tuple(Tried(t.candidate.name, loss, b.gain, b.error) for t, loss, b in tried if b and loss is not None)


def candidates(names: Iterable[str], change: datetime | None = None) -> tuple[Candidate, ...]:
    """Read the candidates ``maintenance.windows`` names; ``since_change`` is left out when no change is known.

    Raises
    ------
    ConfigError
        When a name is not understood.

    Examples
    --------
    >>> [c.name for c in candidates(["all", "since_change", "last:8w"])]
    ['all', 'last:8w']
    """
    found = []
    for name in names:
        kind, _, length = name.partition(":")
        if kind not in _KINDS:
            raise ConfigError(f"maintain.windows: {name!r} is no training window; {near_miss(kind, _KINDS)}")
        if (kind in ("all", "since_change")) == bool(length):
            raise ConfigError(f"maintain.windows: {name!r}: last, decay and season take a length, such as last:8w")
        if kind == "all":
            found.append(Candidate(name))
        elif kind == "since_change":
            found += [] if change is None else [Candidate(name, since=change)]
        elif kind == "last":
            found.append(Candidate(name, last=parse_duration(length)))
        elif kind == "decay":
            found.append(Candidate(name, half_life=parse_duration(length)))
        else:
            found.append(Candidate(name, season=parse_duration(length)))
    return tuple(found)


def split(
    newest: datetime, holdout: timedelta, label_delay: timedelta, *, since: datetime | None = None,
    unseen: datetime | None = None, least: timedelta = timedelta(0), tries: int = 1,
) -> Blocks:  # fmt: skip
    """Cut labelled time that ends at ``newest``: … training | delay | fold | … refit | delay | gate.

    After a change that is so recent that the blocks would not leave a ``holdout`` to learn from, they fit within what
    is there: the gate gets a third of it, the embargo what room there is for it, and the window is chosen by three
    folds, each tried on what came before it. Rows are later than every training row in either case.

    Parameters
    ----------
    since
        When the world changed; None where nothing is known of a change.
    unseen
        End of what the champion has learned from: the gate's block begins no earlier, but for a seventh of ``holdout``.
    least
        How long the gate's block has to be to hold the rows it needs; it takes at most half of what is there for that.
    tries
        Which try since the last promotion it is: each is held to a smaller level, and judged on one ``holdout`` more,
        up to a third of what is there since the change and the champion's training.
    """
    known = max((moment for moment in (since, unseen) if moment is not None), default=None)
    longer = timedelta(0) if known is None or tries < 2 else min(tries * holdout, (newest - known) / 3)
    least = max(least, longer)
    holdout = max(holdout, least) if since is None or newest - since > 2 * least else holdout

    def judged_from(start: datetime) -> datetime:
        return max(start, min(unseen or start, newest - holdout / _LEAST_GATE))

    gate = Window(judged_from(newest - holdout), newest)
    if since is not None and known is not None and newest > known:
        # A challenger that has seen no more than the champion is the champion again.
        gate = Window(max(gate.start, known + (newest - known) / 2), newest)
    refit_end = gate.start - label_delay
    first = Window(refit_end - holdout, refit_end)
    if since is None or first.start - label_delay - since >= holdout:
        return Blocks((Fold(first.start - label_delay, first),), gate, refit_end, label_delay)
    there = newest - since
    gate = Window(max(gate.start, newest - max(min(holdout, there / 3), min(least, there / 2))), newest)
    embargo = max(timedelta(0), min(label_delay, (there - 3 * (gate.end - gate.start)) / 2))
    refit_end = gate.start - embargo
    edges = [since + (refit_end - since) * share for share in _FOLDS]
    folds = tuple(Fold(start, Window(start, end)) for start, end in pairwise(edges))
    return Blocks(folds, gate, refit_end, embargo)


def choose_window(
    tried: Sequence[Candidate],
    rows: pl.DataFrame,
    schema: Schema,
    fit: Fit,
    loss: Loss,
    blocks: Blocks,
    *,
    min_rows: int = 1,
    larger_at_ties: bool = True,
    going_on: Mapping[str, Fit] | None = None,
) -> Choice:
    """Train on each candidate and choose by the paired loss on the held-out blocks.

    Every candidate is trained on its rows before the end of each fold and asked on the same held-out rows. The smallest
    mean loss wins, but a candidate within one standard error of it (of the paired difference, days as groups) and with
    more rows goes before it: what the blocks cannot tell apart is decided by the amount of data.

    Parameters
    ----------
    tried
        The candidates, see ``candidates``.
    rows
        Labelled rows with the time column.
    fit, loss
        ``fit(rows, weights)`` returns a model; ``loss(model, rows)`` the loss of each row, without NaN.
    blocks
        From ``split``.
    min_rows
        A candidate with fewer rows is not tried.
    larger_at_ties
        Whether more rows win among those within one standard error; after a change the old ones are no gain.
    going_on
        How a model comes of a candidate by each way other than ``refit``.

    Raises
    ------
    TrainingError
        When the held-out block is empty or no candidate could be trained.
    """
    held_out = [between(rows, schema, fold.held_out.start, fold.held_out.end) for fold in blocks.folds]
    asked = pl.concat(held_out)
    if asked.height < 2:
        stretch = Window(blocks.folds[0].held_out.start, blocks.folds[-1].held_out.end)
        raise TrainingError(f"no window can be chosen: the held-out block {stretch} has {asked.height} rows")
    fits = {"refit": fit, **(going_on or {})}
    trials: list[Trial] = []
    measured: list[tuple[Trial, Floats]] = []
    seen: dict[tuple[str, int, Any, Any], str] = {}
    for candidate in tried:
        chosen, weights = candidate.select(rows, schema, blocks.folds[-1].end)
        trial = Trial(candidate, _size(chosen, weights))
        reason = _not_tried(chosen, weights, schema, candidate, seen, min_rows)
        if reason is None:
            try:
                row_losses = np.concatenate(
                    [
                        loss(fits[candidate.way](*candidate.select(rows, schema, fold.end)), block)
                        for fold, block in zip(blocks.folds, held_out, strict=True)
                        if block.height
                    ]
                )
            except TrainingError as error:
                reason = str(error)
            else:
                measured.append((replace(trial, loss=float(row_losses.mean())), row_losses))
                continue
        trials.append(replace(trial, reason=reason))
    if not measured:
        told = "; ".join(f"{t.candidate.name}: {t.reason}" for t in trials)
        raise TrainingError(f"no training window could be tried before {blocks.folds[-1].end:%Y-%m-%d}: {told}")
    best = min(measured, key=lambda m: m[0].loss if m[0].loss is not None else np.inf)[1]
    days = days_of(asked, schema)
    compared = [replace(t, behind=mean_difference(row_losses, best, days, 0.0)) for t, row_losses in measured]
    level = [t for t in compared if t.behind is not None and t.behind.gain <= (t.behind.error if larger_at_ties else 0)]
    winner = max(level, key=lambda t: t.rows)
    return Choice(winner.candidate, (*compared, *trials))


def between(rows: pl.DataFrame, schema: Schema, start: datetime | None, end: datetime) -> pl.DataFrame:
    """Return the rows whose time lies in ``[start, end)``."""
    name = _time(rows, schema)
    kept = series_named(rows, name) < _as_in(rows, name, end)
    if start is not None:
        kept &= series_named(rows, name) >= _as_in(rows, name, start)
    return rows.filter(kept)


def epoch(times: pl.Series) -> NDArray[np.int64]:
    """Return moments as microseconds since 1970 in UTC."""
    return times.cast(pl.Datetime("us", getattr(times.dtype, "time_zone", None))).dt.epoch("us").to_numpy()


def _time(rows: pl.DataFrame, schema: Schema) -> str:
    name = schema.name_of(Role.TIME)
    if name is None or name not in rows.columns:
        raise SchemaError("a training window needs a time column; declare one with the role time")
    return name


def _as_in(rows: pl.DataFrame, name: str, moment: datetime) -> datetime:
    """Return a moment comparable to the column: without a zone where the column has none."""
    return moment if getattr(rows.schema[name], "time_zone", None) is not None else moment.replace(tzinfo=None)


def _size(rows: pl.DataFrame, weights: Floats | None) -> float:
    if weights is None or not len(weights):
        return float(rows.height)
    return float(weights.sum() ** 2 / np.square(weights).sum())


def _not_tried(
    chosen: pl.DataFrame,
    weights: Floats | None,
    schema: Schema,
    candidate: Candidate,
    seen: dict[tuple[str, int, Any, Any], str],
    min_rows: int,
) -> str | None:
    """Return why a candidate is not tried; None where it is."""
    if chosen.height < max(1, min_rows):
        return f"only {chosen.height} rows"
    if weights is not None:
        return None
    times = chosen[_time(chosen, schema)]
    same = seen.setdefault((candidate.way, chosen.height, times.min(), times.max()), candidate.name)
    return None if same == candidate.name else f"the same rows as {same}"

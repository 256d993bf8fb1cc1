"""Which stretch of the past to learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
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

__all__ = ["Blocks", "Candidate", "Choice", "Trial", "between", "candidates", "choose_window", "epoch", "split"]

Floats = NDArray[np.float64]
Fit = Callable[[pl.DataFrame, Floats | None], Any]
Loss = Callable[[Any, pl.DataFrame], Floats]

_SEASON = timedelta(weeks=4)
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
    """

    name: str
    since: datetime | None = None
    last: timedelta | None = None
    half_life: timedelta | None = None
    season: timedelta | None = None

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
class Blocks:
    """Labelled time cut into what is learned from, what chooses the window and what the gate judges on.

    Parameters
    ----------
    choice, gate
        The two held-out blocks, the gate's the newer.
    choice_end, refit_end
        Ends of training before each block, a label delay earlier than its start.
    """

    choice: Window
    gate: Window
    choice_end: datetime
    refit_end: datetime


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


def split(newest: datetime, holdout: timedelta, label_delay: timedelta) -> Blocks:
    """Cut labelled time that ends at ``newest``: … training | delay | choice | … refit | delay | gate."""
    gate = Window(newest - holdout, newest)
    refit_end = gate.start - label_delay
    choice = Window(refit_end - holdout, refit_end)
    return Blocks(choice, gate, choice.start - label_delay, refit_end)


def choose_window(
    tried: Sequence[Candidate],
    rows: pl.DataFrame,
    schema: Schema,
    fit: Fit,
    loss: Loss,
    blocks: Blocks,
    *,
    min_rows: int = 1,
) -> Choice:
    """Train on each candidate and choose by the paired loss on the held-out block.

    Every candidate is trained on its rows before ``blocks.choice_end`` and asked on the same held-out rows. The
    smallest mean loss wins, but a candidate within one standard error of it (of the paired difference, days as groups)
    and with more rows goes before it: what the block cannot tell apart is decided by the amount of data.

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

    Raises
    ------
    TrainingError
        When the held-out block is empty or no candidate could be trained.
    """
    held_out = between(rows, schema, blocks.choice.start, blocks.choice.end)
    if held_out.height < 2:
        raise TrainingError(f"no window can be chosen: the held-out block {blocks.choice} has {held_out.height} rows")
    trials: list[Trial] = []
    measured: list[tuple[Trial, Floats]] = []
    seen: dict[tuple[int, Any, Any], str] = {}
    for candidate in tried:
        chosen, weights = candidate.select(rows, schema, blocks.choice_end)
        trial = Trial(candidate, _size(chosen, weights))
        reason = _not_tried(chosen, weights, schema, candidate, seen, min_rows)
        if reason is None:
            try:
                row_losses = loss(fit(chosen, weights), held_out)
            except TrainingError as error:
                reason = str(error)
            else:
                measured.append((replace(trial, loss=float(row_losses.mean())), row_losses))
                continue
        trials.append(replace(trial, reason=reason))
    if not measured:
        told = "; ".join(f"{t.candidate.name}: {t.reason}" for t in trials)
        raise TrainingError(f"no training window could be tried before {blocks.choice_end:%Y-%m-%d}: {told}")
    best = min(measured, key=lambda m: m[0].loss if m[0].loss is not None else np.inf)[1]
    days = days_of(held_out, schema)
    compared = [replace(t, behind=mean_difference(row_losses, best, days)) for t, row_losses in measured]
    level = [t for t in compared if t.behind is not None and t.behind.gain <= t.behind.error]
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
    seen: dict[tuple[int, Any, Any], str],
    min_rows: int,
) -> str | None:
    """Return why a candidate is not tried; None where it is."""
    if chosen.height < max(1, min_rows):
        return f"only {chosen.height} rows"
    if weights is not None:
        return None
    times = chosen[_time(chosen, schema)]
    same = seen.setdefault((chosen.height, times.min(), times.max()), candidate.name)
    return None if same == candidate.name else f"the same rows as {same}"

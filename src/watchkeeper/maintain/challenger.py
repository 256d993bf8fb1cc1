"""From labelled rows to a challenger, and its proof against the champion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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
from watchkeeper.maintain.terms import read_answers
from watchkeeper.maintain.train import Trainer, score_rows
from watchkeeper.maintain.windows import Choice, between, candidates, choose_window, epoch, split

__all__ = ["Challenger", "make_challenger", "prove"]


@dataclass(frozen=True, slots=True)
class Challenger:
    """A model trained to take the champion's place.

    Parameters
    ----------
    model
        The fitted model.
    choice
        Which window it was trained on, and how the others did.
    trained
        First and last moment (exclusive) of its training rows, of which there are ``rows``.
    gate
        The block, newer than any training row, on which it has to prove itself.
    """

    model: Any
    choice: Choice
    trained: Window
    rows: int
    gate: Window


def make_challenger(
    rows: pl.DataFrame,
    spec: Spec,
    trainer: Trainer,
    newest: datetime,
    *,
    change: datetime | None = None,
    excluded: Sequence[Window] = (),
) -> Challenger:
    """Choose the training window on one held-out block, refit up to the next one, and leave that one to the gate.

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
    change
        When the alert began, for the candidate ``since_change``.
    excluded
        Windows whose rows are left out, from the guard.

    Raises
    ------
    TrainingError
        When there are too few rows or the training function fails.
    """
    rule, schema = spec.maintenance, spec.schema
    metric = row_metric(choose_metric(schema.task, rule.metric))
    blocks = split(newest, rule.holdout, rule.label_delay)
    clean = leave_out(_labelled(rows, schema), schema, excluded)

    def fit(chosen: pl.DataFrame, weights: NDArray[np.float64] | None) -> Any:
        return trainer.train(chosen, schema, rule.seed, weights)

    def loss(model: Any, held_out: pl.DataFrame) -> NDArray[np.float64]:
        found = losses(score_rows(model, held_out, schema, trainer), schema, metric)
        silent = int(np.isnan(found).sum())
        if silent:
            raise TrainingError(f"{trainer.name} made a model that gives no usable answer on {silent} rows")
        return found

    tried = [c for c in candidates(rule.windows, change) if c.half_life is None or trainer.weighs]
    choice = choose_window(tried, clean, schema, fit, loss, blocks, min_rows=rule.min_rows)
    chosen, weights = choice.candidate.select(clean, schema, blocks.refit_end)
    model = fit(chosen, weights)
    return Challenger(model, choice, _span(chosen, schema, blocks.refit_end), chosen.height, blocks.gate)


def prove(
    champion: Any,
    challenger: Challenger,
    rows: pl.DataFrame,
    spec: Spec,
    trainer: Trainer,
    *,
    champion_trained_until: datetime | None = None,
    excluded: Sequence[Window] = (),
) -> GateResult:
    """Let champion and challenger answer the labelled rows of the gate's block and judge them.

    Parameters
    ----------
    champion
        The fitted champion.
    champion_trained_until
        End of the champion's training rows where it is later than the challenger's.
    excluded
        Windows whose rows are left out, from the guard.
    """
    schema = spec.schema
    block = between(_labelled(rows, schema), schema, challenger.gate.start, challenger.gate.end)
    block = leave_out(block, schema, excluded)
    until = max(challenger.trained.end, champion_trained_until or challenger.trained.end)
    answered = [score_rows(model, block, schema, trainer) for model in (champion, challenger.model)]
    return gate(answered[0], answered[1], schema, spec.maintenance, until)


def _labelled(rows: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    return rows.filter(pl.Series(np.isfinite(read_answers(rows, schema).label)))


def _span(rows: pl.DataFrame, schema: Schema, end: datetime) -> Window:
    first = epoch(series_named(rows, schema.name_of(Role.TIME) or "")).min()
    return Window(datetime.fromtimestamp(float(first) / 1e6, UTC), end)

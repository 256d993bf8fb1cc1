"""What a challenger is held to: the aim, the level that is left, and what the champion lost when it was healthy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import pi

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.metric import RowLoss
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import Schema
from watchkeeper.maintain.losses import losses
from watchkeeper.maintain.paired import auroc_difference, mean_difference
from watchkeeper.maintain.terms import days_of, read_answers

__all__ = ["Aim", "Healthy", "Standard", "healthy_loss", "level_of_try", "relative_margin", "tries_since_promotion"]

Floats = NDArray[np.float64]

_RANKING_MARGIN = 0.05
"""Share of 1 - AUROC by which a challenger may rank worse and still count as not worse."""

_FEWEST = 100
"""Rows from which the champion's healthy loss is estimated."""


class Aim(StrEnum):
    """What has to be shown of a challenger."""

    SUPERIOR = "superior"
    NON_INFERIOR = "non_inferior"


@dataclass(frozen=True, slots=True)
class Healthy:
    """What the champion lost when it was as good as when it was promoted.

    Parameters
    ----------
    loss, error
        Mean loss and its standard error; of AUROC 1 - AUROC.
    constant
        What the best constant answer lost on the same rows.
    n
        Labelled rows it rests on.
    """

    loss: float
    error: float
    constant: float
    n: int


@dataclass(frozen=True, slots=True)
class Standard:
    """What a challenger is held to.

    Parameters
    ----------
    aim
        ``superior`` where the champion does harm; ``non_inferior`` where it is only old.
    tries
        Which try since the last promotion this is, the first being 1; ``maintenance.alpha`` is spent over all of them.
    healthy
        Of the champion; None where no rows tell. Margins and the leakage alarm go by it.
    correlation
        How much rows of days as many as the gate's have in common, from earlier rows; None where there were too few.
    min_rows
        Rows below which nothing is judged; None for ``maintenance.min_rows``.
    new
        Features that the challenger has and the champion has not.
    """

    aim: Aim = Aim.SUPERIOR
    tries: int = 1
    healthy: Healthy | None = None
    correlation: float | None = None
    min_rows: int | None = None
    new: tuple[str, ...] = ()


def level_of_try(alpha: float, tries: int) -> float:
    """Return the level of the k-th try, α_k = 6·α/(π·k)², so that all tries together spend α.

    However much the blocks of the tries overlap, the chance that an equal challenger passes one of them is at most α
    (union bound, Σ 1/k² = π²/6).

    Examples
    --------
    >>> [round(level_of_try(0.05, k), 4) for k in (1, 2, 3)]
    [0.0304, 0.0076, 0.0034]
    """
    return 6 * alpha / (pi * max(1, tries)) ** 2


def tries_since_promotion(actions: Sequence[Action], aim: Aim) -> int:
    """Return how many challengers were held to an aim since a champion was last put in charge; oldest action first.

    Each aim has its own level to spend: an equal challenger is no repair, and may replace a champion that is only old.
    """
    count = 0
    for action in actions:
        if action.kind in (ActionKind.PROMOTE, ActionKind.ROLL_BACK) and action.outcome is Outcome.DONE:
            count = 0
        elif action.kind is ActionKind.VALIDATE and action.facts.get("decision") != "too_few":
            count += action.facts.get("aim", aim.value) == aim.value
    return count


def healthy_loss(rows: pl.DataFrame, schema: Schema, metric: str) -> Healthy | None:
    """Return what the champion lost on rows from before a change, which have its answers and labels.

    Parameters
    ----------
    metric
        The deciding metric.

    Returns
    -------
    Healthy or None
        None of fewer than 100 labelled rows, or of one class where classes are ranked.
    """
    made, days = plugin("metric", metric), days_of(rows, schema)
    answers = read_answers(rows, schema)
    if isinstance(made, RowLoss):
        lost = losses(rows, schema, metric)
        known = np.isfinite(lost) & np.isfinite(answers.label)
        label, lost = answers.label[known], lost[known]
        if len(lost) < _FEWEST:
            return None
        mean = mean_difference(lost, np.zeros_like(lost), None if days is None else days[known], 0.0)
        constant = made.row_losses(label, np.full(len(label), made.constant(label)))
        return Healthy(mean.gain, mean.error, float(constant.mean()), len(lost))
    if answers.score is None:
        return None
    known = np.isfinite(answers.score) & np.isfinite(answers.label)
    label, score = answers.label[known], answers.score[known]
    mean, _, auroc = auroc_difference(label, np.zeros_like(score), score, None if days is None else days[known], 0.0)
    if len(label) < _FEWEST or np.isnan(auroc):
        return None
    return Healthy(1 - auroc, mean.error, 0.5, len(label))


def relative_margin(metric: str, healthy: Healthy) -> float:
    """Return how much worse a challenger may be: max(r·L, SE(L)) of the champion's healthy loss L.

    r is what the metric says. Where the champion is better than a constant answer, the margin is at most half of that:
    at rare classes the standard error alone would call a constant answer not worse.
    """
    made = plugin("metric", metric)
    share = made.margin if isinstance(made, RowLoss) else _RANKING_MARGIN
    margin = max(share * healthy.loss, healthy.error)
    skill = healthy.constant - healthy.loss
    return min(margin, skill / 2) if skill > 0 else margin

"""How many rows a proof needs, as far as that can be told before a challenger is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

import numpy as np
import polars as pl

from watchkeeper.core.action import Action, ActionKind
from watchkeeper.core.ground import Ground
from watchkeeper.core.metric import RowLoss
from watchkeeper.core.plugins import plugin
from watchkeeper.core.spec import Spec
from watchkeeper.maintain.challenger import Champion, Occasion, healthy_when_well, labelled
from watchkeeper.maintain.losses import choose_metric, losses
from watchkeeper.maintain.paired import rows_needed
from watchkeeper.maintain.standard import Aim, healthy_loss, level_of_try, relative_margin
from watchkeeper.maintain.windows import between

__all__ = ["SampleSize", "sample_size"]


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Rows that a proof needs, and those there are.

    Parameters
    ----------
    needed
        n ≥ (z_{1-α} + z_{.8})²·σ²/(δ + μ)², with the level α of the try.
    margin, gain
        δ, by how much a challenger may be worse, where it has to be not worse; μ, the gain that a repair is expected to
        bring: what the champion loses now beyond what it lost when it was well.
    sigma
        σ, the standard deviation of one row's difference: that of the last proof, or at first that of the champion's
        own losses, which is rarely less.
    """

    n: int
    needed: int
    margin: float
    gain: float
    sigma: float

    @property
    def ground(self) -> Ground:
        """The sizes as a ground."""
        return Ground("sample_size", n=self.n, needed=self.needed, limit=self.margin, value=self.gain)


def sample_size(
    champion: Champion, rows: pl.DataFrame, spec: Spec, occasion: Occasion, newest: datetime, past: Sequence[Action]
) -> SampleSize | None:
    """Return how many rows the next proof needs; None where too few rows or another kind of metric tell nothing.

    Parameters
    ----------
    champion
        Answers the labelled rows of the newest ``holdout`` that it has not learned from.
    rows
        Rows of the log with their labels.
    newest
        End of the time whose labels have arrived.
    past
        Recorded actions, oldest first: the last proof tells how much two models differ on a row.
    """
    schema, rule = spec.schema, spec.maintenance
    metric = choose_metric(schema.task, rule.metric)
    if not isinstance(plugin("metric", metric), RowLoss):
        return None
    known = labelled(rows, schema)
    start = newest - rule.holdout
    block = between(known, schema, max(start, min(champion.trained_until or start, newest)), newest)
    now = healthy_loss(champion.answers(block), schema, metric) if block.height else None
    if now is None:
        return None
    lost = losses(champion.answers(block), schema, metric)
    lost = lost[np.isfinite(lost)]
    well = healthy_when_well(champion, known, spec, start, occasion.change) or now
    margin = rule.margin if rule.margin is not None else relative_margin(metric, well)
    gain = max(0.0, now.loss - well.loss) if occasion.aim is Aim.SUPERIOR else 0.0
    sigma = _of_last_proof(past, metric) or float(lost.std(ddof=1))
    level = level_of_try(rule.alpha, occasion.tries)
    needed = rows_needed(sigma, 0.0 if gain else margin, gain=gain, alpha=level)
    return SampleSize(len(lost), needed, margin, gain, sigma)


def _of_last_proof(past: Sequence[Action], metric: str) -> float | None:
    for action in reversed(past):
        error, n = action.facts.get(f"{metric}:error"), action.facts.get("n")
        if action.kind is ActionKind.VALIDATE and isinstance(error, float) and isinstance(n, int | float) and error > 0:
            return error * sqrt(n)
    return None

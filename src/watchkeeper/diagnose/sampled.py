"""Rows of a window for what no summary can tell: the row samples of its states, with the share each row stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.schema import ALL, Schema
from watchkeeper.core.state import ROWS, State
from watchkeeper.diagnose.losses import RANK_LOSS, row_losses
from watchkeeper.diagnose.ranking import Ranking, ranking
from watchkeeper.stats.row_sample import RowSamplePart

__all__ = ["Sampled", "sampled", "segment_columns", "segments_of"]

States = Mapping[tuple[str, str], State]

_MOST = 3_000
"""Sampled rows of one side."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """Sampled rows of one side.

    Attributes
    ----------
    frame
        The rows with all their columns.
    weights
        The share of all rows that each stands for, adding up to 1, float64, shape (k,).
    segments
        The segment each row belongs to, ``all`` where rows were not drawn by segment, shape (k,).
    losses
        The loss of each row, NaN where it has none, shape (k,).
    ranks
        Scores and labels, where the loss is one of ranks and the loss of a row what it adds to that; else None.
    """

    frame: pl.DataFrame
    weights: NDArray[np.float64]
    segments: NDArray[np.str_]
    losses: NDArray[np.float64]
    ranks: Ranking | None = None

    def __len__(self) -> int:
        return self.frame.height

    def where(self, kept: NDArray[np.bool_]) -> Sampled:
        """Return some of the rows, which then stand for all."""
        weights = self.weights[kept]
        whole = float(weights.sum())
        scaled = weights / whole if whole > 0 else weights
        ranks = self.ranks.where(kept) if self.ranks else None
        return Sampled(self.frame.filter(pl.Series(kept)), scaled, self.segments[kept], self.losses[kept], ranks)

    def labelled(self) -> Sampled:
        """Return the rows that have a loss."""
        return self.where(np.isfinite(self.losses))

    def mean(self, weights: NDArray[np.float64]) -> float:
        """Return the loss of the rows with other weights, all of which have one."""
        if self.ranks is not None:
            return self.ranks.loss(weights)
        return float(weights @ self.losses / weights.sum())

    def adds(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each row adds to the loss with other weights, shape (k,)."""
        return self.losses if self.ranks is None else self.ranks.row_losses(weights)


def segment_columns(schema: Schema) -> tuple[str, ...]:
    """Return the columns that rows are declared to be split by."""
    return tuple(rule.column for rule in schema.segments)


def segments_of(column: str, *sides: States) -> tuple[str, ...]:
    """Return the segments of a column that one of the sides has rows of, in alphabetical order."""
    found = {segment for states in sides for segment, place in states if place == ROWS}
    return tuple(sorted(s for s in found if s.split("=", 1)[0] == column and "=" in s))


def sampled(states: States, schema: Schema, loss: str = "", column: str = "") -> Sampled:
    """Return the sampled rows of a window.

    Parameters
    ----------
    column
        A segment column: each of its segments keeps a sample of its own, so that together there are more rows, and as
        many of a rare segment as of a common one; ``weights`` set that right. Empty for the sample of all rows.
    """
    names: Iterable[str] = segments_of(column, states) if column else (ALL,)
    parts = [(name, part) for name in names for part in [_part(states, name)] if part is not None and len(part.hashes)]
    if not parts:
        empty = np.empty(0)
        return Sampled(pl.DataFrame(), empty, np.empty(0, "U1"), empty)
    rows = sum(part.rows for _, part in parts)
    most = max(50, _MOST // len(parts))
    # The rows with the smallest hashes are a sample of the sample.
    frames = [part.frame.head(most) for _, part in parts]
    weights = [np.full(f.height, part.rows / rows / f.height) for f, (_, part) in zip(frames, parts, strict=True)]
    segments = [np.full(f.height, name) for f, (name, _) in zip(frames, parts, strict=True)]
    frame = pl.concat(frames, how="diagonal_relaxed")
    shares = np.concatenate(weights)
    ranks = ranking(frame, schema) if loss == RANK_LOSS else None
    if ranks is not None:
        losses = ranks.row_losses(shares)
    else:
        losses = row_losses(frame, schema, loss) if loss else np.full(frame.height, np.nan)
    return Sampled(frame, shares, np.concatenate(segments), losses, ranks)


def _part(states: States, segment: str) -> RowSamplePart | None:
    state = states.get((segment, ROWS))
    found = state.parts.get("row_sample") if state is not None and not state.problem else None
    return found if isinstance(found, RowSamplePart) else None

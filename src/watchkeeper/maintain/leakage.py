"""Features that know the label: which of them alone predict it too well."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import series_named
from watchkeeper.core.ground import Ground
from watchkeeper.core.metric import RowLoss
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import Kind, Schema
from watchkeeper.maintain.standard import Standard
from watchkeeper.maintain.terms import read_answers
from watchkeeper.schema.kinds import as_text

__all__ = ["leakage", "loss_alone", "too_good_alone"]

Floats = NDArray[np.float64]

_KNOWS = 20
"""Where nobody knows what the champion lost when healthy, this many times less than a constant answer is too good."""

_ROWS_A_CELL = 20
_MOST_CELLS = 50


def leakage(
    metric: str, champion: float, challenger: float, constant: float, rows: pl.DataFrame, schema: Schema,
    standard: Standard,
) -> Ground | None:  # fmt: skip
    """Return what is too good to be true of a challenger; None where nothing is.

    Too good is less than half of what the champion loses now and lost when it was healthy: of the challenger, or of one
    feature alone. Of a feature that the champion does not have, less than half of what the champion loses now will do
    where nobody knows what it lost before.

    Parameters
    ----------
    metric
        The deciding metric.
    champion, challenger, constant
        What the two and the best constant answer lose on the rows.
    rows
        Labelled rows.
    """
    features = [column.name for column in schema.features]
    if standard.healthy is not None:
        # Where the champion does well too, the rows are easy.
        known = barred = min(standard.healthy.loss, champion)
    else:
        known = min(champion, constant)
        barred = 2 * known / _KNOWS
    alone = dict.fromkeys(too_good_alone(rows, schema, metric, features, barred / 2))
    alone |= dict.fromkeys(too_good_alone(rows, schema, metric, standard.new, known / 2))
    if not alone and challenger >= barred / 2:
        return None
    limit = known if alone else barred
    return Ground(
        "leakage", metric, columns=tuple(alone), before=champion, after=challenger, limit=limit, n=rows.height
    )


def too_good_alone(
    rows: pl.DataFrame, schema: Schema, metric: str, features: Iterable[str], limit: float
) -> tuple[str, ...]:
    """Return the features whose cells alone lose less than a limit, best first.

    Parameters
    ----------
    rows
        Labelled rows.
    metric
        The deciding metric; by one that ranks rows, no feature alone is too good.
    features
        Which to look at; one that is not in the rows is passed over.
    limit
        In the unit of the loss, such as half of what the champion lost when it was healthy.
    """
    found = {name: loss_alone(rows, schema, metric, name) for name in features if name in rows.columns}
    return tuple(name for name, loss in sorted(found.items(), key=lambda pair: pair[1]) if loss < limit)


def loss_alone(rows: pl.DataFrame, schema: Schema, metric: str, feature: str) -> float:
    """Return what the best constant answer of each cell of one feature loses; NaN below 40 labelled rows.

    Cells are up to 50 ranges of equally many values, or levels, and null. Each half of the rows is answered by what the
    other half has learned, and a cell that the other half has not seen by its constant answer.
    """
    made = plugin("metric", metric)
    if not isinstance(made, RowLoss):
        return float("nan")
    label = read_answers(rows, schema).label
    known = np.isfinite(label)
    label = label[known]
    if len(label) < 2 * _ROWS_A_CELL:
        return float("nan")
    cells = _cells(series_named(rows, feature).filter(pl.Series(known)), schema[feature].kind)
    half = np.arange(len(label)) % 2 == 0
    total = 0.0
    for learned, asked in ((half, ~half), (~half, half)):
        answer = np.full(int(asked.sum()), made.constant(label[learned]))
        for cell in np.unique(cells[asked]):
            own = label[learned & (cells == cell)]
            if len(own) >= 2:
                answer[cells[asked] == cell] = made.constant(own)
        total += float(made.row_losses(label[asked], answer).sum())
    return total / len(label)


def _cells(values: pl.Series, kind: Kind) -> NDArray[np.int64]:
    most = max(2, min(_MOST_CELLS, len(values) // _ROWS_A_CELL))
    if kind is Kind.NUMERIC and values.dtype.is_numeric():
        numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        finite = np.isfinite(numbers)
        if not finite.any():
            return np.zeros(len(numbers), np.int64)
        edges = np.unique(np.quantile(numbers[finite], np.linspace(0, 1, most + 1)[1:-1]))
        return np.where(finite, np.searchsorted(edges, numbers, side="right"), -1)
    codes = as_text(values).fill_null("").rank("dense").to_numpy().astype(np.int64)
    common = np.argsort(-np.bincount(codes))[:most]
    return np.where(np.isin(codes, common), codes, -1)

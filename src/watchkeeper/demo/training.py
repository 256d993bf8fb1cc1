"""How the demo's model is trained: an ordinary scikit-learn pipeline, as a user would write it."""

from __future__ import annotations

import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from watchkeeper.demo.flights import CATEGORICAL, FEATURES, NUMERIC

__all__ = ["train"]


def train(rows: pl.DataFrame, seed: int = 0) -> Pipeline:
    """Fit a gradient booster that predicts whether a flight arrives late.

    Parameters
    ----------
    rows
        Labelled flights with the columns of ``FEATURES`` and ``label``.
    seed
        Seed of the booster.
    """
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    columns = make_column_transformer((codes, list(CATEGORICAL)), ("passthrough", list(NUMERIC)))
    booster = HistGradientBoostingClassifier(max_iter=80, max_leaf_nodes=15, random_state=seed)
    return make_pipeline(columns, booster).fit(rows.select(FEATURES), rows["label"].to_numpy())

"""A text classifier of a function, searched by grid, that is kept through a shift of topics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.spec import Maintenance
from watchkeeper.maintain.artefact import format_of, load, save
from watchkeeper.maintain.gate import gate
from watchkeeper.maintain.recipe import recipe_of
from watchkeeper.maintain.train import load_trainer, score_rows

SCHEMA = Schema(
    (
        Column("text", Role.FEATURE, Kind.TEXT),
        Column("score", Role.SCORE, Kind.NUMERIC),
        Column("prediction", Role.PREDICTION, Kind.CATEGORICAL),
        Column("label", Role.LABEL, Kind.CATEGORICAL),
    ),
    Task.BINARY, ("0", "1"), "1",
)  # fmt: skip
TRAINING = """
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline


def train(rows, seed):
    words = make_column_transformer((CountVectorizer(), "text"))
    searched = GridSearchCV(make_pipeline(words, MultinomialNB()), {"multinomialnb__alpha": [0.01, 0.1, 1.0]}, cv=3)
    return searched.fit(rows.select("text"), rows["label"].to_numpy()).best_estimator_
"""
COMMON = ("the", "a", "and", "we", "today", "please")
OLD, NEW = (("refund", "invoice"), ("login", "screen")), (("chargeback", "wallet"), ("token", "widget"))


def rows(seed: int, topics: tuple[tuple[str, ...], tuple[str, ...]], count: int = 400) -> pl.DataFrame:
    """Return texts about one of two topics, of which some words are of the other."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    texts = [
        " ".join([*rng.choice(COMMON, 5), *rng.choice(topics[label], 2), rng.choice(topics[rng.integers(0, 2)])])
        for label in labels.tolist()
    ]
    return pl.DataFrame({"text": texts, "label": labels})


def test_a_text_classifier_is_kept_through_a_shift_of_topics(tmp_path: Path) -> None:
    (tmp_path / "text_training.py").write_text(TRAINING)
    rule = Maintenance("text_training:train", min_rows=100)
    trainer = load_trainer(rule.train, str(tmp_path), recipe_of(rule, SCHEMA))
    champion = trainer.train(rows(0, OLD), SCHEMA)
    challenger = trainer.train(rows(1, NEW), SCHEMA)
    address = save(challenger, str(tmp_path / "files"))
    assert format_of(address, str(tmp_path / "files")) == "skops"
    kept, asked = load(address, str(tmp_path / "files")), rows(2, NEW)
    answers = [score_rows(model, asked, SCHEMA) for model in (champion, kept, challenger)]
    assert answers[1].equals(answers[2])
    right = [float((one["prediction"] == one["label"]).mean() or 0.0) for one in answers]
    assert right[0] < 0.6
    assert right[1] > 0.9
    result = gate(answers[0], answers[1], SCHEMA, rule)
    assert next(check.difference.gain for check in result.checks if check.segment == "all") > 0.3

"""Losses against scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

from watchkeeper.core.errors import ConfigError, SchemaError
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.maintain.losses import choose_metric, losses
from watchkeeper.maintain.terms import read_answers


def scored(n: int = 500) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    score = rng.random(n)
    return pl.DataFrame({"score": score, "label": (rng.random(n) < score).astype(int), "prediction": score.round()})


def test_the_means_are_those_of_scikit_learn(binary: Schema) -> None:
    rows = scored()
    y, p = rows["label"].to_numpy(), rows["score"].to_numpy()
    assert losses(rows, binary, "log_loss").mean() == pytest.approx(metrics.log_loss(y, p), abs=1e-12)
    assert losses(rows, binary, "brier").mean() == pytest.approx(metrics.brier_score_loss(y, p), abs=1e-12)
    assert 1 - losses(rows, binary, "accuracy").mean() == pytest.approx(metrics.accuracy_score(y, p >= 0.5), abs=1e-12)


def test_a_certain_score_is_clipped_as_scikit_learn_clips_it(binary: Schema) -> None:
    rows = pl.DataFrame({"label": [1, 0, 1, 0], "score": [1.0, 0.0, 0.0, 1.0]})
    wanted = metrics.log_loss([1, 0, 1, 0], [1.0, 0.0, 0.0, 1.0])
    assert losses(rows, binary, "log_loss").mean() == pytest.approx(wanted)


def test_the_score_belongs_to_the_positive_class_even_when_it_sorts_first(binary: Schema) -> None:
    late_first = replace(binary, classes=("late", "on time"), positive="late")
    rows = pl.DataFrame({"label": ["late", "on time"], "score": [0.9, 0.2]})
    assert losses(rows, late_first, "brier").tolist() == pytest.approx([0.01, 0.04])


def test_a_null_label_or_score_has_no_loss_and_is_never_counted_as_wrong(binary: Schema) -> None:
    rows = pl.DataFrame({"label": [1, None, 0, 7], "score": [0.5, 0.5, None, 0.5]})
    for metric in ("log_loss", "brier", "accuracy"):
        assert np.isnan(losses(rows, binary, metric)).tolist() == [False, True, True, True]


def test_labels_as_booleans_floats_and_text_are_the_same_labels(binary: Schema) -> None:
    as_float = read_answers(pl.DataFrame({"label": [0.0, 1.0]}), binary).label
    as_text = read_answers(pl.DataFrame({"label": ["0", "1"]}), binary).label
    named = replace(binary, classes=("false", "true"), positive="true")
    as_bool = read_answers(pl.DataFrame({"label": [False, True]}), named).label
    assert as_float.tolist() == as_text.tolist() == as_bool.tolist() == [0.0, 1.0]


def test_scores_beyond_one_are_refused(binary: Schema) -> None:
    with pytest.raises(SchemaError, match="between 0 and 1"):
        losses(pl.DataFrame({"label": [1], "score": [1.5]}), binary, "log_loss")


def test_regression_losses_are_those_of_scikit_learn() -> None:
    schema = Schema(
        (Column("y", Role.LABEL, Kind.NUMERIC), Column("f", Role.PREDICTION, Kind.NUMERIC)), Task.REGRESSION
    )
    rng = np.random.default_rng(1)
    rows = pl.DataFrame({"y": rng.normal(size=50), "f": rng.normal(size=50)})
    assert losses(rows, schema, "mae").mean() == pytest.approx(metrics.mean_absolute_error(rows["y"], rows["f"]))
    assert losses(rows, schema, "mse").mean() == pytest.approx(metrics.mean_squared_error(rows["y"], rows["f"]))


def test_a_metric_that_does_not_fit_the_task_is_named_with_the_valid_ones() -> None:
    assert choose_metric(Task.BINARY, "") == "log_loss"
    assert choose_metric(Task.REGRESSION, "") == "mae"
    with pytest.raises(ConfigError, match=r"did you mean 'auroc'\? Valid: accuracy, auroc, brier, log_loss"):
        choose_metric(Task.BINARY, "auroc_")
    with pytest.raises(ConfigError, match="Valid: mae, mape, mse, smape"):
        choose_metric(Task.REGRESSION, "log_loss")

"""Metrics on logs of real size against scikit-learn on the same rows."""

from pathlib import Path

import polars as pl
import pytest
import sklearn.metrics as sk

from watchkeeper.core.batch import Batch
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import OUTCOME
from watchkeeper.performance.assess import assess_performance
from watchkeeper.stats.summarise import summarise

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = [
    pytest.mark.validation,
    pytest.mark.skipif(not DATA.is_dir(), reason="the shared data sets are not here"),
]


def measured(frame, known, size=7_000):
    """Read the log in pieces, as one window."""
    pieces = [Batch(frame[start : start + size], known) for start in range(0, frame.height, size)]
    state = next(s for key, s in summarise(pieces, Spec("m", known)).items() if key.column == OUTCOME)
    return {m.name: m for m in assess_performance(state, known)}


def test_car_loans_equal_scikit_learn_in_every_block():
    frame = pl.read_parquet(DATA / "nannyml_car_loan" / "synthetic_car_loan_reference.parquet")
    known = Schema(
        (
            Column("repaid", Role.LABEL, Kind.BOOLEAN),
            Column("y_pred", Role.PREDICTION, Kind.BOOLEAN),
            Column("y_pred_proba", Role.SCORE, Kind.NUMERIC),
        ),
        Task.BINARY,
        ("0", "1"),
        "1",
    )
    for block in (frame, *(frame[start : start + 5_000] for start in range(0, 50_000, 5_000)), frame[:1_500]):
        found = measured(block, known)
        y, p, s = (block[c].to_numpy() for c in ("repaid", "y_pred", "y_pred_proba"))
        exact = {
            "accuracy": sk.accuracy_score(y, p),
            "precision": sk.precision_score(y, p),
            "recall": sk.recall_score(y, p),
            "f1": sk.f1_score(y, p),
            "log_loss": sk.log_loss(y, s),
            "brier": sk.brier_score_loss(y, s),
        }
        for name, value in exact.items():
            assert found[name].value == pytest.approx(value, abs=1e-9)
        # The scores are rounded to two digits, so every one is counted by itself.
        for name, score in (("auroc", sk.roc_auc_score), ("average_precision", sk.average_precision_score)):
            assert found[name].value == pytest.approx(score(y, s), abs=1e-9)
            assert found[name].evidence.bound == 0


def test_card_offers_of_three_classes_equal_scikit_learn():
    frame = pl.read_parquet(DATA / "nannyml_multiclass_mc" / "mc_reference.parquet")
    columns = (Column("y_true", Role.LABEL, Kind.CATEGORICAL), Column("y_pred", Role.PREDICTION, Kind.CATEGORICAL))
    found = measured(frame, Schema(columns, Task.MULTICLASS, tuple(sorted(frame["y_true"].unique()))))
    y, p = frame["y_true"].to_list(), frame["y_pred"].to_list()
    assert found["accuracy"].value == pytest.approx(sk.accuracy_score(y, p), abs=1e-9)
    for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        assert found[name].value == pytest.approx(score(y, p, average="macro"), abs=1e-9)


def test_car_prices_equal_scikit_learn():
    frame = pl.read_parquet(DATA / "nannyml_car_price_regression" / "regression_synthetic_reference.parquet")
    columns = (Column("y_true", Role.LABEL, Kind.NUMERIC), Column("y_pred", Role.PREDICTION, Kind.NUMERIC))
    found = measured(frame, Schema(columns, Task.REGRESSION))
    y, p = frame["y_true"].to_numpy(), frame["y_pred"].to_numpy()
    exact = {
        "mae": sk.mean_absolute_error(y, p),
        "mse": sk.mean_squared_error(y, p),
        "rmse": sk.root_mean_squared_error(y, p),
        "mape": sk.mean_absolute_percentage_error(y, p),
        "r2": sk.r2_score(y, p),
    }
    for name, value in exact.items():
        assert found[name].value == pytest.approx(value, rel=1e-11)

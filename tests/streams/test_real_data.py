"""A stream on tables from outside: silent on halves of one table, and quick where the change is known."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from watchkeeper.core.alert import Cause
from watchkeeper.core.schema import Role
from watchkeeper.streams.reference import open_stream
from watchkeeper.streams.stream import Stream

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = [
    pytest.mark.validation,
    pytest.mark.skipif(not DATA.exists(), reason="the data sets in ../shared/data are not here"),
]


def alerts(stream: Stream, rows: pl.DataFrame, step: int = 100) -> list[tuple[int, Cause, set[str]]]:
    """Rows until each alert that is new or grew, with its cause and columns."""
    found = []
    for start in range(0, rows.height, step):
        changed = stream.update(rows[start : start + step]).alerts
        found += [(start + step, alert.cause, set(alert.columns)) for alert in changed]
    return found


@pytest.mark.parametrize(
    ("file", "label"),
    [
        ("electricity/electricity.parquet", "class"),
        ("bank_marketing/bank_full.parquet", "y"),
        ("uci_credit_default", "default.payment.next.month"),
    ],
)
def test_one_random_half_is_silent_against_the_other(file: str, label: str) -> None:
    path = DATA / file
    rows = pl.read_parquet(path if path.is_file() else next(path.glob("*.parquet")))
    rows = rows.sample(fraction=1.0, shuffle=True, seed=4)
    stream = open_stream(rows[: rows.height // 2], roles={Role.LABEL: label}, budget=1e6)
    assert alerts(stream, rows[rows.height // 2 :]) == []
    assert max(stream.scores.values()) < 2


def test_three_columns_that_begin_to_move_are_found_at_once() -> None:
    """electricity: vicprice, vicdemand and transfer are constant for the first 17,424 rows."""
    rows = pl.read_parquet(DATA / "electricity" / "electricity.parquet")
    still = ["vicprice", "vicdemand", "transfer"]
    stream = open_stream(rows[:10_000].select(still), budget=1e6)
    found = alerts(stream, rows[10_000:18_000].select(still), 24)
    assert found[0][0] <= 7_424 + 48
    assert found[0][0] > 7_424
    assert found[0][2] == set(still)


def test_a_loan_book_is_silent_for_25000_rows_and_then_found_within_two_hundred() -> None:
    """nannyml's synthetic car loans: covariate drift in the last five of ten blocks of 5,000."""
    folder = DATA / "nannyml_car_loan"
    roles = {Role.LABEL: "repaid", Role.TIME: "timestamp", Role.ID: "id"}
    stream = open_stream(pl.read_parquet(folder / "synthetic_car_loan_reference.parquet"), roles=roles, budget=1e6)
    rows = pl.read_parquet(folder / "synthetic_car_loan_analysis.parquet")
    labels = pl.read_parquet(folder / "synthetic_car_loan_analysis_target.parquet")
    rows = rows.join(labels, on="id", how="left", maintain_order="left")
    assert alerts(stream, rows[:25_000]) == []
    found = alerts(stream, rows[25_000:35_000])
    assert found[0] == (100, Cause.DRIFT, {"car_value"})
    assert {"car_value", "loan_length", "repaid_loan_on_prev_car", "salary_range"} <= found[-1][2]
    assert "debt_to_income_ratio" not in found[-1][2]


def test_injected_missing_values_are_faults_of_their_columns() -> None:
    """The same loans with 8,000 values of salary_range and driver_tenure taken out, against 5,000 in the reference."""
    folder = DATA / "nannyml_car_loan"
    roles = {Role.LABEL: "repaid", Role.TIME: "timestamp", Role.ID: "id"}
    stream = open_stream(pl.read_parquet(folder / "synthetic_car_loan_dq_reference.parquet"), roles=roles, budget=1e6)
    rows = pl.read_parquet(folder / "synthetic_car_loan_dq_analysis.parquet")
    faults = [columns for _, cause, columns in alerts(stream, rows[:30_000]) if cause is Cause.DATA_FAULT]
    assert faults[-1] == {"salary_range", "driver_tenure"}

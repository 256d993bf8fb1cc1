"""What a search for strange rows refuses, before and after it has read them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.errors import SchemaError, UsageError
from watchkeeper.run.anomalies import METHODS, find_anomalies


def table(rows: int, seed: int = 0) -> pl.DataFrame:
    x, z = np.random.default_rng(seed).normal(size=(2, rows))
    return pl.DataFrame({"x": x, "z": z})


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rows", [0, 1, 19])
def test_a_reference_of_few_rows_is_said_to_be_too_small(method: str, rows: int) -> None:
    with pytest.raises(SchemaError, match=f"has {rows} rows; 20 are needed"):
        find_anomalies(table(30, 1), table(60).head(rows), method=method)


@pytest.mark.parametrize("asked", [{"most": 0}, {"most": -3}, {"discovery": 5.0}, {"discovery": float("nan")}])
def test_a_number_of_rows_or_a_share_that_cannot_be_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="discovery lies between 0 and 1"):
        find_anomalies(table(30, 1), table(60), **asked)


def test_no_rows_and_one_row_are_judged() -> None:
    assert find_anomalies(table(0), table(60)).found == ()
    assert len(find_anomalies(table(1, 1), table(60)).found) == 1

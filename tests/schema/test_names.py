"""Columns whose names are patterns to Polars are columns like any other."""

import numpy as np
import polars as pl
import pytest

import watchkeeper
from watchkeeper.schema.names import without


@pytest.mark.parametrize("name", ["*", "^a.*$", "^.*$"])
def test_a_column_is_left_out_by_its_own_name(name):
    frame = pl.DataFrame({"ab": [1], name: [2]})
    assert without(frame, [name]).columns == ["ab"]


def test_a_column_named_like_all_columns_is_watched_like_any_other():
    g = np.random.default_rng(0)
    before = pl.DataFrame({"*": g.normal(size=500), "ab": g.normal(size=500)})
    assert watchkeeper.check(before, before).verdict.value == "ok"
    moved = watchkeeper.check(before.with_columns(pl.Series("*", g.normal(3, 1, 500))), before)
    assert moved.alerts[0].columns == ("*",)

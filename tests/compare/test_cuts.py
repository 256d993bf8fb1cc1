"""Shares are taken where the reference says, from a state as from rows."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from watchkeeper.compare.cuts import Cuts
from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.blocks import NumberSource
from watchkeeper.stats.level_index import count_levels
from watchkeeper.stats.summarise import summarise_rows


def state(series: pl.Series, schema=None):
    frame = series.alias("x").to_frame()
    schema = schema or infer_schema(frame)
    return next(s for s in summarise_rows(frame, schema) if s.key.column == "x"), schema


def test_four_whole_numbers_are_cut_between_each_two() -> None:
    """By hand: nothing lies below 1; up to 1, 2, 3 and 4 lie a quarter each. A fifth of the other is null."""
    reference, schema = state(pl.Series([1.0, 2.0, 3.0, 4.0] * 30))
    cuts = Cuts.of(reference)
    assert cuts.reference == pytest.approx([0, 0.25, 0.5, 0.75, 1, 0])
    assert cuts.n_reference == 120
    current, _ = state(pl.Series([0.0, 2.0, 2.5, 9.0, None]), schema)
    assert cuts.in_state(current) == pytest.approx([0.2, 0.2, 0.6, 0.6, 0.6, 0.2])


def test_rows_as_they_come_give_the_shares_of_their_state() -> None:
    rng = np.random.default_rng(1)
    reference, schema = state(pl.Series(rng.lognormal(size=5_000)))
    cuts = Cuts.of(reference)
    values = rng.lognormal(0.4, 1.5, 900)
    values[::50], values[1::90], values[2::90] = np.nan, np.inf, -np.inf
    rows = pl.Series("x", [None, *values.tolist()])
    current, _ = state(rows, schema)
    assert cuts.in_numbers(NumberSource(rows, schema["x"]).blocks()).tolist() == cuts.in_state(current).tolist()


def test_levels_as_they_come_give_the_shares_of_their_state() -> None:
    reference, schema = state(pl.Series(["a", "b", "b", None] * 50))
    cuts = Cuts.of(reference)
    assert cuts.reference == pytest.approx([0.25, 0.5, 0, 0.25])
    rows = pl.Series("x", ["b", "c", "c", "d", None])
    current, _ = state(rows, schema)
    found = cuts.in_levels(count_levels(rows.to_frame(), ["x"])["x"])
    assert found == pytest.approx([0, 0.2, 0.6, 0.2])
    assert found.tolist() == cuts.in_state(current).tolist()


def test_levels_that_a_sample_has_missed_are_expected_by_good_and_turing() -> None:
    """By hand: of ten rows two show a level that no other shows, so a fifth of new rows is expected to be new."""
    reference, _ = state(pl.Series(["a"] * 6 + ["b"] * 2 + ["c", "d"]))
    cuts = Cuts.of(reference)
    assert cuts.reference == pytest.approx([0.6, 0.2, 0.1, 0.1, 0, 0])
    assert cuts.fresh == pytest.approx([0.6, 0.2, 0.1, 0.1, 0.2, 0])


@pytest.mark.parametrize(("levels", "rows"), [(3_000, 12_000), (3_000, 50_000), (900, 3_000), (50, 5_000)])
def test_what_is_expected_of_levels_not_kept_is_what_comes(levels: int, rows: int) -> None:
    """The truth is known; beyond 1,000 levels the kept ones look commoner than they are."""
    rng = np.random.default_rng(5)
    reference, _ = state(pl.Series([f"t{k}" for k in rng.integers(0, levels, rows)]))
    cuts = Cuts.of(reference)
    truth = 1 - len(cuts.levels) / levels
    assert cuts.fresh[-2] == pytest.approx(truth, abs=0.02)


def test_a_state_of_another_map_is_refused() -> None:
    reference, _ = state(pl.Series(np.arange(500.0)))
    other, _ = state(pl.Series(np.arange(500.0) * 7))
    with pytest.raises(StateError, match="different maps"):
        Cuts.of(reference).in_state(other)


def test_a_reference_without_values_has_only_the_share_of_missing_ones() -> None:
    schema = Schema((Column("x", Role.FEATURE, Kind.NUMERIC),))
    reference, _ = state(pl.Series([None] * 40, dtype=pl.Float64), schema)
    cuts = Cuts.of(reference)
    assert cuts.reference.tolist() == [1.0]
    assert cuts.in_state(state(pl.Series([1.0, None]), schema)[0]).tolist() == [0.5]

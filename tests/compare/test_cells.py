"""Cells of numeric columns: heavy values apart, the same however the rows came."""

from __future__ import annotations

from functools import reduce

import numpy as np
import polars as pl
import pytest
from scipy import stats

from watchkeeper.compare.cells import cells, steps
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.schema.kinds import map_of
from watchkeeper.stats.codec import merge_states
from watchkeeper.stats.summarise import summarise_rows

from .conftest import Pair


def payments(rng: np.random.Generator, n: int) -> np.ndarray:
    """Round amounts with 1 to 3 % each among odd ones that hardly repeat."""
    odd = np.round(rng.lognormal(7.5, 1.2, n))
    return np.where(rng.random(n) < 0.4, rng.choice(np.arange(1, 21) * 500.0, n), odd)


def test_a_value_of_much_mass_has_a_cell_with_its_name(pair: Pair) -> None:
    rng = np.random.default_rng(1)
    reference = np.where(rng.random(5_000) < 0.3, 0.0, rng.normal(5, 1, 5_000))
    current = np.where(rng.random(4_000) < 0.5, 0.0, rng.normal(5, 1, 4_000))
    table = cells(*pair(reference, current))
    at = table.names.index("0")
    assert (table.reference[at], table.current[at]) == ((reference == 0).sum(), (current == 0).sum())
    assert len(table.names) == 11
    assert (table.n0, table.n) == (5_000, 4_000)


def test_every_row_lies_in_one_cell_whatever_came(pair: Pair) -> None:
    rng = np.random.default_rng(2)
    for current in (rng.normal(size=900) * 1e6, np.zeros(50), np.array([7.5])):
        table = cells(*pair(payments(rng, 3_000), current))
        assert (table.n0, table.n) == (3_000, len(current))
        assert len(table.names) == len(table.reference) == len(table.current)


@pytest.mark.parametrize("size", [50, 700])
def test_rows_in_small_batches_give_the_cells_of_the_whole(size: int) -> None:
    rng = np.random.default_rng(3)
    reference, current = (pl.DataFrame({"x": payments(rng, n)}) for n in (8_000, 4_000))
    schema = Schema((Column("x", Role.FEATURE, Kind.NUMERIC, "Float64", map_of(reference["x"])),))
    whole, before = (summarise_rows(frame, schema)[0] for frame in (current, reference))
    parts = [summarise_rows(current[i : i + size], schema)[0] for i in range(0, 4_000, size)]
    one, other = cells(before, whole), cells(before, reduce(merge_states, parts))
    assert one.reference.tolist() == other.reference.tolist()
    assert one.current.tolist() == other.current.tolist()


def test_equal_payments_are_called_different_once_in_twenty(pair: Pair) -> None:
    rng = np.random.default_rng(4)
    rejected = 0
    for _ in range(150):
        table = cells(*pair(payments(rng, 3_000), payments(rng, 1_500)))
        rejected += stats.chi2_contingency([table.reference, table.current], correction=False).pvalue < 0.05
    # Three binomial standard errors about 5 % of 150.
    assert abs(rejected - 7.5) <= 8


def test_two_values_in_one_bin_are_not_taken_for_one(pair: Pair) -> None:
    # Bins a thousand scales from the anchor are eight wide.
    reference, current = [0.0, 1.0, 2.0, 3.0] * 100 + [1_000.0] * 100, [1_001.0] * 100
    both = steps(*pair(reference, current))
    assert not both.whole[-1]
    assert both.whole[:-1].all()

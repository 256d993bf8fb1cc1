from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.views.vega_lite import valid
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema
from watchkeeper.core.state import State
from watchkeeper.stats.summarise import summarise_rows
from watchkeeper.views.overlay import overlay
from watchkeeper.views.shares import BinShares, bin_shares, level_shares


def state(values: object, kind: Kind = Kind.NUMERIC, scale: float = 1.0) -> State:
    frame = pl.DataFrame({"x": values})
    schema = Schema((Column("x", Role.FEATURE, kind, map=NumericMap(0.0, scale)),))
    return next(s for s in summarise_rows(frame, schema) if s.key.column == "x")


def binned(reference: object, current: object) -> BinShares:
    sides = [(s.parts["histogram"], s.parts["atoms"]) for s in (state(reference), state(current))]
    found = bin_shares(sides[0], sides[1])
    assert found is not None
    return found


def test_shares_of_bins_equal_those_numpy_counts_on_the_rows() -> None:
    rng = np.random.default_rng(3)
    reference, current = rng.normal(0, 1, 40_000), rng.normal(0.5, 1.3, 10_000)
    shares = binned(reference, current)
    for side, values in enumerate((reference, current)):
        expected = np.histogram(values, shares.edges)[0] / len(values)
        # A bin of the universal histogram is at most 2**-7 of |z| wide, a twentieth of a bin here.
        assert shares.bins[side] == pytest.approx(expected, abs=0.004)
        outside = 1 - expected.sum()
        assert shares.outside[side] == pytest.approx(outside, abs=0.002)


def test_every_row_is_in_a_bin_in_an_atom_or_outside() -> None:
    rng = np.random.default_rng(4)
    reference = np.where(rng.random(20_000) < 0.9, 0.0, rng.exponential(1, 20_000))
    current = np.where(rng.random(5_000) < 0.5, 0.0, rng.exponential(2, 5_000))
    shares = binned(reference, current)
    for side in (0, 1):
        assert shares.bins[side].sum() + shares.atom_shares[side].sum() + shares.outside[side] == pytest.approx(1)


def test_a_heavy_value_is_a_pin_and_does_not_raise_its_bin() -> None:
    rng = np.random.default_rng(5)
    reference = np.where(rng.random(20_000) < 0.9, 0.0, rng.exponential(1, 20_000))
    shares = binned(reference, reference)
    assert shares.atoms.tolist() == [0.0]
    assert shares.atom_shares[:, 0] == pytest.approx((reference == 0).mean(), abs=1e-9)
    assert shares.bins.max() < 0.02


def test_whole_numbers_get_bins_of_whole_width() -> None:
    rng = np.random.default_rng(6)
    ages = rng.integers(18, 98, 30_000)
    shares = binned(ages.astype(float), ages.astype(float))
    widths = np.diff(shares.edges)
    assert widths == pytest.approx(2.0)
    assert (shares.edges % 1 == 0.5).all()
    assert shares.bins[0] == pytest.approx(np.histogram(ages, shares.edges)[0] / len(ages), abs=1e-9)


def test_a_constant_column_has_one_pin() -> None:
    shares = binned(np.full(100, 3.5), np.full(50, 3.5))
    assert shares.atoms.tolist() == [3.5]
    assert shares.atom_shares.tolist() == [[1.0], [1.0]]


def test_levels_are_shares_and_the_rest_is_counted() -> None:
    reference = state([f"l{i % 20}" for i in range(2_000)], Kind.CATEGORICAL).parts["levels"]
    current = state(["l0"] * 75 + ["new"] * 25, Kind.CATEGORICAL).parts["levels"]
    shares = level_shares(reference, current)
    assert shares is not None
    assert len(shares.names) == 12
    assert shares.others == 9
    assert shares.shares[:, shares.names.index("l0")].tolist() == [0.05, 0.75]
    assert shares.shares[:, shares.names.index("new")].tolist() == [0.0, 0.25]
    assert shares.rest == (pytest.approx(9 / 20), 0.0)


def test_a_column_that_holds_nothing_now_says_so_and_draws_no_line() -> None:
    laid = overlay(state([1.0, 2.0, 3.0]), state([None, None, None]))
    assert laid.problem == "The current data holds no value in this column."
    assert "missing 0 % → 100 %" in laid.sizes


def test_a_missing_column_or_a_changed_type_is_named_and_not_drawn() -> None:
    assert overlay(state([1.0]), None).problem == "The current data has no rows with this column."
    broken = State(state([1.0]).key, None, {}, "column 'x' changed its type")
    laid = overlay(state([1.0]), broken)
    assert laid.chart is None
    assert laid.problem == "column 'x' changed its type"


@pytest.mark.parametrize(
    ("reference", "current", "kind"),
    [
        ([1.0, 2.0, 2.0], [1.0, float("inf"), float("nan")], Kind.NUMERIC),
        ([0.0] * 50, [1e300, -1e300] * 9, Kind.NUMERIC),
        ([1e-300, 2e-300], [5e-324], Kind.NUMERIC),
        (["a", ""], [None, "b"], Kind.CATEGORICAL),
        ([True, False], [True, None], Kind.BOOLEAN),
        ([1e18, -1e18], [0.0], Kind.TIME),
    ],
)
def test_odd_values_are_drawn_by_a_valid_specification(reference: object, current: object, kind: Kind) -> None:
    laid = overlay(state(reference, kind), state(current, kind))
    assert laid.chart is not None
    valid(laid.chart)

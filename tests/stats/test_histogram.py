"""The universal histogram against NumPy's quantiles, IEEE 754 bit patterns and its stated bound."""

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Kind, NumericMap, Role
from watchkeeper.schema.kinds import map_of
from watchkeeper.stats.blocks import NumberSource
from watchkeeper.stats.histogram import Histogram, HistogramPart, bin_edges
from watchkeeper.stats.statistic import fold


def histogram_of(values, map_=None):
    x = pl.Series("x", np.asarray(values, float))
    column = Column("x", Role.FEATURE, Kind.NUMERIC, map=map_ or map_of(x))
    return fold(Histogram(), column, NumberSource(x, column).blocks())


def test_one_falls_into_the_bin_whose_edges_ieee_754_gives():
    # 1.0f is 0x3F800000; the next value of its top 16 bits is 0x3F810000, which is 1 + 2^-7.
    part = histogram_of([1.0], NumericMap())
    lower, upper = part.edges()
    assert (lower[0], upper[0]) == (1.0, 1.0 + 2.0**-7)


def test_bins_are_ordered_like_the_values_they_hold():
    values = np.array([-1e30, -2.0, -1.0, -1e-30, 0.0, 1e-30, 1.0, 2.0, 1e30])
    part = histogram_of(values, NumericMap())
    assert part.bins.tolist() == sorted(part.bins.tolist())
    lower, upper = part.edges()
    assert ((lower <= values) & (values <= upper)).all()


@pytest.mark.parametrize("anchor", [0.0, -0.0, 1.0])
def test_minus_zero_is_zero(anchor):
    # IEEE 754-2019, 5.11: -0 equals +0.
    part = histogram_of([-0.0, 0.0, -0.0], NumericMap(anchor))
    assert part.counts.tolist() == [3]


@pytest.mark.parametrize("seed", range(3))
def test_a_quantile_is_within_a_bin_of_the_one_numpy_finds(seed):
    x = np.random.default_rng(seed).lognormal(2, 1, 50_000)
    map_ = map_of(pl.Series(x))
    q = np.array([0.001, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999])
    exact = np.quantile(x, q, method="inverted_cdf")
    z = np.abs(exact - map_.anchor) / map_.scale
    off = np.abs(histogram_of(x).quantile(q) - exact) / map_.scale
    assert (off <= 2.0**-7 * z + 1e-7).all()


def test_every_finite_value_lies_in_some_bin_even_at_the_ends_of_float64():
    x = [-1.7e308, -1e-320, 0.0, 5e-324, 1.7e308]
    part = histogram_of(x, NumericMap())
    assert part.n == 5
    lower, upper = part.edges()
    assert np.isfinite(lower).all()
    assert np.isfinite(upper).all()


def test_counts_add_when_histograms_merge():
    x = np.random.default_rng(0).normal(size=10_000)
    map_ = NumericMap(0.1, 1.3)
    merged = Histogram().merge(histogram_of(x[:3_000], map_), histogram_of(x[3_000:], map_))
    whole = histogram_of(x, map_)
    assert np.array_equal(merged.bins, whole.bins)
    assert np.array_equal(merged.counts, whole.counts)


def test_histograms_with_other_maps_refuse_to_merge():
    with pytest.raises(StateError, match="do not merge"):
        Histogram().merge(HistogramPart(0.0, 1.0), HistogramPart(0.0, 2.0))


def test_a_shift_of_an_hour_shows_in_seconds_since_1970():
    # Without centring every value would share one of two bins, and the shift would be invisible.
    x = 1.7e9 + np.random.default_rng(1).uniform(0, 86_400, 20_000)
    map_ = map_of(pl.Series(x))
    before, after = histogram_of(x, map_), histogram_of(x + 3_600, map_)
    assert after.quantile(0.5) - before.quantile(0.5) == pytest.approx(3_600, rel=0.02)


def test_quantiles_of_no_rows_are_no_numbers():
    assert np.isnan(HistogramPart(0.0, 1.0).quantile([0.1, 0.9])).all()


def test_edges_of_neighbouring_bins_touch():
    lower, upper = bin_edges(np.arange(0x8000, 0x8000 + 0x7F80, dtype=np.uint16))
    assert np.array_equal(upper[:-1], lower[1:])

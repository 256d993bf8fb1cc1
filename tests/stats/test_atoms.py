"""Heavy values against collections.Counter."""

from collections import Counter

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.schema import Column, Kind, Role
from watchkeeper.schema.kinds import map_of
from watchkeeper.stats.atoms import Atoms
from watchkeeper.stats.blocks import NumberSource
from watchkeeper.stats.statistic import fold


def atoms_of(*batches):
    series = [pl.Series("x", np.asarray(b, float)) for b in batches]
    column = Column("x", Role.FEATURE, Kind.NUMERIC, map=map_of(series[0]))
    return fold(Atoms(), column, (block for s in series for block in NumberSource(s, column).blocks()))


@pytest.mark.parametrize("n", [300, 5_000, 200_000])
def test_every_value_with_two_percent_of_the_rows_is_counted(n):
    rng = np.random.default_rng(n)
    x = np.where(rng.random(n) < 0.3, rng.choice([0.0, -1.0, 99.0], n), rng.normal(size=n))
    found = Atoms().result(atoms_of(x))
    heavy = {value: count for value, count in Counter(x.tolist()).items() if count > 0.02 * n}
    assert set(heavy) <= set(found)
    for value, count in heavy.items():
        assert count - 0.01 * n <= found[value] <= count


@pytest.mark.parametrize("n", [2_000, 4_000, 12_000, 30_000])
def test_every_round_amount_among_odd_ones_is_counted(n):
    # Payments: many round amounts with 1 to 3 % each, the rest whole numbers that hardly repeat.
    rng = np.random.default_rng(n)
    for _ in range(5):
        odd = np.round(rng.lognormal(7.5, 1.2, n))
        x = np.where(rng.random(n) < 0.4, rng.choice(np.arange(1, 21) * 500.0, n), odd)
        found = Atoms().result(atoms_of(x))
        heavy = {value: count for value, count in Counter(x.tolist()).items() if count > 0.01 * n}
        for value, count in heavy.items():
            assert count - 0.01 * n <= found.get(value, 0) <= count


def test_whole_numbers_are_counted_exactly():
    x = np.random.default_rng(2).poisson(4, 100_000).astype(float)
    part = atoms_of(x)
    true = Counter(x.tolist())
    assert {v: c for v, c in Atoms().result(part).items() if c > 1_000} == {v: c for v, c in true.items() if c > 1_000}


def test_distinct_numbers_have_no_heavy_value():
    assert Atoms().result(atoms_of(np.random.default_rng(3).normal(size=50_000))) == {}


def test_a_value_heavy_in_an_earlier_batch_is_kept_when_later_batches_follow():
    rng = np.random.default_rng(4)
    first, second = np.zeros(4_000), rng.normal(size=4_000)
    assert Atoms().result(atoms_of(first, second)) == {0.0: 4_000}


def test_counts_never_exceed_the_truth():
    rng = np.random.default_rng(6)
    x = np.round(rng.normal(size=70_000), 1)
    true = Counter(x.tolist())
    part = atoms_of(x)
    assert all(count <= true[value] for value, count in zip(part.values.tolist(), part.counts.tolist(), strict=True))
    assert part.n == 70_000

"""The design effect is 1 for independent rows and the cluster size for rows that come in clusters."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from watchkeeper.compare.design_effect import design_effect, rank_effect
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema
from watchkeeper.schema.kinds import map_of
from watchkeeper.stats.summarise import summarise_rows


def effect(values, windows: int, kind: Kind = Kind.NUMERIC, of=design_effect) -> float | None:
    series = pl.Series("x", values)
    bins = map_of(series) if kind is Kind.NUMERIC else NumericMap()
    schema = Schema((Column("x", Role.FEATURE, kind, str(series.dtype), bins),))

    def state(piece: pl.Series):
        return next(s for s in summarise_rows(piece.to_frame(), schema, keep=("covariance",)) if s.key.column == "x")

    length = len(series) // windows
    return of(state(series), [state(series.slice(i * length, length)) for i in range(windows)])


@pytest.mark.parametrize("kind", [Kind.NUMERIC, Kind.CATEGORICAL])
def test_independent_rows_have_an_effect_near_one(kind):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(12):
        x = rng.normal(size=20_000) if kind is Kind.NUMERIC else rng.choice(list("abcdef"), 20_000)
        found.append(effect(x, 50, kind))
    assert 1.0 <= np.mean(found) < 1.35


def test_clusters_of_ten_equal_rows_have_an_effect_near_ten():
    """Kish's design effect 1 + (m - 1)·ρ of clusters of m = 10 rows with correlation ρ = 1 is 10."""
    rng = np.random.default_rng(1)
    found = [effect(np.repeat(rng.normal(size=4_000), 10), 40) for _ in range(8)]
    assert np.median(found) == pytest.approx(10, rel=0.25)


def test_clusters_of_levels_count_too():
    rng = np.random.default_rng(2)
    found = [effect(np.repeat(rng.choice(list("abcd"), 4_000), 10), 40, Kind.CATEGORICAL) for _ in range(8)]
    assert np.median(found) == pytest.approx(10, rel=0.3)


def test_windows_that_differ_without_harm_have_an_effect_above_one():
    """A mean that varies by τ = .2 sigma adds n·τ²·φ(z)²/(p·(1 - p)) to the variance ratio of 1 at each quantile p.

    Averaged over the quantiles from 5 to 95 % with scipy's normal density that is 21.7 for windows of 1,000 rows.
    """
    p = np.linspace(0.05, 0.95, 181)
    expected = 1 + 1_000 * np.mean((0.2 * stats.norm.pdf(stats.norm.ppf(p))) ** 2 / (p * (1 - p)))
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 1_000)) + rng.normal(0, 0.2, (200, 1))
    assert effect(x.ravel(), 200) == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize("kind", [Kind.NUMERIC, Kind.CATEGORICAL])
def test_what_is_rare_and_fills_a_window_counts_as_one_row_of_it(kind: Kind):
    """A holiday is so for all 24 rows of a day: Kish's ratio is 24, though 97 of 100 days are none."""
    rng = np.random.default_rng(9)
    days = np.repeat(rng.random(365) < 0.03, 24)
    values = days.astype(float) if kind is Kind.NUMERIC else np.where(days, "holiday", "none")
    assert effect(values, 365, kind) == pytest.approx(24, rel=0.05)
    alone = rng.random(365 * 24) < 0.03
    assert effect(alone.astype(float) if kind is Kind.NUMERIC else np.where(alone, "a", "b"), 365, kind) < 2


def test_fewer_than_twenty_windows_tell_nothing():
    rng = np.random.default_rng(4)
    assert effect(rng.normal(size=1_900), 19) is None
    assert effect(rng.normal(size=2_000), 20) is not None


def test_a_constant_column_has_an_effect_of_one():
    assert effect(np.full(2_000, 3.5), 20) == 1.0


def phrases(n: int, rng: np.random.Generator) -> np.ndarray:
    words = np.array(["order", "late", "refund", "thanks", "parcel", "BROKEN", "please", "help!", "invoice", "42"])
    lengths = rng.integers(1, 9, n)
    return np.array([" ".join(rng.choice(words, k)) for k in lengths], dtype=object)


@pytest.mark.parametrize(("cluster", "least", "most"), [(1, 1.0, 1.5), (10, 7.5, 16.0)])
def test_texts_that_come_in_clusters_count_as_so_many_times_fewer(cluster, least, most):
    """Ten equal texts tell as much as one: Kish's 1 + (m - 1)·ρ is 10."""
    rng = np.random.default_rng(4)
    found = [effect(np.repeat(phrases(6_000 // cluster, rng), cluster).tolist(), 30, Kind.TEXT) for _ in range(3)]
    assert least <= np.median(found) <= most


@pytest.mark.parametrize(("cluster", "expected"), [(1, 1.0), (10, 10.0)])
def test_vectors_that_come_in_clusters_count_as_so_many_times_fewer(cluster, expected):
    rng = np.random.default_rng(5)
    found = []
    for _ in range(4):
        vectors = np.repeat(rng.normal(size=(6_000 // cluster, 6)) * np.arange(1, 7), cluster, axis=0)
        found.append(effect(vectors.tolist(), 30, Kind.VECTOR))
    assert np.median(found) == pytest.approx(expected, rel=0.25)


def test_too_few_windows_of_texts_or_vectors_tell_nothing():
    rng = np.random.default_rng(6)
    assert effect(phrases(190, rng).tolist(), 19, Kind.TEXT) is None
    assert effect(rng.normal(size=(190, 3)).tolist(), 19, Kind.VECTOR) is None


def test_ranks_of_rows_that_are_alike_in_part_cluster_as_spearman_says():
    """Latent correlation .5 in clusters of ten: ranks correlate by (6/π)·asin(.25) = .483, and 1 + 9·.483 = 5.34."""
    rng = np.random.default_rng(7)
    found = []
    for _ in range(4):
        together = np.repeat(rng.normal(size=2_000), 10)
        found.append(effect(np.sqrt(0.5) * together + np.sqrt(0.5) * rng.normal(size=20_000), 50, of=rank_effect))
    assert np.median(found) == pytest.approx(1 + 9 * 6 / np.pi * np.arcsin(0.25), rel=0.25)


def test_categories_have_no_ranks():
    rng = np.random.default_rng(8)
    assert effect(rng.choice(list("abc"), 4_000), 40, Kind.CATEGORICAL, rank_effect) is None

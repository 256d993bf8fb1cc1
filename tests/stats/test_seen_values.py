"""Distinct values by hash: exact up to the cap, a fair sample of the values beyond."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.errors import SchemaError
from watchkeeper.stats import seen_values
from watchkeeper.stats.seen_values import Seen, hash_values


def hashes(values: np.ndarray) -> np.ndarray:
    return hash_values(pl.DataFrame({"x": values}))


def test_repeats_are_counted_exactly_up_to_the_cap() -> None:
    values = np.concatenate([np.arange(50_000), np.arange(0, 50_000, 100), [7, 7]])
    seen = Seen.of(hashes(values))
    assert (seen.level, seen.surplus, seen.rows) == (0, 502, 50_502)
    halves = Seen.of(hashes(values[:20_000])).merge(Seen.of(hashes(values[20_000:])))
    assert halves.surplus == 502


def test_beyond_the_cap_the_estimate_is_unbiased_and_no_repeats_stay_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_values, "VALUES", 1_000)
    rng = np.random.default_rng(1)
    estimates = []
    for _ in range(40):
        values = rng.integers(0, 2**62, 20_000)
        clean = Seen.of(hashes(values))
        assert clean.level > 0
        assert len(clean.hashes) <= 1_000
        assert clean.surplus == 0
        estimates.append(Seen.of(hashes(np.concatenate([values, values[:2_000]]))).surplus)
    # One value in 2^5 is kept: the binomial error of one estimate is √(2,000 · 31) = 249, of their mean 39.
    assert abs(float(np.mean(estimates)) - 2_000) < 4 * 249 / np.sqrt(40)


def test_which_values_are_kept_does_not_depend_on_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_values, "VALUES", 500)
    values = np.random.default_rng(2).integers(0, 3_000, 9_000)
    parts = [Seen.of(hashes(piece)) for piece in np.array_split(values, 7)]
    forwards, backwards = parts[0], parts[-1]
    for part in parts[1:]:
        forwards = forwards.merge(part)
    for part in parts[-2::-1]:
        backwards = backwards.merge(part)
    whole = Seen.of(hashes(values))
    for one in (forwards, backwards):
        assert one.level == whole.level
        assert np.array_equal(one.hashes, whole.hashes)
        assert np.array_equal(one.counts, whole.counts)


def test_values_that_are_equal_hash_alike_and_others_do_not() -> None:
    frame = pl.DataFrame({"a": [0.0, -0.0, 1.0, None, None], "b": ["x", "x", "x", "x", None]})
    found = hash_values(frame).tolist()
    assert found[0] == found[1]
    assert len(set(found)) == 4
    moments = pl.DataFrame({"t": [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 0, 0, 1, tzinfo=UTC)]})
    assert len(set(hash_values(moments).tolist())) == 2
    assert len(hash_values(frame.clear())) == 0
    with pytest.raises(SchemaError, match="List"):
        hash_values(pl.DataFrame({"v": [[1], [2]]}))

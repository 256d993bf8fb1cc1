"""The search for the worst segments: its level, what it finds, and what it promises of both."""

from __future__ import annotations

import numpy as np
import polars as pl

from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.diagnose.sampled import Sampled
from watchkeeper.diagnose.worst import worst_segments

SCHEMA = Schema(
    (
        Column("c", Role.FEATURE, Kind.CATEGORICAL),
        Column("d", Role.FEATURE, Kind.CATEGORICAL),
        Column("x", Role.FEATURE, Kind.NUMERIC),
        Column("z", Role.FEATURE, Kind.NUMERIC),
    )
)


def rows(seed: int, n: int, *, lift: float = 0.0) -> Sampled:
    """Rows whose loss is higher by ``lift`` where c is b and d is v, and wilder where x is large."""
    rng = np.random.default_rng(seed)
    c, d = rng.choice(["a", "b", "c"], n), rng.choice(["u", "v"], n)
    x = rng.normal(size=n)
    losses = rng.exponential(0.3, n) * np.where(x > 0, 1.0, 1.2) + lift * ((c == "b") & (d == "v"))
    frame = pl.DataFrame({"c": c, "d": d, "x": x, "z": rng.normal(size=n)})
    return Sampled(frame, np.full(n, 1 / n), np.full(n, "all"), losses)


def test_where_no_segment_is_worse_one_is_named_in_at_most_one_of_twenty_searches() -> None:
    rng = np.random.default_rng(0)
    named = 0
    for seed in range(150):
        one = rows(seed, 400)
        one = Sampled(one.frame, one.weights, one.segments, rng.exponential(0.3, 400))
        named += bool(worst_segments(None, one, SCHEMA, permutations=99, seed=seed))
    # 19 of 150 or more have a probability below 1e-3 at the stated 5 %.
    assert named <= 16


def test_a_pair_of_conditions_is_found_with_its_effect_and_no_part_of_it_beside_it() -> None:
    found = worst_segments(None, rows(1, 2_000, lift=0.4), SCHEMA)
    assert found[0].rule == "c = b and d = v"
    assert found[0].columns == ("c", "d")
    assert found[0].interval[0] < 0.4 < found[0].interval[1]
    assert found[0].p_value <= 0.05
    assert all(set(one.columns) != {"c", "d"} for one in found[1:])


def test_other_rows_alone_make_no_segment_worse_than_it_was() -> None:
    named = 0
    for seed in range(30):
        before, now = rows(1_000 + seed, 500, lift=0.4), rows(2_000 + seed, 900, lift=0.4)
        # Twice as likely where x is large, so that the sides have other features.
        kept = np.random.default_rng(seed).random(900) < np.where(now.frame["x"].to_numpy() > 0, 0.8, 0.4)
        named += bool(worst_segments(before, now.where(kept), SCHEMA, permutations=59, seed=seed))
    # 7 of 30 or more have a probability below .001 at the stated 5 %.
    assert named <= 6


def test_where_the_loss_rose_is_found_beside_where_it_always_was_high() -> None:
    before, now = rows(6, 1_500, lift=0.4), rows(7, 1_500, lift=0.4)
    rose = (now.frame["c"] == "a").to_numpy() & (now.frame["x"].to_numpy() > 0.67)
    losses = now.losses + 0.4 * rose
    found = worst_segments(before, Sampled(now.frame, now.weights, now.segments, losses), SCHEMA)
    assert found[0].columns == ("c", "x")
    assert found[0].rule.startswith("c = a and x in [0.6")
    assert found[0].interval[0] < 0.4 < found[0].interval[1]


def test_what_the_reference_lost_on_such_rows_is_no_news() -> None:
    before, now = rows(2, 2_000, lift=0.4), rows(3, 2_000, lift=0.4)
    assert any("c = b" in one.rule for one in worst_segments(None, now, SCHEMA))
    assert not any("c = b" in one.rule for one in worst_segments(before, now, SCHEMA))


def test_intervals_hold_the_truth_though_the_segments_were_chosen() -> None:
    held = total = 0
    for seed in range(40):
        for one in worst_segments(None, rows(100 + seed, 800, lift=0.35), SCHEMA, permutations=99):
            if one.rule == "c = b and d = v":
                total += 1
                # The rows with x ≤ 0 lose .06 more, in the segment as elsewhere.
                held += one.interval[0] <= 0.35 <= one.interval[1]
    assert total >= 30
    assert held / total >= 0.95


def test_few_rows_and_equal_losses_give_nothing() -> None:
    assert worst_segments(None, rows(4, 50), SCHEMA) == ()
    same = rows(5, 500)
    assert worst_segments(None, Sampled(same.frame, same.weights, same.segments, np.ones(500)), SCHEMA) == ()

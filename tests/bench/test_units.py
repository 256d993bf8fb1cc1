"""The page on units counts what is called one: right, wrong, and of what did not change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from bench.units.__main__ import Counts, counted, render
from bench.units.sets import UnitSet, natural


def test_a_table_is_counted_by_pairs_steps_and_turned_windows() -> None:
    rng, days, rows = np.random.default_rng(4), 14, 120
    at = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=12 * k) for k in range(days * rows)]
    frame = pl.DataFrame({"at": at, "x": rng.lognormal(5, 0.2, days * rows)})
    found = counted(UnitSet("small", frame, ("x",)), turned=1)
    # Ten blocks make 45 pairs; of 14 days 6 have eight before them, of 2 weeks none.
    assert (found.pairs, found.steps, found.false) == (45, 6, [])
    assert found.planted["× 1000", "1d"] == found.right["× 1000", "1d"] == 1
    assert not found.wrong
    page = render({"small": found, "other": Counts(pairs=1, false=["other: y miles → kilometres"])})
    assert "| **all** | 46 | 6 | **1** |" in page
    assert "- other: y miles → kilometres" in page
    assert "| × 1000 | 1d | 100% | 0.0% | 1 |" in page


def test_generated_changes_are_changes() -> None:
    one = natural(0, days=60)
    middle = one.rows["at"].median()
    halves = [one.rows.filter(pl.col("at") < middle), one.rows.filter(pl.col("at") >= middle)]
    moved = [abs(np.log(halves[1][c].mean() / halves[0][c].mean())) for c in ("price", "trip_distance")]
    assert max(moved) > 0.05
    assert {"region", "revenue"} <= {*one.segments, *one.columns}

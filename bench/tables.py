"""Write the generated tables: ``python -m bench.tables FOLDER ROWS [ROWS ...]``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

LEVELS = (3, 10, 50, 100, 200)
CHUNK = 1_000_000


def table(rows: int, seed: int, shift: float) -> pl.DataFrame:
    """Return 20 numeric and 5 categorical columns, score, prediction and label.

    Eight normal, three lognormal, two uniform and two exponential columns, three of whole numbers, one that is mostly
    zero, and one of amounts in cents; x1, x9 and x16 have nulls. ``shift`` moves x0 by that many standard deviations.
    """
    draw = np.random.default_rng(seed)
    columns: dict[str, pl.Series] = {}

    def add(values: np.ndarray) -> None:
        columns[f"x{len(columns)}"] = pl.Series(values)

    for i in range(8):
        add(draw.normal(10.0 * i + (shift if i == 0 else 0.0), 1.0 + i * (i > 0), rows))
    for sigma in (0.5, 1.0, 1.5):
        add(draw.lognormal(3.0, sigma, rows))
    for width in (1.0, 1_000.0):
        add(draw.uniform(0.0, width, rows))
    for mean in (1.0, 60.0):
        add(draw.exponential(mean, rows))
    for mean in (2.0, 40.0, 10_000.0):
        add(draw.poisson(mean, rows))
    add(np.where(draw.random(rows) < 0.7, 0.0, draw.gamma(2.0, 50.0, rows)))
    add(draw.lognormal(3.0, 1.0, rows).round(2))
    for name in ("x1", "x9", "x16"):
        columns[name] = columns[name].set(pl.Series(draw.random(rows) < 0.05), None)
    for i, count in enumerate(LEVELS):
        share = 1.0 / np.arange(1, count + 1)
        names = pl.Series([f"level_{j}" for j in range(count)])
        columns[f"c{i}"] = names.gather(draw.choice(count, rows, p=share / share.sum()))
    score = draw.beta(2.0, 3.0, rows)
    columns["score"] = pl.Series(score)
    columns["prediction"] = pl.Series((score > 0.5).astype(np.int64))
    columns["label"] = pl.Series((draw.random(rows) < score).astype(np.int64))
    return pl.DataFrame(columns)


def write(folder: Path, rows: int) -> None:
    """Write ``reference_ROWS.parquet`` and ``current_ROWS.parquet``, a million rows in memory at a time."""
    for name, seed, shift in (("reference", 1, 0.0), ("current", 1_000, 0.2)):
        parts = []
        for i, start in enumerate(range(0, rows, CHUNK)):
            parts.append(folder / f"part_{i}.parquet")
            table(min(CHUNK, rows - start), seed + i, shift).write_parquet(parts[-1])
        whole = folder / f"{name}_{rows}.parquet"
        if len(parts) == 1:
            parts[0].rename(whole)
        else:
            pl.scan_parquet(parts).sink_parquet(whole)
            for part in parts:
                part.unlink()


if __name__ == "__main__":
    for count in sys.argv[2:]:
        write(Path(sys.argv[1]), int(count))

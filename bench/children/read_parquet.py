"""Read both tables with Polars and do nothing with them."""

from __future__ import annotations

import polars as pl
from timing import answer, arguments, seconds

reference, current, runs = arguments()
pl.read_parquet(reference, n_rows=1)
answer({"read": seconds(lambda: (pl.read_parquet(reference), pl.read_parquet(current)), runs)}, ["polars"])

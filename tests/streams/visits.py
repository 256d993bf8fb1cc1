"""Visits to a shop, for streams: unchanged ones to open them on, and ones that changed in a known way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from watchkeeper.core.schema import Role
from watchkeeper.streams.stream import Stream


def visits(n: int, seed: int, *, shift=0.0, scale=1.0, mobile=0.5, wrong=0.1, nulls=0.0, start=0) -> pl.DataFrame:
    """Two numbers, a category, a truth value, a score, a prediction and its label, one row a minute."""
    rng = np.random.default_rng(seed)
    score = rng.beta(2, 3, n)
    yes = score > 0.4
    times = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start + i) for i in range(n)]
    return pl.DataFrame(
        {
            "at": times,
            "x": shift + scale * rng.normal(size=n),
            "z": rng.exponential(size=n),
            "device": np.where(rng.random(n) < mobile, "mobile", "desktop"),
            "member": rng.random(n) < 0.3,
            "score": score,
            "prediction": yes.astype(int),
            "bought": (yes ^ (rng.random(n) < wrong)).astype(int),
        }
    ).with_columns(x=pl.when(pl.Series(rng.random(n) >= nulls)).then(pl.col("x")))


REFERENCE = visits(20_000, 0)
SMALL = REFERENCE.head(5_000)
UNTIMED = SMALL.drop("at")
LABEL = {Role.LABEL: "bought"}


def play(stream: Stream, frame: pl.DataFrame, step: int = 50):
    """Return the rows until the first alert, and the alerts; (None, ()) if none came."""
    for start in range(0, frame.height, step):
        found = stream.update(frame[start : start + step])
        if found.alerts:
            return start + step, found.alerts
    return None, ()

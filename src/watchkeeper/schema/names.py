"""Columns by their own name: in Polars ``*`` stands for all of them, and ``^x$`` for those that a pattern matches."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

__all__ = ["without"]


def without(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """Return a frame without columns of exactly these names; those that it lacks are no matter.

    Examples
    --------
    >>> without(pl.DataFrame({"*": [1], "a": [2]}), ["*", "b"]).columns
    ['a']
    """
    left_out = set(names)
    return frame[[name for name in frame.columns if name not in left_out]]

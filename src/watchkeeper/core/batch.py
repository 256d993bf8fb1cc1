"""Rows of the log that arrive together."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from watchkeeper.core.schema import Schema
from watchkeeper.core.window import Window

__all__ = ["Batch"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that arrive together, with the meaning of their columns.

    Parameters
    ----------
    frame
        The rows. Columns of the schema that the frame lacks are summarised as missing, never dropped silently.
    schema
        The roles and kinds of the columns.
    window
        The window all rows belong to, where the reader knows it; otherwise the time column decides.
    first_row
        Rows of the same table, or of the same window where there is one, that come before the first of these. None
        where the reader does not know: they are then counted from the batches that were handed over before.
    """

    frame: pl.DataFrame
    schema: Schema
    window: Window | None = None
    first_row: int | None = None

    def __len__(self) -> int:
        return self.frame.height

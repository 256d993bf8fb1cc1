"""Rows read back from bins, for tests that are exact in small samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import PairedEcdf

__all__ = ["rank_rows"]


def rank_rows(both: PairedEcdf) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the number of its bin for every row of the reference and of the current data, in order.

    What a test by ranks makes of them is what it makes of the values, as far as no two values share a bin.
    """
    place = np.arange(len(both.bins))
    return np.repeat(place, both.reference), np.repeat(place, both.current)

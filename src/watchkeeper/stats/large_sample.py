"""A uniform sample of points large enough to know the tails of a reference."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.core.schema import Column, Kind
from watchkeeper.stats.joint import Joint
from watchkeeper.stats.point_sample import PointSample, PointSamplePart

__all__ = ["LargeSample"]


class LargeSample(PointSample):
    """Bottom-k sample of 10,000 points of all features together.

    A threshold that one row in a hundred exceeds is known to a tenth of its rate from 10,000 rows and to a third from
    1,000. It takes 8 bytes for each number of each row, about two megabytes for 20 features, in every stored window:
    it is kept only where a monitor counts anomalous rows.

    References
    ----------
    Cohen and Kaplan (2007), Summarizing data using bottom-k sketches, doi:10.1145/1281100.1281133.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "large_sample"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Joint,)
    part_type: ClassVar[type] = PointSamplePart
    optional: ClassVar[bool] = True
    size: ClassVar[int] = 10_000

    def applies(self, column: Column) -> bool:
        """All features together."""
        return column.kind is Kind.JOINT

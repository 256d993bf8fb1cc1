"""A uniform sample of rows with what was answered, small enough for every stored window."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.stats.answer_sample import AnswerSample
from watchkeeper.stats.joint import Joint
from watchkeeper.stats.point_sample import PointSamplePart

__all__ = ["WindowAnswers"]


class WindowAnswers(AnswerSample):
    """Bottom-k sample of 5,000 rows: features, label, prediction and score.

    What is learnt from a reference of 50,000 rows is asked about these. It takes 8 bytes for each number of each row, a
    megabyte for 20 features: windows keep it where performance is estimated.

    References
    ----------
    Cohen and Kaplan (2007), Summarizing data using bottom-k sketches, doi:10.1145/1281100.1281133.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "window_answers"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Joint,)
    part_type: ClassVar[type] = PointSamplePart
    optional: ClassVar[bool] = True
    size: ClassVar[int] = 5_000

"""The number of rows lies between two limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from watchkeeper.core.errors import StateError
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.rule import Rule, RuleTrial, Subject
from watchkeeper.core.state import ROWS, State
from watchkeeper.quality.row_rule import key_of
from watchkeeper.quality.state_rule import StateRule
from watchkeeper.stats.row_sample import RowSamplePart

__all__ = ["Volume"]


class Volume(StateRule):
    """The number of rows of a window lies between ``lower`` and ``upper``. Exact."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "volume"
    subject: ClassVar[Subject] = "rows"
    trial: ClassVar[RuleTrial] = RuleTrial({"lower": 3}, {"x": [1, 2, 3]}, {"x": [1, 2]})

    def measure(self, rule: Rule, states: Mapping[str, State], now: datetime | None) -> Measurement:
        """Return the number of rows."""
        if ROWS not in states:
            raise StateError("rows were not counted")
        rows = states[ROWS].part("row_sample", RowSamplePart).rows
        return Measurement.of(key_of(rule, states), Family.QUALITY, rule.name, float(rows), rows)

"""No value, or combination of values, comes twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.rule import Rule, RuleTrial, Subject, Work
from watchkeeper.core.state import State
from watchkeeper.quality.row_rule import RowRule, tally_of
from watchkeeper.stats.seen_values import Seen

__all__ = ["Unique"]


class Unique(RowRule):
    """No value comes twice; of several columns, no combination; of no column, no whole row.

    The measurement is the share of rows that repeat an earlier one, across all batches: n minus the number of distinct
    values, over n. Exact to 1,048,576 distinct values; beyond that it is the same share among one in 2, 4, 8 … of
    the values, chosen by hash, and the fact ``looked_at`` says which share. Rows in which one of the columns is null
    are not asked; in whole rows a null equals a null.
    """

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "unique"
    subject: ClassVar[Subject] = "columns"
    work: ClassVar[Work] = "values"
    trial: ClassVar[RuleTrial] = RuleTrial({"column": "x"}, {"x": ["a", "b", "c"]}, {"x": ["a", "a", "a"]})

    def measure(self, rule: Rule, states: Mapping[str, State], now: datetime | None) -> Measurement:
        """Return the share of rows that repeat an earlier one."""
        tally = tally_of(rule, states)
        seen = tally.seen or Seen()
        looked_at = {"looked_at": 1 / (1 << seen.level)}
        return self.share(rule, states, tally, tally.checked, min(seen.surplus, tally.checked), looked_at)

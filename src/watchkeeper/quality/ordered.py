"""Values never fall, or never rise, in the order of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.rule import Parameter, Rule, RuleTrial, Work
from watchkeeper.core.state import State
from watchkeeper.quality.parameters import as_truth, one_of
from watchkeeper.quality.row_rule import RowRule, tally_of
from watchkeeper.stats.rule_counts import Run

__all__ = ["Ordered"]


class Ordered(RowRule):
    """Numbers or times never fall (``direction: increasing``) or never rise (``decreasing``) from row to row.

    With ``strictly`` they may not repeat either. The order is that of arrival within a window, and of the windows;
    the last row of a batch is held against the first of the next. Rows without a finite value are passed over. Exact.
    """

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "ordered"
    work: ClassVar[Work] = "order"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("direction", one_of("increasing", "decreasing"), "which way they go", default="increasing"),
        Parameter("strictly", as_truth, "whether a value may not repeat", default=False),
    )
    trial: ClassVar[RuleTrial] = RuleTrial({"column": "x"}, {"x": [1, 2, 2, 5]}, {"x": [5, 4, 3, 1]})

    def measure(self, rule: Rule, states: Mapping[str, State], now: datetime | None) -> Measurement:
        """Return the share of rows that step back."""
        tally = tally_of(rule, states)
        whole = Run(0.0, 0, 0)
        for run in tally.runs:
            whole = whole.then(run)
        back = whole.rises if rule.options.get("direction") == "decreasing" else whole.falls
        if rule.options.get("strictly"):
            back += whole.ties
        return self.share(rule, states, tally, tally.checked, back, {})

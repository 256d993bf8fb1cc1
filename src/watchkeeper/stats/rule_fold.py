"""The counts of quality rules over the rows of a batch."""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.core.batch import Batch
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import ALL, Column, Kind, Role
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import RULES, State, StateKey
from watchkeeper.stats.rule_counts import RuleCounts
from watchkeeper.stats.rule_rows import RuleRows
from watchkeeper.stats.settled_rules import settled_rules
from watchkeeper.stats.statistic import fold

__all__ = ["fold_rules"]

_WHOLE = Column("", Role.ID, Kind.IDENTIFIER)


def fold_rules(batch: Batch, spec: Spec, before: int, states: Sequence[State] = ()) -> list[State]:
    """Return the state of the rules that look at rows, of all rows of a batch; none where there is no such rule.

    Parameters
    ----------
    before
        Rows that came earlier, for rules of order.
    states
        Of the same rows; what they settle is not asked of the rows.
    """
    rules = tuple(rule for rule in spec.rules if plugin("rule", rule.kind).work != "states")
    if not rules:
        return []
    start = batch.window.start.timestamp() if batch.window else 0.0
    settled = settled_rules(rules, states, batch.frame)
    block = RuleRows(batch.frame, rules, batch.schema.name_of(Role.ID) or "", (start, before), settled)
    part = fold(RuleCounts(), _WHOLE, [block])
    return [State(StateKey(spec.model, "", batch.window, ALL, RULES), None, {RuleCounts.name: part})]

"""The most common value is the right one, and as common as it should be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.evidence import Evidence, RuleCheck
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.rule import Parameter, Rule, RuleTrial, RuleVerdict
from watchkeeper.core.state import State
from watchkeeper.quality.parameters import as_share, as_truth, as_values
from watchkeeper.quality.row_rule import key_of
from watchkeeper.quality.state_rule import StateRule
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.levels import LevelsPart

__all__ = ["MostCommon"]

_LISTED = 8


class MostCommon(StateRule):
    """The share of the most common value lies between the limits, and that value is one of ``values`` if given.

    Where several values are equally common all of them must be among ``values``, or one of them if ``ties_okay``.

    Exact for levels; for numbers the share is short by less than 1 %, and 0 where no value holds 1 % of the rows.
    """

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "most_common"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("values", as_values, "what the most common value may be"),
        Parameter("ties_okay", as_truth, "whether values as common as one of them may be others", default=False),
        Parameter("lower", as_share, "the least share it may have"),
        Parameter("upper", as_share, "the largest share it may have"),
    )
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "values": ["a"], "lower": 0.5}, {"x": ["a", "a", "b"]}, {"x": ["b", "b", "a"]}
    )

    def check(self, rule: Rule) -> str:
        """Say when nothing is asked."""
        return "" if rule.options.get("values") else super().check(rule).replace("give lower", "give values, lower")

    def judge(self, rule: Rule, measurement: Measurement) -> RuleVerdict:
        """Return whether the most common value is one of those it may be, and its share between the limits."""
        found = super().judge(rule, measurement)
        allowed, check = rule.options.get("values"), measurement.evidence.rule
        if allowed and (check is None or not _among(rule, check, allowed)):
            return replace(found, kept=False, code="another_value")
        return found

    def measure(self, rule: Rule, states: Mapping[str, State], now: datetime | None) -> Measurement:
        """Return the share of the most common value."""
        state = self.state(rule, states)
        key, n = key_of(rule, states), state.part("count", CountPart).valid
        if not n:
            return Measurement.missing(key, Family.QUALITY, rule.name, "no values")
        common, times = _commonest(state)
        value, *ties = common or [""]
        check = RuleCheck(
            observed=value, valid=tuple(rule.options.get("values") or ())[:_LISTED], ties=tuple(ties[:_LISTED])
        )
        return Measurement.of(key, Family.QUALITY, rule.name, times / n, n, evidence=Evidence(rule=check))


def _among(rule: Rule, check: RuleCheck, allowed: Collection[str]) -> bool:
    either = any if rule.options.get("ties_okay") else all
    return either(value in allowed for value in (check.observed, *check.ties))


def _commonest(state: State) -> tuple[list[str], int]:
    """Return the values that are as common as any other, and how often each of them came."""
    if "levels" in state.parts:
        part = state.part("levels", LevelsPart)
        return _largest(part.names, part.counts)
    atoms = state.part("atoms", AtomsPart)
    names = [str(int(value)) if value.is_integer() else repr(value) for value in atoms.values.tolist()]
    return _largest(names, atoms.counts)


def _largest(names: Sequence[str], counts: NDArray[np.int64]) -> tuple[list[str], int]:
    most = int(counts.max(initial=0))
    return [names[k] for k in np.flatnonzero(counts == most).tolist()], most

"""Kinds of rules, each of which breaks one promise; ``sound`` keeps them all."""

from dataclasses import dataclass
from typing import ClassVar

from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.rule import Looked, Parameter, RuleTrial, RuleVerdict, column_named
from watchkeeper.quality.parameters import as_number
from watchkeeper.quality.row_rule import RowRule, key_of, tally_of
from watchkeeper.quality.state_rule import StateRule
from watchkeeper.stats.blocks import Numbers
from watchkeeper.stats.count import CountPart


class Sound(RowRule):
    """Every number is even."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "sound"
    trial = RuleTrial({"column": "x"}, {"x": [2, 4, 8]}, {"x": [1, 3, 5]})

    def expression(self, rule, dtypes):
        column = column_named(rule.column)
        return Looked(column.is_not_null(), column % 2 != 0)


class Untried(RowRule):
    """Shows nobody what it asks."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "untried"

    def expression(self, rule, dtypes):
        return Sound().expression(rule, dtypes)


class Blind(Sound):
    """Finds every row good."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "blind"

    def expression(self, rule, dtypes):
        return Looked(column_named(rule.column).is_not_null(), column_named(rule.column).is_null())


class Strict(Sound):
    """Finds every row bad."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "strict"

    def expression(self, rule, dtypes):
        column = column_named(rule.column)
        return Looked(column.is_not_null(), column.is_not_null())


class Codeless(Sound):
    """Does not say how it is broken."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "codeless"

    def judge(self, rule, measurement):
        return RuleVerdict(not measurement.value)


class Moody(Sound):
    """Judges otherwise each time."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "moody"
    asked = 0

    def judge(self, rule, measurement):
        Moody.asked += 1
        broken = bool(measurement.value)
        return RuleVerdict(not broken, "odd" if broken else "", upper=float(Moody.asked))


class FromNothing(Sound):
    """Takes no rows for good ones."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "from_nothing"

    def measure(self, rule, states, now):
        tally = tally_of(rule, states)
        share = tally.broken / tally.checked if tally.checked else 0.0
        return Measurement.of(key_of(rule, states), Family.QUALITY, rule.name, share, tally.checked)


class Healthy(Sound):
    """Takes a missing value for a good one."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "healthy"

    def expression(self, rule, dtypes):
        column = column_named(rule.column)
        return Looked(column.is_null() | column.is_not_null(), (column % 2 != 0).fill_null(False))


class Hasty(Sound):
    """Settles beforehand that every row is good."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "hasty"
    trial = RuleTrial({"column": "x"}, {"x": [2, 4, 8]}, {"x": [1, 3, 1_000]})

    def settled(self, rule, extent):
        return extent.rows if extent.extremes and extent.extremes[1] < 500 else None


class Deaf(Sound):
    """Speaks of every row, whatever its conditions."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "deaf"

    def measure(self, rule, states, now):
        tally = tally_of(rule, states)
        if not tally.rows:
            return super().measure(rule, states, now)
        left_out = tally.rows - tally.checked
        return self.share(rule, states, tally, tally.rows, tally.broken + left_out, {})


class Unreadable(Sound):
    """Has a trial that cannot be read."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "unreadable"
    trial = RuleTrial({"column": "x", "odd": True}, {"x": [2]}, {"x": [1]})


class Changing(Sound):
    """Reads what it wrote as something else."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "changing"
    parameters = (Parameter("step", lambda value: as_number(value) + 1, "what is added"),)
    trial = RuleTrial({"column": "x", "step": 2}, {"x": [2, 4]}, {"x": [1, 3]})


class Speechless(Sound):
    """Does not explain its parameter."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "speechless"
    parameters = (Parameter("step", as_number, ""),)


class Silent(StateRule):
    """Takes a column that is missing for one without values."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "silent"
    trial = RuleTrial({"column": "x", "upper": 2}, {"x": [2, 4]}, {"x": [1, 3, 5]})

    def number(self, rule, state):
        n = state.part("count", CountPart).valid
        return float(n), n, None

    def measure(self, rule, states, now):
        if states[rule.column].problem:
            return Measurement.missing(key_of(rule, states), Family.QUALITY, rule.name, "no values")
        return super().measure(rule, states, now)


class Nameless(Silent):
    """Does not say which column is missing."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "nameless"

    def measure(self, rule, states, now):
        if states[rule.column].problem:
            return Measurement.failed(key_of(rule, states), Family.QUALITY, rule.name, "something is missing")
        return super().measure(rule, states, now)


@dataclass(frozen=True)
class LongestPart:
    n: int = 0


class _Work:
    def __init__(self):
        self.n = 0

    def add(self, block):
        self.n += block.rows

    def part(self):
        return LongestPart(self.n)


class Longest:
    """Keeps the longer one of two parts."""

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "longest"
    version = 1
    reads = (Numbers,)
    part_type = LongestPart

    def applies(self, column):
        return True

    def start(self, column):
        return _Work()

    def merge(self, a, b):
        return max(a, b, key=lambda part: part.n)

    def result(self, part):
        return part.n


class Chunked(StateRule):
    """Rests on a number of which merging loses some."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "chunked"
    trial = RuleTrial({"column": "x", "upper": 2}, {"x": [2, 4]}, {"x": [1, 3, 5]})

    def number(self, rule, state):
        n = state.part("longest", LongestPart).n - state.part("count", CountPart).nulls
        return float(n), n, None

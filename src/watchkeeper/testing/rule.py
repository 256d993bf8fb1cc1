"""What every kind of rule must obey."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import isclose, isfinite
from typing import Any

import polars as pl

from watchkeeper.config.yaml_text import shown
from watchkeeper.core.batch import Batch
from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.core.measurement import Status
from watchkeeper.core.plugins import plugins
from watchkeeper.core.rule import Rule, RuleKind, TriedRule
from watchkeeper.core.schema import Column, NumericMap, Role, Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State
from watchkeeper.quality.assess import assess_rules, judge_rules
from watchkeeper.quality.rule_set import read_rules, rules_yaml
from watchkeeper.schema.kinds import kind_of, map_of
from watchkeeper.stats.codec import decode_state, encode_state, merge_states
from watchkeeper.stats.rule_fold import fold_rules
from watchkeeper.stats.summarise import summarise_rows

__all__ = ["check_rule"]

States = Mapping[str, State]

_ASIDE = "aside"
"""A column beside those of the rule, for conditions."""


def check_rule(kind: RuleKind) -> None:
    """Assert that a kind of rule obeys its contract on the rows it gives as its ``trial``.

    Checked: the protocol; the rule is read as it is written and written as it was read; rows that keep it are kept, and
    rows that break it are reported, by a code and beyond the limits that are stated; without rows there is no number
    and no report, unless the rule is about rows as a whole, and columns without a value are never kept; a column that
    is missing is a failure that names it, and is reported; states merged in any cut, in the order of the rows, and
    states that were stored say what the whole says; so do rows of which nothing is settled beforehand; a rule does not
    speak of rows that its condition leaves out; the same measurement gives the same verdict.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    assert isinstance(kind, RuleKind), "it lacks a member of the protocol RuleKind"
    assert kind.plugin == "rule", f"plugin is {kind.plugin!r}"
    assert kind.__doc__, "it has no docstring"
    assert type(plugins("rule").get(kind.name)) is type(kind), f"{kind.name!r} is not registered"
    assert isinstance(kind, TriedRule), (
        "it gives no trial: a rule as it is written, rows that keep it and that break it"
    )
    _Trial(kind).check()


class _Trial:
    """The rule of a trial, with its rows."""

    def __init__(self, kind: TriedRule) -> None:
        self.kind, trial = kind, kind.trial
        self.rule = self._read(trial.written)
        self.kept, self.broken = _frames(trial.kept, trial.broken)
        self.known = dict(trial.known)
        self.rule = replace(self.rule, options={**self.rule.options, **self.known})

    def check(self) -> None:
        """Assert every law."""
        self._check_notation()
        self._check_rows()
        self._check_holes()
        for name, frame in (("kept", self.kept), ("broken", self.broken)):
            self._check_cuts(name, frame)
        if self.kind.work != "states":
            self._check_condition()

    def _read(self, written: Mapping[str, Any], **more: Any) -> Rule:
        text = shown({"rule": self.kind.name, **written, **more})
        try:
            (rule,) = read_rules(f"rules:\n- {text}\n", "trial.yaml")
        except WatchkeeperError as error:
            raise AssertionError(f"its trial cannot be read: {error}") from None
        return rule

    def _check_notation(self) -> None:
        (again,) = read_rules(rules_yaml([self.rule]), "written.yaml")
        assert again == self.rule.declared, f"written and read again it is {again}, and was {self.rule.declared}"
        for parameter in self.kind.parameters:
            assert parameter.about, f"its parameter {parameter.name!r} is not explained"

    def _check_rows(self) -> None:
        kept, broken = self._signal(self.kept), self._signal(self.broken)
        for name, signal in (("keep", kept), ("break", broken)):
            m = signal.measurement
            told = f"rows that {name} it give {m.status.value} {m.value}: {m.reason}"
            assert m.status is Status.OK and m.value is not None and isfinite(m.value), told
            assert m.n > 0, f"rows that {name} it are {m.n}"
        assert not kept.fired, f"rows that keep it are reported: {kept.rule}, {kept.measurement.value}"
        assert broken.fired, f"rows that break it are not reported, of which it measures {broken.measurement.value}"
        found = self.kind.judge(self.rule, broken.measurement)
        assert found.code, "it does not say by a code how it is broken"
        assert not self.kind.judge(self.rule, kept.measurement).code, "it has a code for a rule that is kept"
        assert found == self.kind.judge(self.rule, broken.measurement), "the same measurement is judged in two ways"

    def _check_holes(self) -> None:
        whole = self.kind.subject == "rows" and self.kind.work == "states"
        nothing = self._signal(self.kept.clear())
        m = nothing.measurement
        told = f"no rows give {m.status.value} {m.value}{' and a report' if nothing.fired else ''}: {m.reason}"
        assert whole or (m.status is Status.NO_DATA and not nothing.fired), told
        names = [name for name in self.kept.columns if name != _ASIDE]
        nulls = self.kept.with_columns(pl.lit(None, self.kept.schema[name]).alias(name) for name in names)
        lost = self._signal(nulls)
        m = lost.measurement
        told = f"rows without a value give {m.status.value} {m.value}: {m.reason}"
        assert m.status is not Status.FAILED, told
        assert whole or m.status is Status.NO_DATA or lost.fired, f"{told}, and count as kept"
        if not self.kind.reads(self.rule):
            return
        gone = self._signal(self.kept.drop(self.rule.column))
        m = gone.measurement
        told = f"without its column it gives {m.status.value} {m.value}: {m.reason}"
        assert m.status is Status.FAILED and m.value is None, told
        assert self.rule.column in m.reason, f"{told}, which does not name it"
        assert gone.fired, "a rule that cannot be asked is not reported"

    def _check_cuts(self, name: str, frame: pl.DataFrame) -> None:
        whole = self._signal(frame)
        for at in range(frame.height + 1):
            cuts = sorted({0, at, min(at + 1, frame.height), frame.height})
            pieces = [self._states(frame[a:b], first=a) for a, b in pairwise(cuts)]
            self._same(self._judged(_merged(pieces)), whole, f"{name} rows cut at {at}")
            stored = [{c: decode_state(encode_state(s)) for c, s in states.items()} for states in pieces]
            self._same(self._judged(_merged(stored)), whole, f"{name} rows cut at {at} and stored")
        unsettled = replace(self.rule, when=(self._condition("yes"),)) if self.kind.work != "states" else self.rule
        self._same(self._signal(frame, unsettled), whole, f"{name} rows that are asked one by one")

    def _check_condition(self) -> None:
        both = pl.concat([self.kept, self.broken.with_columns(pl.lit("no").alias(_ASIDE))], how="vertical_relaxed")
        signal = self._signal(both, replace(self.rule, when=(self._condition("yes"),)))
        assert not signal.fired, f"it speaks of rows that its condition leaves out: {signal.measurement.value}"

    @staticmethod
    def _condition(value: str) -> Rule:
        return Rule("in_set", (_ASIDE,), {"values": (value,)}, "in_set")

    def _states(self, frame: pl.DataFrame, rule: Rule | None = None, first: int = 0) -> States:
        spec = Spec("m", self._schema(), rules=(rule or self.rule,))
        states = summarise_rows(frame, spec.schema)
        counted = fold_rules(Batch(frame, spec.schema), spec, first, states)
        return {state.key.column: state for state in (*states, *counted)}

    def _schema(self) -> Schema:
        maps = [map_of(series) if series.dtype.is_numeric() else NumericMap() for series in self.kept.iter_columns()]
        columns = zip(self.kept.iter_columns(), maps, strict=True)
        return Schema(tuple(Column(s.name, Role.FEATURE, kind_of(s)[0], str(s.dtype), m) for s, m in columns))

    def _signal(self, frame: pl.DataFrame, rule: Rule | None = None) -> Signal:
        return self._judged(self._states(frame, rule), rule)

    def _judged(self, states: States, rule: Rule | None = None) -> Signal:
        rules = (rule or self.rule,)
        found = judge_rules(assess_rules(rules, states, self._schema()), rules, self._schema())
        assert len(found) == 1, f"it gives {len(found)} measurements"
        return found[0][1]

    @staticmethod
    def _same(found: Signal, expected: Signal, law: str) -> None:
        a, b = found.measurement, expected.measurement
        told = f"{law} give {a.status.value} {a.value} of {a.n}, whole ones {b.status.value} {b.value} of {b.n}"
        assert a.status is b.status and a.n == b.n, told
        same = a.value == b.value if a.value is None or b.value is None else isclose(a.value, b.value, rel_tol=1e-9)
        assert same, told
        assert found.fired is expected.fired, f"{law} are judged otherwise"


def _merged(pieces: Iterable[States]) -> States:
    found: dict[str, State] = {}
    for states in pieces:
        for column, state in states.items():
            found[column] = merge_states(found[column], state) if column in found else state
    return found


def _frames(*sides: Mapping[str, Sequence[Any]]) -> list[pl.DataFrame]:
    """Return the rows of a trial, values that are all missing in the type of those that are there."""
    frames = [pl.DataFrame(dict(side)) for side in sides]
    first = frames[0].schema
    typed = [
        frame.with_columns(pl.col(name).cast(first[name]) for name, dtype in frame.schema.items() if dtype == pl.Null)
        for frame in frames
    ]
    return [frame.with_columns(pl.lit("yes").alias(_ASIDE)) for frame in typed]

"""Quality rules: what rows must look like, and the protocol of the kinds of rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import polars as pl

from watchkeeper.core.alert import Severity
from watchkeeper.core.columns import column_named
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.state import State

__all__ = [
    "Extent",
    "Looked",
    "Parameter",
    "Rule",
    "RuleKind",
    "RuleTrial",
    "RuleVerdict",
    "Settles",
    "Subject",
    "TriedRule",
    "Work",
    "column_named",
]

Subject = Literal["column", "columns", "rows"]
"""What a kind of rule is about: one column, one or more, or the rows as a whole."""

Work = Literal["rows", "values", "order", "states"]
"""How a kind of rule is kept count of: row by row, by distinct values, in the order of rows, or not, from states."""

_KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the data of a model.

    Parameters
    ----------
    kind
        Registry key of the kind of rule, such as ``in_range``.
    columns
        What it is about.
    options
        Parameters of the kind by name.
    name
        What measurements of the rule are called; unique among the rules of a column.
    mostly
        Share of the rows that must keep the rule.
    alpha
        Significance level at which the share of offending rows must exceed 1 - ``mostly``; None judges the share as it
        is.
    severity
        Of the alert when the rule is broken; None for the usual one of the kind.
    when
        Rules of a row that must hold for the rule to apply to it.
    """

    kind: str
    columns: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    mostly: float = 1.0
    alpha: float | None = None
    severity: Severity | None = None
    when: tuple[Rule, ...] = ()

    @property
    def declared(self) -> Rule:
        """The rule as it was written, without the keys that were read from the table it refers to."""
        return replace(
            self,
            options={k: v for k, v in self.options.items() if k != _KNOWN},
            when=tuple(rule.declared for rule in self.when),
        )

    @property
    def column(self) -> str:
        """The column a measurement of the rule is filed under; empty for rows as a whole."""
        return self.columns[0] if self.columns else ""

    @property
    def digest(self) -> str:
        """What its counts are kept under: whatever decides which rows break it, and nothing else."""
        return sha256(repr(self._essence).encode()).hexdigest()[:16]

    @property
    def _essence(self) -> tuple[Any, ...]:
        # States hold the digest of this text, so that it stays as it is: another form needs another tally.
        options = sorted((k, repr(v)) for k, v in self.options.items())
        return (self.kind, self.columns, options, [rule.digest for rule in self.when])


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a kind of rule.

    Parameters
    ----------
    name
        As it is written.
    read
        Turns what was written into the value; raises ValueError with what it should be.
    about
        What it means, in words.
    default
        The value where it is left out.
    required
        Whether it may not be left out.
    """

    name: str
    read: Callable[[Any], Any]
    about: str
    default: Any = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """Whether a rule is kept, and by what.

    Parameters
    ----------
    kept
        Whether it is.
    code
        How it is broken, such as ``rows_broken``; empty when it is kept.
    lower, upper
        The limits of what the rule measures.
    p_value, alpha
        Where a share must exceed its limit significantly: its one-sided p-value and the level.
    """

    kept: bool
    code: str = ""
    lower: float | None = None
    upper: float | None = None
    p_value: float | None = None
    alpha: float | None = None


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """A rule as somebody would write it, with rows that keep it and rows that break it.

    Parameters
    ----------
    written
        What stands beside ``rule`` in the list of rules.
    kept, broken
        Values by column, in the order of the rows.
    known
        Options that nobody writes, because they are read from another table.
    """

    written: Mapping[str, Any]
    kept: Mapping[str, Sequence[Any]]
    broken: Mapping[str, Sequence[Any]]
    known: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Looked:
    """Two expressions over the rows: whether the rule has anything to say of a row, and whether the row breaks it."""

    checked: pl.Expr
    broken: pl.Expr


@runtime_checkable
class RuleKind(Protocol):
    """A kind of quality rule.

    Attributes
    ----------
    plugin
        Always ``"rule"``.
    name
        Registry key.
    subject
        What it is about.
    work
        How it is kept count of.
    grave
        Whether a break reaches the model as a fault: a wrong type, a null, an unknown level.
    parameters
        What it can be told.
    """

    plugin: ClassVar[str]
    name: ClassVar[str]
    subject: ClassVar[Subject]
    work: ClassVar[Work]
    grave: ClassVar[bool]
    parameters: ClassVar[tuple[Parameter, ...]]

    def check(self, rule: Rule) -> str:
        """Say what is wrong with the parameters taken together; empty when nothing is."""

    def reads(self, rule: Rule) -> tuple[str, ...]:
        """Return every column the rule looks at, without those of its conditions."""

    def expression(self, rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
        """Return what to evaluate over the rows.

        Raises
        ------
        SchemaError
            When the columns are of types that the rule cannot be asked of.
        """

    def measure(self, rule: Rule, states: Mapping[str, State], now: datetime | None) -> Measurement:
        """Return the measurement of the rule over the states of all rows, by column.

        Parameters
        ----------
        now
            The moment the rows are looked at; None where there is none.

        Raises
        ------
        StateError
            When the states lack what the rule needs.
        """

    def judge(self, rule: Rule, measurement: Measurement) -> RuleVerdict:
        """Return whether the rule is kept, given its measurement with a value."""


@runtime_checkable
class TriedRule(RuleKind, Protocol):
    """A kind of rule that shows by an example what it asks, which documents it and proves it."""

    trial: ClassVar[RuleTrial]


@dataclass(frozen=True, slots=True)
class Extent:
    """What is known of a column besides its rows.

    Attributes
    ----------
    dtype
        What it holds.
    rows, nulls, nans
        Its rows, and of them null and NaN.
    extremes
        The smallest and largest number; None where it has none, or infinite ones, or none that float64 tells exactly.
    """

    dtype: pl.DataType
    rows: int
    nulls: int
    nans: int
    extremes: tuple[float, float] | None


@runtime_checkable
class Settles(Protocol):
    """A kind of rule that can tell from the extent of its column alone that no row breaks it."""

    def settled(self, rule: Rule, extent: Extent) -> int | None:
        """Return the rows that the rule speaks of, where none breaks it; None where the rows must be asked."""

"""What a check can be asked: each option once, with its type, its default, its help and what is valid.

``api.check``, ``watchkeeper check``, ``check_tables`` and the columns of ``watchkeeper.yaml`` are made from this
file. An option is added here, and used where it does something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from watchkeeper.config.options import Option, check_options
from watchkeeper.config.pairs import (
    check_levels,
    check_shares,
    check_task,
    check_types,
    comparisons,
    embedders,
    quantiles,
    scores,
    shares,
    types,
    values,
)
from watchkeeper.core.schema import Kind, Role
from watchkeeper.schema.declared import Declared

__all__ = ["CheckOptions", "ColumnOptions", "Embed", "Estimate", "Progress"]

Embed = Callable[[list[str]], Any]
"""Takes n texts and returns an array of shape (n, d)."""

Estimate = Literal["auto", "scores", "rows", "never"]
Progress = Callable[[str, int, int | None], None]

Name = str | None
Names = Sequence[str]

_COLUMN = "COLUMN"


@dataclass(frozen=True, kw_only=True)
class ColumnOptions:
    """Which column is what; what is not named is inferred from the reference, and the report says how."""

    # fmt: off
    id: Annotated[Name, Option("Column with the id of each prediction.", _COLUMN)] = None
    time: Annotated[Name, Option("Column with the time of each prediction.", _COLUMN)] = None
    prediction: Annotated[Name, Option("Column with the model's answer: a class or a number.", _COLUMN)] = None
    score: Annotated[Name, Option("Column with the probability of the positive class.", _COLUMN)] = None
    label: Annotated[Name, Option("Column with the true outcome, where it is known.", _COLUMN)] = None
    latency: Annotated[Name, Option("Column with the response time.", _COLUMN)] = None
    version: Annotated[Name, Option("Column with the model version.", _COLUMN)] = None
    label_time: Annotated[
        Name, Option("Column with the time each label arrived.", _COLUMN, more="It shows how late labels are.")
    ] = None
    group: Annotated[
        Name, Option("Column that groups what was ranked together, such as a query; makes the task a ranking.", _COLUMN)
    ] = None
    features: Annotated[
        Names | None,
        Option(
            "Watch only this feature.", _COLUMN, "--feature",
            more="Where none is named, every column without another role is one.",
        ),
    ] = None
    ignore: Annotated[Names, Option("Ignore this column.", _COLUMN)] = ()
    scores: Annotated[
        Mapping[str, str] | None,
        Option(
            "The probability of one of several classes.", "CLASS=COLUMN", read=scores,
            more="Column by class; where none is given, columns with names such as score_<class> are taken.",
        ),
    ] = None
    quantiles: Annotated[
        Mapping[float, str] | None,
        Option(
            "A forecast quantile, such as 0.9=upper.", "LEVEL=COLUMN", "--quantile", read=quantiles, check=check_levels,
            more="Column by level between 0 and 1.",
        ),
    ] = None
    embed: Annotated[
        Mapping[str, Embed | str] | None,
        Option(
            "Also watch the embeddings of a text column.", "COLUMN=MODULE:FUNCTION", read=embedders,
            more="By column a function that takes a list of texts and returns an array of shape (n, d), which is "
            "watched as the column <column>@embedding.",
        ),
    ] = None
    types: Annotated[
        Mapping[str, str] | None,
        Option(
            "The type of a column, such as amount=numeric.", "COLUMN=KIND", "--type", read=types, check=check_types,
            more="By column: numeric, categorical, boolean, text, time, identifier, duration or vector; times and "
            "numbers may have a form, such as 'time %m/%d/%Y' or 'numeric 1.234,5'.",
        ),
    ] = None
    missing: Annotated[
        Names,
        Option("A value that means missing, in every column.", "TOKEN", more="The usual words are known."),
    ] = ()
    # fmt: on

    @property
    def declared(self) -> Declared:
        """What is declared of the values."""
        return Declared.of(self.types, self.missing)

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each column whose type is declared."""
        return self.declared.kinds

    @property
    def answers(self) -> tuple[str, ...]:
        """The columns that are named as label or prediction."""
        return tuple(name for name in (self.label, self.prediction) if name is not None)

    def roles(self) -> dict[Role, str]:
        """Return the column of each role that is named."""
        named = {role: getattr(self, role.value, None) for role in Role}
        return {role: name for role, name in named.items() if isinstance(name, str)}


@dataclass(frozen=True, kw_only=True)
class CheckOptions(ColumnOptions):
    """Everything a check can be asked.

    Raises
    ------
    UsageError
        When a value is not valid; names the option.

    Examples
    --------
    >>> CheckOptions(label="bought", tolerance=0.01).roles()
    {<Role.LABEL: 'label'>: 'bought'}
    """

    # fmt: off
    segments: Annotated[Names, Option("Also evaluate the rows of each of its values.", _COLUMN, "--segment")] = ()
    positive: Annotated[Name, Option("The positive class, which the score is the probability of.", "CLASS")] = None
    task: Annotated[
        Name,
        Option(
            "The kind of task, where it cannot be read off the labels.", "TASK", check=check_task,
            more="binary, multiclass, multilabel, regression, ranking or none.",
        ),
    ] = None
    fairness: Annotated[
        Names,
        Option("A group that a binary classifier must treat fairly.", _COLUMN, more="They are segments too."),
    ] = ()
    metrics: Annotated[
        Names,
        Option(
            "Your own metric: a number a row, of label, prediction and score.", "MODULE:FUNCTION", "--metric",
            more="It is measured by its mean.",
        ),
    ] = ()
    value: Annotated[
        Mapping[str, float | Mapping[str, float]] | None,
        Option(
            "What a TP, FP, FN, TN or LABEL:PREDICTION is worth; costs are negative.", "CELL=NUMBER", read=values,
            more="In Python by TP, FP, FN and TN, or by label and by prediction.",
        ),
    ] = None
    tolerance: Annotated[
        float,
        Option(
            "Drift to ignore (Kolmogorov–Smirnov distance).", "SHARE", lower=0.0, upper=1.0,
            more="It is a distance between distribution functions; 30 % of it may be missing or impossible values, and "
            "20 % unseen levels.",
        ),
    ] = 0.05
    tolerances: Annotated[
        Mapping[str, float] | None,
        Option(
            "Tolerance of one column, such as age=0.1.", "COLUMN=SHARE", "--tolerance-of",
            read=shares, check=check_shares,
            more="The others keep theirs.",
        ),
    ] = None
    comparisons: Annotated[
        Mapping[str, str] | None,
        Option(
            "Judge a column by this comparison and limit, such as age=psi:0.2.", "COLUMN=NAME:LIMIT", "--comparison",
            read=comparisons,
            more="It takes the place of the default ones for drift. Distances between shares (ks, l_infinity, "
            "level_rise) need no limit, since the tolerance is theirs, and tests (ks_test) none either.",
        ),
    ] = None
    run_length: Annotated[
        float, Option("Average number of checks of unchanged data until a false alarm.", "CHECKS", lower=1.0)
    ] = 1_000.0
    measures: Annotated[
        Names,
        Option("Also show this comparison, such as ks_test, without alerting on it.", "NAME", "--measure"),
    ] = ()
    rules: Annotated[
        Path | str | Sequence[Mapping[str, Any]] | None,
        Option(
            "Quality rules to check, as YAML.", "FILE",
            more="In Python also a list of mappings such as {'rule': 'in_range', 'column': 'age', 'lower': 0}.",
        ),
    ] = None
    attributed: Annotated[
        bool,
        Option(
            "Attribute a rise of the loss to its causes, for every alert.", flag="--attribute",
            more="Alerts about performance have it anyway.",
        ),
    ] = False
    estimate: Annotated[
        Estimate,
        Option(
            "What to estimate performance from where labels are missing.",
            more="Of scores alone, of rows too, never, or auto: of rows where labels may be missing.",
        ),
    ] = "auto"
    model: Annotated[
        Any,
        Option(
            "A fitted scikit-learn model that answers the rows, where no column holds its answers.",
            on_command_line=False,
            more="Anything with predict, and for classes predict_proba and classes_. Rows may then be arrays too.",
        ),
    ] = None
    y: Annotated[
        Any, Option("The labels of the current rows, beside the model.", on_command_line=False)
    ] = None
    y_reference: Annotated[
        Any, Option("The labels of the reference rows, beside the model.", on_command_line=False)
    ] = None
    progress: Annotated[
        Progress | None, Option("Called with (side, rows so far, rows in all or None).", on_command_line=False)
    ] = None
    # fmt: on

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def split_by(self) -> tuple[str, ...]:
        """The columns whose values are segments: those named as such, and those of fairness."""
        return tuple(dict.fromkeys((*self.segments, *self.fairness)))

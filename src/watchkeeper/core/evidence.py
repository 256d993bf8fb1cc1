"""What a number is judged and explained by: typed, and filled by whatever measured it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = [
    "NOTHING",
    "Change",
    "Estimation",
    "Evidence",
    "Labels",
    "Quantity",
    "RuleCheck",
    "Sight",
    "SightUnit",
    "Size",
    "SumOfSquares",
    "Transformation",
    "TransformationKind",
    "stated",
]


class Quantity(StrEnum):
    """What the numbers before and after are; ``share`` is that of the levels, of several together."""

    NONE = ""
    MEAN = "mean"
    MEDIAN = "median"
    QUANTILE = "quantile"
    TYPICAL = "typical value"
    DEVIATION = "standard deviation"
    TYPICAL_SPREAD = "typical spread"
    SHARE = "share"
    NULL_SHARE = "null share"
    CORRELATION = "correlation"
    RESIDUAL = "residual"
    SIMILARITY = "similarity"
    METRIC = "metric"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Change:
    """The same quantity of the reference and of the window.

    Attributes
    ----------
    quantity
        What both numbers are: of a metric or an estimate its own value, of a quality rule its limit and what was
        observed.
    before, after
        Of the reference and of the window; None where a side has none.
    before_upper
        Upper confidence limit of ``before``, for a rate that is judged by how surely it rose.
    levels
        What the numbers are the share of, the commonest few where there are many; or the feature whose mean they are,
        where the measurement is about several.
    unit
        Unit of both, where it is not that of the column: ``characters``, ``s``; ``time`` where they are moments, in
        seconds since 1970.
    """

    quantity: Quantity = Quantity.NONE
    before: float | None = None
    after: float | None = None
    before_upper: float | None = None
    levels: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Size:
    """What rows are worth.

    Attributes
    ----------
    n_reference
        Rows of the reference.
    n_effective
        n0·n/(n0 + n), the size of one sample that is as uncertain as the difference of the two; None where nothing is
        told of it.
    design_effect
        Times by which the windows of the reference spread wider than independent rows would; None where not measured.
    rank_effect
        The same of mean ranks, for shares up to rising values; None for shares that are not in order.
    """

    n_reference: float | None = None
    n_effective: float | None = None
    design_effect: float | None = None
    rank_effect: float | None = None


@dataclass(frozen=True, slots=True)
class SumOfSquares:
    """The null distribution behind a p-value, where it is that of a weighted sum of χ².

    Attributes
    ----------
    ratio
        The sum over its mean.
    degrees_of_freedom, steepness
        Of the χ² with the same three moments, and the mean of the sum over the root of its summed squares.
    """

    ratio: float
    degrees_of_freedom: float
    steepness: float


_WAITED_FOR = 0.8
"""Share of the usual labels below which a window waits where nobody knows when labels come."""


@dataclass(frozen=True, slots=True)
class Labels:
    """How much of a window's labels is in.

    Attributes
    ----------
    coverage
        Share of the rows with a label.
    due
        Share of the labels that ever come which should have come by now; None where nothing is known of delays.
    overdue
        Share of the rows whose label should have come and has not.
    mature
        Whether nearly all that will come have come; what is measured from fewer is provisional.
    usual
        Share of rows that get a label in the end, as the model's own past or its reference shows, where windows are
        judged one after another: one with fewer labels waits. None for a single look, which does not wait.
    until
        When nearly all will have come; None where nothing is known of delays, or nothing is waited for.
    """

    coverage: float
    due: float | None = None
    overdue: float = 0.0
    mature: bool = True
    usual: float | None = None
    until: datetime | None = None

    @property
    def waits(self) -> bool:
        """Whether nothing is judged by them yet: labels are to come by a known time, or a fifth of the usual lacks."""
        if self.mature or self.usual is None:
            return False
        return self.until is not None or self.coverage < _WAITED_FOR * self.usual


@dataclass(frozen=True, slots=True)
class Estimation:
    """How performance was estimated, and what its band is made of.

    Attributes
    ----------
    method
        Registry key of the estimator.
    assumes
        What the reader has to believe.
    sampling, calibration
        Standard error that the labels of the window have by chance, and that of what the estimator learned.
    between_methods
        What is added for the distance from other methods; None where there is no other.
    between_blocks
        How much performance moves by itself in the reference; None where that is unknown.
    blocks
        Windows of the reference that ``between_blocks`` is read off.
    blocks_lack
        Why it is unknown.
    silent
        Which methods did not answer, and why.
    ess
        Share of the reference that is left in weight; None where it is not weighted.
    second_opinion
        What the method's other model says; None where it has none.
    learned_from
        Windows of labels, and blocks of the reference, that the band was checked on.
    shift
        What was added to the estimate, for the labels of late showed it to be off.
    widened
        What the band was multiplied by so that it covers; None where it was not checked.
    needed
        Half width of a band that would cover, where that is too wide to say anything and there is none.
    """

    method: str
    assumes: str = ""
    sampling: float = 0.0
    calibration: float = 0.0
    between_methods: float | None = None
    between_blocks: float | None = None
    blocks: int = 0
    blocks_lack: str = ""
    silent: str = ""
    ess: float | None = None
    second_opinion: float | None = None
    learned_from: int = 0
    shift: float = 0.0
    widened: float | None = None
    needed: float | None = None


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """What a quality rule asked and what it came upon.

    Attributes
    ----------
    kind, asked
        The kind of the rule, and what it asks on one line.
    severity
        How much a break matters.
    checked, offending, rows
        Rows that it speaks of, those of them that break it, and all.
    examples
        Values that break it.
    observed, valid
        What was observed where that is no number, such as the most common value, and the first of what it may be;
        empty where nothing is asked of it.
    ties
        What else is as common as the most common value.
    """

    kind: str = ""
    asked: str = ""
    severity: str = ""
    checked: int | None = None
    offending: int | None = None
    rows: int | None = None
    examples: str = ""
    observed: str = ""
    valid: tuple[str, ...] = ()
    ties: tuple[str, ...] = ()


class TransformationKind(StrEnum):
    """What was done to all values of a column.

    ``scale`` is a factor that no known pair of units has: values that grew, not another unit. All others are faults of
    the data.
    """

    RATIO = "ratio"
    AFFINE = "affine"
    MIRROR = "mirror"
    LOGARITHM = "logarithm"
    EXPONENT = "exponent"
    SWAP = "swap"
    SCALE = "scale"


@dataclass(frozen=True, slots=True)
class Transformation:
    """What turns the values that a column had into those that it has.

    Attributes
    ----------
    kind
        Of a ratio, a scale, an affine one and a mirrored one the values are ``factor`` · x + ``offset``.
    units
        From what to what, such as ``miles → kilometres``; empty where no units are known.
    factor, offset
        As above; of a logarithm or an exponent ``factor`` is the base, and ``offset`` what is added before.
    column
        Of two that changed places, the other one.
    since
        Start of the first window with it; None where only a single window was looked at.
    """

    kind: TransformationKind
    units: str = ""
    factor: float = 1.0
    offset: float = 0.0
    column: str = ""
    since: datetime | None = None

    @property
    def fault(self) -> bool:
        """Whether it is a fault of the data, and no growth or fall."""
        return self.kind is not TransformationKind.SCALE


class SightUnit(StrEnum):
    """What the smallest change that would be found is counted in."""

    IQR = "iqr"
    SHARE = "share"
    METRIC = "metric"


@dataclass(frozen=True, slots=True)
class Sight:
    """The smallest change of a series that would be found with 90 % power.

    Attributes
    ----------
    one_window, eight_windows
        If it shows in one window, and if it lasts for eight; None where no change would be found, however large.
    unit
        Of both: interquartile ranges of the reference, a share of rows, or the unit of the metric.
    """

    one_window: float | None
    eight_windows: float | None
    unit: SightUnit


_NO_CHANGE, _NO_SIZE = Change(), Size()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What charts, diagnoses and readers need to know beyond the number; every field has a meaning of its own.

    Attributes
    ----------
    change
        The same quantity before and after.
    size
        What the rows of both sides are worth.
    p_value
        Probability of a number at least as far when nothing changed; None where nothing is tested.
    among
        How many differences the largest was chosen from.
    squares
        The null distribution behind the p-value, where a chart that discounts clustered rows needs it.
    bound
        How far the exact value may be from the measured one, because rows were binned; 0 when it is exact.
    distance
        Distance between the distribution functions, where that is not the value itself.
    about
        Columns, or metrics that were joined, which the number is about where its column does not say so.
    labels, estimate, rule
        Of a number that rests on labels, of an estimate and of a quality rule.
    transformation
        What was done to all values, where that is what was looked for and found.
    breaks_alone
        Whether it is held against the windows before alone, since the reference is too short to know the season.
    details
        What only the owner of the number and a complete table show. Nothing is decided by them.
    """

    change: Change = _NO_CHANGE
    size: Size = _NO_SIZE
    p_value: float | None = None
    among: int = 1
    squares: SumOfSquares | None = None
    bound: float = 0.0
    distance: float | None = None
    about: tuple[str, ...] = ()
    labels: Labels | None = None
    estimate: Estimation | None = None
    rule: RuleCheck | None = None
    transformation: Transformation | None = None
    details: Mapping[str, float | str] = field(default_factory=dict)
    breaks_alone: bool = False


NOTHING = Evidence()
"""Of a number that needs none."""


def stated(record: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that differ from their defaults: the rest says nothing."""
    usual = _usual(type(record))
    held = {name: getattr(record, name) for name in usual}
    return {name: value for name, value in held.items() if usual[name] is MISSING or value != usual[name]}


_USUAL: dict[type[Any], Mapping[str, Any]] = {}


def _usual(kind: type[Any]) -> Mapping[str, Any]:
    if kind not in _USUAL:
        made = {one.name: one.default_factory() for one in fields(kind) if one.default_factory is not MISSING}
        _USUAL[kind] = {one.name: made.get(one.name, one.default) for one in fields(kind)}
    return _USUAL[kind]

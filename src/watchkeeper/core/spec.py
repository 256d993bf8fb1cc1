"""What to watch of one model, how to judge it, and what may be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from watchkeeper.core.alert import Cause
from watchkeeper.core.errors import UsageError
from watchkeeper.core.rule import Rule
from watchkeeper.core.schema import ALL, Schema
from watchkeeper.core.window import Window, WindowRule

__all__ = [
    "ATTRIBUTION_DRIFT",
    "BUSINESS_VALUE",
    "DEPARTURE",
    "FAIRNESS",
    "METRIC_CHART",
    "WAYS",
    "AlertRule",
    "Maintenance",
    "Monitor",
    "RolloutRule",
    "SightBounds",
    "Spec",
]

ATTRIBUTION_DRIFT = "attribution_drift"
"""The name under which it is measured how far a model's use of its features moved; it asks the model in charge."""

DEPARTURE = "departure"
"""The name under which it is measured how far a column's window is from what its season expects."""

BUSINESS_VALUE = "business_value"
"""The name under which the mean value of a prediction is measured."""

FAIRNESS = ("selection_rate_gap", "tpr_gap", "fpr_gap")
"""Gaps between segments: demographic parity, equal opportunity, and the false alarms that equalised odds ask for."""

METRIC_CHART = "seasonal_residual"
"""The chart that judges a metric where nobody names one."""

WAYS = ("refit", "continue", "leaf_refit")
"""Ways to come to a challenger: trained anew, going on from the champion, or the champion's trees with new leaves."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """What, on what, compared how, judged how.

    Parameters
    ----------
    measure
        Registry key of a comparison or metric.
    columns
        Column names; empty for every column the measure applies to, without the label.
    segments
        ``("all",)`` for the whole, or names of segment columns to judge each of their segments.
    chart
        Registry key of the chart that judges it.
    options
        Options of the chart, such as ``k`` for Shewhart or ``tolerance`` for the tolerance rule.
    cause
        What kind of thing is wrong when it signals; ``performance`` means that the model does harm.
    against
        What to compare with: empty for the model's reference, ``previous`` for the window before, ``season:7d`` for the
        windows that many days before, ``last:4`` for the last four windows together.
    """

    measure: str
    chart: str
    columns: tuple[str, ...] = ()
    segments: tuple[str, ...] = (ALL,)
    options: Mapping[str, float | str] = field(default_factory=dict)
    cause: Cause = Cause.DRIFT
    against: str = ""

    def covers(self, segment: str) -> bool:
        """Return whether a segment is one that is judged."""
        return any(s == segment or (s != ALL and segment.startswith(f"{s}=")) for s in self.segments)


@dataclass(frozen=True, slots=True)
class AlertRule:
    """When signals become an alert.

    Parameters
    ----------
    k, n
        An alert fires when ``k`` of the last ``n`` windows signalled; data faults fire at once.
    clear
        Windows in a row without a signal after which an alert resolves.
    budget
        Average number of windows to a false alarm (run length A).
    """

    k: int = 2
    n: int = 3
    clear: int = 2
    budget: float = 1_000.0


@dataclass(frozen=True, slots=True)
class SightBounds:
    """Changes that a series must be able to find, with 90 % power in eight windows, or it is blind.

    Parameters
    ----------
    iqr
        Of a column of numbers, in interquartile ranges of the reference.
    share
        Of a rate, or of the share of a level.
    metric
        Of a metric.
    """

    iqr: float = 2.0
    share: float = 0.25
    metric: float = 0.1


@dataclass(frozen=True, slots=True)
class RolloutRule:
    """How a challenger that has passed the gate takes over, step by step.

    Parameters
    ----------
    stages
        Shares of the requests that it answers, one after the other: ``shadow`` for none, ``5%``, and ``100%`` last.
        ``["100%"]`` alone puts it in charge at once and watches it (blue/green); ``["50%", "100%"]`` with a ``length``
        is an A/B test.
    length
        How long the stage before the last lasts, whatever the evidence: it decides at its end. None to let the evidence
        decide when.
    longest
        After this long without a decision the champion stays.
    watch
        How long the old champion is still compared after the promotion, and comes back where it is shown to be better.
    paired
        Whether both versions are asked about each labelled row. False where the outcome depends on the answer: then
        only rows that were answered by the version are compared, which takes about seven times as many.
    """

    stages: tuple[str, ...] = ("shadow", "5%", "25%", "100%")
    length: timedelta | None = None
    longest: timedelta = timedelta(days=28)
    watch: timedelta = timedelta(days=7)
    paired: bool = True

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of requests of each stage.

        Raises
        ------
        UsageError
            When they are no shares, do not rise, or do not end with 100%.

        Examples
        --------
        >>> RolloutRule(("shadow", "5%", "100%")).shares
        (0.0, 0.05, 1.0)
        """
        found = tuple(0.0 if stage == "shadow" else _share(stage) for stage in self.stages)
        if not found or found[-1] != 1 or any(a >= b for a, b in pairwise(found)):
            listed = ", ".join(self.stages) or "none"
            raise UsageError(f"stages must rise and end with 100%, as shadow, 5%, 25%, 100%; found {listed}")
        if self.length is not None and len(found) < 2:
            raise UsageError("a length needs a stage before 100%, as stages: [50%, 100%]")
        return found


def _share(stage: str) -> float:
    number = stage.removesuffix("%")
    try:
        share = float(number) / 100 if stage.endswith("%") else -1.0
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise UsageError(f"{stage!r} is no stage of a rollout; write shadow, or a share such as 5%")
    return share


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Whether and how the model is kept up.

    Parameters
    ----------
    train
        ``module:function`` that takes rows and returns a fitted model; empty to watch only.
    framework
        What trains in place of a function: a name under ``framework`` in the reference, such as ``xgboost``.
    factory
        ``module:function`` or ``module:Class`` that makes the framework's model; empty for its own choice.
    parameters
        What the framework, or the model, is set to.
    ways
        How challengers come to be: ``refit``, and of a framework ``continue`` (continued boosting, fine-tuning or more
        rows) and ``leaf_refit`` from the champion.
    retrain, promote
        ``auto`` to do it, ``ask`` to propose it, ``never``.
    metric
        The metric the gate decides on; empty for log_loss (binary), accuracy (multiclass) or mae (regression).
    margin
        How much worse the challenger may be and still count as non-inferior, in the unit of the metric; None for 2 %
        of the champion's loss when it was healthy, or its standard error where that is larger.
    alpha
        One-sided significance level of the gate, spent over all tries since the last promotion.
    min_rows
        Labelled rows below which the gate refuses to judge, and nothing is learned from; 50 after a change, where it is
        more.
    segments
        Segment columns the gate checks one by one; empty for all those of the schema.
    windows
        Training windows to choose from: ``all``, ``since_change``, ``last:8w``, ``decay:4w`` (half-life) and
        ``season:52w`` (four weeks either side of that long ago).
    holdout
        Length of the block that chooses the window, and of the newer one that the gate judges on.
    label_delay
        The embargo between the last training row and the first held-out row.
    max_age
        Age of the champion's newest training row after which retraining is proposed; None for no limit.
    cooldown
        Windows to wait after a challenger was refused.
    seed
        Handed to the training function.
    pickle
        Whether a model that skops cannot hold may be stored as a pickle, which runs code when it is loaded.
    trusted
        Types beyond Watchkeeper's own list that a model file may hold.
    isolated
        Whether a training runs in a process of its own, with the limits below; where systems cannot fork it never does.
    time_limit
        How long the training of one candidate may take; None for no limit.
    memory_limit
        Most megabytes that it may take; None for no limit. Held to on Linux.
    second_person
        Whether a version is put in charge only when a second person asks for it too.
    enabled
        Whether anything is done or proposed without being asked for; ``false`` stops all of it at once.
    schedule
        When to retrain without an alarm: ``adaptive`` (an interval that halves while retraining gains more than 2 % and
        doubles while it does not, between one window and sixteen), a duration such as ``4w``, or ``never``.
    new_labels
        Labelled rows since the champion's training after which retraining is proposed; None for no limit.
    cost, loss_value
        What one training costs, and what one unit of loss of one row costs, in the same money. Where both are given,
        retraining is proposed once what the champion lost beyond its healthy loss costs more than a training.
    most_trainings, most_money
        How many trainings, and which sum of their costs, 30 days may see; None for no limit.
    rollout
        How a challenger that has passed the gate takes over; None to put it in charge at once.
    """

    train: str = ""
    framework: str = ""
    factory: str = ""
    parameters: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    ways: tuple[str, ...] = ("refit", "continue")
    retrain: str = "auto"
    promote: str = "ask"
    metric: str = ""
    margin: float | None = None
    alpha: float = 0.05
    min_rows: int = 500
    segments: tuple[str, ...] = ()
    windows: tuple[str, ...] = ("all", "since_change", "last:8w", "last:26w")
    holdout: timedelta = timedelta(days=7)
    label_delay: timedelta = timedelta(days=1)
    max_age: timedelta | None = None
    cooldown: int = 2
    seed: int = 0
    pickle: bool = False
    trusted: tuple[str, ...] = ()
    isolated: bool = True
    time_limit: timedelta | None = timedelta(hours=6)
    memory_limit: int | None = None
    second_person: bool = False
    rollout: RolloutRule | None = None
    enabled: bool = True
    schedule: str = "adaptive"
    new_labels: int | None = None
    cost: float | None = None
    loss_value: float | None = None
    most_trainings: int | None = None
    most_money: float | None = None

    @property
    def trains(self) -> bool:
        """Whether there is something to train with."""
        return bool(self.train or self.framework)

    @property
    def trusted_names(self) -> tuple[str, ...]:
        """Types and factories that a model file may name."""
        return (*self.trusted, self.factory) if self.factory else self.trusted


@dataclass(frozen=True, slots=True)
class Spec:
    """Everything the four pure steps need to know about one model.

    Parameters
    ----------
    windows
        How event time is cut; None judges all current rows as one window.
    reference
        The window of the log that serves as reference; None when the reference came from elsewhere.
    keep
        Registry keys of statistics that cost too much to be kept unasked, such as ``covariance``.
    reference_keep
        Those that are kept of the reference, because something is learnt from it; empty for the same.
    rules
        What rows and their statistics must look like.
    embed
        By column of text the ``module:function`` that turns a list of texts into an array of vectors.
    value
        By label, by prediction, what one such row brings; empty where nobody said.
    fairness
        Columns whose segments should be treated alike.
    estimate
        What performance is estimated from where labels are missing: ``rows``, ``scores`` alone (of classifiers, and
        their bands do not hold where features move), ``never``, or ``auto`` for rows wherever labels may be missing.
    sight
        What a series must be able to find, or it is blind.
    """

    model: str
    schema: Schema
    windows: WindowRule | None = None
    reference: Window | None = None
    monitors: tuple[Monitor, ...] = ()
    alerts: AlertRule = AlertRule()
    maintenance: Maintenance = Maintenance()
    keep: tuple[str, ...] = ()
    reference_keep: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    embed: Mapping[str, str] = field(default_factory=dict)
    value: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    fairness: tuple[str, ...] = ()
    estimate: str = "auto"
    sight: SightBounds = SightBounds()

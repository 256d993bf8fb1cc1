"""What the configuration says of the store and of each model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, create_model, field_validator, model_validator

from watchkeeper.config.budget import parse_budget
from watchkeeper.config.check_options import CheckOptions, ColumnOptions, Estimate
from watchkeeper.config.fields import Duration, Moment, Part, Text, Texts, format_duration, part_fields
from watchkeeper.config.intake import Intake
from watchkeeper.config.maintain import Maintain, maintenance
from watchkeeper.config.metrics import Metrics, MetricsField
from watchkeeper.config.monitors import Monitors, read_monitors
from watchkeeper.config.notify import Notify
from watchkeeper.config.pairs import check_place, check_shares
from watchkeeper.core.errors import UsageError
from watchkeeper.core.fingerprint import fingerprint
from watchkeeper.core.schema import Schema, Task
from watchkeeper.core.spec import (
    ATTRIBUTION_DRIFT,
    BUSINESS_VALUE,
    DEPARTURE,
    FAIRNESS,
    AlertRule,
    Maintenance,
    SightBounds,
    Spec,
)
from watchkeeper.core.window import Window, WindowRule

__all__ = [
    "Alerts",
    "Columns",
    "Model",
    "Reference",
    "Retention",
    "StoreConfig",
    "Table",
    "Windows",
]


class Retention(Part):
    """How long records are kept, counted back from the newest judged window; null for ever.

    Actions, the audit chain and the log itself are kept for ever.

    Attributes
    ----------
    numbers
        Measurements and the signals that judge them.
    alerts
        Alerts that have ended, and what they were diagnosed to come from.
    """

    numbers: Duration | None = timedelta(days=730)
    alerts: Duration | None = None


class StoreConfig(Part):
    """Where things are kept.

    Attributes
    ----------
    url
        Folder or object-store URL of the log and its states.
    sql
        SQLAlchemy URL of the derived tables; null for SQLite inside the folder.
    options
        Options of the object store, such as its region.
    retention
        How long records are kept.
    lease
        How long a model stays reserved for a worker that has died in the middle of a run.
    """

    url: Text = "./watchkeeper-data"
    sql: Text | None = None
    options: dict[str, Text] = Field(default_factory=dict)
    lease: Duration = timedelta(minutes=2)
    retention: Retention = Retention.model_construct()


def _source(value: Any) -> Any:
    return {"source": value} if isinstance(value, str) else value


class Table(Part):
    """A table to take in.

    Attributes
    ----------
    source
        Path, glob or URL of Parquet, CSV, Arrow or Delta.
    """

    source: Text


class Reference(Part):
    """What is compared with: a table of its own, or an interval of the log.

    Attributes
    ----------
    source
        Path, glob or URL of a table of its own.
    from, to
        Beginning and end of an interval of the log; both together, in place of a table.
    """

    source: Text | None = None
    from_: Annotated[Moment | None, Field(alias="from")] = None
    to: Moment | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.source is not None and (self.from_ or self.to):
            raise ValueError("give either a source or from and to, not both")
        if self.source is None and (self.from_ is None or self.to is None):
            raise ValueError("give a path, or both from and to")
        if self.from_ and self.to and self.to <= self.from_:
            raise ValueError("to must be later than from")
        return self


class _Columns(Part):
    @field_validator("embed", check_fields=False)
    @classmethod
    def _functions(cls, by_column: dict[str, str]) -> dict[str, str]:
        for column, name in by_column.items():
            check_place(name, column)
        return by_column


Columns = create_model(
    "Columns",
    __base__=_Columns,
    __doc__="Which column is what; what is left out is inferred.",
    **part_fields(ColumnOptions),
)


_SINCE_FIRST = ("types", "missing")
"""Fields of columns that schemas inferred before they were known do not depend on."""


def columns_fingerprint(
    columns: Any, segments: Iterable[str], positive: str | None, task: Task | None, reference: Reference | None
) -> str:
    """Return what the schema is known by that was inferred from these; with others it is inferred anew."""
    fields = {
        "columns": {n: v for n in type(columns).model_fields if (v := getattr(columns, n)) or n not in _SINCE_FIRST},
        "segments": list(segments), "positive": positive, "task": task,
        "reference": reference and {"source": reference.source, "from": reference.from_, "to": reference.to},
    }  # fmt: skip
    return fingerprint("columns", 1, fields)


def _shared(name: str) -> Any:
    """Return the default and the help that a check and a model have in common."""
    return part_fields(CheckOptions, name)[name][1]


_LONGEST = timedelta(days=36_525)


class Windows(Part):
    """How event time is cut and when it is judged: every so often, stored in grains.

    Attributes
    ----------
    every
        Length of a judged window.
    grain
        Length of the window of a stored state; ``every`` is a whole multiple of it.
    grace
        How long after its end a window is judged. Left out, a window with rows is judged at its end, and one without
        rows when they would have come: learned from how late they came before, at least a tenth of a window.
    """

    every: Duration = timedelta(days=1)
    grain: Duration = timedelta(days=1)
    grace: Duration | None = None

    @model_validator(mode="after")
    def _whole_multiple(self) -> Self:
        self.rule()
        return self

    def rule(self) -> WindowRule:
        """Return the rule for the pure steps."""
        if self.every > _LONGEST:
            raise ValueError(f"every ({format_duration(self.every)}) is longer than a window can be, a hundred years")
        try:
            return WindowRule(self.every, self.grain, grace=self.grace)
        except UsageError:
            every, grain = format_duration(self.every), format_duration(self.grain)
            raise ValueError(f"every ({every}) must be a whole multiple of grain ({grain})") from None


class Alerts(Part):
    """When signals become an alert.

    Attributes
    ----------
    budget
        How rarely unchanged data may raise an alert, in words such as ``one false alert per model and year``.
    """

    told_by: ClassVar[type | None] = AlertRule

    k: Annotated[int, Field(ge=1)] = 2
    n: Annotated[int, Field(ge=1)] = 3
    clear: Annotated[int, Field(ge=1)] = 2
    budget: Text = "one false alert per model and year"

    @field_validator("budget")
    @classmethod
    def _understood(cls, text: str) -> str:
        try:
            parse_budget(text, timedelta(days=1))
        except UsageError as error:
            raise ValueError(str(error)) from None
        return text

    @model_validator(mode="after")
    def _k_of_n(self) -> Self:
        if self.k > self.n:
            raise ValueError(f"k ({self.k}) of the last n ({self.n}) windows cannot signal; k may be at most n")
        return self


class SightConfig(Part):
    """What a series must be able to find, or it is blind."""

    told_by: ClassVar[type | None] = SightBounds

    iqr: Annotated[float, Field(gt=0)] = 2.0
    share: Annotated[float, Field(gt=0, le=1)] = 0.25
    metric: Annotated[float, Field(gt=0)] = 0.1


class Model(Part):
    """One model.

    Attributes
    ----------
    source
        Predictions (with or without labels) to take in at each run; null when the log is written by the SDK.
    labels
        Labels to take in from a table of their own.
    reference
        What is compared with.
    columns
        Which column is what.
    segments
        Columns whose values are watched one by one.
    tags
        Words that receivers of alerts are chosen by, such as ``credit`` or ``team-a``.
    positive
        The class that the score is the probability of.
    task
        What the model answers, where labels alone mislead.
    intake
        Which rows may come in.
    windows
        How time is cut for judging.
    monitors
        ``default``, what to watch beside or in place of single defaults (``also``), or nothing but some (``only``).
    tolerance
        Drift to ignore (Kolmogorov–Smirnov distance); 30 % of it may be missing or impossible, 20 % unseen levels.
    tolerances
        That of single columns.
    alerts
        When signals become an alert, and how rarely that may be false.
    sight
        Which changes a series must be able to find, or it counts as blind.
    notify
        Whom to tell of alerts; the console unless stated.
    maintain
        Whether and how the model is kept up: training, gate, promotion.
    rules
        Quality rules: the path of a YAML file, or the list itself.
    metrics
        Metrics beside the built-in ones; a list names functions.
    fairness
        Columns whose segments a binary classifier should treat alike; they are segments too.
    estimate
        What performance is estimated from where labels are missing: ``rows`` (a sample of each stored window is kept:
        5,000 rows of a classifier, 50,000 of a regressor), ``scores`` alone (of classifiers, and their bands do not
        hold where features move), ``never``, or ``auto``, which takes rows.
    """

    source: Text | None = None
    labels: Annotated[Table | None, BeforeValidator(_source, json_schema_input_type=Table | str | None)] = None
    reference: Annotated[Reference | None, BeforeValidator(_source, json_schema_input_type=Reference | str | None)] = (
        None
    )
    columns: Columns = Columns()  # type: ignore[valid-type]
    segments: Texts = _shared("segments")
    positive: Text | None = _shared("positive")
    task: Task | None = None
    intake: Intake = Intake.model_construct()
    windows: Windows = Windows.model_construct()
    monitors: Annotated[
        Monitors, BeforeValidator(read_monitors, json_schema_input_type=Monitors | Literal["default"] | None)
    ] = Monitors.model_construct()
    tolerance: float = _shared("tolerance")
    tolerances: dict[Text, float] = _shared("tolerances")
    alerts: Alerts = Alerts.model_construct()
    sight: SightConfig = SightConfig.model_construct()
    tags: Texts = ()
    notify: tuple[Notify, ...] = (Notify(to="console"),)
    maintain: Maintain = Maintain()  # type: ignore[valid-type]
    rules: Text | tuple[dict[str, Any], ...] | None = None
    metrics: MetricsField = Metrics.model_construct()
    fairness: Texts = _shared("fairness")
    estimate: Estimate = _shared("estimate")

    @field_validator("tolerances")
    @classmethod
    def _shares(cls, by_column: dict[str, float]) -> dict[str, float]:
        check_shares(by_column)
        return by_column

    @property
    def column_options(self) -> ColumnOptions:
        """Which column is what, as the description of a check has it."""
        return ColumnOptions(**dict(self.columns))

    @property
    def embedders(self) -> Mapping[str, str]:
        """Where to import the embedder of each column of text from."""
        return {column: str(place) for column, place in (self.column_options.embed or {}).items()}

    @property
    def split_by(self) -> tuple[str, ...]:
        """The columns whose values are segments: those named as such, and those of fairness."""
        return tuple(dict.fromkeys((*self.segments, *self.fairness)))

    @property
    def own_measures(self) -> tuple[str, ...]:
        """What this model measures that no plug-in is registered for."""
        functions = tuple(place.partition(":")[2] for place in self.metrics.functions)
        value, gaps = ((BUSINESS_VALUE,) if self.metrics.value else ()), (FAIRNESS if self.fairness else ())
        return (ATTRIBUTION_DRIFT, DEPARTURE, *functions, *value, *gaps)

    def maintenance(self) -> Maintenance:
        """Return what the maintenance step needs."""
        return maintenance(dict(self.maintain))

    def reference_window(self) -> Window | None:
        """Return the interval of the log that is the reference; None where it is a table of its own."""
        given = self.reference
        return Window(given.from_, given.to) if given and given.from_ and given.to else None

    def spec(self, name: str, schema: Schema) -> Spec:
        """Return what the four pure steps need; no monitors stand for the default ones.

        Parameters
        ----------
        name
            The model's name.
        schema
            Its schema, inferred from the reference with ``column_options.roles()`` and the rest.
        """
        monitors = tuple(m.monitor() for _, m in self.monitors.listed)
        rule = self.windows.rule()
        alerts = AlertRule(
            self.alerts.k, self.alerts.n, self.alerts.clear, parse_budget(self.alerts.budget, rule.every)
        )
        schema = replace(schema, metrics=self.metrics.functions)
        return Spec(
            name, schema, rule, self.reference_window(), monitors, alerts, self.maintenance(),
            embed=dict(self.embedders), value=self.metrics.by_label(schema), fairness=self.fairness,
            estimate=self.estimate, sight=SightBounds(**dict(self.sight)),
        )  # fmt: skip

"""What the configuration says of monitors."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from watchkeeper.config.fields import Options, Part, Text, Texts
from watchkeeper.core.against import parse_against
from watchkeeper.core.alert import Cause
from watchkeeper.core.errors import UsageError
from watchkeeper.core.schema import ALL
from watchkeeper.core.spec import Monitor

__all__ = ["MonitorConfig", "Monitors", "read_monitors"]


class MonitorConfig(Part):
    """One thing to measure and how to judge it.

    Attributes
    ----------
    chart
        Left out, it is that of the default monitor of the same measure; another metric gets the chart that default
        monitors judge metrics by, and another comparison needs one.
    cause
        What kind of thing is wrong when it signals; left out, that of the default monitor of the same measure, or
        drift.
    """

    told_by: ClassVar[type | None] = Monitor

    measure: Text
    chart: Text | None = None
    columns: Texts = ()
    segments: Texts = (ALL,)
    options: Options = Field(default_factory=dict)
    cause: Cause | None = None
    against: Text = ""

    def monitor(self, default: Monitor | None = None) -> Monitor:
        """Return the monitor; what it does not name it has from the default one of the same measure, where there is."""
        cause = self.cause or (default.cause if default else Cause.DRIFT)
        chart, options = self.chart or "", dict(self.options)
        if default is not None and not self.chart:
            chart, options = default.chart, {**default.options, **options}
        return Monitor(self.measure, chart, self.columns, self.segments, options, cause, self.against)

    @field_validator("against")
    @classmethod
    def _named(cls, text: str) -> str:
        try:
            return "" if parse_against(text) is None else text
        except UsageError as error:
            raise ValueError(str(error)) from None


class Monitors(Part):
    """What is watched: the default monitors, with those of ``also`` added or in place of theirs, or ``only`` others.

    Attributes
    ----------
    also
        Monitors beside the default ones. One that measures what a default one does takes its columns over from it and
        leaves all others in place; without a chart it keeps that one's chart, options and cause, and changes the
        options that it names.
    only
        Monitors in place of all default ones.
    """

    also: tuple[MonitorConfig, ...] = ()
    only: tuple[MonitorConfig, ...] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.also and self.only is not None:
            raise ValueError("give also, which leaves the default monitors in place, or only, which replaces them")
        return self

    @property
    def listed(self) -> tuple[tuple[tuple[str, int], MonitorConfig], ...]:
        """Each monitor with where it is written below ``monitors``."""
        name, own = ("also", self.also) if self.only is None else ("only", self.only)
        return tuple(((name, place), one) for place, one in enumerate(own))


def read_monitors(value: Any) -> Any:
    """Return what may be a mapping of monitors; ``default`` and nothing stand for the default ones.

    Raises
    ------
    ValueError
        When it is a list, as it was in 0.1.0, or another text.
    """
    if value is None or value == "default":
        return {}
    if isinstance(value, list | tuple):
        raise ValueError(
            "is a list, which does not say whether the default monitors stay; write also: [...] to add to them or to "
            "change those of some columns, or only: [...] to watch nothing else"
        )
    if isinstance(value, str):
        raise ValueError("should be default, or a mapping with also or only")
    return value

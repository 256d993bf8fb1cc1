"""Whether a chart can use the options that somebody wrote for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from watchkeeper.core.errors import UsageError, near_miss

__all__ = ["ChecksOptions", "ChoosesWords", "option_faults"]


@runtime_checkable
class ChoosesWords(Protocol):
    """A chart with options that are words: which are valid, by option."""

    choices: ClassVar[Mapping[str, tuple[str, ...]]]


@runtime_checkable
class ChecksOptions(Protocol):
    """A chart that can tell otherwise that it cannot use some options; it is asked when a configuration is read."""

    def check(self, options: Mapping[str, float | str]) -> None:
        """Raise UsageError where options, all of them, do not go together."""


def option_faults(chart: Any, options: Mapping[str, float | str]) -> dict[str, str]:
    """Return what is wrong with options, in words, by name: unknown ones, texts for numbers, words that mean nothing.

    Parameters
    ----------
    chart
        The chart. Of its options it states the defaults, and may be one that ``ChoosesWords`` or ``ChecksOptions``.

    Examples
    --------
    >>> from watchkeeper.core.plugins import plugin
    >>> option_faults(plugin("chart", "ewma"), {"lamda": 0.2})["lamda"].partition(" Valid")[0]
    "the chart ewma has no option 'lamda'; did you mean 'lambda'?"
    """
    known, choices = chart.defaults, chart.choices if isinstance(chart, ChoosesWords) else {}
    faults: dict[str, str] = {}
    for name, value in options.items():
        if name not in known:
            faults[name] = f"the chart {chart.name} has no option {name!r}; {near_miss(name, known, most=40)}"
        elif isinstance(value, str) is not isinstance(known[name], str):
            wanted = "a text" if isinstance(known[name], str) else "a number"
            faults[name] = f"must be {wanted}, as {known[name]!r} is, which it is by default; this is {value!r}"
        elif name in choices and value not in choices[name]:
            faults[name] = f"there is no {name} {value!r}; {near_miss(str(value), choices[name])}"
    if not faults and isinstance(chart, ChecksOptions):
        try:
            chart.check({**known, **options})
        except UsageError as error:
            faults[""] = str(error)
    return faults

"""Whether a chart can use the options that somebody wrote for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.core.errors import UsageError, near_miss

__all__ = ["option_faults"]


def option_faults(chart: Any, options: Mapping[str, float | str]) -> dict[str, str]:
    """Return what is wrong with options, in words, by name: unknown ones, texts for numbers, words that mean nothing.

    Parameters
    ----------
    chart
        The chart. Of its options it states the defaults; ``choices``, if it has them, are the words that are valid for
        some of them, and its method ``check``, if it has one, raises UsageError where options are off otherwise.

    Examples
    --------
    >>> from watchkeeper.core.plugins import plugin
    >>> option_faults(plugin("chart", "ewma"), {"lamda": 0.2})["lamda"].partition(" Valid")[0]
    "the chart ewma has no option 'lamda'; did you mean 'lambda'?"
    """
    known, choices = chart.defaults, getattr(chart, "choices", {})
    faults: dict[str, str] = {}
    for name, value in options.items():
        if name not in known:
            faults[name] = f"the chart {chart.name} has no option {name!r}; {near_miss(name, known, most=40)}"
        elif isinstance(value, str) is not isinstance(known[name], str):
            wanted = "a text" if isinstance(known[name], str) else "a number"
            faults[name] = f"must be {wanted}, as {known[name]!r} is, which it is by default; this is {value!r}"
        elif name in choices and value not in choices[name]:
            faults[name] = f"there is no {name} {value!r}; {near_miss(str(value), choices[name])}"
    if not faults and hasattr(chart, "check"):
        try:
            chart.check({**known, **options})
        except UsageError as error:
            faults[""] = str(error)
    return faults

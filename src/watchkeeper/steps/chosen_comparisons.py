"""Columns that are judged by the comparison their owner chose, in place of the default ones for drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite

from watchkeeper.core.alert import Cause
from watchkeeper.core.errors import UsageError, near_miss
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Column, Schema
from watchkeeper.core.spec import Monitor

__all__ = ["with_comparisons"]

_DISTANCES = ("ks", "l_infinity", "level_rise")
"""Distances between shares, which the tolerance of a column is a limit of."""

_BUDGET = ("run_length", "series", "tolerance", "min_coverage")


def with_comparisons(
    defaults: Sequence[Monitor], chosen: Mapping[str, str], schema: Schema, where: str = "comparisons"
) -> tuple[Monitor, ...]:
    """Return the default monitors, with those for drift of some columns replaced; what guards against faults stays.

    Parameters
    ----------
    chosen
        By column a comparison, and behind a colon the limit beyond which it signals: ``psi:0.2``. Without a limit a
        distance between shares (``ks``) is judged by the tolerance of the column, and a test (``ks_test``) by its
        p-value at the column's part of the budget.
    where
        Begins the messages.

    Raises
    ------
    UsageError
        When there is no such column or comparison, the comparison does not fit the column, or it needs a limit.
    """
    for name in chosen:
        if name not in schema:
            raise UsageError(f"{where}: there is no column {name!r}; {near_miss(name, (c.name for c in schema))}")
    staying = []
    for monitor in defaults:
        left = tuple(c for c in monitor.columns if c not in chosen) if monitor.cause is Cause.DRIFT else monitor.columns
        if left or not monitor.columns:
            staying.append(replace(monitor, columns=left))
    own = [_monitor(schema[name], text, _budget(name, defaults), where) for name, text in chosen.items()]
    return (*staying, *own)


def _budget(column: str, defaults: Sequence[Monitor]) -> dict[str, float | str]:
    """Return the part of the budget, and the tolerance, that the default monitors of a column have."""
    for monitor in defaults:
        if monitor.cause is Cause.DRIFT and column in monitor.columns and "run_length" in monitor.options:
            return {name: value for name, value in monitor.options.items() if name in _BUDGET}
    return {}


def _monitor(column: Column, text: str, budget: dict[str, float | str], where: str) -> Monitor:
    name, limit = _parted(text, f"{where}: {column.name!r}")
    known = plugins("comparison")
    if name not in known:
        raise UsageError(f"{where}: {column.name!r}: there is no comparison {name!r}; {near_miss(name, known)}")
    fitting = sorted(n for n, one in known.items() if one.applies(column))
    if name not in fitting:
        kind = column.kind.value
        raise UsageError(f"{where}: {name} does not fit {column.name!r}, which is {kind}; {near_miss(name, fitting)}")
    test = name.endswith("_test")
    if limit is not None:
        side = "lower" if test else "upper"
        return Monitor(name, "fixed", (column.name,), options={side: limit})
    if test:
        used = {option: value for option, value in budget.items() if option != "tolerance"}
        return Monitor(name, "significance", (column.name,), options=used)
    if name in _DISTANCES:
        return Monitor(name, "tolerance", (column.name,), options=budget)
    judged = [n for n in fitting if n in _DISTANCES or n.endswith("_test")]
    raise UsageError(
        f"{where}: {name} of {column.name!r} needs a limit, such as {name}:0.2; judged without one are "
        f"{', '.join(judged) or 'none that fits it'}"
    )


def _parted(text: str, where: str) -> tuple[str, float | None]:
    name, colon, limit = text.partition(":")
    if not colon:
        return name, None
    try:
        number = float(limit)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise UsageError(f"{where}: the limit {limit!r} is no number; write it as in psi:0.2")
    return name, number

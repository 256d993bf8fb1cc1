"""All comparisons of a model's columns, one failed row where one fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from watchkeeper.compare.before_after import before_after
from watchkeeper.compare.comparison import Comparison
from watchkeeper.compare.recent import Recent, RecentAware
from watchkeeper.compare.window_shape import Lately, WindowsAware
from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.plugins import plugin
from watchkeeper.core.state import State

__all__ = ["assess_column"]


def assess_column(
    reference: State | None,
    current: State,
    names: Iterable[str],
    recent: Recent = (),
    lately: Lately | None = None,
) -> list[Measurement]:
    """Compare one column by every named comparison that applies to it.

    Parameters
    ----------
    reference, current
        States of the same column; no reference gives one measurement without data per comparison.
    names
        Registry keys of comparisons.
    recent
        What the last windows held beyond the reference, for comparisons that run with them.
    lately
        What it was in the last windows, for comparisons that know these.

    Returns
    -------
    list
        One measurement per comparison, each with what was and what is. A comparison that raises is a failed
        measurement, never an error.
    """
    spec = current.spec or (reference.spec if reference else None)
    found: list[Measurement] = []
    for name in names:
        comparison: Comparison = plugin("comparison", name)
        if spec is not None and not comparison.applies(spec):
            continue
        if reference is None:
            found.append(Measurement.missing(current.key, Family.COMPARISON, name, "there is no reference"))
            continue
        try:
            # Values near the largest number overflow; the comparison then says so by its status.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                if recent and isinstance(comparison, RecentAware):
                    measured = comparison.compare_recent(reference, current, recent)
                elif lately is not None and isinstance(comparison, WindowsAware):
                    measured = comparison.compare_windows(reference, current, lately)
                else:
                    measured = comparison.compare(reference, current)
                found.append(_with_change(measured, reference, current))
        except WatchkeeperError as error:
            found.append(Measurement.failed(current.key, Family.COMPARISON, name, str(error)))
        except Exception as error:  # noqa: BLE001
            # A plug-in may fail in any way; it costs one row and not the report.
            words = f"{type(comparison).__name__} raised {type(error).__name__}: {error}"
            found.append(Measurement.failed(current.key, Family.COMPARISON, name, words))
    return found


def _with_change(measurement: Measurement, reference: State, current: State) -> Measurement:
    """Say what was and what is, where the comparison says nothing of it itself."""
    evidence = measurement.evidence
    if measurement.status is not Status.OK or evidence.change.before is not None:
        return measurement
    change = before_after(reference, current)
    return measurement if change is None else replace(measurement, evidence=replace(evidence, change=change))

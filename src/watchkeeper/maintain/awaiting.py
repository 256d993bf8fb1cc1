"""Whether enough labelled rows from after a change are there to learn from, and when they will be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert
from watchkeeper.core.columns import series_named
from watchkeeper.core.ground import Ground
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import Spec
from watchkeeper.core.window import WindowRule
from watchkeeper.maintain.challenger import FEWEST
from watchkeeper.maintain.terms import read_answers
from watchkeeper.maintain.trigger import MaintenanceMemory
from watchkeeper.maintain.windows import epoch

__all__ = ["awaited", "rows_wanted"]


def awaited(
    frames: Iterable[pl.DataFrame],
    spec: Spec,
    change: datetime,
    newest: datetime,
    now: datetime,
    age: timedelta | None = None,
    wanted: int = 2 * FEWEST,
) -> Ground | None:
    """Return what training waits for, with its date; None where it need not wait.

    Nothing is trained before there are 100 labelled rows from after the change, half of them to learn from and half to
    judge on: a challenger that has seen none would be the old model again, and a try would be spent on it. Without a
    change those from after the champion's training have to be as many as the gate asks for.

    Parameters
    ----------
    frames
        Rows of the log from the change on, with labels or without.
    newest
        End of the time whose labels have arrived.
    now
        End of the judged window.
    age
        How old rows have to be; None for ``maintenance.label_delay``.
    wanted
        How many labelled rows there have to be.

    Returns
    -------
    Ground or None
        ``awaits_labels``: ``at`` the change, ``until`` the end of the window at which as many rows as are wanted will
        have had their label delay, judged by how fast rows come.
    """
    name = spec.schema.name_of(Role.TIME)
    if name is None:
        return None
    came, labelled = [np.empty(0)], 0
    for frame in frames:
        times = epoch(series_named(frame, name)) / 1e6
        labelled += int(np.sum(np.isfinite(read_answers(frame, spec.schema).label) & (times < newest.timestamp())))
        came.append(times)
    if labelled >= wanted:
        return None
    times = np.sort(np.concatenate(came))
    if len(times) >= wanted:
        enough = datetime.fromtimestamp(float(times[wanted - 1]), UTC)
    else:
        passed = max(now - change, timedelta(hours=1))
        enough = change + passed * min(wanted / max(1, len(times)), 1_000)
    ready = max(enough + (spec.maintenance.label_delay if age is None else age), now)
    rule = spec.windows or WindowRule()
    return Ground("awaits_labels", at=change, until=rule.window_of(ready).end, n=labelled, needed=wanted)


def rows_wanted(
    action: Action, alerts: Sequence[Alert], memory: MaintenanceMemory, spec: Spec
) -> tuple[datetime | None, int]:
    """Return from when on labelled rows are needed for a proposal, and how many; None where nothing says.

    After a change those since it; else the gate judges on what the champion has not learned from.
    """
    change = next((alert.since for alert in alerts if alert.id == action.alert), None)
    if change is not None:
        return change, 2 * FEWEST
    version = memory.version
    return version.trained.end if version and version.trained else None, spec.maintenance.min_rows

"""Whether enough labelled rows from after a change are there to learn from, and when they will be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.ground import Ground
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import Spec
from watchkeeper.core.window import WindowRule
from watchkeeper.maintain.challenger import FEWEST
from watchkeeper.maintain.terms import read_answers
from watchkeeper.maintain.windows import epoch

__all__ = ["awaited"]


def awaited(
    frames: Iterable[pl.DataFrame],
    spec: Spec,
    change: datetime,
    newest: datetime,
    now: datetime,
    age: timedelta | None = None,
) -> Ground | None:
    """Return what training after a change waits for, with its date; None where it need not wait.

    Nothing is trained before there are 100 labelled rows from after the change, half of them to learn from and half to
    judge on: a challenger that has seen none would be the old model again, and a try would be spent on it.

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

    Returns
    -------
    Ground or None
        ``awaits_labels``: ``at`` the change, ``until`` the end of the window at which as many rows as are wanted will
        have had their label delay, judged by how fast rows come.
    """
    name, wanted = spec.schema.name_of(Role.TIME), 2 * FEWEST
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

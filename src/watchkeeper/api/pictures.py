"""The chart of an alert, for those who are told of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from watchkeeper.alerts.letter import Picture
from watchkeeper.alerts.plain import plain
from watchkeeper.core.alert import Alert
from watchkeeper.core.query import Query
from watchkeeper.core.signal import Signal
from watchkeeper.core.store import Store
from watchkeeper.run.project import Project

__all__ = ["picture_of", "with_pictures"]

_WIDTH, _NAME = 600, 100


def with_pictures(project: Project) -> Project:
    """Return a project whose messages show the charts of alerts, where the receiver shows pictures."""
    return replace(project, draw=partial(picture_of, project.store))


def picture_of(store: Store, alert: Alert) -> Picture | None:
    """Return the control chart of the series that an alert is about most; None where that has no windows."""
    from watchkeeper.views.control_chart import control_chart
    from watchkeeper.views.picture import png_of
    from watchkeeper.views.series import series_of

    worst = next((signal for signal in alert.evidence if signal.fired), None)
    if worst is None or worst.measurement.window is None:
        return None
    signals = store.recorded(alert.model, Signal, Query.of_series(worst.measurement))
    same = [one for one in signals if one.chart == worst.chart and one.measurement.series == worst.measurement.series]
    if not same:
        return None
    series = series_of(same)[0]
    words = plain(f"{series.measure} of {series.subject} over time", _NAME)
    return Picture(png_of(control_chart(series, width=_WIDTH)), words)

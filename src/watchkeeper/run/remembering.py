"""What judging remembers between runs: a row a series, after the windows that a later run may go back to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from watchkeeper.alerts.mutes import as_heard
from watchkeeper.alerts.policy import Episode
from watchkeeper.charts.chart import ChartMemory
from watchkeeper.compare.recent import Recent
from watchkeeper.compare.window_shape import Lately
from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.errors import StoreError
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.remembered import Remembered, SeriesMemory
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window
from watchkeeper.performance.arrivals import Arrivals
from watchkeeper.performance.learned_band import LearnedBand
from watchkeeper.steps.judge import JudgeMemory
from watchkeeper.store.nouns import brief_json, from_json

__all__ = ["kept_windows", "newest_remembered", "recalled", "remembered"]

_VERSION = 1
_CHART, _EPISODE, _BAND, _SHARED = "chart\x1f", "episode\x1f", "band\x1f", "shared"
_EVER = datetime(1, 1, 2, tzinfo=UTC)

_DENSE = 4
"""A window is remembered as long as it lies within this many times the spacing of those that are."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all series share."""

    steady: tuple[Measurement, ...] = ()
    versions: tuple[str, ...] = ()
    recent: dict[str, Recent] = field(default_factory=dict)
    arrivals: Arrivals = field(default_factory=Arrivals)
    lately: dict[str, Lately] = field(default_factory=dict)


def remembered(memory: JudgeMemory, window: Window) -> Remembered:
    """Return what is stored of what judging remembers after a window."""
    parts: dict[str, Any] = {f"{_CHART}{key}": chart for key, chart in memory.charts.items()}
    parts |= {f"{_EPISODE}{cause.value}": episode for cause, episode in memory.episodes.items()}
    parts |= {f"{_BAND}{key}": band for key, band in memory.bands.items()}
    parts[_SHARED] = _Shared(memory.steady, memory.versions, dict(memory.recent), memory.arrivals, dict(memory.lately))
    return Remembered(
        window, tuple(SeriesMemory(name, brief_json(part), _version(part)) for name, part in parts.items())
    )


def recalled(stored: Remembered, alerts: Iterable[Alert]) -> JudgeMemory:
    """Return what judging remembered; of what is damaged, the alerts that were open then, and why no more is known.

    Parameters
    ----------
    alerts
        Of the model, as they are now.
    """
    charts: dict[str, ChartMemory] = {}
    episodes: dict[Cause, Episode] = {}
    bands: dict[str, LearnedBand] = {}
    shared, faults = _Shared(), list[str]()
    for part in stored.series:
        try:
            if part.series.startswith(_CHART):
                charts[part.series.removeprefix(_CHART)] = _read(part, ChartMemory)
            elif part.series.startswith(_EPISODE):
                episodes[Cause(part.series.removeprefix(_EPISODE))] = _read(part, Episode)
            elif part.series.startswith(_BAND):
                bands[part.series.removeprefix(_BAND)] = _read(part, LearnedBand)
            elif part.series == _SHARED:
                shared = _read(part, _Shared)
        except (StoreError, ValueError) as error:
            faults.append(str(error))
    memory = JudgeMemory(
        charts, episodes, shared.steady, shared.versions, shared.recent, shared.arrivals, bands, shared.lately
    )
    if not faults:
        return memory
    still = {a.cause: Episode((True,), 0, as_heard(a, ())) for a in alerts if _open_at(a, stored.window)}
    why = f"{faults[0]}; the charts were made anew from the stored history"
    return replace(memory, episodes=still | episodes, lost=why, damaged=True)


def newest_remembered(store: Store, model: str, until: Window) -> Remembered | None:
    """Return what was remembered last, up to and with a window."""
    upto = Query(window=Window(_EVER, until.end), newest_first=True, limit=1)
    return next(iter(store.recorded(model, Remembered, upto)), None)


def kept_windows(judged: Iterable[Window], every: timedelta) -> set[Window]:
    """Return the judged windows after which what is remembered is kept.

    The further back, the fewer: of windows d windows before the newest, every 2^k-th with 2^k at most d / 4. Judging
    again from d windows back so takes at most d / 4 windows more, and of n windows some 8 + 4 log2(n / 8) are kept.
    """
    places = {window: round((window.start - _EVER) / every) for window in judged}
    newest = max(places.values(), default=0)
    return {window for window, place in places.items() if place % _spacing(newest - place) == 0}


def _spacing(distance: int) -> int:
    spacing = 1
    while 2 * spacing * _DENSE <= distance:
        spacing *= 2
    return spacing


def _version(part: Any) -> int:
    """Return the version of a form; that of its memory a chart minds itself."""
    return part.version if isinstance(part, ChartMemory) else _VERSION


def _read(part: SeriesMemory, kind: type[Any]) -> Any:
    if part.version > _VERSION and kind is not ChartMemory:
        raise StoreError(f"what is remembered of a series has version {part.version}, which a newer version wrote")
    return from_json(part.body, kind)


def _open_at(alert: Alert, window: Window) -> bool:
    return alert.state is not AlertState.ENDED and alert.since is not None and alert.since < window.end

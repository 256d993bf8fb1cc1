"""A window's columns against what their season expects of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.season_model import ColumnSeason, Companions, SeasonModel
from watchkeeper.compare.season_terms import YEAR
from watchkeeper.compare.window_statistics import LEAST_ROWS
from watchkeeper.core.departure import Departure
from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import ALL
from watchkeeper.core.spec import DEPARTURE
from watchkeeper.core.state import State
from watchkeeper.stats.moments import MomentsPart

__all__ = ["coverage", "departures"]

Floats = NDArray[np.float64]

_PARTIAL, _OFF_MIDDLE = 0.8, 0.15
_FAR, _NEAR = 4.0, 5.0

_APART = 2.0
"""Robust standard deviations by which a mean may be off what the others make of it."""


def departures(
    model: SeasonModel, current: Mapping[tuple[str, str], State], start: float, time: str | None
) -> list[Measurement]:
    """Return one measurement for each column: the largest of its departures, in standard deviations of the reference's.

    A window whose rows cover less of it than is usual has another season than the one it is compared with: it is not
    measured, and says so.

    Parameters
    ----------
    start
        Start of the window, in seconds since 1970.
    time
        The time column, whose state tells which part of the window its rows come from.
    """
    partial = _partial(model, current.get((ALL, time or "")), start)
    design = model.terms.design(np.array([start]))[0]
    seen: dict[str, tuple[State, int, Floats, Floats]] = {}
    found: dict[str, Measurement] = {}
    for name, season in model.columns.items():
        state = current.get((ALL, name))
        if state is None:
            continue
        try:
            rows, values = season.statistics.measure(state)
        except WatchkeeperError as error:
            found[name] = Measurement.failed(state.key, Family.COMPARISON, DEPARTURE, str(error))
            continue
        if partial or rows < LEAST_ROWS:
            reason = partial or f"{rows} rows have a value, and {LEAST_ROWS} are needed"
            found[name] = Measurement.missing(state.key, Family.COMPARISON, DEPARTURE, reason, n=rows)
            continue
        expected = design @ np.array(season.coefficients)
        seen[name] = state, rows, values, expected
    robust = {
        name: (values[0] - expected[0]) / model.columns[name].robust for name, (_, _, values, expected) in seen.items()
    }
    for name, (state, rows, values, expected) in seen.items():
        season = model.columns[name]
        own = _departures(model, season, state, rows, values, expected, start)
        if season.companions is not None:
            own.append(_apart(season.companions, own[0], robust, name))
        found[name] = _measurement(state, season, rows, own, yearly=model.terms.yearly)
    return [found[name] for name in model.columns if name in found]


def _departures(
    model: SeasonModel,
    season: ColumnSeason,
    state: State,
    rows: int,
    values: Floats,
    expected: Floats,
    start: float,
) -> list[Departure]:
    years = max(0.0, (start - model.end) / YEAR)
    tolerances = season.statistics.tolerances()
    inflation = max(1.0, season.usual / rows) ** 0.5
    found = []
    for at, name in enumerate(season.statistics.names):
        change = season.statistics.change(at, float(expected[at]), float(values[at]), state)
        found.append(
            Departure(
                name, float(values[at] - expected[at]), inflation, float(tolerances[at]), season.rho[at],
                season.gain[at], season.level[at], season.previous[at],
                tuple(view[at] for view in season.scales), tuple(view[at] for view in season.largest), season.windows,
                (years * season.slower[at], years * season.faster[at]), model.terms.yearly, change=change,
            )
        )  # fmt: skip
    return found


def _apart(known: Companions, mean: Departure, robust: Mapping[str, float], name: str) -> Departure:
    """Return how far the mean is from what those of the other columns make of it, in robust standard deviations."""
    others = np.array([robust.get(other, np.nan) for other in known.columns])
    # A column that is off itself says nothing of the others.
    told = bool((np.abs(others) <= _NEAR).all())
    own = float(np.clip(others, -_FAR, _FAR) @ np.array(known.weights))
    rest = robust[name] - own if told else float("nan")
    return Departure(
        "mean, others known", rest, mean.inflation, _APART, known.rho, known.gain, known.level, known.previous,
        (known.scale,), (known.largest,), mean.windows, alone=True, change=mean.change,
    )  # fmt: skip


def _measurement(state: State, season: ColumnSeason, rows: int, own: list[Departure], *, yearly: bool) -> Measurement:
    far = [abs(one.residual) / max(one.scales[0] * one.inflation, 1e-12) for one in own]
    most = int(np.nanargmax(far))
    size = Size(season.usual * season.windows)
    evidence = Evidence(own[most].change, size, among=len(own), breaks_alone=not yearly)
    found = Measurement.of(state.key, Family.COMPARISON, DEPARTURE, float(far[most]), rows, evidence=evidence)
    return replace(found, departures=tuple(own))


def _partial(model: SeasonModel, state: State | None, start: float) -> str:
    """Return, in words, that the rows cover another part of the window than usual; empty where they do not."""
    covered = None if state is None else coverage(state, start, model.length)
    if covered is None or model.covered is None:
        return ""
    usual, middle = model.covered
    if covered[0] >= _PARTIAL * usual and abs(covered[1] - middle) <= _OFF_MIDDLE:
        return ""
    where = f"{covered[0]:.0%} of the window, about its {covered[1]:.0%}"
    return f"its rows cover {where}; usual are {usual:.0%} and {middle:.0%}"


def coverage(time: State, start: float, length: float) -> tuple[float, float] | None:
    """Return which share of a window its rows span, and where in it their mean lies; None where times are unknown."""
    part = time.parts.get("moments")
    if not isinstance(part, MomentsPart) or part.n < LEAST_ROWS:
        return None
    return (part.largest - part.smallest) / length, (part.mean - start) / length

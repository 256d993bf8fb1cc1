"""Windows of a station, a growing load and rows without seasons, by their statistics, to count false alarms on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.season_model import Reference, SeasonModel, fit_season
from watchkeeper.compare.season_terms import DAY, YEAR
from watchkeeper.compare.window_statistics import WindowStatistics
from watchkeeper.core.departure import Departure

__all__ = ["WORLDS", "departure", "fitted_world"]

Floats = NDArray[np.float64]

MONDAY = 1_704_067_200.0
"""1 January 2024."""


def _slow(rng: np.random.Generator, windows: int, carried: float) -> Floats:
    found, steps = np.zeros(windows), rng.standard_normal(windows) * np.sqrt(1 - carried**2)
    for window in range(1, windows):
        found[window] = carried * found[window - 1] + steps[window]
    return found


def _station(rng: np.random.Generator, days: Floats) -> Floats:
    """Return daily means that the year and the weather move."""
    year = np.sin(2 * np.pi * days / 365.25)
    return 1.2 * year + 0.4 * _slow(rng, len(days), 0.7) + 0.05 * rng.standard_normal(len(days))


def _load(rng: np.random.Generator, days: Floats) -> Floats:
    """Return daily means that grow by a third a year, with weekends and all they scatter by."""
    grown = 1 + 0.35 * days / 365
    return grown * (2 - 0.5 * (days % 7 >= 5) + 0.12 * _slow(rng, len(days), 0.5))


def _plain(rng: np.random.Generator, days: Floats) -> Floats:
    return 0.03 * rng.standard_normal(len(days))


WORLDS = {"station": _station, "load": _load, "plain": _plain}


def fitted_world(name: str, seed: int, days: int, reference: int, columns: int = 6) -> tuple[SeasonModel, Floats]:
    """Return the season of the first ``reference`` days, and the daily means of all days, shape (days, columns)."""
    rng, day = np.random.default_rng([seed, len(name)]), np.arange(days, dtype=float)
    means = np.stack([WORLDS[name](rng, day) for _ in range(columns)], axis=1)
    starts, rows = MONDAY + DAY * day[:reference], np.full(reference, 500.0)
    statistics = WindowStatistics(("mean",))
    one = {f"x{i}": Reference(statistics, means[:reference, [i]], rows) for i in range(columns)}
    return fit_season(starts, DAY, one), means


def departure(model: SeasonModel, column: str, day: int, mean: float) -> Departure:
    """Return what a day's mean differs by from its season."""
    own, start = model.columns[column], MONDAY + DAY * day
    expected = float(model.terms.design(np.array([start]))[0] @ np.array(own.coefficients)[:, 0])
    years = (start - model.end) / YEAR
    return Departure(
        "mean", mean - expected, 1.0, 0.0, own.rho[0], own.gain[0], own.level[0], own.previous[0],
        tuple(view[0] for view in own.scales), tuple(view[0] for view in own.largest), own.windows,
        (years * own.slower[0], years * own.faster[0]), model.terms.yearly,
    )  # fmt: skip

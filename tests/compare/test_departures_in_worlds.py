"""Seasons, weather, growth and a reference of a quarter raise no more alarms than the budget, and faults are found."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compare.worlds import departure, fitted_world
from watchkeeper.charts.chart import ChartMemory
from watchkeeper.charts.departure import Departure
from watchkeeper.compare.season_model import SeasonModel
from watchkeeper.core.measurement import Family, Measurement

OPTIONS = {"run_length": 730.0, "series": 48.0}
Memories = dict[str, ChartMemory]


def judge(model: SeasonModel, memory: Memories, day: int, means: np.ndarray) -> tuple[Memories, set[str]]:
    after, fired = dict(memory), set[str]()
    for column, mean in zip(model.columns, means.tolist(), strict=True):
        own = departure(model, column, day, mean)
        point = Measurement(Family.COMPARISON, "departure", 1.0, 500, column=column, departures=(own,))
        after[column], signal = Departure().step(memory.get(column), point, OPTIONS)
        fired |= {column} if signal.fired else set()
    return after, fired


@pytest.mark.parametrize(("world", "reference"), [("station", 365), ("station", 91), ("load", 365), ("plain", 50)])
def test_worlds_without_a_fault_keep_the_budget_and_those_with_one_show_it(world: str, reference: int) -> None:
    alarms, windows, found = 0, 0, []
    for seed in range(2):
        model, means = fitted_world(world, seed, reference + 200, reference)
        memory, quiet = Memories(), 9
        for day in range(reference, reference + 200):
            if day % 60 == 0:
                size = 8 * model.columns["x0"].scales[0][0]
                found.append("x0" in judge(model, memory, day, means[day] + size * (np.arange(6) == 0))[1])
            memory, fired = judge(model, memory, day, means[day])
            alarms, quiet, windows = alarms + (bool(fired) and quiet >= 2), 0 if fired else quiet + 1, windows + 1
    # One false alert in 730 windows is the budget; a Poisson count with mean .55 is above 2 once in 50.
    assert windows == 400
    assert alarms <= 2
    assert np.mean(found) > 0.9

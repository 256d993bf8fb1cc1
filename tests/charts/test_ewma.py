"""The EWMA chart step by step."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import numpy as np
import pytest

from tests.charts import simulated
from tests.charts.points import KNOWN, point, run
from watchkeeper.charts.cusum import Cusum
from watchkeeper.charts.ewma import Ewma
from watchkeeper.charts.shiryaev_roberts import ShiryaevRoberts
from watchkeeper.core.errors import UsageError

NUMBERS = np.random.default_rng(40).normal(0.6, 1.0, 40).tolist()


def first(start: np.ndarray, step: simulated.Step) -> int:
    state = start[None]
    for number, z in enumerate(NUMBERS, 1):
        state, fired = step(state, np.array([z]))
        if fired.any():
            return number
    return 0


@pytest.mark.parametrize(
    ("chart", "options", "known"),
    [
        (Ewma(), {"lambda": 0.1, "factor": 2.814}, simulated.ewma(0.1, 2.814)),
        (Cusum(), {"k": 0.5, "h": 4.0}, simulated.cusum(0.5, 4.0)),
        (Cusum(), {"k": 0.5, "h": 4.0, "head": 0.5}, simulated.cusum(0.5, 4.0, head=2.0)),
        (ShiryaevRoberts(), {"g": 4.0, "side": "upper"}, simulated.shiryaev_roberts(0.5, 4.0)),
    ],
    ids=["ewma", "cusum", "cusum with a headstart", "shiryaev-roberts"],
)
def test_a_chart_signals_where_the_simulated_statistic_does(chart, options, known) -> None:
    _, signals = run(chart, KNOWN, [point(z) for z in NUMBERS], options)
    assert [s.fired for s in signals].index(True) + 1 == first(*known)


def test_the_limits_shown_are_where_the_average_would_reach_its_own() -> None:
    """After 1, 1, 1 with λ = .5 the average is .875, so a point of 2·L·√(1/3) - .875 brings it to L·√(1/3)."""
    options = {"lambda": 0.5, "factor": 3.0}
    memory, _ = run(Ewma(), KNOWN, [point(1.0)] * 3, options)
    edge = 2 * 3 * sqrt(1 / 3) - 0.875
    for away, fires in ((-1e-6, False), (1e-6, True)):
        signal = Ewma().step(memory, point(edge + away), options)[1]
        assert signal.upper == pytest.approx(edge)
        assert signal.fired is fires


def test_the_chart_signals_while_a_shift_lasts_and_is_quiet_soon_after() -> None:
    memory, _ = run(Ewma(), KNOWN, [point(0.0)] * 20)
    memory, during = run(Ewma(), memory, [point(3.0)] * 20)
    _, after = run(Ewma(), memory, [point(0.0)] * 6)
    assert all(s.fired for s in during[5:])
    assert not any(s.fired for s in after[3:])


def test_a_lasting_shift_of_half_a_sigma_is_found_sooner_than_by_limits_on_points() -> None:
    """Reference file: 31.3 windows on average at λ = .1, L = 2.814; three sigma limits need 155."""
    rng = np.random.default_rng(41)
    found = []
    for _ in range(30):
        _, signals = run(Ewma(), KNOWN, [point(z) for z in rng.normal(0.5, 1, 150).tolist()], {"factor": 2.814})
        found.append(next((n for n, s in enumerate(signals, 1) if s.fired), 150))
    assert abs(np.mean(found) - 31.3) <= 3 * np.std(found) / sqrt(30)


def test_the_average_of_a_learned_series_allows_for_the_error_of_its_centre() -> None:
    """With 30 points the centre is off by .18 sigma; uncorrected, a run length of 500 would fall to about 200."""
    rng, episodes, windows = np.random.default_rng(42), 0, 0
    for _ in range(30):
        points = [point(z) for z in rng.normal(0, 1, 180).tolist()]
        _, signals = run(Ewma(), None, points, {"phase_one": 30.0, "autocorrelation": "none"})
        episodes += sum(b.fired and not a.fired for a, b in pairwise(signals))
        windows += 150
    assert episodes / windows <= 0.005


def test_a_weight_outside_of_its_range_is_refused() -> None:
    with pytest.raises(UsageError, match="lambda is 2"):
        Ewma().step(KNOWN, point(1.0), {"lambda": 2.0})

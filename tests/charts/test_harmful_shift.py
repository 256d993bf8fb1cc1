"""The e-detector on loss: silent without harm whatever else happens, and quick with it."""

from __future__ import annotations

from math import log, log1p, sqrt

import numpy as np
import pytest

from tests.charts.points import point, run
from watchkeeper.charts.harmful_shift import BETS, HarmfulShift, log_bets
from watchkeeper.core.errors import UsageError

ROWS = {"unit": "rows", "run_length": 100_000.0, "risk": 0.1, "risk_error": sqrt(0.09 / 50_000)}


def errors(rng: np.random.Generator, rate: float, windows: int, n: int = 50):
    """Windows of n rows with their share of errors."""
    for k in rng.binomial(n, rate, windows).tolist():
        share = k / n
        yield point(share, max(sqrt(share * (1 - share) / n), 0.5 / n), n)


def test_bets_on_a_share_are_those_worked_by_hand() -> None:
    """m0 = .2, share .3, λ = .1: .3·ln(1 + .1·4) + .7·ln(.9)."""
    found = log_bets(0.3, 0.21, 0.2)
    assert found[2] == pytest.approx(0.3 * log(1.4) + 0.7 * log1p(-0.1))


@pytest.mark.parametrize("draw", ["share", "exponential", "lognormal", "uniform"])
def test_no_bet_gains_on_average_at_the_largest_tolerated_loss(draw: str) -> None:
    """E[exp(ln E)] ≤ 1 for one row of any loss that is not negative, here with its mean at m0."""
    rng = np.random.default_rng(70)
    rows = {
        "share": rng.random(200_000) < 0.2,
        "exponential": rng.exponential(1.0, 200_000),
        "lognormal": rng.lognormal(0, 1, 200_000),
        "uniform": rng.random(200_000),
    }[draw].astype(float)
    mean = float(rows.mean())
    for j in range(len(BETS)):
        # The bet of one row: its own deviation from m0 is all its variance.
        away = (rows - mean) / mean
        gains = np.exp(BETS[j] * away - (-np.log1p(-BETS[j]) - BETS[j]) * away**2)
        assert gains.mean() <= 1 + 3 * gains.std() / sqrt(len(gains))


def test_without_harm_there_is_less_than_one_false_alarm_in_a_hundred_thousand_rows() -> None:
    rng = np.random.default_rng(71)
    alarms = sum(s.fired for _ in range(3) for s in run(HarmfulShift(), None, errors(rng, 0.1, 2_000), ROWS)[1])
    assert alarms == 0


def test_the_run_length_is_kept_at_the_edge_of_what_is_tolerated() -> None:
    """At a loss of exactly m0 the average run length is at least A = 100 windows; the mean of 30 runs, cut at 300."""
    rng, options = np.random.default_rng(72), {"run_length": 100.0, "risk": 0.1, "tolerance": 0.05}
    lengths = []
    for _ in range(30):
        _, signals = run(HarmfulShift(), None, errors(rng, 0.15, 300), options)
        lengths.append(next((n for n, s in enumerate(signals, 1) if s.fired), 300))
    assert np.mean(lengths) >= 100


@pytest.mark.slow
def test_an_error_rate_of_15_instead_of_10_percent_is_found_within_the_rows_that_were_measured() -> None:
    """At a tolerance of .02 alone a median of 1,303 rows was measured; here m0 also has the reference's upper bound."""
    rng, delays = np.random.default_rng(73), []
    for _ in range(41):
        memory, _ = run(HarmfulShift(), None, errors(rng, 0.1, 100), ROWS)
        _, signals = run(HarmfulShift(), memory, errors(rng, 0.15, 200), ROWS)
        delays.append(next((50 * n for n, s in enumerate(signals, 1) if s.fired), 10_000))
    assert np.median(delays) <= 2_200


def test_a_gain_is_no_alarm_and_accuracy_is_read_the_other_way_round() -> None:
    rng = np.random.default_rng(74)
    options = {"better": "higher", "min_samples": 8.0, "tolerance": 0.01}

    def windows(rate: float, count: int):
        return [point(1 - (m.value or 0), m.error, m.n) for m in errors(rng, rate, count, 1_000)]

    memory, _ = run(HarmfulShift(), None, windows(0.1, 8), options)
    assert not any(s.fired for s in run(HarmfulShift(), memory, windows(0.02, 60), options)[1])
    _, worse = run(HarmfulShift(), memory, windows(0.2, 10), options)
    assert worse[-1].fired
    assert worse[-1].centre == pytest.approx(0.9, abs=0.01)


def test_windows_that_vary_by_themselves_are_no_harm() -> None:
    """Mean absolute errors that vary by 10 % from window to window, far beyond their sampling error."""
    rng = np.random.default_rng(75)
    points = [point(v, 0.01, 1_000) for v in (10 + rng.normal(0, 1, 400)).tolist()]
    _, signals = run(HarmfulShift(), None, points, {"tolerance": 0.5, "min_samples": 20.0})
    assert not any(s.fired for s in signals)


def test_a_loss_below_zero_is_refused() -> None:
    with pytest.raises(UsageError, match="not negative"):
        HarmfulShift().step(None, point(-0.1, 0.01), {})
    with pytest.raises(UsageError, match="did you mean 'higher'"):
        HarmfulShift().step(None, point(0.1, 0.01), {"better": "highr"})

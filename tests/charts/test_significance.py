"""A signal needs both significance at the budget and an effect that matters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from watchkeeper.charts.significance import Significance
from watchkeeper.core.evidence import Evidence, Size, SumOfSquares
from watchkeeper.core.measurement import Family, Measurement


def point(value: float, p_value: float, among: int = 1, squares: SumOfSquares | None = None) -> Measurement:
    evidence = Evidence(p_value=p_value, among=among, squares=squares)
    return Measurement(Family.COMPARISON, "correlation_change", value, 500, evidence=evidence)


@pytest.mark.parametrize(
    ("value", "p_value", "fires"),
    [(0.3, 1e-5, True), (0.3, 1e-4, False), (0.05, 1e-9, False), (0.3, 0.0, True)],
)
def test_the_p_value_must_be_at_most_one_over_series_times_run_length(value, p_value, fires):
    """1/(30·1,000) = 3.3e-5; the tolerance is .1."""
    options = {"series": 30.0, "run_length": 1_000.0, "tolerance": 0.1}
    _, signal = Significance().step(None, point(value, p_value), options)
    assert signal.fired is fires
    assert signal.p_value == pytest.approx(p_value, abs=1e-299)


def test_the_run_length_is_kept_with_exact_p_values():
    """10,000 uniform p-values at a run length of 100: 100 signals are expected, with a Poisson 99.9 % limit of 132."""
    p = np.random.default_rng(0).random(10_000)
    fired = sum(Significance().step(None, point(0.5, float(v)), {"run_length": 100.0})[1].fired for v in p)
    assert stats.poisson.ppf(0.001, 100) <= fired <= stats.poisson.ppf(0.999, 100)


def test_a_p_value_too_small_for_a_number_is_deflated_too():
    """At an effect of 100 a z of 37 is one of 3.7, which is .0002 and not 1/10,000."""
    far = point(1.7, 0.0)
    far = replace(far, evidence=replace(far.evidence, size=Size(design_effect=100.0)))
    assert not Significance().step(None, far, {"run_length": 10_000.0})[1].fired
    assert Significance().step(None, far, {"run_length": 3_000.0})[1].fired


def test_without_a_p_value_nothing_is_judged():
    bare = Measurement(Family.COMPARISON, "psi", 3.0, 500)
    assert not Significance().step(None, bare, {})[1].fired


def test_a_design_effect_of_four_halves_z():
    """z = 4 has p = 6.3e-5; halved, p = .0455, by scipy's normal distribution."""
    _, signal = Significance().step(None, point(0.5, 2 * stats.norm.sf(4)), {"design_effect": 4.0})
    assert signal.p_value == pytest.approx(2 * stats.norm.sf(2))


def test_a_design_effect_divides_the_z_of_one_pair_and_not_of_all_together():
    """z = 6 of 190 pairs: with φ = 9, z = 2 and 190·.0455 is 1; with φ = 2.25, z = 4 and 190·6.3e-5 = .012.

    Dividing the z of the whole p-value, 5.06, would give .09 and .0007.
    """
    several = point(0.5, 190 * 2 * stats.norm.sf(6), among=190)
    found = [Significance().step(None, several, {"design_effect": effect})[1].p_value for effect in (9.0, 2.25)]
    assert found == [1.0, pytest.approx(190 * 2 * stats.norm.sf(4))]


def test_where_the_design_effect_must_be_known_a_point_without_it_is_not_judged():
    bare = point(0.5, 1e-9)
    known = replace(bare, evidence=replace(bare.evidence, size=Size(design_effect=1.0)))
    assert not Significance().step(None, bare, {"known": 1.0})[1].fired
    assert Significance().step(None, known, {"known": 1.0})[1].fired


def test_a_design_effect_divides_the_sum_of_squares_behind_a_p_value() -> None:
    """Against 400,000 draws of 5χ² + 2χ² + χ² + χ²: 20 at a design effect of 3 is a sum of 20/3, 90 one of 30."""
    draws = np.random.default_rng(1).chisquare(1, size=(400_000, 4)) @ np.array([5.0, 2.0, 1.0, 1.0])
    second, third = 25 + 4 + 1 + 1, 125 + 8 + 1 + 1
    for total in (20.0, 90.0):
        found = point(0.5, 1e-9, squares=SumOfSquares(total / 9, second**3 / third**2, 9 / second**0.5))
        p_value = Significance().step(None, found, {"design_effect": 3.0})[1].p_value
        assert p_value == pytest.approx(np.mean(draws >= total / 3), rel=0.1)

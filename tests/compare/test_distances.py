"""Distances against scipy, against published formulae worked by hand, and against their own claims."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from watchkeeper.compare.chi_square import ChiSquare
from watchkeeper.compare.jensen_shannon import JensenShannon
from watchkeeper.compare.ks import Ks
from watchkeeper.compare.l_infinity import LInfinity
from watchkeeper.compare.null_rate import NullRate
from watchkeeper.compare.psi import Psi
from watchkeeper.compare.unit_change import UnitChange
from watchkeeper.compare.unseen_levels import UnseenLevels
from watchkeeper.compare.wasserstein import Wasserstein
from watchkeeper.core.evidence import Transformation, TransformationKind
from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import Kind

from .conftest import Pair


def levels(**counts: int) -> list[str]:
    return [name for name, count in counts.items() for _ in range(count)]


def test_psi_of_three_levels_is_the_sum_worked_by_hand(pair: Pair) -> None:
    reference, current = pair(levels(a=50, b=30, c=20), levels(a=40, b=40, c=20), Kind.CATEGORICAL)
    by_hand = (0.4 - 0.5) * math.log(0.4 / 0.5) + (0.4 - 0.3) * math.log(0.4 / 0.3)
    found = Psi().compare(reference, current)
    assert found.value == pytest.approx(by_hand, abs=1e-12)
    assert found.floor == pytest.approx(2 * (1 / 100 + 1 / 100))
    assert found.n == 100


def test_psi_of_repeated_values_is_the_textbooks(pair: Pair) -> None:
    rng = np.random.default_rng(9)
    reference, current = rng.poisson(2.0, 4_000).astype(float), rng.poisson(3.0, 1_000).astype(float)
    # Cells that end with each decile of the reference, each once, as pandas.qcut(duplicates="drop") cuts.
    edges = np.unique(np.quantile(reference, np.arange(1, 10) / 10, method="inverted_cdf"))
    p, q = (np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1) for side in (reference, current))
    p, q = p / p.sum(), q / q.sum()
    assert Psi().compare(*pair(reference, current)).value == pytest.approx(float(((q - p) * np.log(q / p)).sum()))


def test_psi_floor_is_what_equal_distributions_give_on_average(pair: Pair) -> None:
    rng = np.random.default_rng(1)
    found = [Psi().compare(*pair(rng.normal(size=2_000), rng.normal(size=1_000))) for _ in range(150)]
    values = np.array([m.value for m in found])
    assert values.mean() == pytest.approx(found[0].floor, abs=4 * values.std() / math.sqrt(len(values)))


def test_psi_error_covers_a_true_shift(pair: Pair) -> None:
    rng = np.random.default_rng(2)
    # The population value over the deciles of N(0, 1), for a current N(.5, 1).
    edges = stats.norm.ppf(np.linspace(0, 1, 11))
    p, q = np.diff(stats.norm.cdf(edges)), np.diff(stats.norm.cdf(edges, 0.5))
    truth = float(((q - p) * np.log(q / p)).sum())
    inside = 0
    for _ in range(200):
        found = Psi().compare(*pair(rng.normal(size=20_000), rng.normal(0.5, 1, size=5_000)))
        assert found.interval is not None
        inside += found.interval[0] <= truth <= found.interval[1]
    assert 0.90 <= inside / 200 <= 0.99


def test_an_atom_is_not_smeared_over_neighbouring_cells(pair: Pair) -> None:
    rng = np.random.default_rng(3)

    def zero_heavy(n: int) -> np.ndarray:
        return np.where(rng.random(n) < 0.7, 0.0, rng.lognormal(size=n))

    found = [Psi().compare(*pair(zero_heavy(20_000), zero_heavy(20_000))).value for _ in range(20)]
    assert np.mean(found) < 3 * 10 * (2 / 20_000)


def test_jensen_shannon_equals_scipy(pair: Pair) -> None:
    reference, current = pair(levels(a=50, b=30, c=20), levels(a=10, b=40, d=50), Kind.CATEGORICAL)
    expected = jensenshannon([0.5, 0.3, 0.2, 0.0], [0.1, 0.4, 0.0, 0.5], base=2)
    assert JensenShannon().compare(reference, current).value == pytest.approx(expected, abs=1e-12)


def test_jensen_shannon_of_disjoint_levels_is_one(pair: Pair) -> None:
    reference, current = pair(levels(a=5), levels(b=5), Kind.CATEGORICAL)
    assert JensenShannon().compare(reference, current).value == pytest.approx(1.0)


@pytest.mark.parametrize("shift", [0.0, 0.1, 1.0])
def test_ks_lies_within_its_bound_of_scipy(pair: Pair, shift: float) -> None:
    rng = np.random.default_rng(4)
    reference, current = rng.normal(size=30_000), rng.normal(shift, 1, size=7_000)
    exact = stats.ks_2samp(reference, current).statistic
    found = Ks().compare(*pair(reference, current))
    assert found.value is not None
    assert found.value <= exact + 1e-12
    assert exact <= found.value + found.evidence.bound + 1e-12
    assert found.evidence.bound < 0.005


def test_ks_of_whole_numbers_is_exact_and_knows_it(pair: Pair) -> None:
    rng = np.random.default_rng(5)
    reference, current = rng.integers(0, 20, 5_000), rng.integers(0, 22, 4_000)
    found = Ks().compare(*pair(reference, current))
    exact = stats.ks_2samp(reference, current).statistic
    assert found.value == pytest.approx(exact, abs=1e-12)
    assert found.value + found.evidence.bound == pytest.approx(exact, abs=1e-12)


def test_ks_sees_an_hour_in_seconds_since_1970(pair: Pair) -> None:
    rng = np.random.default_rng(6)
    start = 1_700_000_000.0
    reference, current = start + rng.uniform(0, 86_400, 50_000), start + 3_600 + rng.uniform(0, 86_400, 50_000)
    exact = stats.ks_2samp(reference, current).statistic
    assert Ks().compare(*pair(reference, current)).value == pytest.approx(exact, abs=2e-3)


def test_ks_interval_covers_the_true_distance(pair: Pair) -> None:
    rng = np.random.default_rng(7)
    truth = 2 * stats.norm.cdf(0.15) - 1
    inside = 0
    for _ in range(100):
        found = Ks().compare(*pair(rng.normal(size=4_000), rng.normal(0.3, 1, size=2_000)))
        assert found.interval is not None
        inside += found.interval[0] <= truth <= found.interval[1]
    assert inside >= 95


def test_wasserstein_lies_within_its_bound_of_scipy(pair: Pair) -> None:
    rng = np.random.default_rng(8)
    reference, current = rng.gamma(2, 3, 20_000), rng.gamma(2.5, 3, 9_000)
    found = Wasserstein().compare(*pair(reference, current))
    exact = stats.wasserstein_distance(reference, current) / found.evidence.details["scale"]
    assert found.value == pytest.approx(exact, abs=found.evidence.bound)
    assert found.value == pytest.approx(exact, rel=0.01)


def test_wasserstein_of_a_pure_shift_is_the_shift_in_units_of_the_scale(pair: Pair) -> None:
    x = np.random.default_rng(9).normal(size=20_000)
    found = Wasserstein().compare(*pair(x, x + 0.5))
    assert found.value == pytest.approx(0.5 / found.evidence.details["scale"], rel=0.01)


def test_l_infinity_names_the_level_that_moved_most(pair: Pair) -> None:
    reference, current = pair(levels(a=50, b=30, c=20), levels(a=20, b=35, c=45), Kind.CATEGORICAL)
    found = LInfinity().compare(reference, current)
    assert found.value == pytest.approx(0.30)
    assert (found.evidence.change.levels[0], found.evidence.change.before, found.evidence.change.after) == (
        "a",
        0.5,
        0.2,
    )


def test_chi_square_equals_the_two_sample_test_of_scipy(pair: Pair) -> None:
    reference, current = pair(levels(a=50, b=30, c=20), levels(a=40, b=80, c=20), Kind.CATEGORICAL)
    expected = stats.chi2_contingency([[50, 30, 20], [40, 80, 20]], correction=False)
    found = ChiSquare().compare(reference, current)
    assert found.value == pytest.approx(expected.statistic, abs=1e-9)
    assert found.evidence.p_value == pytest.approx(expected.pvalue, abs=1e-12)
    assert found.evidence.details["degrees_of_freedom"] == expected.dof


def test_chi_square_keeps_its_level_on_equal_data(pair: Pair) -> None:
    rng = np.random.default_rng(10)
    shares = [0.5, 0.3, 0.15, 0.05]
    rejected = 0
    for _ in range(400):
        two = [rng.choice(list("abcd"), n, p=shares).tolist() for n in (800, 500)]
        rejected += ChiSquare().compare(*pair(two[0], two[1], Kind.CATEGORICAL)).evidence.p_value < 0.05
    # Three binomial standard errors about 5 % of 400.
    assert abs(rejected - 20) <= 3 * math.sqrt(400 * 0.05 * 0.95)


def test_null_rate_counts_nulls_nan_and_infinities_and_gives_newcombes_interval(pair: Pair) -> None:
    # Newcombe 1998, table II, case (a): 56/70 against 48/80, method 10: 0.0524 to 0.3339.
    current = [None] * 50 + [float("nan")] * 4 + [float("inf")] * 2 + [1.0] * 14
    found = NullRate().compare(*pair([None] * 48 + [1.0] * 32, current))
    assert found.value == pytest.approx(56 / 70 - 48 / 80)
    assert found.interval == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))
    assert (found.evidence.details["nulls"], found.evidence.details["nans"], found.evidence.details["infinities"]) == (
        50,
        4,
        2,
    )


def test_unseen_levels_names_what_is_new(pair: Pair) -> None:
    reference, current = pair(levels(a=60, b=40), levels(a=90, z=10), Kind.CATEGORICAL)
    found = UnseenLevels().compare(reference, current)
    assert found.value == pytest.approx(0.1)
    assert found.evidence.details["levels"] == "'z' (10)"


def test_unit_change_finds_the_factor_and_its_name(pair: Pair) -> None:
    rng = np.random.default_rng(11)
    found = UnitChange().compare(*pair(rng.lognormal(7, 0.6, 20_000), 0.001 * rng.lognormal(7, 0.6, 6_000)))
    assert found.value == 0.001
    assert found.evidence.transformation == Transformation(TransformationKind.RATIO, "units → thousands", 0.001)


@pytest.mark.parametrize("factor", [1.6, 1.609344, 2.54])
def test_a_factor_that_values_grow_by_is_a_scale_and_no_unit(pair: Pair, factor: float) -> None:
    rng = np.random.default_rng(13)
    both = pair(rng.lognormal(7, 0.6, 20_000), factor * rng.lognormal(7, 0.6, 6_000))
    assert UnitChange().compare(*both).value == 1.0
    grown = Ks().compare(*both).evidence.transformation
    assert grown is not None
    assert not grown.fault
    assert grown.factor == pytest.approx(factor, rel=0.03)


def test_unit_change_is_one_for_a_shift_and_for_nothing(pair: Pair) -> None:
    rng = np.random.default_rng(12)
    x, y = rng.normal(10, 1, 20_000), rng.normal(10, 1, 20_000)
    assert UnitChange().compare(*pair(x, y)).value == 1.0
    assert UnitChange().compare(*pair(x, rng.normal(10, 3, 20_000))).value == 1.0


def test_a_side_without_values_is_no_data_and_not_zero(pair: Pair) -> None:
    for comparison in (Psi(), Ks(), Wasserstein(), ChiSquare(), UnitChange()):
        found = comparison.compare(*pair([1.0, 2.0, 3.0], [None, None]))
        assert found.status is Status.NO_DATA
        assert found.value is None
        assert "current data has no values" in found.reason


@pytest.mark.parametrize("n", [1, 2, 6])
def test_a_few_values_tell_of_no_other_unit(pair: Pair, n: int) -> None:
    # 2.5·√(1/5000 + 1/6) = 1.02: no distance between so few values and the reference can be beyond chance.
    rng = np.random.default_rng(5)
    reference = rng.lognormal(7, 0.6, 5_000)
    assert UnitChange().compare(*pair(reference, 1000 * rng.lognormal(7, 0.6, n))).value == 1.0
    assert UnitChange().compare(*pair(reference, 1000 * rng.lognormal(7, 0.6, 200))).value == 1000


def test_values_at_the_end_of_the_range_have_no_distance_rather_than_a_wrong_one(pair: Pair) -> None:
    largest = [1e308, -1e308, 1.0] * 200
    with np.errstate(all="ignore"):
        found = Wasserstein().compare(*pair([1.0, 2.0, 3.0] * 200, largest))
    assert found.status is Status.OK or "too large" in found.reason
    assert found.value is None or np.isfinite(found.value)
